/* test_jwt: only a token that this key signed, that is in time and well formed, grants anything. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "../../lib/jwt.h"
#include "tap.h"

static const uint8_t key[] = "0123456789abcdef0123456789abcdef";
enum { KEY = sizeof key - 1, NOW = 1000 };

static void b64(const char *p, size_t n, char *out)
{
	n = (size_t)EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)p, (int)n);
	for (char *c = out; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	while (n && out[n - 1] == '=')
		out[--n] = '\0';
}

/* A correctly signed token of any header and claims. Static. */
static const char *token_of(const char *header, const char *claims)
{
	static char out[16384];
	unsigned char sum[64];
	unsigned n;
	b64(header, strlen(header), out);
	strcat(out, ".");
	b64(claims, strlen(claims), out + strlen(out));
	HMAC(EVP_sha256(), key, KEY, (unsigned char *)out, strlen(out), sum, &n);
	strcat(out, ".");
	b64((char *)sum, n, out + strlen(out));
	return out;
}

static void verify_n(const char *token, size_t len, const char *want, const char *name)
{
	struct grants g = {.exp = 42};
	const char *why = NULL;
	int rc = jwt_verify(token, len, key, KEY, NOW, &g, &why);
	is(rc ? why : "ok", want, name);
	if (rc == 0)
		grants_free(&g);
	else if (g.exp != 42)
		ok(false, "out is untouched");
}

static void verify(const char *token, const char *want, const char *name)
{
	verify_n(token, strlen(token), want, name);
}

static void claims(const char *c, const char *want)
{
	verify(token_of("{\"alg\":\"HS256\"}", c), want, c);
}

static void header(const char *h, const char *want)
{
	verify(token_of(h, "{\"exp\":2000}"), want, h);
}

static void known_answer(void)
{
	/* RFC 7515 A.1: exp 1300819380, a header with a line break in it. */
	static const char rfc[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
				  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
				  "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
				  "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
	static const uint8_t k[64] = {
		0x03, 0x23, 0x35, 0x4b, 0x2b, 0x0f, 0xa5, 0xbc, 0x83, 0x7e, 0x06, 0x65, 0x77,
		0x7b, 0xa6, 0x8f, 0x5a, 0xb3, 0x28, 0xe6, 0xf0, 0x54, 0xc9, 0x28, 0xa9, 0x0f,
		0x84, 0xb2, 0xd2, 0x50, 0x2e, 0xbf, 0xd3, 0xfb, 0x5a, 0x92, 0xd2, 0x06, 0x47,
		0xef, 0x96, 0x8a, 0xb4, 0xc3, 0x77, 0x62, 0x3d, 0x22, 0x3d, 0x2e, 0x21, 0x72,
		0x05, 0x2e, 0x4f, 0x08, 0xc0, 0xcd, 0x9a, 0xf5, 0x67, 0xd0, 0x80, 0xa3};
	struct grants g;
	const char *why = "";
	ok(jwt_verify(rfc, sizeof rfc - 1, k, sizeof k, 1300819379, &g, &why) == 0 &&
	           g.exp == 1300819380,
	   "the token of RFC 7515 A.1");
	grants_free(&g);
	ok(jwt_verify(rfc, sizeof rfc - 1, k, sizeof k, 1300819380, &g, &why) == -1,
	   "and it expires");
	is(why, "expired", "which is told");
}

static void granted(void)
{
	struct grants g;
	const char *why;
	char *t = jwt_sign("{\"sub\": \"joe\", \"exp\": 2000, \"subscribe\": [\"news:*\", \"a\"], "
	                   "\"publish\": \"b*\"}",
	                   key, KEY);
	ok(t && jwt_verify(t, strlen(t), key, KEY, NOW, &g, &why) == 0,
	   "what is signed here is taken here");
	is(g.sub, "joe", "sub");
	ok(g.exp == 2000 && !g.all, "exp");
	ok(grants_subscribe(&g, "news:x") && grants_subscribe(&g, "a") &&
	           !grants_subscribe(&g, "b"),
	   "subscribe");
	ok(grants_publish(&g, "bb") && !grants_publish(&g, "a"), "publish as one string");
	grants_free(&g);
	ok(!g.sub && !g.subscribe && !g.publish, "freed grants are empty");
	free(t);

	t = jwt_sign("{\"exp\":2000,\"subscribe\":[]}", key, KEY);
	ok(jwt_verify(t, strlen(t), key, KEY, NOW, &g, &why) == 0 && !grants_subscribe(&g, "a"),
	   "an empty list grants nothing");
	ok(!grants_publish(&g, "a"), "without publish no channel is named");
	grants_free(&g);
	free(t);
	t = jwt_sign("{\"exp\":2000}", key, KEY);
	ok(jwt_verify(t, strlen(t), key, KEY, NOW, &g, &why) == 0 && grants_subscribe(&g, "any"),
	   "without subscribe everything may be heard");
	grants_free(&g);
	free(t);
	struct grants shared = {.all = true};
	ok(grants_subscribe(&shared, "a") && grants_publish(&shared, "a"),
	   "the shared token grants all");
	ok(!jwt_sign("[1]", key, KEY) && !jwt_sign("x", key, KEY) && !jwt_sign("{}", key, 0),
	   "what is no object, or has no key, isn't signed");
}

static void damaged(void)
{
	char t[512], name[64];
	strcpy(t, token_of("{\"alg\":\"HS256\"}", "{\"exp\":2000}"));
	size_t n = strlen(t);
	bool good = true;
	for (size_t i = 0; i < n; i++) {
		char was = t[i];
		for (const char *c = "ABab01-_=.+/ \n"; *c; c++) {
			struct grants g;
			const char *why;
			if (*c == was)
				continue;
			t[i] = *c;
			if (jwt_verify(t, n, key, KEY, NOW, &g, &why) == 0)
				good = false;
		}
		t[i] = was;
	}
	ok(good, "no byte of a token can be changed, also not in the signature's spare bits");
	for (size_t i = 0; i < n; i += 7) {
		snprintf(name, sizeof name, "cut to %zu bytes", i);
		struct grants g;
		const char *why;
		ok(jwt_verify(t, i, key, KEY, NOW, &g, &why) == -1, name);
	}
	strcat(t, "=");
	verify(t, "bad signature", "padding");
	t[n] = '\0';
	strcat(t, ".");
	verify(t, "bad signature", "a fourth part");
	t[n] = '\0';
	struct grants g;
	const char *why;
	ok(jwt_verify(t, n, (const uint8_t *)"x123456789abcdef0123456789abcdef", KEY, NOW, &g,
	              &why) == -1,
	   "another key");
	ok(jwt_verify(t, n, key, 0, NOW, &g, &why) == -1, "no key");
}

int main(void)
{
	known_answer();
	granted();
	damaged();
	header("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", "ok");
	header("{\"alg\":\"HS256\",\"typ\":\"jwt\"}", "ok");
	header("{\"alg\":\"HS256\",\"kid\":\"1\"}", "ok");
	header("{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "malformed");
	header("{\"alg\":\"HS256\",\"typ\":1}", "malformed");
	header("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "malformed");
	header("{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "malformed");
	header("{\"alg\":\"none\"}", "malformed");
	header("{\"alg\":\"HS512\"}", "malformed");
	header("{\"alg\":\"hs256\"}", "malformed");
	header("{}", "malformed");
	header("[]", "malformed");
	header("", "malformed");
	claims("{\"exp\":1001}", "ok");
	claims("{\"exp\":1000}", "expired");
	claims("{\"exp\":1001,\"nbf\":1000}", "ok");
	claims("{\"exp\":2000,\"nbf\":1001}", "not valid yet");
	claims("{\"exp\":9223372036854775807}", "ok");
	claims("{\"exp\":9223372036854775808}", "malformed");
	claims("{\"exp\":\"2000\"}", "malformed");
	claims("{\"exp\":2000.5}", "malformed");
	claims("{\"exp\":0}", "malformed");
	claims("{\"exp\":-1}", "malformed");
	claims("{}", "malformed");
	claims("{\"exp\":null}", "malformed");
	claims("{\"exp\":2000,\"exp\":3000}", "malformed");
	claims("{\"exp\":2000} x", "malformed");
	claims("{\"exp\":2000,\"nbf\":\"1\"}", "malformed");
	claims("{\"exp\":2000,\"sub\":1}", "malformed");
	claims("{\"exp\":2000,\"sub\":\"a\\u0000b\"}", "malformed");
	claims("{\"exp\":2000,\"subscribe\":1}", "malformed");
	claims("{\"exp\":2000,\"subscribe\":null}", "malformed");
	claims("{\"exp\":2000,\"subscribe\":{\"a\":1}}", "malformed");
	claims("{\"exp\":2000,\"subscribe\":[1]}", "malformed");
	claims("{\"exp\":2000,\"subscribe\":[\"a b\"]}", "malformed");
	claims("{\"exp\":2000,\"subscribe\":\"\"}", "malformed");
	claims("{\"exp\":2000,\"publish\":[\"a\",\"\"]}", "malformed");
	claims("{\"exp\":2000,\"publish\":true}", "malformed");
	claims("[1]", "malformed");
	verify("", "malformed", "nothing");
	verify(".", "malformed", "one dot");
	verify("..", "bad signature", "two dots");
	verify("eyJhbGciOiJub25lIn0.eyJleHAiOjIwMDB9.", "bad signature",
	       "alg none without a signature");
	char big[4501], c[6000];
	memset(big, 'a', 4500);
	big[4500] = '\0';
	snprintf(c, sizeof c, "{\"exp\":2000,\"sub\":\"%s\"}", big);
	verify(token_of("{\"alg\":\"HS256\"}", c), "malformed", "a token of more than 4096 bytes");
	return tap_done();
}
