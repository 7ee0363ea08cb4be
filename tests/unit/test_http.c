/*
 * test_http: the head of a request: what is taken, each thing that is refused, limits, lists, the
 * query; and that it makes no difference how the bytes arrive.
 */
#include <stdlib.h>

#include "../../node/http.h"
#include "tap.h"

#define HOST "Host: x\r\n"

static struct http_request r;
static char name[200];

static int parse(const char *text)
{
	return http_parse(text, strlen(text), &r);
}

static void refused(int code, const char *text, const char *why)
{
	snprintf(name, sizeof name, "%d: %s", -code, why);
	ok(parse(text) == code, name);
}

static void whole(void)
{
	static const char text[] =
		"GET /ws/a%3Ab?token=t&x= HTTP/1.1\r\nhOsT: example.com\r\nUpgrade: h2c , "
		"WebSocket\r\n"
		"Connection: keep-alive\r\nConnection: Upgrade\r\nSec-WebSocket-Key:\t key \t\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\nOrigin:\r\n"
		"Authorization: Bearer t\r\nX-LB: lb1-7\r\nContent-Length: 0\r\nX: "
		"\xc3\xa9\r\n\r\nrest";
	int n = parse(text);

	ok(n == (int)(sizeof text - 5), "the head's length, without what follows it");
	ok(slice_is(r.method, "GET") && slice_is(r.path, "/ws/a%3Ab") &&
	           slice_is(r.query, "token=t&x="),
	   "method, path and query");
	ok(r.http11 && r.has_host && !r.has_body && r.upgrade_websocket && r.connection_upgrade,
	   "names and tokens in any case, lists over several lines");
	ok(slice_is(r.ws_key, "key") && slice_is(r.ws_version, "13") &&
	           slice_is(r.ws_protocols, "a, b") && slice_is(r.authorization, "Bearer t") &&
	           slice_is(r.lb, "lb1-7"),
	   "values without the blanks around them");
	ok(r.origin.p && !r.origin.len, "an empty value is there");
	ok(parse("GET / HTTP/1.0\r\n\r\n") == 18 && !r.http11 && !r.query.p,
	   "HTTP/1.0 needs no Host");
	ok(parse("GET /? HTTP/1.1\r\n" HOST "\r\n") > 0 && r.query.p && !r.query.len,
	   "an empty query");
	ok(parse("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n") > 0 && r.has_body,
	   "a chunked body is told");
	ok(parse("GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n") > 0 && r.has_body,
	   "as is a length");
	ok(parse("GET / HTTP/1.1\r\n" HOST "Content-Length: 00\r\n\r\n") > 0 && r.has_body,
	   "and one that is strange");
	ok(parse("GET / HTTP/1.1\r\n" HOST
	         "Sec-WebSocket-Protocol: a\r\nsec-websocket-protocol: b\r\n\r\n") > 0 &&
	           r.many_protocols,
	   "two lines of subprotocols are told");
	ok(slice_is((struct slice){NULL, 0}, "") == false,
	   "what is not there is not the empty text");
}

static void refusals(void)
{
	refused(-400, "\r\n", "an empty line in front");
	refused(-400, "GET\r\n", "only a method");
	refused(-400, "GET /\r\n", "no version (HTTP/0.9)");
	refused(-400, " / HTTP/1.1\r\n", "no method");
	refused(-400, "G(T / HTTP/1.1\r\n", "a method that is no token");
	refused(-400, "GET  / HTTP/1.1\r\n", "two blanks");
	refused(-400, "GET / a HTTP/1.1\r\n", "a blank in the target");
	refused(-400, "GET http://x/ HTTP/1.1\r\n", "the form for proxies");
	refused(-400, "OPTIONS * HTTP/1.1\r\n", "the form for servers");
	refused(-400, "GET /\x7f HTTP/1.1\r\n", "DEL in the target");
	refused(-400, "GET /\xc3\xa9 HTTP/1.1\r\n", "bytes above ASCII in the target");
	refused(-400, "GET /#a HTTP/1.1\r\n", "a fragment");
	refused(-400, "GET / HTTP/1.1 \r\n", "a blank at the end");
	refused(-400, "GET / http/1.1\r\n", "a version in small letters");
	refused(-400, "GET / HTTP/1.x\r\n", "a version that is no number");
	refused(-400, "GET / HTTP/11\r\n", "a version without a dot");
	refused(-505, "GET / HTTP/2.0\r\n", "another version");
	refused(-505, "PRI / HTTP/0.9\r\n", "an old one");
	refused(-400, "GET / HTTP/1.1\n", "a line end without CR");
	refused(-400, "GET / HTTP/1.1\r\nHost: x\n", "one in the headers");
	refused(-400, "GET / HTTP/1.1\r\n\r\n", "no Host");
	refused(-400, "GET / HTTP/1.1\r\n" HOST "host: y\r\n", "two of them");
	refused(-400, "GET / HTTP/1.1\r\nHost : x\r\n", "a blank before the colon");
	refused(-400, "GET / HTTP/1.1\r\n" HOST " folded\r\n", "a folded line");
	refused(-400, "GET / HTTP/1.1\r\n" HOST ": x\r\n", "a header without a name");
	refused(-400, "GET / HTTP/1.1\r\n" HOST "nothing\r\n", "a header without a colon");
	refused(-400, "GET / HTTP/1.1\r\n" HOST "A: b\rC: d\r\n", "CR alone in a value");
	refused(-400, "GET / HTTP/1.1\r\n" HOST "A: \x01\r\n", "a control byte in a value");
	refused(-400, "GET / HTTP/1.1\r\n" HOST "\xff: a\r\n", "a name above ASCII");
	refused(-400, "GET / HTTP/1.1\r\n" HOST "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: a\r\n",
	        "two keys");
	refused(-400,
	        "GET / HTTP/1.1\r\n" HOST
	        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n",
	        "two versions");
	refused(-400, "GET / HTTP/1.1\r\n" HOST "Origin:\r\nOrigin: b\r\n",
	        "two origins, even if one is empty");
	refused(-400, "GET / HTTP/1.1\r\n" HOST "Authorization: a\r\nAuthorization: b\r\n",
	        "two tokens");
	refused(-400, "\x16\x03\x01", "TLS is told at once");
	ok(http_parse("GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n", 37, &r) == -400,
	   "400: NUL in a value");
	ok(http_parse("G\0T / HTTP/1.1\r\n", 16, &r) == -400, "400: NUL in the method");
}

static void bytes(void)
{
	static const char tchar[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	bool names = true, values = true, targets = true;

	for (int c = 0; c < 256; c++) {
		char text[] = "GET /a HTTP/1.1\r\nHost: x\r\nNNN: VVV\r\n\r\n";
		size_t len = sizeof text - 1;

		if (c == '\n' || c == ':')
			continue;
		text[27] = (char)c;
		names &= (http_parse(text, len, &r) > 0) == (c && strchr(tchar, c));
		text[27] = 'N';
		text[32] = (char)c;
		values &= (http_parse(text, len, &r) > 0) == ((c >= ' ' && c != 0x7f) || c == '\t');
		text[32] = 'V';
		text[5] = (char)c;
		targets &= (http_parse(text, len, &r) > 0) == (c > ' ' && c < 0x7f && c != '#');
	}
	ok(names, "each byte in a name: a token's or refused");
	ok(values, "each byte in a value: printable, a tab, above ASCII, or refused");
	ok(targets, "each byte in a target: printable ASCII or refused");
}

static void limits(void)
{
	static const char head[] = "GET / HTTP/1.1\r\n" HOST "A: ";
	static char text[HTTP_HEAD_MAX + 100];

	memset(text, 'a', sizeof text);
	memcpy(text, head, sizeof head - 1);
	memcpy(text + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
	ok(http_parse(text, HTTP_HEAD_MAX, &r) == HTTP_HEAD_MAX, "a head of 16 KiB");
	memset(text + HTTP_HEAD_MAX - 4, 'a', 4);
	ok(http_parse(text, HTTP_HEAD_MAX, &r) == -431, "431: one that has no end by then");
	memcpy(text + HTTP_HEAD_MAX + 10, "\r\n\r\n", 4);
	ok(http_parse(text, HTTP_HEAD_MAX + 14, &r) == -431, "431: one that ends behind it");
	memset(text, 'a', sizeof text);
	ok(http_parse(text, HTTP_HEAD_MAX - 1, &r) == 0, "a first line may be long");
	ok(http_parse(text, HTTP_HEAD_MAX, &r) == -431, "431: but not that long");
	ok(http_parse("", 0, &r) == 0, "nothing is not yet wrong");
}

/* However the bytes come, what is decided is the same. */
static void split(const char *text, const char *what)
{
	size_t len = strlen(text);
	struct http_request all, part;
	int n = http_parse(text, len, &all), got = 0;
	bool good = true;

	for (size_t i = 0; i <= len && !got; i++) {
		/* A copy of exactly this size: reading beyond it is seen by ASan. */
		char *p = malloc(i ? i : 1);

		if (!p)
			abort();
		memcpy(p, text, i);
		got = http_parse(p, i, &part);
		good &= got <= 0 || (size_t)got == i;
		free(p);
	}
	http_parse(text, len, &part);
	snprintf(name, sizeof name, "byte by byte as at once: %s", what);
	ok(good && got == n && !memcmp(&all, &part, sizeof all), name);
}

static void lists(void)
{
	struct slice l = {" a,, b c\t,,d , ", 15}, e;

	ok(http_list_next(&l, &e) && slice_is(e, "a"), "the first of a list");
	ok(http_list_next(&l, &e) && slice_is(e, "b c"), "empty ones are passed over");
	ok(http_list_next(&l, &e) && slice_is(e, "d"), "the last");
	ok(!http_list_next(&l, &e), "its end");
	l = (struct slice){NULL, 0};
	ok(!http_list_next(&l, &e), "what is not there has no elements");
	ok(http_list_has((struct slice){"keep-alive, UPGRADE", 19}, "upgrade"), "in any case");
	ok(!http_list_has((struct slice){"upgraded, up", 12}, "upgrade"), "no part of a word");
}

static int query(const char *text, size_t cap)
{
	return http_query((struct slice){text, strlen(text)}, "token", name, cap);
}

static void queries(void)
{
	ok(query("a=b&token=x%41%2f+&c", 20) == 4, "decoded");
	is(name, "xA/+", "and plus stays plus");
	ok(query("token=", 20) == 0 && !name[0], "an empty one");
	ok(query("", 20) == -1 && query("token", 20) == -1 &&
	           query("xtoken=1&token2=3&Token=4", 20) == -1,
	   "not there");
	ok(http_query((struct slice){NULL, 0}, "token", name, 20) == -1, "no query at all");
	ok(query("token=a&token=b", 20) == -2 && query("token=&token=", 20) == -2, "given twice");
	ok(query("token=a&&token=b", 20) == -2, "given twice with nothing between");
	ok(query("token=%4", 20) == -2 && query("token=%zz", 20) == -2 &&
	           query("token=%", 20) == -2,
	   "a bad escape");
	ok(query("token=a%00b", 20) == -2, "NUL");
	ok(query("token=abcd", 5) == 4 && query("token=abcde", 5) == -2, "too long for the place");
	ok(query("token=a=b", 20) == 3 && !strcmp(name, "a=b"), "an equals sign within");
}

static void escapes(void)
{
	char out[4];

	ok(http_percent_decode((struct slice){"%25%34%31", 9}, out, 4) == 3 &&
	           !memcmp(out, "%41", 3),
	   "decoded once");
	ok(http_percent_decode((struct slice){"a%4", 3}, out, 4) == -1, "half an escape");
	ok(http_percent_decode((struct slice){"%+1", 3}, out, 4) == -1 &&
	           http_percent_decode((struct slice){"% 1", 3}, out, 4) == -1,
	   "no number");
	ok(http_percent_decode((struct slice){"abcde", 5}, out, 4) == -1, "too long");
	ok(http_percent_decode((struct slice){"abcd", 4}, out, 4) == 4, "just fits");
}

int main(void)
{
	whole();
	refusals();
	bytes();
	limits();
	lists();
	queries();
	escapes();
	split("GET /ws/news?a=b HTTP/1.1\r\n" HOST
	      "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n",
	      "good");
	split("GET / HTTP/1.1\r\n" HOST "X : y\r\n\r\n", "a bad header");
	split("GET / HTTP/3.1\r\n" HOST "\r\n", "another version");
	split("GET / HTTP/1.1\r\n\r\n", "no Host");
	split("GET / HTTP/1.1\nHost: x\n\n", "no CR");
	return tap_done();
}
