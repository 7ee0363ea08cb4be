#!/bin/sh
# Gives a certificate that certbot has renewed to HAProxy, on every balancer, without a reload: no
# connection is cut, none gets old. Certbot remembers it for this certificate alone:
#   certbot renew --cert-name ws.example.org --deploy-hook /usr/local/share/wscale/certbot-deploy-hook.sh
# certbot sets RENEWED_LINEAGE, a directory. The private key goes through a pipe, into no other file
# than the one of haproxy.tls.cert.
set -eu
: "${RENEWED_LINEAGE:?is set by certbot, which runs this as a deploy hook}"
cat "$RENEWED_LINEAGE/fullchain.pem" "$RENEWED_LINEAGE/privkey.pem" | exec wsctl cert -
