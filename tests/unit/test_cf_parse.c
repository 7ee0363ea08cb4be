/*
 * test_cf_parse: Centrifugo's commands: JSON is read as RFC 8259 has it and nothing else is, a
 * payload keeps its bytes, each field its type and range, and a frame is taken apart by its lines.
 */
#include <stdlib.h>

#include "../../node/cf_parse.h"
#include "tap.h"

static struct cf_command c;
static char name[300];

static struct cf_text text(const char *s)
{
	return (struct cf_text){s, strlen(s)};
}

static int parse(const char *s)
{
	return cf_parse(text(s), &c);
}

static void valid(bool want, const char *json)
{
	snprintf(name, sizeof name, "%s: %.200s", want ? "JSON" : "no JSON", json);
	for (char *p = name; *p; p++)
		if (*p < 0x20)
			*p = '~';
	ok(cf_json_valid(text(json)) == want, name);
}

static void json(void)
{
	static const char *const good[] = {
		"{}",
		"[]",
		"0",
		"-0",
		"1.5e+10",
		"1e999",
		"123456789012345678901234567890",
		"true",
		"false",
		"null",
		"\"\"",
		" \t\r\n1 ",
		"[1,[2,[]],{}]",
		"{\"a\":{\"b\":[1,2,{\"c\":null}]},\"a\":2}",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u0000\"",
		"\"\\ud800\"",
		"\"gr\303\274n\"",
		"[ 1 , 2 ]",
		"{ \"a\" : 1 , \"b\" : [ ] }",
	};
	static const char *const bad[] = {
		"",         " ",          "{",         "}",         "[",         "]",
		"[}",       "{]",         "[1,]",      "[,1]",      "[1 2]",     "{\"a\"}",
		"{\"a\":}", "{\"a\":1,}", "{a:1}",     "{1:1}",     "01",        "-",
		"1.",       ".5",         "1e",        "1e+",       "+1",        "0x1",
		"NaN",      "Infinity",   "tru",       "truee",     "nul",       "'a'",
		"\"",       "\"a",        "\"\\\"",    "\"\\x\"",   "\"\\u12\"", "\"\\u12g4\"",
		"\"a\nb\"", "\"\001\"",   "1 1",       "{}{}",      "{} x",      "// 1",
		"[1]]",     "{\"a\":1}}", "{\"a\" 1}", "{\"a\",1}", "[\"a\":1]",
	};
	char deep[2 * CF_JSON_DEPTH + 3];

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		valid(true, good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		valid(false, bad[i]);
	memset(deep, '[', CF_JSON_DEPTH);
	memset(deep + CF_JSON_DEPTH, ']', CF_JSON_DEPTH);
	deep[2 * CF_JSON_DEPTH] = 0;
	ok(cf_json_valid(text(deep)), "as deep as is taken");
	memset(deep, '[', CF_JSON_DEPTH + 1);
	memset(deep + CF_JSON_DEPTH + 1, ']', CF_JSON_DEPTH + 1);
	deep[2 * CF_JSON_DEPTH + 2] = 0;
	ok(!cf_json_valid(text(deep)), "one level deeper is not taken");
	ok(!cf_json_valid((struct cf_text){"\"a\0b\"", 5}),
	   "a NUL in a string is a control character");
	ok(!cf_json_valid((struct cf_text){"\"\\\0\"", 4}), "nor is it an escape");
}

static void values(void)
{
	static const char every[] =
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u20ac\\ud83d\\ude00\\ud800x\"";
	char out[64];
	size_t len;
	uint64_t u;
	int64_t i;
	bool b;

	ok(!cf_json_string(text(every), out, sizeof out - 1, &len), "a string with every escape");
	out[len] = 0;
	is(out, "\"\\/\b\f\n\r\t\303\244\342\202\254\360\237\230\200\357\277\275x", "decoded");
	ok(!cf_json_string(text("\"abcdef\""), out, 3, &len) && len == 6,
	   "a longer one tells its length");
	ok(cf_json_string(text("1"), out, 3, &len) == -1, "a number is no string");
	ok(!cf_json_u64(text("18446744073709551615"), UINT64_MAX, &u) && u == UINT64_MAX,
	   "2^64 - 1");
	ok(cf_json_u64(text("18446744073709551616"), UINT64_MAX, &u) == -1, "2^64 is too large");
	ok(!cf_json_u64(text("4294967295"), UINT32_MAX, &u), "the largest id");
	ok(cf_json_u64(text("4294967296"), UINT32_MAX, &u) == -1, "one above it");
	ok(cf_json_u64(text("5"), 4, &u) == -1 && !cf_json_u64(text("4"), 4, &u), "small ranges");
	ok(cf_json_u64(text("1.0"), 9, &u) == -1 && cf_json_u64(text("1e3"), 9999, &u) == -1 &&
	           cf_json_u64(text("-1"), 9, &u) == -1 && cf_json_u64(text("\"1\""), 9, &u) == -1,
	   "only digits are a whole number");
	ok(!cf_json_i64(text("-9223372036854775808"), INT64_MIN, INT64_MAX, &i) && i == INT64_MIN,
	   "the smallest of 64 bits");
	ok(!cf_json_i64(text("9223372036854775807"), INT64_MIN, INT64_MAX, &i) && i == INT64_MAX,
	   "the largest");
	ok(cf_json_i64(text("-9223372036854775809"), INT64_MIN, INT64_MAX, &i) == -1, "one below");
	ok(cf_json_i64(text("-2147483649"), INT32_MIN, INT32_MAX, &i) == -1 &&
	           !cf_json_i64(text("-2147483648"), INT32_MIN, INT32_MAX, &i) && i == INT32_MIN,
	   "the same for 32 bits");
	ok(!cf_json_i64(text("-0"), INT32_MIN, INT32_MAX, &i) && i == 0, "-0 is 0");
	ok(!cf_json_bool(text("true"), &b) && b && !cf_json_bool(text("false"), &b) && !b &&
	           cf_json_bool(text("1"), &b) == -1,
	   "true and false");
}

static void commands(void)
{
	ok(!parse("{}") && c.method == CF_NONE && !c.id, "an empty command: a pong");
	ok(!parse("{\"id\":1,\"connect\":{\"token\":\"a.b\",\"name\":\"js\",\"data\":{\"x\":[1]}}"
	          "}") &&
	           c.method == CF_CONNECT && c.id == 1 && c.token.len == 5,
	   "connect");
	ok(!parse("{\"id\":1,\"connect\":{\"token\":\"\"}}") && !c.token.p,
	   "an empty token is none");
	ok(!parse(" {\"subscribe\" : {\"channel\" : \"news:\\u0061\", "
	          "\"recover\":true,\"offset\":7,"
	          "\"epoch\":\"hoig8k49le\",\"flag\":3} , \"id\" : 4294967295 }\r"),
	   "subscribe, with blanks");
	ok(c.method == CF_SUBSCRIBE && c.id == UINT32_MAX && c.since.given && !c.since.any_epoch &&
	           !c.since.bad && c.since.at.offset == 7 && c.since.at.epoch && c.flag == 3,
	   "and all its fields");
	is(c.channel, "news:a", "the channel's name is decoded");
	ok(!parse("{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"offset\":7,\"epoch\":\"x\"}}") &&
	           !c.since.given,
	   "offset and epoch without recover mean nothing");
	ok(!parse("{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"recover\":true}}") &&
	           c.since.given && c.since.any_epoch && !c.since.at.offset,
	   "recover from the beginning of any epoch");
	ok(!parse("{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"recover\":true,\"epoch\":\"_\"}"
	          "}") &&
	           c.since.bad,
	   "an epoch that can't be ours");
	ok(!parse("{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"recover\":true,"
	          "\"epoch\":\"zzzzzzzzzzzzzzzzzzzzzzzzzz\"}}") &&
	           c.since.bad,
	   "or is too long");
	ok(!parse("{\"id\":3,\"publish\":{\"channel\":\"a\",\"data\": {\"n\": 1.50, "
	          "\"b\":12345678901234567890} }}"),
	   "publish");
	ok(c.data.len == 37 && !memcmp(c.data.p, "{\"n\": 1.50, \"b\":12345678901234567890}", 37),
	   "its data keeps every byte");
	ok(!parse("{\"id\":3,\"publish\":{\"channel\":\"a\",\"data\":null}}") && c.data.len == 4,
	   "null is data");
	ok(!parse("{\"id\":3,\"publish\":{\"channel\":\"a\"}}") && !c.data.p, "no data is none");
	ok(!parse("{\"id\":5,\"history\":{\"channel\":\"a\",\"limit\":-1,\"reverse\":true,"
	          "\"since\":{\"offset\":9,\"epoch\":\"abc\"}}}") &&
	           c.method == CF_HISTORY && c.limit == -1 && c.reverse && c.since.given &&
	           c.since.at.offset == 9 && !c.since.any_epoch,
	   "history");
	ok(!parse("{\"id\":5,\"history\":{\"channel\":\"a\",\"since\":{}}}") && c.since.given &&
	           c.since.any_epoch && !c.limit,
	   "history with nothing in its since");
}

static void precedence(void)
{
	ok(!parse("{\"id\":1,\"publish\":{\"channel\":\"p\"},\"subscribe\":{\"channel\":\"s\"}}") &&
	           c.method == CF_SUBSCRIBE && !strcmp(c.channel, "s"),
	   "of several requests the first of the protocol's order counts");
	ok(!parse("{\"id\":1,\"subscribe\":null,\"publish\":{\"channel\":\"p\"}}") &&
	           c.method == CF_PUBLISH,
	   "null is no request");
	ok(!parse("{\"id\":1,\"id\":2,\"subscribe\":{\"channel\":\"a\",\"channel\":\"b\"}}") &&
	           c.id == 2 && !strcmp(c.channel, "b"),
	   "the last of a key given twice counts");
	ok(!parse("{\"id\":1,\"teleport\":{},\"x\":[]}") && c.method == CF_NONE,
	   "an unknown request is none");
	ok(!parse("{\"id\":1,\"publish\":{\"channel\":\"a\",\"offset\":\"x\",\"recover\":5,"
	          "\"token\":7}}"),
	   "a field that a request doesn't have may be anything");
	ok(!parse("{\"id\":null,\"subscribe\":{\"channel\":null,\"recover\":null,\"offset\":null}"
	          "}") &&
	           !c.id && !c.channel_len,
	   "null is the default");
}

static void malformed(void)
{
	static const char *const bad[] = {
		"",
		" ",
		"x",
		"[]",
		"1",
		"\"\"",
		"null",
		"{",
		"{\"id\":1",
		"{\"id\":-1}",
		"{\"id\":1.0}",
		"{\"id\":\"1\"}",
		"{\"id\":4294967296}",
		"{\"id\":1}{}",
		"{\"id\":1,\"subscribe\":[]}",
		"{\"id\":1,\"subscribe\":\"x\"}",
		"{\"id\":1,\"subscribe\":true}",
		"{\"id\":1,\"subscribe\":{\"channel\":1}}",
		"{\"id\":1,\"subscribe\":{\"channel\":{}}}",
		"{\"id\":1,\"subscribe\":{\"recover\":1}}",
		"{\"id\":1,\"subscribe\":{\"offset\":-1}}",
		"{\"id\":1,\"subscribe\":{\"offset\":\"1\"}}",
		"{\"id\":1,\"subscribe\":{\"epoch\":1}}",
		"{\"id\":1,\"subscribe\":{\"type\":\"x\"}}",
		"{\"id\":1,\"connect\":{\"token\":1}}",
		"{\"id\":1,\"history\":{\"limit\":2147483648}}",
		"{\"id\":1,\"history\":{\"since\":1}}",
		"{\"id\":1,\"history\":{\"since\":{\"offset\":\"1\"}}}",
		"{\"id\":1,\"history\":{\"reverse\":0}}",
		"{\"id\":1,\"publish\":{\"channel\":\"a\",\"data\":}}",
		"{\"id\":1,\"publish\":{\"data\":{]}}",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(name, sizeof name, "malformed: %s", bad[i]);
		ok(parse(bad[i]) == -1, name);
	}
}

static void channels(void)
{
	char long_name[CHANNEL_MAX + 2], line[400];

	memset(long_name, 'a', sizeof long_name);
	long_name[CHANNEL_MAX + 1] = 0;
	snprintf(line, sizeof line, "{\"id\":1,\"subscribe\":{\"channel\":\"%s\"}}", long_name);
	ok(!parse(line) && c.channel_len == CHANNEL_MAX + 1, "a name that is too long says so");
	long_name[CHANNEL_MAX] = 0;
	snprintf(line, sizeof line, "{\"id\":1,\"subscribe\":{\"channel\":\"%s\"}}", long_name);
	ok(!parse(line) && c.channel_len == CHANNEL_MAX && !strcmp(c.channel, long_name),
	   "the longest that is taken");
	ok(!parse("{\"id\":1,\"subscribe\":{\"channel\":\"a\\u0000b\"}}") && c.channel_len == 3 &&
	           !channel_valid(c.channel, c.channel_len),
	   "a NUL doesn't end a name");
}

static void lines(void)
{
	struct cf_text frame = text("{\"id\":1}\n{}\n\nx\n"), line;
	static const char *const want[] = {"{\"id\":1}", "{}", "", "x"};
	size_t n = 0;

	for (; cf_line(&frame, &line); n++) {
		snprintf(name, sizeof name, "line %zu", n + 1);
		ok(n < 4 && line.len == strlen(want[n]) && !memcmp(line.p, want[n], line.len),
		   name);
	}
	ok(n == 4, "the last LF begins no line");
	frame = text("");
	ok(!cf_line(&frame, &line), "an empty frame has no line");
	frame = text("{}");
	ok(cf_line(&frame, &line) && line.len == 2 && !cf_line(&frame, &line),
	   "one line without LF");
}

int main(void)
{
	json();
	values();
	commands();
	precedence();
	malformed();
	channels();
	lines();
	return tap_done();
}
