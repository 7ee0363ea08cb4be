/*
 * kept: one transaction: the meta hash, the stream's length and its first entry, and the purge
 * script behind them. The first entry says whether one of the stream's is a purge's own mark.
 */
#include "kept.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "../lib/channel.h"
#include "../lib/script.h"
#include "cmd.h"
#include "ctl.h"

enum { META, LENGTH, FIRST, PURGE, MOST };

static int failed(const struct config *cfg, const redisContext *c, const redisReply *reply)
{
	char at[ENDPOINT_STR];
	const char *words = !reply                             ? c->errstr
	                    : reply->type == REDIS_REPLY_ERROR ? reply->str
	                                                       : "an answer of another kind than "
	                                                         "expected";

	say_error("redis %s: %s", redis_url_str(&cfg->redis.url, at), words);
	return !reply || (reply->type == REDIS_REPLY_ERROR && ctl_passing(reply->str))
	               ? EXIT_AWAY
	               : EXIT_FAILED;
}

/* [[ID, [KIND, PAYLOAD]]] whose KIND is a purge's. */
static bool purged(const redisReply *first)
{
	const redisReply *entry = first->elements == 1 ? first->element[0] : NULL;
	const redisReply *fields = entry && entry->elements == 2 ? entry->element[1] : NULL;

	return fields && fields->elements == 2 && fields->element[0]->type == REDIS_REPLY_STRING &&
	       !strcmp(fields->element[0]->str, "p");
}

/* 0; -1: it isn't what was asked for. */
static int read_meta(const redisReply *meta, struct kept *out)
{
	const redisReply *epoch, *offset;
	char text[POSITION_STR];

	if (meta->type != REDIS_REPLY_ARRAY || meta->elements != 2)
		return -1;
	epoch = meta->element[0];
	offset = meta->element[1];
	if (epoch->type != REDIS_REPLY_STRING)
		return 0;
	if (offset->type != REDIS_REPLY_STRING ||
	    snprintf(text, sizeof text, "%s-%s", epoch->str, offset->str) >= (int)sizeof text)
		return -1;
	return position_parse(text, strlen(text), &out->top);
}

static int read_all(const struct config *cfg, const redisContext *c, const char *channel,
                    const redisReply *all, bool purge, struct kept *out)
{
	uint64_t size = config_rule(cfg, channel)->history_size, length;
	const redisReply *const *e = (const redisReply *const *)all->element;

	if (all->type != REDIS_REPLY_ARRAY || all->elements != (size_t)(purge ? MOST : PURGE))
		return failed(cfg, c, all);
	for (size_t i = 0; i < all->elements; i++)
		if (e[i]->type == REDIS_REPLY_ERROR)
			return failed(cfg, c, e[i]);
	if (read_meta(e[META], out))
		return failed(cfg, c, e[META]);
	if (e[LENGTH]->type != REDIS_REPLY_INTEGER)
		return failed(cfg, c, e[LENGTH]);
	length = (uint64_t)e[LENGTH]->integer;
	/* Redis trims a little late; nobody gets what is above the size. */
	out->messages = length > size ? size : length - (length && purged(e[FIRST]));
	if (!purge)
		return EXIT_OK;
	if (e[PURGE]->elements != 3 || e[PURGE]->element[2]->type != REDIS_REPLY_INTEGER)
		return failed(cfg, c, e[PURGE]);
	out->heard = (uint64_t)e[PURGE]->element[2]->integer;
	return EXIT_OK;
}

static int ask(const struct config *cfg, const char *channel, bool purge, struct kept *out)
{
	const struct config_rule *rule = config_rule(cfg, channel);
	struct call load, call;
	redisContext *c = ctl_redis(cfg, false);
	int expected = 5, rc = EXIT_OK;

	memset(out, 0, sizeof *out);
	if (!c)
		return EXIT_AWAY;
	script_purge(&call, cfg->cluster, channel,
	             (struct keep){rule->history_size, rule->history_ttl_ms});
	if (purge) {
		script_load(&load, SCRIPT_PURGE);
		redisAppendCommandArgv(c, load.argc, load.argv, load.len);
		expected += 2;
	}
	redisAppendCommand(c, "MULTI");
	redisAppendCommand(c, "HMGET %s e o", call.meta);
	redisAppendCommand(c, "XLEN %s", call.stream);
	redisAppendCommand(c, "XRANGE %s - + COUNT 1", call.stream);
	if (purge)
		redisAppendCommandArgv(c, call.argc, call.argv, call.len);
	redisAppendCommand(c, "EXEC");
	for (; !rc && expected; expected--) {
		redisReply *reply = NULL;

		if (redisGetReply(c, (void **)&reply) != REDIS_OK || !reply ||
		    reply->type == REDIS_REPLY_ERROR)
			rc = failed(cfg, c, reply);
		else if (expected == 1)
			rc = read_all(cfg, c, channel, reply, purge, out);
		if (reply)
			freeReplyObject(reply);
	}
	redisFree(c);
	return rc;
}

int kept_read(const struct config *cfg, const char *channel, struct kept *out)
{
	return ask(cfg, channel, false, out);
}

int kept_purge(const struct config *cfg, const char *channel, struct kept *out)
{
	return ask(cfg, channel, true, out);
}
