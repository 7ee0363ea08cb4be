/*
 * ws: libwebsockets' side: takes an upgrade that was allowed, does the handshake and the framing,
 * and turns its callbacks into calls of session and of publishing.
 */
#ifndef WSNODE_WS_H
#define WSNODE_WS_H

#include <stdint.h>

struct channel;
struct upgrade;
struct session;
struct wheel_entry;

struct ws_handshake {
	int fd;                  /* taken over */
	uint32_t began_ms;       /* when it was accepted, low bits of node_now_ms */
	const char *key;         /* Sec-WebSocket-Key */
	struct upgrade *up;      /* its grants are taken over */
	struct channel *channel; /* ready, for the raw protocols; NULL for Centrifugo's */
};

int ws_init(void);
void ws_free(void);
void ws_adopt(struct ws_handshake *);
/* A client sent so many messages or commands: beyond message_rate it isn't read from for a while.
 */
void ws_spend(struct session *, uint32_t n);
/* Called by the wheel: a client over message_rate is read again. */
void ws_resume(struct wheel_entry *);
/* Once a second: lws's own timers stall on a foreign libev loop (4.1.6) without it. */
void ws_nudge(void);

#endif
