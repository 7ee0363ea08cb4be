/*
 * position: a place in a channel's history: the epoch, which changes whenever offsets begin anew or
 * can't be trusted any more, and the offset of a message in it, from 1 on. Written EPOCH-OFFSET,
 * the epoch in base 36 (it is the time of its beginning in microseconds), or "-": no history.
 */
#ifndef WSCALE_POSITION_H
#define WSCALE_POSITION_H

#include <stddef.h>
#include <stdint.h>

enum { EPOCH_STR = 14, POSITION_STR = EPOCH_STR + 21 };

struct position {
	uint64_t epoch;  /* 0: none */
	uint64_t offset; /* 0: before the first message */
};

/* Strict: lower case, no leading zero but in "0" as an offset; "-" is {0, 0}. 0; -1: malformed. */
int position_parse(const char *, size_t, struct position *out);
/* An epoch alone. 0; -1: malformed or zero. */
int epoch_parse(const char *, size_t, uint64_t *out);
/* Return out. */
char *position_str(struct position, char out[static POSITION_STR]);
char *epoch_str(uint64_t, char out[static EPOCH_STR]);

#endif
