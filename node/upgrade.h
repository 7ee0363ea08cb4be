/*
 * upgrade: decides about a WebSocket handshake (RFC 6455 4.2): channel, token, origin, subprotocol.
 */
#ifndef WSNODE_UPGRADE_H
#define WSNODE_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include "../lib/channel.h"
#include "../lib/position.h"
#include "http.h"
#include "lbs.h"

struct grants;

/* What the client speaks from the 101 on. */
enum speak { SPEAK_RAW, SPEAK_ID, SPEAK_CF };

struct upgrade {
	char channel[CHANNEL_MAX]; /* not with SPEAK_CF */
	size_t channel_len;
	struct grants *grants; /* owned by the caller; NULL without auth or, with SPEAK_CF, without
	                          a token yet */
	enum speak speak;
	const char *protocol;  /* the subprotocol to echo, static; NULL: none */
	struct position since; /* with resume */
	bool resume;
	char lb[LB_MAX + 1]; /* the balancer it came through; "" */
	bool hello;          /* ?hello=1 with --demo */
};

/* 101, or the status to answer with *why (static text). */
int upgrade_decide(const struct http_request *, struct upgrade *out, const char **why);

#endif
