/*
 * hub: channels and who listens on them. What arrives for a channel is encoded once for each form
 * into its batch; hub_flush hands the batches of this turn to all subscribers, with one send()
 * each. Knows sessions only through session.h's sending, and Redis only through bus.h's subscribe.
 */
#ifndef WSNODE_HUB_H
#define WSNODE_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/config.h"
#include "../lib/envelope.h"
#include "encode.h"

struct lws;
struct session;
struct batch;
struct cache;
struct channel;

enum channel_state {
	CHANNEL_IDLE,  /* not subscribed */
	CHANNEL_ASKED, /* SUBSCRIBE sent, not acknowledged */
	CHANNEL_SUBSCRIBED,
};

/* One client's place in one channel: in its session (raw protocol) or in its table (Centrifugo). */
struct subscriber {
	struct session *s;
	struct channel *c; /* NULL: in none */
	uint64_t epoch;    /* with sent: while replaying, what it has */
	uint64_t sent;
	struct subscriber *run_next; /* in replay's list while listed */
	uint32_t slot;               /* in c->fan[form].subs */
	uint32_t resumed_ms; /* when its return began, low bits of node_now_ms; 0: it is new */
	uint8_t form;        /* enum form */
	bool replaying, listed;
};

/* One entry of the array that the fan-out walks: all it needs while nothing is wrong. */
struct sub {
	int fd;
	bool busy; /* has a queue, replays, or must not be written to: goes the slow way */
	struct lws *wsi;
	struct subscriber *who;
};

struct fan {
	struct sub *subs;
	uint32_t n, cap;
	uint32_t replaying;  /* of n: they get nothing of the batch */
	struct batch *batch; /* this turn's, NULL: nothing */
};

/* Somebody who waits until a channel can be attached to. Embedded in its owner. */
struct waiter {
	struct waiter *next;
	struct channel *c; /* NULL: waits for none */
	/* Already taken off the channel. ok: attach now; else Redis is away. */
	void (*done)(struct waiter *, bool ok);
};

struct channel {
	struct channel *hash_next;
	uint64_t hash;
	enum channel_state state;
	const struct config_rule *rule; /* of node.cfg; never NULL */
	struct fan fan[FORMS];
	uint32_t n;    /* subscribers of all forms */
	uint32_t held; /* by hub_hold */
	bool dirty;    /* in this turn's list */
	struct channel *dirty_next;
	struct cache *cache;                   /* NULL: no history */
	struct channel *idle_next, *idle_prev; /* in the linger list while unused */
	uint64_t idle_since_ms;
	struct waiter *waiters, *waking; /* waking: within hub_wake, still to be told */
	uint64_t in, out, dropped;
	uint16_t name_len;
	char name[];
};

/* How a subscriber begins: everything after `at` follows. */
enum attach_as { ATTACH_NEW, ATTACH_RECOVERED, ATTACH_LOST };
struct attach {
	enum attach_as as;
	struct position at; /* epoch 0: the channel has no history */
};

int hub_init(void);
void hub_free(void);
/* Finds or makes a channel; name must be valid. NULL: out of memory. */
struct channel *hub_channel(const char *name, size_t len);
struct channel *hub_find(const char *name, size_t len);

/*
 * Subscribed, its history at hand; what a reader needs who has everything up to `since` (NULL: a
 * new one) too. Otherwise what is missing is asked for, if it can be, and w waits (hub_wait).
 */
bool hub_ready(struct channel *, const struct position *since);
void hub_wait(struct channel *, struct waiter *, const struct position *since);
/* Stops waiting; fine when it doesn't. */
void hub_unwait(struct waiter *);

/*
 * Joins a channel that is ready; sub->s and sub->form are set. On a channel with history it replays
 * from out->at on, beginning at this turn's end; until then sub->sent may be moved forward by
 * whoever has sent messages of the ring by itself. -1: out of memory.
 */
int hub_attach(struct subscriber *, struct channel *, const struct position *since,
               struct attach *out);
/* Fine when it is in no channel. */
void hub_leave(struct subscriber *);
/* Marks a subscriber as busy (see struct sub) or free again, by its session's queue and its replay.
 */
void hub_set_busy(const struct subscriber *);
/* After anything that may have left the channel without users: it lingers, or is in use again. */
void hub_touch(struct channel *);

/* Keeps a channel from being forgotten. */
void hub_hold(struct channel *);
void hub_unhold(struct channel *);

/* SUBSCRIBE was acknowledged. */
void hub_subscribed(struct channel *);
/* Whoever waits is told. */
void hub_wake(struct channel *, bool ok);
/* Redis went away: every channel is unsubscribed, who waits is told. */
void hub_lost(void);
/* A message from Redis: through the channel's history, if it has one. */
void hub_message(struct channel *, const struct message *);
/* A message for a channel's clients: into its batches. */
void hub_deliver(struct channel *, const struct message *);
/* Its clients lost something: everything after `at` follows. */
void hub_tell_lost(struct channel *, struct position at);
/* Nothing is lost, but its places are called otherwise from here on. */
void hub_tell_moved(struct channel *, struct position at);
/* It keeps no history any more: who was reading it goes on with what is live. */
void hub_tell_gone(struct channel *);
/* Sends what this turn collected. */
void hub_flush(void);
/* Forgets channels unused for 30 s (UNSUBSCRIBE follows). Once a second. */
void hub_sweep(void);
/* Takes the rules of the (new) configuration. */
void hub_apply_rules(void);
/* All channels, in no order; f returns false to stop. */
void hub_each(bool (*f)(struct channel *, void *), void *);
/* The one unused for the longest; NULL: none. Then the next longer used one. */
struct channel *hub_idle_first(void);
size_t hub_count(void);

#endif
