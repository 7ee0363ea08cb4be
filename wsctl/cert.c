/*
 * cert: reads a PEM with libcrypto. Asks nobody, never for a passphrase, and changes nothing.
 */
#include "cert.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/num.h"

enum { BUFSIZE = 16384 }; /* HAProxy's configuration manual, tune.bufsize */

static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static int describe(X509 *x, struct cert *out)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct tm tm;
	BIO *b = BIO_new(BIO_s_mem());
	int len = 0;

	X509_NAME_oneline(X509_get_subject_name(x), out->subject, sizeof out->subject);
	if (b && ASN1_TIME_print(b, X509_get0_notAfter(x)))
		len = BIO_read(b, out->until, sizeof out->until - 1);
	BIO_free(b);
	out->until[len > 0 ? len : 0] = '\0';
	if (len <= 0 || !ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) ||
	    !X509_digest(x, EVP_sha1(), md, &n))
		return -1;
	out->ends = (int64_t)timegm(&tm);
	for (unsigned i = 0; i < n && 2 * i + 2 < sizeof out->sha1; i++)
		snprintf(out->sha1 + (size_t)2 * i, 3, "%02X", (unsigned)md[i]);
	return 0;
}

int cert_read(const char *pem, struct cert *out, const char **why)
{
	BIO *for_cert = BIO_new_mem_buf(pem, -1), *for_key = BIO_new_mem_buf(pem, -1);
	X509 *x = for_cert ? PEM_read_bio_X509(for_cert, NULL, no_passphrase, NULL) : NULL;
	EVP_PKEY *key = for_key ? PEM_read_bio_PrivateKey(for_key, NULL, no_passphrase, NULL)
	                        : NULL;

	memset(out, 0, sizeof *out);
	*why = NULL;
	if (!x || describe(x, out))
		*why = "its first certificate can't be read";
	else if (!key)
		*why = "its private key can't be read, or has a passphrase";
	else if (X509_check_private_key(x, key) != 1)
		*why = "the private key isn't that of the certificate";
	EVP_PKEY_free(key);
	X509_free(x);
	BIO_free(for_key);
	BIO_free(for_cert);
	return *why ? -1 : 0;
}

int64_t cert_time(const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%b %d %H:%M:%S %Y GMT", &tm);

	return end && !*end ? (int64_t)timegm(&tm) : 0;
}

size_t cert_most(const char *path, uint32_t bufsize)
{
	/* One byte of it stays free. */
	size_t rest = strlen("set ssl cert  <<\n\n") + strlen(path) + 1;

	return bufsize > rest ? bufsize - rest : 0;
}

uint32_t cert_bufsize(const char *extra_global)
{
	static const char key[] = "tune.bufsize";
	uint64_t n = BUFSIZE;

	for (const char *p = extra_global; *p;) {
		size_t len = strcspn(p, "\n"), at = strspn(p, " \t");
		char word[16];

		if (!strncmp(p + at, key, sizeof key - 1) &&
		    strchr(" \t", p[at + sizeof key - 1])) {
			p += at + sizeof key - 1;
			p += strspn(p, " \t");
			len = strcspn(p, "\n");
			snprintf(word, sizeof word, "%.*s", (int)strcspn(p, " \t\n#"), p);
			if (num_u64(word, 1, UINT32_MAX, &n))
				n = BUFSIZE;
		}
		p += len + (p[len] == '\n');
	}
	return (uint32_t)n;
}
