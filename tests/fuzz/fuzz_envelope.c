/*
 * fuzz_envelope: whatever a client sends arrives as the same kind and the same bytes; whatever
 * Redis sends is some message that lies within it, and text is always UTF-8.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

/* What the publish script would write for it is what was read. */
static void same_place(const uint8_t *data, size_t size, const struct message *m)
{
	char head[128], at[POSITION_STR];
	struct position p = {0};
	if (!m->at.epoch) {
		check(!m->at.offset && !m->micros && m->kind != KIND_PURGE);
		return;
	}
	int n = snprintf(head, sizeof head, "WS1 %c %s %" PRIu64 "\n", data[5],
	                 position_str(m->at, at), m->micros);
	check(n > 0 && size - m->len == (size_t)n + 1 && memcmp(data + 1, head, (size_t)n) == 0);
	check(m->at.offset > 0 && m->micros > 0 && (m->kind != KIND_PURGE || !m->len));
	check(position_parse(at, strlen(at), &p) == 0 && p.epoch == m->at.epoch &&
	      p.offset == m->at.offset);
}

/* The definition, a character at a time. */
static bool plain_utf8(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c = p[i];
		size_t len = c < 0x80             ? 1
		             : (c & 0xe0) == 0xc0 ? 2
		             : (c & 0xf0) == 0xe0 ? 3
		             : (c & 0xf8) == 0xf0 ? 4
		                                  : 0;
		static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
		if (!len || len > n - i)
			return false;
		if (len > 1)
			c &= 0x7fu >> len;
		for (size_t k = 1; k < len; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (p[i + k] & 0x3f);
		}
		if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
		i += len;
	}
	return true;
}

static void round_trip(enum kind kind, const uint8_t *p, size_t n)
{
	char head[ENVELOPE_HEAD];
	struct message m;
	size_t h = envelope_head(kind, p, n, head);
	uint8_t *wire = malloc(h + n + 1);
	check(wire && (h == 0 || h == ENVELOPE_HEAD));
	memcpy(wire, head, h);
	if (n)
		memcpy(wire + h, p, n);
	envelope_open(wire, h + n, &m);
	check(m.kind == kind && m.len == n && m.p == wire + h);
	free(wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message m;
	bool text = utf8_valid(data, size);
	check(text == plain_utf8(data, size));
	envelope_open(data, size, &m);
	check(m.kind == KIND_TEXT || m.kind == KIND_BINARY || m.kind == KIND_PURGE);
	check(m.p + m.len == data + size && m.len <= size);
	check(m.kind == KIND_BINARY || utf8_valid(m.p, m.len));
	same_place(data, size, &m);
	struct position at;
	char text_of[POSITION_STR];
	if (position_parse((const char *)data, size, &at) == 0)
		check(strlen(position_str(at, text_of)) == size &&
		      memcmp(text_of, data, size) == 0);
	round_trip(KIND_BINARY, data, size);
	if (text)
		round_trip(KIND_TEXT, data, size);
	return 0;
}
