/*
 * test_relay_parse: what goes over the line between two wsctl: any bytes come back as they went,
 * and what is no message of ours is none.
 */
#include <stdlib.h>
#include <string.h>

#include "../../wsctl/relay_parse.h"
#include "tap.h"

static void round_trip(const char *p, size_t len, const char *title)
{
	json_t *o = json_object(), *back;
	size_t n = 0, got = 0;
	char *line, *out;

	relay_set_bytes(o, "text", p, len);
	line = relay_close(o, &n);
	ok(line && n && line[n - 1] == '\n' && !memchr(line, '\n', n - 1), title);
	back = relay_open(line, n - 1);
	out = relay_bytes(back, "text", &got);
	ok(out && got == len && !memcmp(out, p, len) && !out[len], "  and back");
	free(out);
	free(line);
	json_decref(back);
}

static void test_bytes(void)
{
	char every[256], *large = malloc(10 << 20);

	for (int i = 0; i < 256; i++)
		every[i] = (char)i;
	memset(large, '\n', 10 << 20);
	round_trip("", 0, "nothing");
	round_trip("a\nb\r\n\t\"\\ \xc3\xa4", 11, "lines, quotes and UTF-8");
	round_trip("\xff\xfe", 2, "what is no UTF-8");
	round_trip("a\0b", 3, "a NUL");
	round_trip("\xed\xa0\x80", 3, "a surrogate");
	round_trip(every, sizeof every, "every byte");
	round_trip(large, 10 << 20, "10 MiB of line ends");
	free(large);
}

static void refuses(const char *line, const char *title)
{
	json_t *o = relay_open(line, strlen(line));

	ok(!o, title);
	json_decref(o);
}

static void test_open(void)
{
	refuses("", "nothing is no message");
	refuses("[1]", "nor an array");
	refuses("{\"a\":1,\"a\":2}", "nor what says a thing twice");
	refuses("{\"a\":1}x", "nor what goes on");
	refuses("{\"a\":\"\\u0000\"}", "nor a NUL in a text");
	refuses("Welcome to lb2!", "nor a greeting");
}

static void test_fields(void)
{
	static const char line[] =
		"{\"s\":1,\"n\":\"1\",\"t_hex\":\"0g\",\"u_hex\":\"abc\",\"v_hex\":[],"
		"\"ok\":1,\"stat\":{\"exists\":true,\"dev\":1}}";
	json_t *o = relay_open(line, sizeof line - 1);
	struct relay_stat st = {true, UINT64_MAX, 2, 3, 4}, back;
	size_t n;

	ok(o && !*relay_str(o, "s") && relay_int(o, "n", -7) == -7 && !relay_true(o, "ok"),
	   "of another kind is not there");
	ok(!relay_bytes(o, "t", &n) && !relay_bytes(o, "u", &n) && !relay_bytes(o, "v", &n) &&
	           !relay_bytes(o, "w", &n),
	   "bytes that aren't are none");
	ok(!relay_stat(o, &back), "half a stat is none");
	json_decref(o);
	o = json_object();
	relay_set_stat(o, &st);
	ok(relay_stat(o, &back) && back.exists && back.dev == UINT64_MAX && back.ino == 2 &&
	           back.mtime_ns == 3 && back.size == 4,
	   "a whole one comes back, with numbers of any size");
	json_decref(o);
	ok(!*relay_str(NULL, "s") && relay_int(NULL, "n", 1) == 1 && !relay_bytes(NULL, "t", &n),
	   "of no message nothing is there");
}

int main(void)
{
	test_bytes();
	test_open();
	test_fields();
	return tap_done();
}
