/*
 * ws: libwebsockets' side: takes an upgrade that was allowed, does the handshake and the framing,
 * and turns its callbacks into calls of session and of publishing.
 */
#ifndef WSNODE_WS_H
#define WSNODE_WS_H

#include <stdbool.h>

struct channel;
struct grants;
struct wheel_entry;

struct ws_handshake {
	int fd;                  /* taken over */
	const char *key;         /* Sec-WebSocket-Key */
	bool raw;                /* the client offered wscale.raw: echo it */
	bool hello;              /* greet with the node's name */
	struct channel *channel; /* subscribed */
	struct grants *grants;   /* taken over; NULL without auth */
};

int ws_init(void);
void ws_free(void);
void ws_adopt(struct ws_handshake *);
/* Called by the wheel: a client over message_rate is read again. */
void ws_resume(struct wheel_entry *);
/* Once a second: lws's own timers stall on a foreign libev loop (4.1.6) without it. */
void ws_nudge(void);

#endif
