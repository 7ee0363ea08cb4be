/*
 * replay: gives subscribers what they miss from their channel's ring, by cursor, paced by what their
 * sockets take, outside max_queue. A subscriber that is replaying gets nothing from the fan-out;
 * it joins that when its cursor reaches the top, which is looked at only after a turn's fan-out.
 */
#ifndef WSNODE_REPLAY_H
#define WSNODE_REPLAY_H

struct subscriber;

/* It has everything up to sub->sent of sub->epoch: its turn comes at this turn's end. */
void replay_start(struct subscriber *);
/* It leaves its channel. */
void replay_stop(struct subscriber *);
/* Its socket took all that was queued: goes on at this turn's end. */
void replay_more(struct subscriber *);
/* At the end of a turn, after hub_flush. */
void replay_run(void);

#endif
