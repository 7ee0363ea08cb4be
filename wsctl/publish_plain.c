/*
 * publish_plain: plain PUBLISH to the channel's Redis name: one message, or one for each line of
 * standard input, sent as it comes, pipelined by what was there to read, and acknowledged before
 * the next read. What can't travel bare is wrapped as a node would. Nothing is sent twice: PUBLISH
 * has no memory.
 */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/channel.h"
#include "../lib/envelope.h"
#include "../lib/num.h"
#include "cmd.h"
#include "ctl.h"
#include "publish.h"
#include "table.h"

enum { TURN_MS = 1000 };

struct plain {
	struct publish *p;
	redisContext *c;
	char redis_name[REDIS_NAME_MAX];
	uint64_t sent, lines;
	struct buf scratch;
};

static int away(const struct plain *t)
{
	char at[ENDPOINT_STR], n[NUM_STR];
	const char *why = t->c->err ? t->c->errstr : "no answer";

	redis_url_str(&t->p->r->cfg->redis.url, at);
	say_error("redis %s: %s", at, why);
	if (t->sent > t->p->acked && t->sent > 1)
		say_error("%s message%s acknowledged, then %llu unknown", num_count(t->p->acked, n),
		          t->p->acked == 1 ? "" : "s", (unsigned long long)(t->sent - t->p->acked));
	return EXIT_AWAY;
}

/* Queues one message on the connection. */
static int queue(struct plain *t, const char *text, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)text;
	enum kind kind = utf8_valid(bytes, len) ? KIND_TEXT : KIND_BINARY;
	char head[ENVELOPE_HEAD];
	size_t head_len = envelope_head(kind, bytes, len, head);
	size_t max = t->p->r->cfg->node.max_message;
	const char *argv[3] = {"PUBLISH", t->redis_name, text};
	size_t lens[3] = {7, strlen(t->redis_name), len};
	char limit[24];

	if (len > max) {
		num_size_str(max, limit);
		if (t->lines)
			say_error("line %llu is longer than node.max_message (%s)",
			          (unsigned long long)t->lines, limit);
		else
			say_error("the message is longer than node.max_message (%s)", limit);
		return EXIT_FAILED;
	}
	if (head_len) {
		buf_reset(&t->scratch);
		buf_add(&t->scratch, head, head_len);
		buf_add(&t->scratch, text, len);
		if (t->scratch.oom) {
			say_error("out of memory");
			return EXIT_FAILED;
		}
		argv[2] = t->scratch.p;
		lens[2] = t->scratch.len;
	}
	if (redisAppendCommandArgv(t->c, 3, argv, lens) != REDIS_OK)
		return away(t);
	t->sent++;
	return EXIT_OK;
}

/* Waits until everything that was sent is acknowledged. */
static int settle(struct plain *t)
{
	while (t->p->acked < t->sent) {
		redisReply *reply = NULL;
		int rc = EXIT_OK;

		if (redisGetReply(t->c, (void **)&reply) != REDIS_OK || !reply)
			return away(t);
		if (reply->type == REDIS_REPLY_INTEGER) {
			t->p->heard = (uint64_t)reply->integer;
			t->p->acked++;
		} else {
			say_error("redis: %s", reply->type == REDIS_REPLY_ERROR
			                               ? reply->str
			                               : "unexpected answer");
			rc = EXIT_FAILED;
		}
		freeReplyObject(reply);
		if (rc)
			return rc;
	}
	return EXIT_OK;
}

/* Queues each whole line of b and keeps the rest. */
static int take_lines(struct plain *t, struct buf *b)
{
	size_t at = 0;
	int rc = EXIT_OK;

	while (!rc && at < b->len) {
		const char *nl = memchr(b->p + at, '\n', b->len - at);

		if (!nl)
			break;
		t->lines++;
		rc = queue(t, b->p + at, (size_t)(nl - b->p) - at);
		at = (size_t)(nl - b->p) + 1;
	}
	if (at) {
		memmove(b->p, b->p + at, b->len - at);
		b->len -= at;
	}
	return rc;
}

static int from_stdin(struct plain *t)
{
	static char chunk[64 * 1024];
	struct buf b = {0};
	int rc = EXIT_OK;

	while (!rc) {
		struct pollfd pfd = {.fd = STDIN_FILENO, .events = POLLIN};
		ssize_t n;
		int ack;

		if (interrupted()) {
			rc = EXIT_INTERRUPTED;
			break;
		}
		if (poll(&pfd, 1, TURN_MS) <= 0)
			continue;
		n = read(STDIN_FILENO, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			say_error("can't read standard input: %s", strerror(errno));
			rc = EXIT_FAILED;
			break;
		}
		if (!n) {
			/* A last line without its LF is a message too. */
			if (b.len) {
				t->lines++;
				rc = queue(t, b.p, b.len);
			}
			ack = settle(t);
			rc = rc ? rc : ack;
			break;
		}
		buf_add(&b, chunk, (size_t)n);
		if (b.oom) {
			say_error("out of memory");
			rc = EXIT_FAILED;
			break;
		}
		rc = take_lines(t, &b);
		if (!rc && b.len > t->p->r->cfg->node.max_message) {
			t->lines++;
			rc = queue(t, b.p, b.len);
		}
		ack = settle(t);
		rc = rc ? rc : ack;
	}
	buf_free(&b);
	return rc;
}

int publish_plain(struct publish *p)
{
	struct plain t = {.p = p};
	int rc;

	channel_redis(p->r->cfg->cluster, p->channel, t.redis_name);
	t.c = ctl_redis(p->r->cfg, false);
	if (!t.c)
		return EXIT_AWAY;
	if (!p->message) {
		rc = from_stdin(&t);
	} else {
		rc = queue(&t, p->message, strlen(p->message));
		if (!rc)
			rc = settle(&t);
	}
	buf_free(&t.scratch);
	redisFree(t.c);
	return rc;
}
