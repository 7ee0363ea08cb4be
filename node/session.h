/*
 * session: one client after its handshake. All of its sending and all of its closing goes through
 * here; its state changes in one function.
 */
#ifndef WSNODE_SESSION_H
#define WSNODE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch.h"
#include "hub.h"
#include "wheel.h"

struct cf;
struct grants;
struct lag;
struct lws;

enum session_state {
	SESSION_OPEN,     /* gets messages */
	SESSION_FLUSHING, /* left its channel; its queue and answers are being sent, then Close */
	SESSION_CLOSING,  /* our Close is sent; the client's is awaited, its messages still count */
	SESSION_GONE,     /* its Close came, or the connection broke: nothing more is sent */
};

/* Lives in lws's per-session memory: freed after LWS_CALLBACK_CLOSED. */
struct session {
	struct wheel_entry timer;  /* ping, or the deadline of the state */
	struct wheel_entry resume; /* reading again after message_rate */
	struct lws *wsi;
	struct subscriber sub; /* raw protocol: its place in its channel */
	struct channel
		*home; /* raw protocol: the same channel, held also while it is being closed */
	struct cf *cf; /* Centrifugo's protocol: owned; NULL: raw */
	struct grants *grants; /* owned; NULL: no auth configured, or not connected yet (cf) */
	struct lag *lag;       /* owned; NULL: nothing queued */
	uint8_t *rx;           /* the message being received, beyond its first chunk; owned */
	uint32_t rx_len, rx_cap;
	int fd;
	uint32_t index;     /* in the list of all */
	float tokens;       /* message_rate's bucket */
	uint32_t began_ms;  /* when its connection was accepted, low bits of node_now_ms */
	uint32_t tokens_ms; /* when it was filled, low bits of node_now_ms */
	uint16_t close_code;
	uint8_t state;  /* enum session_state */
	uint8_t lb;     /* of lbs.h */
	bool alive : 1; /* heard or took something since the last ping */
	bool pinged : 1;
	bool rx_discard : 1; /* what still comes is thrown away (1009, 1008) */
	bool throttled : 1;
	bool opened : 1;
	const char *close_reason; /* static text */
};

/* From the handshake, before it is in any channel: takes grants over; lb: lbs_name's. -1: out of
 * memory, drop the connection. */
int session_open(struct session *, struct lws *, int fd, struct grants *, const char *lb);
/* LWS_CALLBACK_CLOSED or a failed open: frees all that it owns. */
void session_fini(struct session *);

/* Starts a close with this code: leaves the channel, flushes (at most 5 s), Close, ack (at most 2
 * s). */
void session_close(struct session *, uint16_t code, const char *reason);
/* The same at once: what is queued is thrown away. */
void session_close_now(struct session *, uint16_t code, const char *reason);
/* What its close waited for may have been the last: then the Close follows. */
void session_flushed(struct session *);
/* The client's Close came, or lws ends the connection. */
void session_gone(struct session *, uint16_t code_heard);

/* The fan-out's slow way: a batch of which `sent` bytes (from its start) went out already. */
void session_queue(struct subscriber *, struct batch *, size_t sent);
/* Frames of its own (greetings, answers, replays), in order behind what is queued; who is NULL or
 * the subscriber that they belong to. False: not all of it went out yet. */
bool session_send(struct session *, struct batch *, const struct subscriber *who);
/* The same for one text frame. */
void session_text(struct session *, const char *, size_t);
/* lws says writable. */
void session_writable(struct session *);
/* A small control frame, now: it may overtake what is queued. 0; -1: broken. */
int session_frame(struct session *, const uint8_t *, size_t);
/* Something arrived from the client. */
void session_heard(struct session *);

/* Once a second: ends connections whose peer is gone while lws still holds bytes for it. */
void session_sweep(void);
/* Called by the wheel. */
void session_timer(struct wheel_entry *);

/* All sessions, for draining: session_at(0 .. session_count()-1); a close may reorder. */
uint32_t session_count(void);
struct session *session_at(uint32_t);
/* How many are OPEN, that is not told to close yet. */
uint32_t session_open_count(void);

#endif
