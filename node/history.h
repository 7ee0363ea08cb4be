/*
 * history: keeps one channel's ring coherent: after the subscription is acknowledged live messages
 * are held back, one fill is asked for, both are merged in order. A gap, another epoch or a lost
 * connection make it ask again; never twice at a time. Pure: what it wants and what it has for the
 * clients goes through struct history_ops.
 */
#ifndef WSNODE_HISTORY_H
#define WSNODE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring.h"

enum history_state {
	HISTORY_OFF,     /* no subscription: the ring is what it was */
	HISTORY_FILLING, /* a fill is under way, live messages are held back */
	HISTORY_PAUSED,  /* as FILLING, but the next fill waits: history_tick asks */
	HISTORY_OK,      /* coherent */
};

/* Calls may come from within history_* only. deliver and lost must not call history_* of the same
 * history; fill and ready may: nothing follows them. */
struct history_ops {
	/* Ask Redis; history_filled or history_failed follows, unless history_off comes first. One
	 * that was asked before won't be answered any more. */
	void (*fill)(void *owner, struct position known, uint64_t known_micros, bool whole);
	/* The next message for the clients: of the ring (at.epoch set), or without a place. Never a
	 * purge. */
	void (*deliver)(void *owner, const struct message *);
	/* What follows continues after this position; clients lost what was before. */
	void (*lost)(void *owner, struct position);
	/* The same without loss: the epoch has changed, so clients have to know their new place. */
	void (*moved)(void *owner, struct position);
	/* HISTORY_OK was reached: whoever waits may attach. */
	void (*ready)(void *owner);
};

struct held; /* a live message held back */

struct history {
	struct ring ring;
	const struct history_ops *ops;
	void *owner;
	enum history_state state;
	bool again;     /* another fill is needed after this one */
	bool whole;     /* the next fill is for all that is kept */
	unsigned tries; /* fills since HISTORY_OK */
	unsigned wait;  /* HISTORY_PAUSED: ticks to the next fill */
	struct held *first, *last;
	size_t held_bytes;
	uint64_t suspect_top; /* from history_checked: a top that the ring doesn't reach yet; 0:
	                         none */
	uint64_t stale;       /* times it had to be filled again; a counter */
};

enum { HISTORY_HELD_MAX = 4 << 20 }; /* bytes held back; more are given up and filled again */

void history_init(struct history *, uint32_t size, const struct history_ops *, void *owner);
void history_fini(struct history *);

/* The subscription is acknowledged. */
void history_on(struct history *);
/* It ended (Redis away, unsubscribed). Held messages are given up; a fill's reply won't come. */
void history_off(struct history *);
/* A live message, with or without a place. */
void history_message(struct history *, const struct message *);
void history_filled(struct history *, const struct page *);
/* The fill's answer was an error; tried again by history_tick. */
void history_failed(struct history *);
/* A reader needs what may be in Redis only: what was truncated, or what isn't here yet. When a fill
 * is under way already, it may be one from before. */
void history_refill(struct history *);
/* Where Redis says the history stands (epoch 0: nothing there); was: where the ring stood when it
 * was asked. A top ahead of ours may only be on its way: it is stale when the next check still
 * finds the ring behind it. */
void history_checked(struct history *, struct position top, uint64_t micros, struct position was);
/* About every 100 ms while HISTORY_PAUSED. */
void history_tick(struct history *);

#endif
