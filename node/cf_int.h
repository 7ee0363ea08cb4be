/*
 * cf_int: what the files of cf share: one client's state, and how it is answered. What is said
 * while a frame (or an event) is worked on goes out at its end as one frame, one reply a line.
 * Sending and closing may end the session, and with it all cf_subs and cf_asks: whoever calls
 * cf_end, cf_between or cf_close holds none of them afterwards. struct cf itself stays until
 * cf_free, from outside.
 */
#ifndef WSNODE_CF_INT_H
#define WSNODE_CF_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/buf.h"
#include "cf_parse.h"
#include "hub.h"
#include "wheel.h"

enum {
	CF_CHANNELS_MAX = 128,  /* of one client; what Centrifugo has by default */
	CF_WAITING_MAX = 1024,  /* commands of one client that wait for Redis */
	CF_FRAME_MAX = 65536,   /* bytes: what is beyond it goes into another frame */
	CF_RECOVER_MAX = 65536, /* bytes of publications in one reply; the rest follows as pushes */
	CF_HISTORY_MAX = 262144 /* bytes of publications in one reply, at least one */
};

struct grants;

struct cf_error {
	unsigned code;
	const char *message;
	bool temporary; /* the client tries again */
};
extern const struct cf_error cf_internal, cf_denied, cf_subscribed_already, cf_too_many_channels,
	cf_bad_request, cf_not_available, cf_token_expired, cf_too_many_waiting, cf_unrecoverable;

/* One channel of a client. */
struct cf_sub {
	struct subscriber sub; /* its first member */
	struct channel *c;
	struct cf_ask *asks; /* subscribe, unsubscribe, ...: oldest first; NULL: it is in c */
};

/* A command that waits, or waits behind another one of its channel. */
struct cf_ask {
	struct waiter waiter; /* its first member */
	struct cf *cf;
	struct cf_sub *sub; /* NULL: history */
	struct channel *c;
	struct cf_ask *next;
	unsigned waits;    /* so far */
	uint32_t began_ms; /* low bits of node_now_ms */
	struct cf_command cmd;
};

struct cf {
	struct wheel_entry timer; /* its first member: until connect, then of what waits */
	struct session *s;
	struct buf *out;        /* what is said now; NULL: nothing is worked on */
	struct cf_sub **subs;   /* owned, also what they point to */
	struct cf_ask *history; /* that wait */
	struct cf_ack *acks;    /* publishes under way */
	uint16_t n_subs, cap_subs;
	uint16_t waiting; /* asks and acks */
	bool connected;
	bool refused; /* what it sends after its connect was answered with an error isn't read */
};

/* Opens out for what is worked on now; false: it is open already, the caller doesn't close it. */
bool cf_begin(struct cf *, struct buf *);
/* Sends and frees it. */
void cf_end(struct cf *);
/* Between two commands: sends when it is much. False: the session isn't open any more. */
bool cf_between(struct cf *);
/* Sends what was said, then closes: a code of Centrifugo's. */
void cf_close(struct cf *, uint16_t code, const char *reason);
void cf_close_bad(struct cf *); /* 3501 */
/* Where one more reply or push is written to. */
struct buf *cf_say(struct cf *);
void cf_say_error(struct cf *, uint32_t id, const struct cf_error *);
/* "{"id":N,"NAME":{}}" */
void cf_say_empty(struct cf *, uint32_t id, const char *name);
/*
 * The channel that the command names. NULL: the client was told why not, or closed. may: whether
 * its token grants it, NULL: no.
 */
struct channel *cf_channel(struct cf *, const struct cf_command *,
                           bool (*may)(const struct grants *, const char *channel));
/* NULL: out of memory, or too many wait; the client was told. */
struct cf_ask *cf_ask_new(struct cf *, struct channel *, const struct cf_command *,
                          void (*done)(struct waiter *, bool ok));
void cf_ask_free(struct cf_ask *);
/* It waits for longer than clients do: Redis hangs, or refuses the channel. */
bool cf_ask_overdue(const struct cf_ask *);
/* Answers what is overdue, so that clients try again. */
void cf_overdue(struct cf *);
void cf_subs_overdue(struct cf *);
void cf_history_overdue(struct cf *);
/*
 * Whether all is at hand that follows `since` (NULL: nothing but the channel itself). Otherwise it
 * is waited for, with the ask's done to follow, perhaps before this returns; or, with *away, Redis
 * is away and the ask must be answered.
 */
bool cf_ready(struct cf_ask *, const struct position *since, bool *away);

/* Where a subscribe command says that its client stands, as far as it counts on this channel. */
const struct position *cf_since(const struct cf_command *, const struct channel *,
                                struct position *mem);
/*
 * The reply to a subscribe command, sub being in its channel now: where it stands, what it missed,
 * as much as one reply takes; sub->sent is moved on. False: nothing was said, the client wants an
 * error instead of a start without what is lost.
 */
bool cf_say_subscribed(struct cf *, struct cf_sub *, const struct cf_command *,
                       const struct attach *);

void cf_subscribe(struct cf *, const struct cf_command *);
void cf_unsubscribe(struct cf *, const struct cf_command *);
bool cf_is_subscribed(const struct cf *, const struct cf_command *);
void cf_history(struct cf *, const struct cf_command *);
void cf_publish(struct cf *, const struct cf_command *);
/* Nobody is there any more for what was published. */
void cf_forget_acks(struct cf *);
/* Leaves a channel without a word; what waits for it isn't answered. */
void cf_drop(struct cf *, struct cf_sub *);

#endif
