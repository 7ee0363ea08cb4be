/*
 * upgrade: decides about a WebSocket handshake (RFC 6455 4.2): channel, token, origin, subprotocol.
 */
#ifndef WSNODE_UPGRADE_H
#define WSNODE_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include "../lib/channel.h"
#include "http.h"

struct grants;

struct upgrade {
	char channel[CHANNEL_MAX];
	size_t channel_len;
	struct grants *grants; /* owned by the caller; NULL without auth */
	bool raw_asked;        /* the subprotocol wscale.raw is to be echoed */
	bool hello;            /* ?hello=1 with --demo */
};

/* 101, or the status to answer with *why (static text). */
int upgrade_decide(const struct http_request *, struct upgrade *out, const char **why);

#endif
