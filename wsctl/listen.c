/*
 * listen: one connection, polled. Redis is asked for a PONG when it was silent for a while: a
 * subscriber hears nothing of a host that is gone. A message that two of the patterns match comes
 * from Redis twice; the first of them has it.
 */
#include "listen.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/channel.h"
#include "cmd.h"
#include "ctl.h"
#include "hap.h"
#include "table.h"

enum { SILENT_MS = 2000, ANSWER_MS = 3000, OPEN_MS = 2000, BACKOFF_MIN_MS = 100 };
enum { BACKOFF_MAX_MS = 2000, HELD_MAX = 65 * 1024 * 1024 /* above any node.max_message */ };

struct listener {
	const struct run *r;
	char **names;
	size_t n;
	listen_fn *fn;
	void *arg;
	bool enough; /* fn said so */

	redisContext *c;   /* NULL: away */
	size_t to_ack;     /* subscriptions that Redis didn't confirm yet */
	uint64_t heard_ms; /* when it last said anything */
	bool asked;        /* ... and PING was sent since */
	uint64_t away_ms, retry_ms, backoff_ms;
	bool opened;  /* the first time it was subscribed */
	bool refused; /* printed */
};

struct listener *listen_new(const struct run *r, char **names, size_t n, listen_fn *fn, void *arg)
{
	struct listener *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	*l = (struct listener){
		.r = r, .names = names, .n = n, .fn = fn, .arg = arg, .backoff_ms = BACKOFF_MIN_MS};
	return l;
}

void listen_free(struct listener *l)
{
	if (!l)
		return;
	if (l->c)
		redisFree(l->c);
	free(l);
}

static bool pattern(const char *name)
{
	return strchr(name, '*') != NULL;
}

/* The connection is of no use any more. */
static void lost(struct listener *l, const char *why)
{
	char at[ENDPOINT_STR];

	redis_url_str(&l->r->cfg->redis.url, at);
	if (!l->opened) {
		say_error("redis %s: %s", at, why);
	} else if (!l->away_ms) {
		say(l->r, "redis %s: %s; trying again, what is published meanwhile is missed", at,
		    why);
		l->away_ms = now_ms();
	}
	if (l->c)
		redisFree(l->c);
	l->c = NULL;
	l->retry_ms = now_ms() + l->backoff_ms;
	l->backoff_ms = l->backoff_ms * 2 < BACKOFF_MAX_MS ? l->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void acknowledged(struct listener *l)
{
	char at[ENDPOINT_STR], t[NUM_STR];

	if (!l->to_ack || --l->to_ack)
		return;
	l->backoff_ms = BACKOFF_MIN_MS;
	if (l->away_ms)
		say(l->r, "redis %s: back after %s", redis_url_str(&l->r->cfg->redis.url, at),
		    num_age((int64_t)((now_ms() - l->away_ms + 999) / 1000), t));
	l->away_ms = 0;
}

/* Channels in one command, patterns in another; a channel that a pattern matches comes with it. */
static bool send_commands(struct listener *l, bool patterns)
{
	const char **argv = calloc(l->n + 1, sizeof *argv);
	char(*redis_names)[REDIS_NAME_MAX] = calloc(l->n, sizeof *redis_names);
	size_t n = 0;
	bool sent = argv && redis_names;

	for (size_t i = 0; sent && i < l->n; i++) {
		bool covered = pattern(l->names[i]) != patterns;

		for (size_t k = 0; k < l->n && !covered; k++)
			covered = k != i && ((k < i && !strcmp(l->names[k], l->names[i])) ||
			                     (!patterns && pattern(l->names[k]) &&
			                      channel_match(l->names[k], l->names[i])));
		if (covered)
			continue;
		channel_redis(l->r->cfg->cluster, l->names[i], redis_names[n]);
		argv[n + 1] = redis_names[n];
		n++;
	}
	if (sent && n) {
		argv[0] = patterns ? "PSUBSCRIBE" : "SUBSCRIBE";
		sent = redisAppendCommandArgv(l->c, (int)n + 1, argv, NULL) == REDIS_OK;
		l->to_ack += n;
	}
	free(argv);
	free(redis_names);
	return sent;
}

/* What was queued goes out; it is little. */
static bool send_out(struct listener *l)
{
	int done = 0;

	while (!done)
		if (redisBufferWrite(l->c, &done) != REDIS_OK)
			return false;
	return true;
}

static void subscribe(struct listener *l, bool quiet)
{
	l->to_ack = 0;
	l->asked = false;
	l->heard_ms = now_ms();
	l->c = ctl_redis(l->r->cfg, quiet);
	if (l->c && !(send_commands(l, false) && send_commands(l, true) && send_out(l)))
		lost(l, l->c->errstr[0] ? l->c->errstr : "out of memory");
}

static void message(struct listener *l, const char *from, const redisReply *name,
                    const redisReply *payload)
{
	size_t skip = strlen(l->r->cfg->cluster) + 1;
	const char *channel;

	if (name->type != REDIS_REPLY_STRING || payload->type != REDIS_REPLY_STRING ||
	    name->len <= skip || !channel_valid(name->str + skip, name->len - skip))
		return;
	channel = name->str + skip;
	for (size_t i = 0; from && i < l->n && strcmp(l->names[i], from + skip) != 0; i++)
		if (pattern(l->names[i]) && channel_match(l->names[i], channel))
			return;
	if (!l->enough && !l->fn(l->arg, channel, (const uint8_t *)payload->str, payload->len))
		l->enough = true;
}

static void take(struct listener *l, const redisReply *m)
{
	redisReply *const *e = m->element;

	if (m->type == REDIS_REPLY_ERROR) {
		say_error("redis: %s", m->str);
		l->refused = true;
		return;
	}
	if (m->type != REDIS_REPLY_ARRAY || !m->elements || e[0]->type != REDIS_REPLY_STRING)
		return;
	if (!strcmp(e[0]->str, "message") && m->elements == 3)
		message(l, NULL, e[1], e[2]);
	else if (!strcmp(e[0]->str, "pmessage") && m->elements == 4 &&
	         e[1]->type == REDIS_REPLY_STRING)
		message(l, e[1]->str, e[2], e[3]);
	else if (!strcmp(e[0]->str, "subscribe") || !strcmp(e[0]->str, "psubscribe"))
		acknowledged(l);
}

static void read_some(struct listener *l)
{
	void *reply;

	if (redisBufferRead(l->c) != REDIS_OK) {
		lost(l, l->c->errstr);
		return;
	}
	l->heard_ms = now_ms();
	l->asked = false;
	for (;;) {
		if (redisReaderGetReply(l->c->reader, &reply) != REDIS_OK) {
			lost(l, l->c->reader->errstr);
			return;
		}
		if (!reply)
			break;
		take(l, reply);
		freeReplyObject(reply);
	}
	if (l->c->reader->len - l->c->reader->pos > HELD_MAX)
		lost(l, "a message above 64MiB, which no node takes");
}

/* Asks a silent one; lets go of one that doesn't answer. */
static void check(struct listener *l, uint64_t now)
{
	if (!l->asked && now - l->heard_ms >= SILENT_MS) {
		l->asked = true;
		if (redisAppendCommand(l->c, "PING") != REDIS_OK || !send_out(l))
			lost(l, l->c->errstr);
	} else if (l->asked && now - l->heard_ms >= SILENT_MS + ANSWER_MS) {
		lost(l, "no answer");
	}
}

int listen_turn(struct listener *l, uint64_t wait_ms)
{
	struct pollfd fds[2] = {{.fd = STDOUT_FILENO}, {.fd = -1, .events = POLLIN}};
	uint64_t now = now_ms();

	if (!l->c && now >= l->retry_ms) {
		subscribe(l, true);
		if (!l->c)
			lost(l, ctl_why());
	}
	if (l->c)
		fds[1].fd = l->c->fd;
	else if (wait_ms > l->retry_ms - now)
		wait_ms = l->retry_ms > now ? l->retry_ms - now : 0;
	if (poll(fds, 2, (int)(wait_ms < 1000 ? wait_ms : 1000)) > 0) {
		if (fds[0].revents & POLLERR)
			return EXIT_FAILED;
		if (l->c && fds[1].revents)
			read_some(l);
	}
	if (l->c && !l->refused)
		check(l, now_ms());
	return l->refused ? EXIT_FAILED : EXIT_OK;
}

int listen_open(struct listener *l)
{
	uint64_t until = now_ms() + OPEN_MS;

	subscribe(l, false);
	while (l->c && l->to_ack && !interrupted()) {
		uint64_t now = now_ms();
		int rc = EXIT_OK;

		if (now >= until)
			lost(l, "no answer to SUBSCRIBE");
		else
			rc = listen_turn(l, until - now);
		if (rc)
			return rc;
	}
	l->opened = l->c != NULL;
	return l->c || interrupted() ? EXIT_OK : EXIT_AWAY;
}
