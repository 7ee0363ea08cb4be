/*
 * window: messages on their way into histories: sent in order over one connection to Redis, kept
 * until they are acknowledged, and sent again, in the same order, over the next connection when one
 * breaks. Bounded: who finds it full stops reading. The publish script takes each message once,
 * however often it comes. Knows no standard input and no format.
 */
#ifndef WSCTL_WINDOW_H
#define WSCTL_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/channel.h"
#include "../lib/script.h"

struct run;

/* Who numbers messages, as the script knows it. Owned by the caller, for the window's life. */
struct source {
	char name[SOURCE_MAX];
	char channel[CHANNEL_MAX + 1];
	struct keep keep;
	uint64_t ttl_ms; /* how long Redis remembers its last number */
	/* Before a number in messages: "line ", "orders/3 offset "; "": there is only one */
	char label[SOURCE_MAX + 8];

	size_t in_flight; /* the window's own: sent over this connection and not answered, */
	uint64_t last;    /* up to this number */
};

/* What became of them. */
struct tally {
	uint64_t acked; /* Redis has them now */
	uint64_t seen;  /* ... and had them before the first attempt: from an earlier run */
	uint64_t heard; /* nodes, the last message */
};

struct window;

/* deadline_ms: how long Redis may be away. run is borrowed. NULL: out of memory. */
struct window *window_new(const struct run *, uint64_t deadline_ms, struct tally *);
void window_free(struct window *);
/* The first connection: EXIT_OK, or EXIT_AWAY or EXIT_FAILED, printed. */
int window_open(struct window *);
/* No room for another message, or nobody to send it to. */
bool window_full(const struct window *);
bool window_empty(const struct window *);
size_t window_waiting(const struct window *);
/* Copies p. Only when it isn't full. EXIT_OK, or EXIT_FAILED, printed. */
int window_add(struct window *, struct source *, uint64_t seq, const void *p, size_t len);
/*
 * Sends, listens and connects again, waiting at most a second for something to do; *readable: fd
 * (-1: none) has something to read. EXIT_OK; EXIT_LATER: Redis stayed away; EXIT_FAILED: it refused
 * a message, and what was sent behind that one has been answered. Both printed.
 */
int window_turn(struct window *, int fd, bool *readable);

#endif
