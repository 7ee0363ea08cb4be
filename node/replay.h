/*
 * replay: gives subscribers what they miss from their channel's ring, by cursor, paced by what
 * their sockets take, outside max_queue. A subscriber that is replaying gets nothing from the
 * fan-out; it joins that when its cursor reaches the top, which is looked at only after a turn's
 * fan-out.
 */
#ifndef WSNODE_REPLAY_H
#define WSNODE_REPLAY_H

#include <stdint.h>

struct subscriber;

/* How long those that came back took, from the accept of their connection until they had all:
 * cumulative counts up to each bound (seconds). Borrowed. */
enum { REPLAY_BUCKETS = 12 };
struct replay_returns {
	const double *bounds;
	const uint64_t *buckets;
	uint64_t count;
	double sum; /* seconds */
};

/* It has everything up to sub->sent of sub->epoch: its turn comes at this turn's end. */
void replay_start(struct subscriber *);
/* It leaves its channel. */
void replay_stop(struct subscriber *);
/* Its socket took all that was queued: goes on at this turn's end. */
void replay_more(struct subscriber *);
/* At the end of a turn, after hub_flush. */
void replay_run(void);
void replay_returns(struct replay_returns *);

#endif
