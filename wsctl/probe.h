/*
 * probe: how long one node takes from a publish to its answer: a request on the node's own control
 * channel, through Redis, the node's loop, and back by another publish. Monotonic time, one request
 * at a time, so that nodes don't wait for each other. Redis's own PING is what to compare with.
 */
#ifndef WSCTL_PROBE_H
#define WSCTL_PROBE_H

#include <stdint.h>

#include "../lib/config.h"

struct probe;

enum probe_result {
	PROBE_ANSWERED,
	PROBE_LOST,   /* heard, and not answered in time */
	PROBE_ABSENT, /* nobody of that name listens */
	PROBE_AWAY,   /* Redis; printed */
};

/* Connected and subscribed. NULL: Redis away, printed. cfg is borrowed. */
struct probe *probe_open(const struct config *);
void probe_close(struct probe *);
/* *us: set when it answered; *heard: how many have that name, unless Redis is away. */
enum probe_result probe_node(struct probe *, const char *node, uint64_t wait_ms, uint32_t *us,
                             int *heard);
/* PROBE_ANSWERED or PROBE_AWAY. */
enum probe_result probe_redis(struct probe *, uint32_t *us);

#endif
