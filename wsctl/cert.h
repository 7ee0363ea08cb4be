/*
 * cert: what a PEM with a certificate, its chain and its key is: read here before HAProxy gets it.
 */
#ifndef WSCTL_CERT_H
#define WSCTL_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cert {
	char subject[256], until[64]; /* as HAProxy writes them */
	char sha1[41];                /* fingerprint, as HAProxy writes it */
	int64_t ends;                 /* Unix seconds */
};

/* Of the first certificate; its key is read too. 0, or -1 with *why (static text). */
int cert_read(const char *pem, struct cert *out, const char **why);
/* "Nov  6 19:41:02 2026 GMT", as HAProxy writes a date. Unix seconds, or 0: it is none. */
int64_t cert_time(const char *text);
/* How many bytes of PEM HAProxy takes for the certificate of that path on its socket, whose buffer
 * has so many: the command stands in it too. */
size_t cert_most(const char *path, uint32_t bufsize);
/* tune.bufsize in haproxy.extra.global, or HAProxy's default. */
uint32_t cert_bufsize(const char *extra_global);

#endif
