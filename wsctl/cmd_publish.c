/*
 * wsctl publish: plain PUBLISH to the channel's Redis name: one message, or one for each line of
 * standard input, sent as it comes, pipelined by what was there to read, and acknowledged before
 * the next read. What can't travel bare is wrapped as a node would.
 */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/channel.h"
#include "../lib/envelope.h"
#include "../lib/num.h"
#include "cmd.h"
#include "ctl.h"
#include "members.h"
#include "table.h"

struct pub {
	struct run *r;
	redisContext *c;
	const char *channel;
	char redis_name[REDIS_NAME_MAX];
	uint64_t sent, acked, lines;
	long long heard; /* by the last message */
	struct buf scratch;
};

static int away(const struct pub *p)
{
	char at[ENDPOINT_STR], n[NUM_STR];
	const char *why = p->c->err ? p->c->errstr : "no answer";

	redis_url_str(&p->r->cfg->redis.url, at);
	say_error("redis %s: %s", at, why);
	if (p->sent > p->acked && p->sent > 1)
		say_error("%s messages acknowledged, then %llu unknown", num_count(p->acked, n),
		          (unsigned long long)(p->sent - p->acked));
	return EXIT_AWAY;
}

/* Queues one message on the connection. */
static int queue(struct pub *p, const char *text, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)text;
	enum kind kind = utf8_valid(bytes, len) ? KIND_TEXT : KIND_BINARY;
	char head[ENVELOPE_HEAD];
	size_t head_len = envelope_head(kind, bytes, len, head), max = p->r->cfg->node.max_message;
	const char *argv[3] = {"PUBLISH", p->redis_name, text};
	size_t lens[3] = {7, strlen(p->redis_name), len};
	char limit[24];

	if (len > max) {
		num_size_str(max, limit);
		if (p->lines)
			say_error("line %llu is longer than node.max_message (%s)",
			          (unsigned long long)p->lines, limit);
		else
			say_error("the message is longer than node.max_message (%s)", limit);
		return EXIT_FAILED;
	}
	if (head_len) {
		buf_reset(&p->scratch);
		buf_add(&p->scratch, head, head_len);
		buf_add(&p->scratch, text, len);
		if (p->scratch.oom) {
			say_error("out of memory");
			return EXIT_FAILED;
		}
		argv[2] = p->scratch.p;
		lens[2] = p->scratch.len;
	}
	if (redisAppendCommandArgv(p->c, 3, argv, lens) != REDIS_OK)
		return away(p);
	p->sent++;
	return EXIT_OK;
}

/* Waits until everything that was sent is acknowledged. */
static int settle(struct pub *p)
{
	while (p->acked < p->sent) {
		redisReply *reply = NULL;
		int rc = EXIT_OK;

		if (redisGetReply(p->c, (void **)&reply) != REDIS_OK || !reply)
			return away(p);
		if (reply->type == REDIS_REPLY_INTEGER) {
			p->heard = reply->integer;
			p->acked++;
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
static int take_lines(struct pub *p, struct buf *b)
{
	size_t at = 0;
	int rc = EXIT_OK;

	while (!rc && at < b->len) {
		const char *nl = memchr(b->p + at, '\n', b->len - at);

		if (!nl)
			break;
		p->lines++;
		rc = queue(p, b->p + at, (size_t)(nl - b->p) - at);
		at = (size_t)(nl - b->p) + 1;
	}
	if (at) {
		memmove(b->p, b->p + at, b->len - at);
		b->len -= at;
	}
	return rc;
}

static int from_stdin(struct pub *p)
{
	static char chunk[64 * 1024];
	struct buf b = {0};
	int rc = EXIT_OK;

	while (!rc) {
		struct pollfd pfd = {.fd = STDIN_FILENO, .events = POLLIN};
		ssize_t n;
		int ack;

		if (interrupted() || (poll(&pfd, 1, -1) < 0 && errno == EINTR)) {
			rc = EXIT_INTERRUPTED;
			break;
		}
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
				p->lines++;
				rc = queue(p, b.p, b.len);
			}
			ack = settle(p);
			rc = rc ? rc : ack;
			break;
		}
		buf_add(&b, chunk, (size_t)n);
		if (b.oom) {
			say_error("out of memory");
			rc = EXIT_FAILED;
			break;
		}
		rc = take_lines(p, &b);
		if (!rc && b.len > p->r->cfg->node.max_message) {
			p->lines++;
			rc = queue(p, b.p, b.len);
		}
		ack = settle(p);
		rc = rc ? rc : ack;
	}
	buf_free(&b);
	return rc;
}

static void report(const struct pub *p, bool many)
{
	char n[NUM_STR], h[NUM_STR];

	num_count(p->acked, n);
	num_count((uint64_t)p->heard, h);
	if (!p->acked && many)
		say(p->r, "no message on standard input");
	else if (many && p->heard)
		say(p->r, "%s message%s to %s; %s node%s heard the last", n,
		    p->acked == 1 ? "" : "s", p->channel, h, p->heard == 1 ? "" : "s");
	else if (many)
		say(p->r, "%s message%s to %s; no node listens", n, p->acked == 1 ? "" : "s",
		    p->channel);
	else if (p->heard)
		say(p->r, "%s node%s heard it", h, p->heard == 1 ? "" : "s");
	else
		say(p->r, "no node listens to %s", p->channel);
}

int cmd_publish(struct run *r)
{
	struct pub p = {.r = r, .channel = r->argv[0]};
	bool many = r->argc < 2 || !strcmp(r->argv[1], "-");
	int rc;

	if (!channel_valid(p.channel, strlen(p.channel))) {
		say_error("\"%.140s\" can't be a channel: 1 to %d of A-Z a-z 0-9 _ : . -",
		          p.channel, CHANNEL_MAX);
		return EXIT_USAGE;
	}
	channel_redis(r->cfg->cluster, p.channel, p.redis_name);
	p.c = ctl_redis(r->cfg, false);
	if (!p.c)
		return EXIT_AWAY;
	if (many) {
		rc = from_stdin(&p);
	} else {
		rc = queue(&p, r->argv[1], strlen(r->argv[1]));
		if (!rc)
			rc = settle(&p);
	}
	if (!rc)
		report(&p, many);
	else if (many)
		say(r, "%llu messages were acknowledged", (unsigned long long)p.acked);
	if (!rc && r->opts.json)
		say_json(json_pack("{s:s, s:I, s:I}", "channel", p.channel, "messages",
		                   (json_int_t)p.acked, "heard", (json_int_t)p.heard));
	buf_free(&p.scratch);
	redisFree(p.c);
	return rc;
}
