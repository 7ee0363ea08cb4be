/*
 * follow: what one client has of a channel's history, across all of its connections. Each message
 * must have the next place (epoch and offset) and the next number (wspub counts from 1), unless a
 * loss was announced. Stricter than a client need be: the same place must hold the same number for
 * everybody, and a number twice is an error wherever it comes from. Knows no socket, no protocol.
 */
#ifndef TESTS_FOLLOW_H
#define TESTS_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tally.h"

enum { EPOCH_LEN = 16, PLACES = 128 };

struct place {
	char epoch[EPOCH_LEN]; /* "": none */
	uint64_t offset;
};

/* What all clients of a channel saw. */
struct lane {
	char name[128];
	uint64_t top; /* the highest number */
	struct {
		struct place at;
		uint64_t number;
	} places[PLACES];
};

struct follow {
	struct place at; /* the last message, or where the server said that it begins */
	struct seq seq;
	bool attached;    /* the server said where this connection goes on */
	bool told;        /* a loss was announced, no new number came since */
	uint64_t told_us; /* when it was (Unix time): it covers what was published before */
	uint64_t begun, accepted, target;
};

/* ID is EPOCH-OFFSET. 0 or -1. */
int place_parse(const char *, size_t, struct place *out);
void place_print(const struct place *, char *out, size_t cap);

/* A connection is begun (again, if the last try failed); it is accepted; it ended. */
void follow_begin(struct follow *, uint64_t now);
void follow_accepted(struct follow *, const struct lane *, uint64_t now);
void follow_end(struct follow *);
/* The server says: everything after this place follows. lost: and not everything before it came. */
void follow_attached(struct follow *, const struct place *, bool lost, struct tally *,
                     uint64_t now);
/* The next message. payload: as wspub writes it. */
void follow_message(struct follow *, struct lane *, const struct place *, const void *payload,
                    size_t len, struct tally *, uint64_t now);

#endif
