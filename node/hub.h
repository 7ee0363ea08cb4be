/*
 * hub: channels and who listens on them. What arrives for a channel is encoded once into its batch;
 * hub_flush hands the batches of this tick to all subscribers, with one send() each.
 * Knows sessions only through session.h's sending, and Redis only through bus.h's subscribe.
 */
#ifndef WSNODE_HUB_H
#define WSNODE_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/config.h"
#include "../lib/envelope.h"

struct lws;
struct session;
struct batch;
struct front;

enum channel_state {
	CHANNEL_IDLE,  /* not subscribed */
	CHANNEL_ASKED, /* SUBSCRIBE sent, not acknowledged */
	CHANNEL_SUBSCRIBED,
};

/* One entry of the array that the fan-out walks: all it needs while nothing is wrong. */
struct sub {
	int fd;
	bool busy; /* has a queue, or must not be written to: goes the slow way */
	struct lws *wsi;
	struct session *s;
};

struct channel {
	struct channel *hash_next;
	uint64_t hash;
	enum channel_state state;
	enum slow slow;
	enum may_publish publish;
	struct sub *subs;
	uint32_t n, cap;
	struct batch *batch;                   /* this tick's, NULL: nothing */
	struct channel *dirty_next;            /* in this tick's list while batch is set */
	struct channel *idle_next, *idle_prev; /* in the linger list while n and waiters are 0 */
	uint64_t idle_since_ms;
	struct front *waiters; /* upgrades that wait for the acknowledgement */
	uint64_t in, out, dropped;
	uint16_t name_len;
	char name[];
};

int hub_init(void);
void hub_free(void);
/* Finds or makes a channel; name must be valid. NULL: out of memory. */
struct channel *hub_channel(const char *name, size_t len);
struct channel *hub_find(const char *name, size_t len);
/* Adds and takes away a subscriber; session->slot is kept right. -1: out of memory. */
int hub_join(struct channel *, struct session *, int fd);
void hub_leave(struct channel *, struct session *);
/* After anything that may have left the channel without users: it lingers, or is in use again. */
void hub_touch(struct channel *);
/* SUBSCRIBE was acknowledged: upgrades that wait go on. */
void hub_subscribed(struct channel *);
/* Redis went away: every channel is unsubscribed, waiting upgrades get 503. */
void hub_lost(void);
/* Marks a subscriber as busy (see struct sub) or free again. */
void hub_set_busy(struct channel *, const struct session *, bool);
/* A message for a channel's clients: into its batch. */
void hub_deliver(struct channel *, const struct message *);
/* Sends what this tick collected. */
void hub_flush(void);
/* Forgets channels unused for 30 s (UNSUBSCRIBE follows). Once a second. */
void hub_sweep(void);
/* Takes slow and publish from the (new) configuration's rules. */
void hub_apply_rules(void);
/* All channels, in no order; f returns false to stop. */
void hub_each(bool (*f)(struct channel *, void *), void *);
size_t hub_count(void);

#endif
