/*
 * fuzz_jwt: no bytes are taken for a token unless they are signed; and behind a valid signature, no
 * header and no claims do harm. Input "HEADER LF CLAIMS" is signed here, so that it gets that far.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[] = "0123456789abcdef0123456789abcdef";
enum { KEY = sizeof key - 1, NOW = 1000, PART = 2048 };

static void check(int good)
{
	if (!good)
		abort();
}

static size_t b64(const uint8_t *p, size_t n, char *out)
{
	n = (size_t)EVP_EncodeBlock((unsigned char *)out, p, (int)n);
	for (char *c = out; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	while (n && out[n - 1] == '=')
		out[--n] = '\0';
	return n;
}

static void signed_token(const uint8_t *h, size_t h_len, const uint8_t *c, size_t c_len)
{
	static char t[PART * 4];
	unsigned char sum[64];
	unsigned m;
	struct grants g = {0};
	const char *why = NULL;
	size_t n = b64(h, h_len, t);
	t[n++] = '.';
	n += b64(c, c_len, t + n);
	HMAC(EVP_sha256(), key, KEY, (unsigned char *)t, n, sum, &m);
	t[n++] = '.';
	n += b64(sum, m, t + n);
	if (jwt_verify(t, n, key, KEY, NOW, &g, &why)) {
		check(why && strcmp(why, "bad signature") != 0);
		return;
	}
	check(g.exp > NOW && !g.all);
	grants_subscribe(&g, "news:sport");
	grants_publish(&g, "news:sport");
	grants_free(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct grants g;
	const char *why = NULL;
	/* 32 bytes of key that the fuzzer can't know: nothing may be accepted. */
	check(jwt_verify((const char *)data, size, key, KEY, NOW, &g, &why) == -1 && why);
	const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
	if (lf && size < PART)
		signed_token(data, (size_t)(lf - data), lf + 1, size - (size_t)(lf - data) - 1);
	return 0;
}
