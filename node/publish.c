/* publish: see publish.h. */
#include "publish.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/channel.h"
#include "../lib/script.h"
#include "cache.h"
#include "hub.h"
#include "node.h"

static void within(struct channel *c, const struct message *m, bus_done *done, void *arg)
{
	redisReply reply = {.type = REDIS_REPLY_INTEGER, .integer = 1};

	if (c->cache)
		cache_publish(c->cache, m);
	else
		hub_message(c, m);
	if (done)
		done(arg, &reply);
}

static int bare(struct channel *c, const struct message *m, bus_done *done, void *arg)
{
	char name[REDIS_NAME_MAX], head[ENVELOPE_HEAD];
	struct call call = {.argc = 3, .argv = {"PUBLISH", name, (const char *)m->p}};
	size_t head_len = envelope_head(m->kind, m->p, m->len, head);
	char *wrapped = NULL;
	int rc;

	call.len[0] = 7;
	call.len[1] = channel_redis(node.cfg->cluster, c->name, name);
	call.len[2] = head_len + m->len;
	if (head_len) {
		wrapped = malloc(head_len + m->len);
		if (!wrapped)
			return -1;
		memcpy(wrapped, head, head_len);
		if (m->len)
			memcpy(wrapped + head_len, m->p, m->len);
		call.argv[2] = wrapped;
	}
	rc = bus_call(&call, done, arg);
	free(wrapped);
	return rc;
}

int publish_message(struct channel *c, const struct message *m, bus_done *done, void *arg)
{
	const struct keep keep = {c->rule->history_size, c->rule->history_ttl_ms};
	struct call call;
	int rc = -1;

	if (node.standalone) {
		within(c, m, done, arg);
		return 0;
	}
	if (bus_ready() && !bus_congested()) {
		if (keep.size) {
			script_publish(&call, node.cfg->cluster, c->name, keep, m->kind, m->p,
			               m->len, NULL, 0, 0, bus_run_id());
			rc = bus_call(&call, done, arg);
		} else {
			rc = bare(c, m, done, arg);
		}
	}
	if (rc)
		node.count.refused_in++;
	return rc;
}
