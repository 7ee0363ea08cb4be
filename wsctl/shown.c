/*
 * shown: writes unit by unit, a character or its escape, and remembers where the last one ended
 * that leaves room for the dots. Wide characters are guessed generously: a line that is too short
 * is better than one that wraps.
 */
#include "shown.h"

#include <stdbool.h>
#include <stdio.h>

#include "../lib/buf.h"
#include "../lib/envelope.h"

enum { DOTS = 3 };

struct line {
	struct buf *b;
	size_t room, used;
	size_t dots_at; /* b's length up to which it may be kept when it is cut */
};

static struct line line_begin(struct buf *b, size_t room)
{
	buf_str(b, "");
	return (struct line){.b = b, .room = room, .dots_at = b->len};
}

/* false: it didn't fit, the line is cut. */
static bool unit(struct line *l, const void *p, size_t len, size_t width)
{
	if (l->room && l->used + width > l->room) {
		l->b->len = l->dots_at;
		buf_str(l->b, "...");
		return false;
	}
	buf_add(l->b, p, len);
	l->used += width;
	if (l->used + DOTS <= l->room)
		l->dots_at = l->b->len;
	return !l->b->oom;
}

/* The character at p, and how many bytes it has; 0: no UTF-8. */
static size_t decode(const uint8_t *p, size_t n, uint32_t *out)
{
	size_t len = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;

	if (len > n || !utf8_valid(p, len))
		return 0;
	*out = len == 1 ? *p : *p & (0x7fU >> len);
	for (size_t i = 1; i < len; i++)
		*out = *out << 6 | (p[i] & 0x3fU);
	return len;
}

/* C1 control characters, marks and overrides of direction, separators of lines, tags. */
static bool hidden(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* "" for what is shown as it is. */
static int escape(uint32_t c, char out[static 16])
{
	switch (c) {
	case '\n':
		return snprintf(out, 16, "\\n");
	case '\r':
		return snprintf(out, 16, "\\r");
	case '\t':
		return snprintf(out, 16, "\\t");
	case '\\':
		return snprintf(out, 16, "\\\\");
	default:
		if (c < 0x20 || c == 0x7f)
			return snprintf(out, 16, "\\x%02x", (unsigned)c);
		if (hidden(c))
			return snprintf(out, 16, "\\u{%x}", (unsigned)c);
		return 0;
	}
}

void shown_text(struct buf *b, const uint8_t *p, size_t n, size_t room)
{
	struct line l = line_begin(b, room);
	char text[16];
	bool fits = true;

	for (size_t i = 0; fits && i < n;) {
		uint32_t c = 0;
		size_t len = decode(p + i, n - i, &c);
		int out = len ? escape(c, text) : snprintf(text, 16, "\\x%02x", p[i]);

		if (out)
			fits = unit(&l, text, (size_t)out, (size_t)out);
		else
			fits = unit(&l, p + i, len, c >= 0x1100 ? 2 : 1);
		i += len ? len : 1;
	}
}

void shown_hex(struct buf *b, const uint8_t *p, size_t n, size_t room)
{
	struct line l = line_begin(b, room);
	static const char digits[] = "0123456789abcdef";
	bool fits = true;

	for (size_t i = 0; fits && i < n; i++) {
		char text[2] = {digits[p[i] >> 4], digits[p[i] & 15]};

		fits = unit(&l, text, sizeof text, sizeof text);
	}
}
