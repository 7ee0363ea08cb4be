/*
 * rconn: one connection to Redis on the node's loop: resolves, connects, authenticates, selects,
 * asks for run_id, then passes replies on. hiredis formats and parses (RESP2); the socket is ours,
 * since hiredis' async SUBSCRIBE differs between 0.14 and 1.x. Reconnecting is the owner's.
 */
#ifndef WSNODE_RCONN_H
#define WSNODE_RCONN_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "../lib/buf.h"
#include "../lib/endpoint.h"

struct redisReader;
struct redisReply;
struct resolve;

enum rconn_state { RCONN_OFF, RCONN_RESOLVING, RCONN_CONNECTING, RCONN_GREETING, RCONN_UP };

struct rconn {
	const char *what; /* "subscription", "command": for messages */
	enum rconn_state state;
	void (*on_up)(struct rconn *);
	void (*on_reply)(struct rconn *, const struct redisReply *); /* borrowed */
	void (*on_down)(struct rconn *, const char *why);            /* already closed */
	const struct redis_url *url;                                 /* borrowed */
	const char *user, *password;                                 /* borrowed; NULL: none */
	char run_id[64];

	int fd;
	ev_io readable, writable;
	ev_timer timer; /* resolving, or the deadline of connecting and greeting */
	struct redisReader *reader;
	struct buf out;
	size_t out_at;
	int greetings; /* replies of the greeting still to come; the last is INFO's */
	bool in_reply; /* closing from within on_reply is put off */
	bool dead;
	struct resolve *resolve; /* owned while RESOLVING */
};

/*
 * Fields what, on_*, url, user, password are set by the caller. Failure comes through on_down,
 * which must not connect anew by itself, but from a timer.
 */
void rconn_connect(struct rconn *);
/* Closes without on_down. */
void rconn_close(struct rconn *);
/* Appends one command; sent by rconn_flush. 0; -1: not up, out of memory. */
int rconn_command(struct rconn *, int argc, const char **argv, const size_t *len);
/* Bytes not sent yet. */
size_t rconn_unsent(const struct rconn *);
void rconn_flush(struct rconn *);

#endif
