/*
 * test_cf_encode: what Centrifugo's clients are sent: JSON as it came, other text as a string,
 * binary as base64; and never a line break, which would end the reply.
 */
#include <stdlib.h>

#include "../../node/cf_encode.h"
#include "../../node/cf_json.h"
#include "tap.h"

static const char *publication(enum kind kind, const char *p, size_t len, struct position at)
{
	static struct buf out;
	struct message m = {.kind = kind, .p = (const uint8_t *)p, .len = len, .at = at};

	buf_free(&out);
	cf_publication(&out, &m);
	return out.oom ? "out of memory" : out.p;
}

static const char *of_text(const char *s)
{
	return publication(KIND_TEXT, s, strlen(s), (struct position){0});
}

static void base64(const char *p, size_t len, const char *want)
{
	char line[64];

	snprintf(line, sizeof line, "{\"data\":{\"base64\":\"%s\"}}", want);
	is(publication(KIND_BINARY, p, len, (struct position){0}), line, "base64");
}

int main(void)
{
	struct message m = {.kind = KIND_TEXT, .p = (const uint8_t *)"{}", .len = 2, .at = {5, 9}};
	struct buf out = {0};
	const char *pub;
	char *big;
	size_t len;

	is(of_text("{\"a\": 1.0,\t\"b\":[12345678901234567890,1e999]}"),
	   "{\"data\":{\"a\": 1.0,\t\"b\":[12345678901234567890,1e999]}}", "JSON keeps its bytes");
	is(of_text("{\n \"a\":\r\n1}\n"), "{\"data\":{  \"a\":  1} }",
	   "line breaks in it become blanks");
	is(of_text("[1,\"a\\nb\"]"), "{\"data\":[1,\"a\\nb\"]}",
	   "those in strings are escapes and stay");
	is(of_text("5"), "{\"data\":5}", "a number is JSON");
	is(of_text("null"), "{\"data\":null}", "so is null");
	is(of_text("hello"), "{\"data\":\"hello\"}", "other text is a string");
	is(of_text(""), "{\"data\":\"\"}", "empty text too");
	is(of_text("  "), "{\"data\":\"  \"}", "and blanks");
	is(of_text("{\"a\":1}\n{\"b\":2}"), "{\"data\":\"{\\\"a\\\":1}\\n{\\\"b\\\":2}\"}",
	   "two JSON texts are none");
	is(of_text("a\"b\\c\n\r\t\001\177/"),
	   "{\"data\":\"a\\\"b\\\\c\\n\\u000d\\u0009\\u0001\177/\"}",
	   "what a string can't hold is escaped");
	is(publication(KIND_TEXT, "a\0b", 3, (struct position){0}), "{\"data\":\"a\\u0000b\"}",
	   "NUL too");
	is(of_text("gr\303\274n"), "{\"data\":\"gr\303\274n\"}", "UTF-8 stays");
	base64("", 0, "");
	base64("f", 1, "Zg==");
	base64("fo", 2, "Zm8=");
	base64("foo", 3, "Zm9v");
	base64("foob", 4, "Zm9vYg==");
	base64("\xff\xfe\0\x7f", 4, "//4Afw==");
	is(publication(KIND_TEXT, "1", 1, (struct position){7, 0}), "{\"data\":1,\"offset\":0}",
	   "offset");
	is(publication(KIND_TEXT, "1", 1, (struct position){7, UINT64_MAX}),
	   "{\"data\":1,\"offset\":18446744073709551615}", "the largest");
	big = malloc(100000);
	memset(big, 'x', 100000);
	pub = publication(KIND_BINARY, big, 100000, (struct position){0});
	ok(strlen(pub) == 133336 + strlen("{\"data\":{\"base64\":\"\"}}") &&
	           cf_json_valid((struct cf_text){pub, strlen(pub)}),
	   "a large one is whole");
	free(big);
	cf_push(&out, "news:a", &m);
	is(out.p, "{\"push\":{\"channel\":\"news:a\",\"pub\":{\"data\":{},\"offset\":9}}}",
	   "a push");
	pub = cf_push_pub(out.p, out.len, 6, &len);
	ok(len == 22 && !memcmp(pub, "{\"data\":{},\"offset\":9}", 22), "the publication in it");
	buf_free(&out);
	publication(KIND_TEXT, "", 0, (struct position){0});
	return tap_done();
}
