/*
 * tally: what wsload counts, for one interval or for the whole run, and its JSON. Knows no socket.
 */
#ifndef TESTS_TALLY_H
#define TESTS_TALLY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct close_at {
	uint32_t ms; /* since the start of the run */
	uint16_t code;
};

struct tally {
	uint64_t received, doubled, reordered, unnumbered;
	int64_t lost; /* below zero when an interval only saw late ones */
	uint64_t opened, refused, timeouts, bad, churned;
	uint64_t hung;           /* closes after which the server left TCP open */
	uint64_t status[600];    /* handshake answers by HTTP status */
	struct close_at *closes; /* owned, in order of time */
	size_t n_closes, cap_closes;
};

void tally_close(struct tally *, uint32_t ms, unsigned code);
/* The members of one JSON object, without its braces. */
void tally_print(const struct tally *, FILE *);
void tally_reset(struct tally *);

/* One client's view of the numbers of its channel, within one connection. */
struct seq {
	uint64_t last; /* the highest seen */
	uint64_t seen; /* bit i: last - i was seen */
	int started;
};
/* The number that a message begins with. 0 or -1. */
int seq_number(const uint8_t *, size_t, uint64_t *n);
/*
 * Takes message number n: how many numbers were skipped before it (mostly 0), or what else it is.
 * A late one was counted as skipped before.
 */
enum { SEQ_DOUBLED = -1, SEQ_LATE = -2 };
int64_t seq_add(struct seq *, uint64_t n);

#endif
