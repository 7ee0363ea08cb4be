/*
 * envelope: how one message travels through Redis. Most travel bare. Where the kind can't be seen
 * from the bytes, or the payload begins with NUL, they are wrapped:
 *
 *   NUL "WS1" SP KIND SP ID LF payload        KIND is t or b, ID is "-" (no history yet)
 *
 * What begins otherwise, or doesn't parse strictly, is a bare message: text if valid UTF-8 (RFC
 * 3629), else binary.
 */
#ifndef WSCALE_ENVELOPE_H
#define WSCALE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind { KIND_TEXT = 1, KIND_BINARY = 2 }; /* RFC 6455 5.2: opcodes */

enum { ENVELOPE_HEAD = 9 }; /* "\0WS1 t -\n" */

struct message {
	enum kind kind;
	const uint8_t *p; /* borrowed from the input */
	size_t len;
};

/* What arrived from Redis. Never fails. */
void envelope_open(const uint8_t *, size_t, struct message *out);
/*
 * The header to put before a payload of this kind; returns its length, 0 if it travels bare:
 * text that doesn't begin with NUL, binary that is not valid UTF-8 and doesn't begin with NUL.
 */
size_t envelope_head(enum kind, const uint8_t *, size_t, char out[static ENVELOPE_HEAD]);
bool utf8_valid(const uint8_t *, size_t);

#endif
