/*
 * cf_parse: Centrifugo's JSON, client to server: a frame holds commands, one a line, each an object
 * with an id and one request. Pure; a command borrows from the frame. Fields that nothing here
 * looks at may hold anything; those that count must have their type.
 */
#ifndef WSNODE_CF_PARSE_H
#define WSNODE_CF_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/channel.h"
#include "../lib/position.h"
#include "cf_json.h"

/* In the order of precedence that the protocol gives to several requests in one command. */
enum cf_method {
	CF_CONNECT,
	CF_SUBSCRIBE,
	CF_UNSUBSCRIBE,
	CF_PUBLISH,
	CF_PRESENCE,
	CF_PRESENCE_STATS,
	CF_HISTORY,
	CF_RPC,
	CF_SEND,
	CF_REFRESH,
	CF_SUB_REFRESH,
	CF_METHODS,
	CF_NONE = CF_METHODS, /* with id 0: a pong */
};

/* Where a client says that it stands. */
struct cf_since {
	bool given;
	bool any_epoch; /* it names none: the offset counts alone */
	bool bad;       /* no epoch of ours */
	struct position at;
};

enum { CF_FLAG_REJECT_UNRECOVERED = 2 }; /* subscribe.flag */

struct cf_command {
	uint32_t id;
	enum cf_method method;
	char channel[CHANNEL_MAX + 1]; /* NUL-terminated */
	size_t channel_len;            /* 0: none; above CHANNEL_MAX: too long, not kept */
	struct cf_text token;          /* connect: a JSON string; p NULL: none */
	struct cf_text data;           /* publish: any JSON, as it was sent; p NULL: none */
	struct cf_since since;         /* subscribe: with recover; history: with since */
	int64_t limit;                 /* history; below 0: all */
	bool reverse;                  /* history */
	bool filtered;                 /* subscribe: asks for a filter on tags */
	int64_t type;                  /* subscribe, publish: 0 is the common one */
	int64_t flag;                  /* subscribe */
};

/* Takes the next line off a frame; one LF may follow the last. False: no more. */
bool cf_line(struct cf_text *frame, struct cf_text *line);
/* 0; -1: malformed. */
int cf_parse(struct cf_text line, struct cf_command *);

#endif
