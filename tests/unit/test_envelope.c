/* test_envelope: what a client sends is what others get, kind and bytes, whatever the bytes are. */
#include <stdlib.h>

#include "../../lib/envelope.h"
#include "tap.h"

#define B(s) (const uint8_t *)(s), sizeof(s) - 1

static void utf8(const char *name, const uint8_t *p, size_t n, bool want)
{
	/* At every distance to the end of an eight-byte step. */
	uint8_t *text = malloc(n + 32);
	bool good = true;
	for (size_t before = 0; before < 16; before++) {
		memset(text, 'a', n + 32);
		memcpy(text + before, p, n);
		good = good && utf8_valid(text, before + n) == want;
		good = good && utf8_valid(text, before + n + 16) == want;
	}
	free(text);
	ok(good, name);
}

static void opens(const char *name, const uint8_t *p, size_t n, enum kind kind, size_t from)
{
	struct message m;
	envelope_open(p, n, &m);
	ok(m.kind == kind && m.p == p + from && m.len == n - from, name);
}

static void numbered(const char *name, const uint8_t *p, size_t n, struct message want)
{
	struct message m;
	envelope_open(p, n, &m);
	ok(m.kind == want.kind && m.p + m.len == p + n && m.len == want.len &&
	           m.at.epoch == want.at.epoch && m.at.offset == want.at.offset &&
	           m.micros == want.micros,
	   name);
}

/* Not an envelope: the whole of it is the message. */
static void bare(const char *name, const uint8_t *p, size_t n)
{
	struct message m;
	envelope_open(p, n, &m);
	ok(m.p == p && m.len == n && !m.at.epoch && !m.at.offset && !m.micros &&
	           m.kind != KIND_PURGE,
	   name);
}

static void places(void)
{
	const uint64_t most = UINT64_C(1) << 53;
	numbered("a numbered text", B("\0WS1 t gz-7 1700000000000000\nhi"),
	         (struct message){KIND_TEXT, NULL, 2, {611, 7}, 1700000000000000});
	numbered("a numbered binary", B("\0WS1 b 1-1 1\n\0\xff"),
	         (struct message){KIND_BINARY, NULL, 2, {1, 1}, 1});
	numbered("without a payload", B("\0WS1 t 1-1 1\n"),
	         (struct message){KIND_TEXT, NULL, 0, {1, 1}, 1});
	numbered("a purge", B("\0WS1 p 1-12 5\n"),
	         (struct message){KIND_PURGE, NULL, 0, {1, 12}, 5});
	numbered("text that is none is binary, in its place", B("\0WS1 t 1-1 1\n\xff"),
	         (struct message){KIND_BINARY, NULL, 1, {1, 1}, 1});
	numbered("the largest numbers",
	         B("\0WS1 t 2gosa7pa2gw-9007199254740992 9007199254740992\nx"),
	         (struct message){KIND_TEXT, NULL, 1, {most, most}, most});
	bare("an epoch above 2^53", B("\0WS1 t 2gosa7pa2gx-1 1\nx"));
	bare("an offset above 2^53", B("\0WS1 t 1-9007199254740993 1\nx"));
	bare("a time above 2^53", B("\0WS1 t 1-1 9007199254740993\nx"));
	bare("offset 0", B("\0WS1 t 1-0 1\nx"));
	bare("time 0", B("\0WS1 t 1-1 0\nx"));
	bare("no time", B("\0WS1 t 1-1\nx"));
	bare("an empty time", B("\0WS1 t 1-1 \nx"));
	bare("a time for no place", B("\0WS1 t - 1\nx"));
	bare("a leading zero", B("\0WS1 t 1-1 01\nx"));
	bare("upper case", B("\0WS1 t A-1 1\nx"));
	bare("a NUL in the time", B("\0WS1 t 1-1 1\0\nx"));
	bare("a NUL in the place", B("\0WS1 t 1-1\0 1\nx"));
	bare("CR", B("\0WS1 t 1-1 1\r\nx"));
	bare("two blanks", B("\0WS1 t 1-1  1\nx"));
	bare("more behind the time", B("\0WS1 t 1-1 1 1\nx"));
	bare("no LF", B("\0WS1 t 1-1 1"));
	bare("an LF too late", B("\0WS1 t 1-1 1                                            \nx"));
	bare("a purge without a place", B("\0WS1 p -\n"));
	bare("a purge with a payload", B("\0WS1 p 1-12 5\nx"));
	bare("an unknown kind", B("\0WS1 x 1-1 1\nx"));
}

static void travels(const char *name, enum kind kind, const uint8_t *p, size_t n, bool bare)
{
	char head[ENVELOPE_HEAD];
	uint8_t wire[256];
	struct message m;
	size_t h = envelope_head(kind, p, n, head);
	memcpy(wire, head, h);
	memcpy(wire + h, p, n);
	envelope_open(wire, h + n, &m);
	ok((h == 0) == bare && m.kind == kind && m.len == n && memcmp(m.p, p, n) == 0, name);
}

int main(void)
{
	utf8("ASCII", B("hello, world"), true);
	utf8("two, three and four bytes", B("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), true);
	utf8("U+0080 and U+07FF", B("\xc2\x80\xdf\xbf"), true);
	utf8("U+0800 and U+FFFF", B("\xe0\xa0\x80\xef\xbf\xbf"), true);
	utf8("U+10000 and U+10FFFF", B("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true);
	utf8("U+D7FF and U+E000", B("\xed\x9f\xbf\xee\x80\x80"), true);
	utf8("NUL", B("a\0b"), true);
	utf8("overlong two", B("\xc0\x80"), false);
	utf8("overlong two, 0xc1", B("\xc1\xbf"), false);
	utf8("overlong three", B("\xe0\x9f\xbf"), false);
	utf8("overlong four", B("\xf0\x8f\xbf\xbf"), false);
	utf8("surrogate D800", B("\xed\xa0\x80"), false);
	utf8("surrogate DFFF", B("\xed\xbf\xbf"), false);
	utf8("above U+10FFFF", B("\xf4\x90\x80\x80"), false);
	utf8("0xf5", B("\xf5\x80\x80\x80"), false);
	utf8("0xff", B("\xff"), false);
	utf8("a lone continuation", B("\x80"), false);
	utf8("cut after one of two", B("\xc3"), false);
	utf8("cut after two of three", B("\xe2\x82"), false);
	utf8("cut after three of four", B("\xf0\x9f\x98"), false);
	utf8("ASCII where a continuation belongs",
	     B("\xe2\x82"
	       "a"),
	     false);
	ok(utf8_valid(NULL, 0), "nothing is valid");

	opens("text", B("hello"), KIND_TEXT, 0);
	opens("no bytes are text", B(""), KIND_TEXT, 0);
	opens("binary", B("\xff\xfe"), KIND_BINARY, 0);
	opens("wrapped text", B("\0WS1 t -\nhi"), KIND_TEXT, 9);
	opens("wrapped binary", B("\0WS1 b -\nhi"), KIND_BINARY, 9);
	opens("wrapped nothing", B("\0WS1 b -\n"), KIND_BINARY, 9);
	opens("an unknown kind is bare", B("\0WS1 x -\nhi"), KIND_TEXT, 0);
	opens("an id is bare", B("\0WS1 t 1\nhi"), KIND_TEXT, 0);
	opens("another version is bare", B("\0WS2 t -\nhi"), KIND_TEXT, 0);
	opens("a cut header is bare", B("\0WS1 t -"), KIND_TEXT, 0);
	opens("CR is bare", B("\0WS1 t -\r\nhi"), KIND_TEXT, 0);
	opens("wrapped text that is no text is bare and binary", B("\0WS1 t -\n\xff"), KIND_BINARY,
	      0);
	opens("a NUL alone", B("\0"), KIND_TEXT, 0);

	places();

	travels("text travels bare", KIND_TEXT, B("hello"), true);
	travels("empty text travels bare", KIND_TEXT, B(""), true);
	travels("binary that no one takes for text travels bare", KIND_BINARY, B("\xff\0"), true);
	travels("binary that looks like text is wrapped", KIND_BINARY, B("hello"), false);
	travels("empty binary is wrapped", KIND_BINARY, B(""), false);
	travels("text with NUL in front is wrapped", KIND_TEXT, B("\0a"), false);
	travels("binary with NUL in front is wrapped", KIND_BINARY, B("\0\xff"), false);
	travels("what looks like an envelope is wrapped as text", KIND_TEXT, B("\0WS1 b -\nhi"),
	        false);
	travels("what looks like an envelope is wrapped as binary", KIND_BINARY,
	        B("\0WS1 t -\n\xff"), false);
	return tap_done();
}
