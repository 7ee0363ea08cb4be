/*
 * window: a ring of messages and one connection that doesn't block. The first in_flight entries of
 * the ring were sent over this connection; answers come in their order. See window.h.
 */
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../lib/num.h"
#include "cmd.h"
#include "ctl.h"
#include "hap.h"
#include "table.h"

enum {
	ENTRIES = 1024,
	BYTES = 1024 * 1024, /* and one message beyond */
	TURN_MS = 1000,
	SILENT_MS = 5000, /* something is in flight and nothing comes back */
	BACKOFF_MIN_MS = 50,
	BACKOFF_MAX_MS = 2000,
};

struct entry {
	struct source *source;
	uint64_t seq;
	char *p; /* owned */
	size_t len;
	enum kind kind;
	bool again; /* was sent before, over a connection that broke */
};

struct window {
	const struct run *r;
	struct tally *tally;
	uint64_t deadline_ms;
	redisContext *c; /* NULL: away */
	bool unsent;     /* hiredis has bytes for the socket */
	bool refused;    /* a message was: the rest is only listened to */

	struct entry ring[ENTRIES];
	size_t first, n, in_flight, bytes;
	uint64_t heard_ms; /* when an answer came, or began to be waited for */

	uint64_t away_ms; /* since when Redis is away; 0: it isn't */
	bool said;
	uint64_t retry_ms, backoff_ms;
	char why[256]; /* of the last failure */
	char run_id[64];
};

struct window *window_new(const struct run *r, uint64_t deadline_ms, struct tally *tally)
{
	struct window *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->r = r;
	w->deadline_ms = deadline_ms;
	w->tally = tally;
	w->backoff_ms = BACKOFF_MIN_MS;
	return w;
}

static struct entry *entry(struct window *w, size_t i)
{
	return &w->ring[(w->first + i) % ENTRIES];
}

static void pop(struct window *w)
{
	struct entry *e = entry(w, 0);

	e->source->in_flight--;
	w->in_flight--;
	w->bytes -= e->len;
	free(e->p);
	w->first = (w->first + 1) % ENTRIES;
	w->n--;
}

void window_free(struct window *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		free(entry(w, i)->p);
	if (w->c)
		redisFree(w->c);
	free(w);
}

bool window_full(const struct window *w)
{
	return !w->c || w->refused || w->n == ENTRIES || w->bytes >= BYTES;
}

bool window_empty(const struct window *w)
{
	return !w->n;
}

size_t window_waiting(const struct window *w)
{
	return w->n;
}

static uint64_t jitter(uint64_t ms)
{
	uint32_t n = 0;

	if (getrandom(&n, sizeof n, 0) != (ssize_t)sizeof n)
		n = UINT32_MAX / 2;
	return ms / 2 + ms * n / UINT32_MAX;
}

/* "redis 10.0.0.5:6379: words" into why. */
static void set_why(struct window *w, const char *words)
{
	char at[ENDPOINT_STR];

	snprintf(w->why, sizeof w->why, "redis %s: %s", redis_url_str(&w->r->cfg->redis.url, at),
	         words);
}

/* The connection is of no use any more; why says why. */
static void lost(struct window *w)
{
	char n[NUM_STR], t[24], waits[80] = "";
	uint64_t now = now_ms();

	for (size_t i = 0; i < w->in_flight; i++) {
		entry(w, i)->again = true;
		entry(w, i)->source->in_flight = 0;
	}
	w->in_flight = 0;
	if (w->c)
		redisFree(w->c);
	w->c = NULL;
	if (!w->away_ms)
		w->away_ms = now;
	/* What the next attempt mends is nothing to talk about. */
	if (!w->said && w->backoff_ms > BACKOFF_MIN_MS) {
		if (w->n)
			snprintf(waits, sizeof waits, ", then to send %s message%s again",
			         num_count(w->n, n), w->n == 1 ? "" : "s");
		say(w->r, "%s; trying again for %s%s", w->why, num_duration_str(w->deadline_ms, t),
		    waits);
		w->said = true;
	}
	w->retry_ms = now + jitter(w->backoff_ms);
	w->backoff_ms = w->backoff_ms * 2 < BACKOFF_MAX_MS ? w->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void back(struct window *w)
{
	char at[ENDPOINT_STR], t[NUM_STR];

	if (w->said)
		say(w->r, "redis %s: back after %s", redis_url_str(&w->r->cfg->redis.url, at),
		    num_age((int64_t)((now_ms() - w->away_ms + 999) / 1000), t));
	w->said = false;
	w->away_ms = 0;
	w->backoff_ms = BACKOFF_MIN_MS;
}

/* Sends entry i, the first that isn't in flight. */
static int send_entry(struct window *w, struct entry *e)
{
	struct source *s = e->source;
	struct call call;

	script_publish(&call, w->r->cfg->cluster, s->channel, s->keep, e->kind, e->p, e->len,
	               s->name, e->seq, s->ttl_ms, w->run_id);
	if (s->in_flight)
		script_behind(&call, s->last);
	if (redisAppendCommandArgv(w->c, call.argc, call.argv, call.len) != REDIS_OK) {
		set_why(w, w->c->errstr);
		return -1;
	}
	if (!w->in_flight)
		w->heard_ms = now_ms();
	s->in_flight++;
	s->last = e->seq;
	w->in_flight++;
	w->unsent = true;
	return 0;
}

/* Which Redis process this is; "": the script finds out. */
static void ask_run_id(struct window *w, redisContext *c)
{
	redisReply *r = redisCommand(c, "INFO server");
	const char *at = r && r->type == REDIS_REPLY_STRING ? strstr(r->str, "\nrun_id:") : NULL;

	snprintf(w->run_id, sizeof w->run_id, "%.*s", at ? (int)strcspn(at + 8, "\r\n") : 0,
	         at ? at + 8 : "");
	if (r)
		freeReplyObject(r);
}

/* 0; -1: why, and *passes says whether it is worth another try. */
static int load(struct window *w, redisContext *c, bool *passes)
{
	struct call call;
	redisReply *reply;
	int rc = 0;

	script_load(&call, SCRIPT_PUBLISH);
	reply = redisCommandArgv(c, call.argc, call.argv, call.len);
	*passes = true;
	if (!reply || reply->type == REDIS_REPLY_ERROR) {
		set_why(w, reply ? reply->str : c->errstr);
		*passes = !reply || ctl_passing(reply->str);
		rc = -1;
	}
	if (reply)
		freeReplyObject(reply);
	if (!rc)
		ask_run_id(w, c);
	return rc;
}

/* Logged in and with the script there: from now on nothing on it waits. */
static void take_over(struct window *w, redisContext *c)
{
	int flags = fcntl(c->fd, F_GETFL);

	if (flags < 0 || fcntl(c->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		set_why(w, strerror(errno));
		redisFree(c);
		lost(w);
		return;
	}
	c->flags &= ~REDIS_BLOCK;
	w->c = c;
	if (!w->n)
		back(w); /* else the first answer says so */
	while (w->in_flight < w->n)
		if (send_entry(w, entry(w, w->in_flight))) {
			lost(w);
			return;
		}
}

int window_open(struct window *w)
{
	redisContext *c = ctl_redis(w->r->cfg, false);
	bool passes;

	if (!c)
		return EXIT_AWAY;
	if (load(w, c, &passes)) {
		say_error("%s", w->why);
		redisFree(c);
		return passes ? EXIT_AWAY : EXIT_FAILED;
	}
	take_over(w, c);
	return EXIT_OK;
}

static int again(struct window *w)
{
	redisContext *c = ctl_redis(w->r->cfg, true);
	bool passes;

	if (!c) {
		snprintf(w->why, sizeof w->why, "%s", ctl_why());
		lost(w);
	} else if (load(w, c, &passes)) {
		redisFree(c);
		if (!passes) {
			say_error("%s", w->why);
			return EXIT_FAILED;
		}
		lost(w);
	} else {
		take_over(w, c);
	}
	return EXIT_OK;
}

int window_add(struct window *w, struct source *s, uint64_t seq, const void *p, size_t len)
{
	struct entry *e = entry(w, w->n);

	*e = (struct entry){.source = s, .seq = seq, .len = len, .p = malloc(len ? len : 1)};
	if (!e->p) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	memcpy(e->p, p, len);
	e->kind = utf8_valid(p, len) ? KIND_TEXT : KIND_BINARY;
	w->n++;
	w->bytes += len;
	if (w->c && send_entry(w, e))
		lost(w);
	return EXIT_OK;
}

/* What is behind it in flight the script refuses by itself. */
static void refuse(struct window *w, const struct entry *e, const char *words)
{
	char at[ENDPOINT_STR], number[24] = "";

	redis_url_str(&w->r->cfg->redis.url, at);
	if (e->source->label[0])
		snprintf(number, sizeof number, "%llu: ", (unsigned long long)e->seq);
	if (!w->refused)
		say_error("%s%sredis %s: %s", e->source->label, number, at, words);
	w->refused = true;
}

/* The answer to the oldest in flight. -1: over this connection there is nothing more to hear. */
static int answered(struct window *w, const redisReply *reply)
{
	const struct entry *e = entry(w, 0);
	bool whole = reply->type == REDIS_REPLY_ARRAY && reply->elements == 4 &&
	             reply->element[0]->type == REDIS_REPLY_INTEGER &&
	             reply->element[3]->type == REDIS_REPLY_INTEGER;

	if (reply->type == REDIS_REPLY_ERROR && ctl_passing(reply->str)) {
		set_why(w, reply->str);
		return -1;
	}
	if (reply->type == REDIS_REPLY_ERROR) {
		refuse(w, e, reply->str);
	} else if (!whole) {
		refuse(w, e, "an answer of another kind than expected");
	} else if (reply->element[0]->integer < 0) {
		/* Because of the one before it; or Redis forgot the source meanwhile. */
		set_why(w, "it forgot what it had acknowledged");
		if (!w->refused)
			return -1;
	} else {
		back(w);
		w->tally->acked++;
		if (reply->element[0]->integer)
			w->tally->heard = (uint64_t)reply->element[3]->integer;
		else if (!e->again)
			w->tally->seen++;
	}
	pop(w);
	return 0;
}

/* Every answer that is there. */
static int hear(struct window *w)
{
	void *reply = NULL;
	int rc = 0;

	if (redisBufferRead(w->c) != REDIS_OK) {
		set_why(w, w->c->errstr);
		return -1;
	}
	while (!rc) {
		if (redisReaderGetReply(w->c->reader, &reply) != REDIS_OK ||
		    (reply && !w->in_flight)) {
			set_why(w, "what it says is no answer");
			rc = -1;
		} else if (!reply) {
			break;
		} else {
			w->heard_ms = now_ms();
			rc = answered(w, reply);
		}
		if (reply)
			freeReplyObject(reply);
		reply = NULL;
	}
	return rc;
}

/* One round over a connection that is there. -1: it is lost. */
static int converse(struct window *w, int fd, bool *readable)
{
	struct pollfd pfd[2] = {{.fd = w->c->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	int done = 0;

	if (w->unsent && redisBufferWrite(w->c, &done) != REDIS_OK) {
		set_why(w, w->c->errstr);
		return -1;
	}
	w->unsent = w->unsent && !done;
	if (w->unsent)
		pfd[0].events |= POLLOUT;
	if (poll(pfd, fd < 0 ? 1 : 2, TURN_MS) < 0)
		return 0; /* a signal */
	*readable = fd >= 0 && pfd[1].revents;
	if (pfd[0].revents & (POLLIN | POLLHUP | POLLERR))
		return hear(w);
	if (w->in_flight && now_ms() - w->heard_ms > SILENT_MS) {
		set_why(w, "no answer");
		return -1;
	}
	return 0;
}

/* One round without a connection: waits for the next attempt, or makes it. */
static int wait_or_retry(struct window *w)
{
	uint64_t now = now_ms(), end = w->away_ms + w->deadline_ms, until;
	char t[24];

	if (now >= end) {
		say_error("%s; away for %s", w->why, num_duration_str(w->deadline_ms, t));
		return EXIT_LATER;
	}
	if (now >= w->retry_ms)
		return again(w);
	until = w->retry_ms < end ? w->retry_ms : end;
	rest_ms(until - now);
	return EXIT_OK;
}

int window_turn(struct window *w, int fd, bool *readable)
{
	int rc = EXIT_OK;

	*readable = false;
	if (!w->c)
		rc = wait_or_retry(w);
	else if (converse(w, fd, readable))
		lost(w);
	if (w->refused && !w->in_flight)
		rc = EXIT_FAILED;
	return rc;
}
