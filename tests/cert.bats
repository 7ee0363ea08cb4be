#!/usr/bin/env bats
# Goal: a renewed certificate reaches every running HAProxy and its file without a reload: open
# connections go on, new ones see it; what HAProxy doesn't take changes nothing.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/balancers.bash"

# issued NAME DAYS: NAME.pem, with NAME.crt and NAME.key.
issued() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.crt" -subj "/CN=$1.example" -days "$2" 2>/dev/null
	cat "$1.crt" "$1.key" >"$1.pem"
}
serial() { openssl x509 -in "$1.crt" -noout -serial | cut -d= -f2; }
until_of() { openssl x509 -in "$1.crt" -noout -enddate | cut -d= -f2; }
# served [PORT-NAME]: the serial of the certificate that new connections get.
served() {
	echo | openssl s_client -connect "127.0.0.1:${PORT[${1:-tls}]}" 2>/dev/null | openssl x509 -noout -serial | cut -d= -f2
}
# with_tls NODE...: a cluster whose HAProxy has site.pem.
with_tls() {
	requires openssl
	port tls
	issued site 1
	YAML_HAPROXY="tls: { bind: \"127.0.0.1:${PORT[tls]}\", cert: $W/site.pem }" cluster "$@"
	[ "$(served)" = "$(serial site)" ]
}

@test "a new certificate is served at once, by the same worker, and is in the file for the next start" {
	with_tls ws1
	local before
	before=$(worker_pid)
	clients 1
	issued fresh 90
	run -0 wsctl cert fresh.pem -n
	says "fresh.pem: /CN=fresh.example, until $(until_of fresh); its key fits"
	says "local: would replace /CN=site.example, until $(until_of site)"
	says "nothing changed"
	[ "$(served)" = "$(serial site)" ]
	run -0 wsctl cert fresh.pem
	says "local: /CN=fresh.example, until "
	[ "$(served)" = "$(serial fresh)" ]
	[ "$(worker_pid)" = "$before" ]
	cmp fresh.pem site.pem
	[ "$(stat -c %U "$W/site.pem")" = "$(id -un)" ]
	reload_haproxy
	[ "$(served)" = "$(serial fresh)" ]
	refute grep -q "^close" log/ws.c1
	wsctl plan -q
	run -0 wsctl cert fresh.pem -n
	says "local: has it already; nothing to do"
	says_not "would replace"
	run -0 wsctl cert
	says ", the one it had"
	run -0 wsctl cert --json
	jq -e --arg s "$(serial fresh)" '.ok and .balancers[0].serial == $s' <<<"${lines[-1]}"
}

@test "what HAProxy can't use is refused, and neither it nor the file has changed" {
	with_tls ws1
	issued fresh 90
	cp site.pem before
	cat fresh.crt site.key >mixed.pem
	cat fresh.crt >alone.pem
	echo "no certificate" >text.pem
	printf 'a\x01b' >binary.pem
	{ echo "-----BEGIN CERTIFICATE-----"; echo "AAAA"; echo "-----END CERTIFICATE-----"; cat site.key; } >broken.pem
	local f
	for f in mixed alone text binary broken; do
		run -1 wsctl cert "$f.pem"
		cmp before site.pem
		[ "$(served)" = "$(serial site)" ]
	done
	run -1 wsctl cert mixed.pem
	says "HAProxy does not take the certificate"
	run -1 wsctl cert alone.pem
	says "it must hold the certificate, its chain and its private key"
	run -1 wsctl cert nowhere.pem
	says "nowhere.pem: no such file"
	# Nothing is left half-done in HAProxy.
	[[ $(hap "abort ssl cert $W/site.pem") == *"No ongoing transaction"* ]]
	run -0 wsctl cert fresh.pem
}

@test "a PEM can't smuggle a command onto HAProxy's socket" {
	with_tls ws1
	{ cat site.crt; printf '\n\nset server wscale_chat/ws1 state maint\n\n'; cat site.key; } >evil.pem
	run wsctl cert evil.pem
	[[ $(server_status ws1) == UP* ]]
	[ "$(served)" = "$(serial site)" ]
}

@test "without haproxy.tls there is nothing to renew, and it is said why" {
	cluster ws1
	issued fresh 1
	run -1 wsctl cert fresh.pem
	says "haproxy.tls is not set"
}

@test "the deploy hook gives certbot's renewed lineage to HAProxy; the key is in no other file" {
	with_tls ws1
	issued fresh 90
	mkdir lineage
	cp fresh.crt lineage/fullchain.pem
	cp fresh.key lineage/privkey.pem
	RENEWED_LINEAGE=$W/lineage WSCALE_CONFIG=$W/wscale.yaml PATH=$BUILD:$PATH \
		run -0 "$ROOT/haproxy/certbot-deploy-hook.sh"
	[ "$(served)" = "$(serial fresh)" ]
	cmp fresh.pem site.pem
	run "$ROOT/haproxy/certbot-deploy-hook.sh"
	[ "$status" != 0 ]
	says "is set by certbot"
}

# shown NAME: HAProxy has loaded that one. Of lb2: far shown NAME.
shown() { hap "show ssl cert $W/lb/site.pem" | grep -qx "Serial: 0*$(serial "$1" | sed 's/^0*//')"; }

@test "two balancers: both have it, in HAProxy and in the file; one that is away is named" {
	requires openssl
	issued site 1
	mkdir -p lb far
	cp site.pem lb/site.pem
	cp site.pem far/site.pem
	port tls
	YAML_HAPROXY="tls: { bind: \"127.0.0.1:${PORT[tls]}\", cert: $W/lb/site.pem }" two_balancers ws1
	shown site
	far shown site
	issued fresh 90
	run -0 wsctl cert fresh.pem
	says "lb1: /CN=fresh.example"
	says "lb2: /CN=fresh.example"
	shown fresh
	far shown fresh
	cmp fresh.pem lb/site.pem
	cmp fresh.pem far/site.pem
	lb2_away
	issued third 90
	run -69 wsctl cert third.pem
	says "lb1: /CN=third.example"
	says "lb2"
	shown third
	lb2_back
	run -0 wsctl cert third.pem
	far shown third
	cmp third.pem far/site.pem
}

@test "-n tries what it is given: what is refused later is refused now" {
	with_tls ws1
	issued fresh 90
	cat fresh.crt site.key >mixed.pem
	run -1 wsctl cert mixed.pem -n
	says "mixed.pem: the private key isn't that of the certificate"
	{ echo "-----BEGIN CERTIFICATE-----"; echo "AAAA"; echo "-----END CERTIFICATE-----"; cat site.key; } >broken.pem
	run -1 wsctl cert broken.pem -n
	says "broken.pem: its first certificate can't be read"
	openssl rsa -in fresh.key -aes128 -passout pass:x -out locked.key 2>/dev/null
	cat fresh.crt locked.key >locked.pem
	run -1 wsctl cert locked.pem -n
	says "locked.pem: its private key can't be read, or has a passphrase"
	run -1 wsctl cert - -n <mixed.pem
	says "standard input: the private key isn't that of the certificate"
}

@test "a certificate that has ended is refused; one that ends before the old one is noted" {
	with_tls ws1
	issued fresh 90
	cp site.pem before
	openssl x509 -in fresh.crt -signkey fresh.key -days -1 -out old.crt 2>/dev/null
	cat old.crt fresh.key >old.pem
	local n
	for n in "" -n; do
		run -1 wsctl cert old.pem $n
		says "old.pem: the certificate ended on $(until_of old); nothing changed"
	done
	cmp before site.pem
	[ "$(served)" = "$(serial site)" ]
	run -0 wsctl cert fresh.pem
	says_not "ends before"
	issued short 30
	run -0 wsctl cert short.pem -n
	says "note: it ends before the one it would replace, until $(until_of fresh)"
	run -0 wsctl cert short.pem
	says "note: it ends before the one it replaces, until $(until_of fresh)"
	[ "$(served)" = "$(serial short)" ]
}

@test "a PEM that HAProxy's buffer can't hold is refused before it is sent, with its size and the bound" {
	with_tls ws1
	issued fresh 90
	cp site.pem before
	# Comments of its tools, a long chain: sized to the byte.
	sized() {
		local rest=$(($1 - $(stat -c %s fresh.pem)))
		{ cat fresh.pem; head -c $((rest - 1)) /dev/zero | tr '\0' '#'; echo; } >"$2"
	}
	local most=$((16383 - $(printf 'set ssl cert %s/site.pem <<\n\n' "$W" | wc -c)))
	sized $((most + 1)) large.pem
	for n in "" -n; do
		run -1 wsctl cert large.pem $n
		says "large.pem: $((most + 1)) bytes of PEM; HAProxy takes $most at once (tune.bufsize 16384)"
	done
	cmp before site.pem
	sized "$most" fits.pem
	run -0 wsctl cert fits.pem
	[ "$(served)" = "$(serial fresh)" ]
}
