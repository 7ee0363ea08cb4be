/*
 * probe: two connections, one to listen and one to publish, as clients' publishers have. An answer
 * that comes too late is told by its id and passed over.
 */
#include "probe.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../lib/channel.h"
#include "cmd.h"
#include "ctl.h"
#include "members.h"

struct probe {
	const struct config *cfg;
	redisContext *sub, *pub;
	char id[33], reply_to[REDIS_NAME_MAX];
	uint64_t n; /* requests so far */
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint32_t since(uint64_t from)
{
	uint64_t us = now_us() - from;

	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static enum probe_result away(const struct probe *p, const redisContext *c, const redisReply *reply)
{
	char at[ENDPOINT_STR];

	say_error("redis %s: %s", redis_url_str(&p->cfg->redis.url, at),
	          reply && reply->type == REDIS_REPLY_ERROR ? reply->str
	          : c->err                                  ? c->errstr
	                                                    : "an unexpected answer");
	return PROBE_AWAY;
}

struct probe *probe_open(const struct config *cfg)
{
	struct probe *p = calloc(1, sizeof *p);
	redisReply *reply = NULL;
	unsigned char raw[16];

	if (!p || getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
		say_error("out of memory");
		goto fail;
	}
	p->cfg = cfg;
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(p->id + 2 * i, 3, "%02x", raw[i]);
	channel_reply(cfg->cluster, p->id, p->reply_to);
	p->sub = ctl_redis(cfg, false);
	p->pub = p->sub ? ctl_redis(cfg, false) : NULL;
	if (!p->pub)
		goto fail;
	reply = redisCommand(p->sub, "SUBSCRIBE %s", p->reply_to);
	if (!reply || reply->type != REDIS_REPLY_ARRAY) {
		away(p, p->sub, reply);
		goto fail;
	}
	freeReplyObject(reply);
	return p;
fail:
	if (reply)
		freeReplyObject(reply);
	probe_close(p);
	return NULL;
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	if (p->sub)
		redisFree(p->sub);
	if (p->pub)
		redisFree(p->pub);
	free(p);
}

/* Of the node that was asked, and to this request. */
static bool is_answer(const redisReply *m, const char *node, const char *id)
{
	json_t *o;
	bool is;

	if (m->type != REDIS_REPLY_ARRAY || m->elements != 3 ||
	    m->element[2]->type != REDIS_REPLY_STRING)
		return false;
	o = json_loadb(m->element[2]->str, m->element[2]->len, JSON_REJECT_DUPLICATES, NULL);
	is = !strcmp(reply_str(o, "id"), id) && !strcmp(reply_str(o, "node"), node);
	json_decref(o);
	return is;
}

static enum probe_result await(struct probe *p, const char *node, const char *id, uint64_t from,
                               uint64_t wait_ms, uint32_t *us)
{
	struct pollfd pfd = {.fd = p->sub->fd, .events = POLLIN};

	for (;;) {
		uint64_t spent_ms = (now_us() - from) / 1000;
		void *reply;

		if (spent_ms >= wait_ms || interrupted())
			return PROBE_LOST;
		if (poll(&pfd, 1, (int)(wait_ms - spent_ms)) <= 0)
			continue;
		*us = since(from);
		if (redisBufferRead(p->sub) != REDIS_OK)
			return away(p, p->sub, NULL);
		for (;;) {
			bool is;

			if (redisReaderGetReply(p->sub->reader, &reply) != REDIS_OK)
				return away(p, p->sub, NULL);
			if (!reply)
				break;
			is = is_answer(reply, node, id);
			freeReplyObject(reply);
			if (is)
				return PROBE_ANSWERED;
		}
	}
}

enum probe_result probe_node(struct probe *p, const char *node, uint64_t wait_ms, uint32_t *us,
                             int *heard)
{
	char channel[REDIS_NAME_MAX], id[64], request[REDIS_NAME_MAX + 128];
	redisReply *reply;
	uint64_t from;

	channel_ctl(p->cfg->cluster, node, channel);
	snprintf(id, sizeof id, "%s-%" PRIu64, p->id, ++p->n);
	snprintf(request, sizeof request, "{\"do\":\"report\",\"id\":\"%s\",\"reply\":\"%s\"}", id,
	         p->reply_to);
	from = now_us();
	reply = redisCommand(p->pub, "PUBLISH %s %s", channel, request);
	if (!reply || reply->type != REDIS_REPLY_INTEGER) {
		away(p, p->pub, reply);
		if (reply)
			freeReplyObject(reply);
		return PROBE_AWAY;
	}
	*heard = reply->integer < 1000 ? (int)reply->integer : 1000;
	freeReplyObject(reply);
	return *heard ? await(p, node, id, from, wait_ms, us) : PROBE_ABSENT;
}

enum probe_result probe_redis(struct probe *p, uint32_t *us)
{
	uint64_t from = now_us();
	redisReply *reply = redisCommand(p->pub, "PING");

	*us = since(from);
	if (!reply || reply->type != REDIS_REPLY_STATUS) {
		away(p, p->pub, reply);
		if (reply)
			freeReplyObject(reply);
		return PROBE_AWAY;
	}
	freeReplyObject(reply);
	return PROBE_ANSWERED;
}
