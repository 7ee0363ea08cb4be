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

/* How long a client was behind after it lost its connection, until it had what others had. */
struct gap {
	uint32_t whole, served; /* ms: from its first try to connect, from the upgrade */
};

struct tally {
	uint64_t received, doubled, reordered, unnumbered;
	int64_t lost; /* below zero when an interval only saw late ones */
	uint64_t opened, refused, timeouts, bad, churned;
	uint64_t hung; /* closes after which the server left TCP open */
	/* With history: */
	uint64_t resumed;      /* connections and subscriptions that said where they go on */
	uint64_t recovered;    /* of those, nothing was missing */
	uint64_t renamed;      /* told of a new epoch without a loss, within a connection */
	uint64_t announced;    /* losses that the server told of */
	uint64_t skipped;      /* numbers that went missing in them */
	uint64_t redone;       /* messages twice because Redis forgot them before it acknowledged */
	uint64_t misplaced;    /* not the next place after the last */
	uint64_t conflicts;    /* another message in the same place */
	uint64_t strangers;    /* messages of another channel */
	uint64_t resubscribed; /* told to do so within a connection */
	uint64_t dropped;      /* connections given up by us without a Close */
	struct gap *gaps;      /* owned */
	size_t n_gaps, cap_gaps;
	uint64_t status[600];    /* handshake answers by HTTP status */
	struct close_at *closes; /* owned, in order of time */
	size_t n_closes, cap_closes;
};

void tally_close(struct tally *, uint32_t ms, unsigned code);
void tally_gap(struct tally *, uint32_t whole_ms, uint32_t served_ms);
/* Adds an interval to the whole. */
void tally_add(struct tally *whole, const struct tally *part);
/* The members of one JSON object, without its braces. */
void tally_print(const struct tally *, FILE *);
void tally_reset(struct tally *);

/* One client's view of the numbers of its channel. */
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
