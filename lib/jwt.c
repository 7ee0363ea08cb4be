/*
 * jwt: HS256 tokens, checked and signed. Pure: the time comes from the caller. The signature is
 * checked before anything inside the token is parsed; no other algorithm exists here to be confused
 * with.
 */
#include "jwt.h"

#include <jansson.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "channel.h"

enum { MAC = 32 }; /* SHA-256 */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/*
 * RFC 4648 5 without padding, as RFC 7515 2 wants it. Strict: the unused bits of the last byte are
 * zero, else one token would have several spellings. out holds len / 4 * 3 + 2. -1: not base64url.
 */
static ssize_t decode(const char *s, size_t len, uint8_t *out)
{
	size_t n = 0;
	uint32_t acc = 0;
	unsigned bits = 0;
	if (len % 4 == 1)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int d = digit(s[i]);
		if (d < 0)
			return -1;
		acc = acc << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (uint8_t)(acc >> bits);
			acc &= (1u << bits) - 1;
		}
	}
	return acc ? -1 : (ssize_t)n;
}

static void encode(struct buf *b, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t v = (uint32_t)p[i] << 16;
		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		char four[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63],
		                alphabet[v & 63]};
		buf_add(b, four, left > 2 ? 4 : left + 1);
	}
}

static int mac(const char *text, size_t len, const uint8_t *key, size_t key_len,
               uint8_t out[static MAC])
{
	unsigned n = 0;
	if (key_len == 0 || key_len > INT_MAX)
		return -1;
	if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, len, out, &n))
		return -1;
	return n == MAC ? 0 : -1;
}

/* One part of the token as a JSON object; NULL if it isn't one. */
static json_t *part(const char *s, size_t len)
{
	uint8_t text[JWT_MAX];
	ssize_t n = decode(s, len, text);
	if (n < 0)
		return NULL;
	json_t *o = json_loadb((const char *)text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

/* RFC 7515 4.1.11: who doesn't know what `crit` names must refuse; we know nothing of that kind. */
static bool header_valid(const json_t *h)
{
	const char *alg = json_string_value(json_object_get(h, "alg"));
	const json_t *typ = json_object_get(h, "typ");
	if (!alg || strcmp(alg, "HS256") != 0 || json_object_get(h, "crit"))
		return false;
	return !typ || (json_is_string(typ) && strcasecmp(json_string_value(typ), "JWT") == 0);
}

static void patterns_free(char **v)
{
	for (char **p = v; p && *p; p++)
		free(*p);
	free(v);
}

/* A claim that is absent leaves *out NULL. */
static int patterns(const json_t *claim, char ***out)
{
	if (!claim)
		return 0;
	bool one = json_is_string(claim);
	size_t n = one ? 1 : json_array_size(claim);
	if (!one && !json_is_array(claim))
		return -1;
	char **v = calloc(n + 1, sizeof(char *));
	if (!v)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(one ? claim : json_array_get(claim, i));
		if (!s || !channel_pattern_valid(s) || !(v[i] = strdup(s))) {
			patterns_free(v);
			return -1;
		}
	}
	*out = v;
	return 0;
}

static const char *read_claims(const json_t *claims, int64_t now, struct grants *g)
{
	const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf"),
		     *sub = json_object_get(claims, "sub");
	if (!json_is_integer(exp) || json_integer_value(exp) <= 0 ||
	    (nbf && !json_is_integer(nbf)) || (sub && !json_is_string(sub)))
		return "malformed";
	if (patterns(json_object_get(claims, "subscribe"), &g->subscribe) ||
	    patterns(json_object_get(claims, "publish"), &g->publish))
		return "malformed";
	if (sub && !(g->sub = strdup(json_string_value(sub))))
		return "malformed";
	g->exp = json_integer_value(exp);
	if (now >= g->exp) /* RFC 7519 4.1.4: on or after */
		return "expired";
	if (nbf && now < json_integer_value(nbf))
		return "not valid yet";
	return NULL;
}

int jwt_verify(const char *token, size_t len, const uint8_t *key, size_t key_len, int64_t now,
               struct grants *out, const char **why)
{
	uint8_t expected[MAC], given[MAC + 2];
	struct grants g = {0};
	json_t *header = NULL, *claims = NULL;

	*why = "malformed";
	if (len > JWT_MAX)
		return -1;
	const char *dot = memchr(token, '.', len);
	if (!dot)
		return -1;
	const char *body = dot + 1, *dot2 = memchr(body, '.', len - (size_t)(body - token));
	if (!dot2)
		return -1;
	const char *sig = dot2 + 1;
	size_t sig_len = len - (size_t)(sig - token);

	/* 43 characters are 32 bytes; also the room in given. */
	if (sig_len != 43 || decode(sig, sig_len, given) != MAC ||
	    mac(token, (size_t)(dot2 - token), key, key_len, expected) ||
	    CRYPTO_memcmp(given, expected, MAC) != 0) {
		*why = "bad signature";
		return -1;
	}
	header = part(token, (size_t)(dot - token));
	claims = part(body, (size_t)(dot2 - body));
	if (header && claims && header_valid(header))
		*why = read_claims(claims, now, &g);
	json_decref(header);
	json_decref(claims);
	if (*why) {
		grants_free(&g);
		return -1;
	}
	*out = g;
	return 0;
}

char *jwt_sign(const char *claims_json, const uint8_t *key, size_t key_len)
{
	static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	struct buf b = {0};
	uint8_t sum[MAC];
	json_t *o = json_loads(claims_json, JSON_REJECT_DUPLICATES, NULL);
	char *text = json_is_object(o) ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (!text)
		return NULL;
	encode(&b, (const uint8_t *)header, sizeof header - 1);
	buf_str(&b, ".");
	encode(&b, (const uint8_t *)text, strlen(text));
	free(text);
	if (b.oom || mac(b.p, b.len, key, key_len, sum)) {
		buf_free(&b);
		return NULL;
	}
	buf_str(&b, ".");
	encode(&b, sum, sizeof sum);
	return buf_take(&b);
}

void grants_free(struct grants *g)
{
	if (!g)
		return;
	free(g->sub);
	patterns_free(g->subscribe);
	patterns_free(g->publish);
	*g = (struct grants){0};
}

static bool any_match(char **v, const char *channel)
{
	for (; v && *v; v++) {
		if (channel_match(*v, channel))
			return true;
	}
	return false;
}

bool grants_subscribe(const struct grants *g, const char *channel)
{
	return g->all || !g->subscribe || any_match(g->subscribe, channel);
}

bool grants_publish(const struct grants *g, const char *channel)
{
	return g->all || any_match(g->publish, channel);
}
