/* test_shown: whatever a message holds, what is shown of it drives no terminal, forges no line,
 * says which bytes there were, and keeps to its room. */
#include <stdlib.h>

#include "../../lib/buf.h"
#include "../../wsctl/shown.h"
#include "tap.h"

static void text_is(const char *in, size_t len, size_t room, const char *want, const char *name)
{
	struct buf b = {0};

	shown_text(&b, (const uint8_t *)in, len, room);
	is(b.p, want, name);
	buf_free(&b);
}
#define TEXT(in, room, want, name) text_is(in, sizeof in - 1, room, want, name)

static void escapes(void)
{
	TEXT("hello world", 0, "hello world", "plain text as it is");
	TEXT("", 0, "", "nothing");
	TEXT("a\nb\r\tc", 0, "a\\nb\\r\\tc", "ends of lines and tabs by their letters");
	TEXT("\033[2J\a\0\177", 0, "\\x1b[2J\\x07\\x00\\x7f", "control bytes, and NUL");
	TEXT("\\n", 0, "\\\\n", "a backslash is doubled, so it isn't taken for an escape");
	TEXT("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", 0, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80",
	     "letters and emoji stay");
	TEXT("\xc2\x9b"
	     "2J",
	     0, "\\u{9b}2J", "C1, which terminals obey too");
	TEXT("a\xe2\x80\xae"
	     "b",
	     0, "a\\u{202e}b", "what turns the direction of text");
	TEXT("\xf3\xa0\x81\x81", 0, "\\u{e0041}", "tags, which nobody sees");
	TEXT("\xff\xc3", 0, "\\xff\\xc3", "what is no UTF-8");
	TEXT("\xed\xa0\x80", 0, "\\xed\\xa0\\x80", "half a surrogate pair is none either");
}

static void cut(void)
{
	TEXT("12345678", 8, "12345678", "what fits is whole");
	TEXT("123456789", 8, "12345...", "what doesn't has dots");
	TEXT("1234\n6789", 8, "1234...", "an escape isn't halved");
	TEXT("\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87x", 8, "\xe4\xb8\xad\xe6\x96\x87...",
	     "wide characters count twice, and aren't halved");
	TEXT("\033\033", 3, "...", "dots alone");
}

static void hex(void)
{
	static const uint8_t bytes[] = {0, 0xff, 0x1b, 0x0a};
	struct buf b = {0};

	shown_hex(&b, bytes, sizeof bytes, 0);
	is(b.p, "00ff1b0a", "hex, whole");
	buf_reset(&b);
	shown_hex(&b, bytes, sizeof bytes, 8);
	is(b.p, "00ff1b0a", "hex that fits");
	buf_reset(&b);
	shown_hex(&b, bytes, sizeof bytes, 7);
	is(b.p, "00ff...", "hex is cut between bytes");
	buf_free(&b);
}

/* Any bytes, any room: printable, and no wider than it may be. */
static void any(void)
{
	bool printable = true, fits = true;

	srand(7);
	for (int i = 0; i < 20000; i++) {
		uint8_t in[24];
		size_t n = (size_t)rand() % sizeof in, room = 3 + (size_t)rand() % 30, wide = 0;
		struct buf b = {0};

		for (size_t k = 0; k < n; k++)
			in[k] = (uint8_t)(rand() % 3 ? rand() : 0x80 + rand() % 0x20);
		shown_text(&b, in, n, room);
		for (size_t k = 0; k < b.len; k++) {
			uint8_t c = (uint8_t)b.p[k];

			printable = printable && c >= 0x20 && c != 0x7f;
			if (c == 0xc2 && (uint8_t)b.p[k + 1] < 0xa0)
				printable = false;
			wide += c < 0x80 || c >= 0xc0;
		}
		fits = fits && wide <= room;
		buf_free(&b);
	}
	ok(printable, "20,000 texts of any bytes: no control character is left");
	ok(fits, "... and each keeps to its room");
}

int main(void)
{
	escapes();
	cut();
	hex();
	any();
	return tap_done();
}
