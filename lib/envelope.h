/*
 * envelope: how one message travels through Redis. Most travel bare. Where the kind can't be seen
 * from the bytes, or the payload begins with NUL, or the message has a place in a history, they are
 * wrapped:
 *
 *   NUL "WS1" SP KIND SP "-" LF payload                           KIND is t or b
 *   NUL "WS1" SP KIND SP EPOCH-OFFSET SP MICROSECONDS LF payload  KIND is t, b or p (purged)
 *
 * What begins otherwise, or doesn't parse strictly, is a bare message: text if valid UTF-8 (RFC
 * 3629), else binary. A numbered one that says text and isn't UTF-8 is binary.
 */
#ifndef WSCALE_ENVELOPE_H
#define WSCALE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"

enum kind {
	KIND_TEXT = 1, /* RFC 6455 5.2: opcodes */
	KIND_BINARY = 2,
	KIND_PURGE = 3, /* everything before it is gone; not for clients */
};

enum { ENVELOPE_HEAD = 9 }; /* "\0WS1 t -\n" */

struct message {
	enum kind kind;
	const uint8_t *p; /* borrowed from the input */
	size_t len;
	struct position at; /* epoch 0: without a place in a history */
	uint64_t micros;    /* when Redis took it (Unix time); with `at`: which message it is */
};

/* What arrived from Redis. Never fails. */
void envelope_open(const uint8_t *, size_t, struct message *out);
/*
 * The header to put before a payload of this kind; returns its length, 0 if it travels bare:
 * text that doesn't begin with NUL, binary that is not valid UTF-8 and doesn't begin with NUL.
 * (Numbered envelopes are made by the publish script, inside Redis.)
 */
size_t envelope_head(enum kind, const uint8_t *, size_t, char out[static ENVELOPE_HEAD]);
bool utf8_valid(const uint8_t *, size_t);

#endif
