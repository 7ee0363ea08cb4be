/*
 * listen: a subscription to channels and patterns that outlives its connection: Redis goes away,
 * that is said, and it is subscribed again as soon as Redis is back. What is published meanwhile is
 * missed. Holds one message at a time, and none above a limit. Knows no output.
 */
#ifndef WSCTL_LISTEN_H
#define WSCTL_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run;
struct listener;

/* One message, borrowed; name: the channel's, valid. false: no more of them. */
typedef bool listen_fn(void *arg, const char *name, const uint8_t *p, size_t len);

/* names: valid channels and patterns, borrowed as run is. NULL: out of memory. */
struct listener *listen_new(const struct run *, char **names, size_t n, listen_fn *, void *arg);
void listen_free(struct listener *);
/* The first connection, subscribed. EXIT_OK, or an exit code, printed. */
int listen_open(struct listener *);
/*
 * Waits at most wait_ms for something to happen on the subscription or to standard output, and
 * hands over what came. EXIT_OK; EXIT_FAILED: Redis refuses the subscription, printed, or nobody
 * reads standard output any more, without words.
 */
int listen_turn(struct listener *, uint64_t wait_ms);

#endif
