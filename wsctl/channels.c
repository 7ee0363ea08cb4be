/*
 * channels: asks Redis for the names and subscribers, and the nodes twice, half a second apart, for
 * clients and rates. Names come from Redis and from nodes alike; whatever isn't a channel's name is
 * passed over.
 */
#include "channels.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "ctl.h"
#include "hap.h"
#include "members.h"

enum { ASK_MS = 1500, RATE_MS = 500, BATCH = 500 };

static struct channel_row *row_find(const struct channels *c, const char *name)
{
	const json_t *at = json_object_get(c->index, name);

	return at ? &c->v[json_integer_value(at)] : NULL;
}

static struct channel_row *row_at(struct channels *c, const char *name)
{
	struct channel_row *row = row_find(c, name);

	if (row)
		return row;
	if (!c->v || c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;

		row = realloc(c->v, cap * sizeof *row);
		if (!row)
			return NULL;
		c->v = row;
		c->cap = cap;
	}
	if (json_object_set_new(c->index, name, json_integer((json_int_t)c->n)))
		return NULL;
	row = &c->v[c->n++];
	memset(row, 0, sizeof *row);
	memcpy(row->name, name, strlen(name) + 1);
	row->in_s = row->out_s = -1;
	return row;
}

static bool wanted(const char *text, size_t len, const char *name, const char *pattern)
{
	if (!channel_valid(text, len))
		return false;
	return name ? !strcmp(text, name) : !pattern || channel_match(pattern, text);
}

/* A reply of Redis or NULL with the message printed. */
static redisReply *ask_redis(const struct config *cfg, redisContext *c, int argc, const char **argv)
{
	redisReply *reply = redisCommandArgv(c, argc, argv, NULL);
	char at[ENDPOINT_STR];

	if (reply && reply->type == REDIS_REPLY_ARRAY)
		return reply;
	say_error("redis %s: %s", redis_url_str(&cfg->redis.url, at),
	          reply && reply->type == REDIS_REPLY_ERROR ? reply->str : c->errstr);
	if (reply)
		freeReplyObject(reply);
	return NULL;
}

static int count_subs(const struct config *cfg, redisContext *c, struct channels *out)
{
	size_t skip = strlen(cfg->cluster) + 1;

	for (size_t at = 0; at < out->n; at += BATCH) {
		static char names[BATCH][REDIS_NAME_MAX];
		const char *argv[BATCH + 2] = {"PUBSUB", "NUMSUB"};
		size_t n = out->n - at < BATCH ? out->n - at : BATCH;
		redisReply *reply;

		for (size_t i = 0; i < n; i++) {
			channel_redis(cfg->cluster, out->v[at + i].name, names[i]);
			argv[2 + i] = names[i];
		}
		reply = ask_redis(cfg, c, (int)n + 2, argv);
		if (!reply)
			return EXIT_AWAY;
		for (size_t i = 0; i + 1 < reply->elements; i += 2) {
			const redisReply *name = reply->element[i], *count = reply->element[i + 1];
			struct channel_row *row;

			if (name->type != REDIS_REPLY_STRING ||
			    count->type != REDIS_REPLY_INTEGER || (size_t)name->len <= skip ||
			    !channel_valid(name->str + skip, (size_t)name->len - skip))
				continue;
			row = row_at(out, name->str + skip);
			if (row)
				row->subs = (uint64_t)count->integer;
		}
		freeReplyObject(reply);
	}
	return EXIT_OK;
}

/* Names from Redis join those from the nodes; then every one is counted. */
static int from_redis(const struct config *cfg, const char *name, const char *pattern,
                      struct channels *out)
{
	char glob[REDIS_NAME_MAX + 2];
	const char *argv[] = {"PUBSUB", "CHANNELS", glob};
	size_t skip = strlen(cfg->cluster) + 1;
	redisContext *c = ctl_redis(cfg, false);
	redisReply *reply;
	int rc = EXIT_AWAY;

	if (!c)
		return EXIT_AWAY;
	snprintf(glob, sizeof glob, "%s:*", cfg->cluster);
	if (!name) {
		reply = ask_redis(cfg, c, 3, argv);
		if (!reply)
			goto out;
		for (size_t i = 0; i < reply->elements; i++) {
			const redisReply *e = reply->element[i];

			if (e->type == REDIS_REPLY_STRING && (size_t)e->len > skip &&
			    wanted(e->str + skip, (size_t)e->len - skip, NULL, pattern))
				row_at(out, e->str + skip);
		}
		freeReplyObject(reply);
	} else {
		row_at(out, name);
	}
	rc = count_subs(cfg, c, out);
out:
	redisFree(c);
	return rc;
}

static void add_node(struct channels *out, const json_t *reply, const char *name,
                     const char *pattern)
{
	const json_t *list = json_object_get(reply, "channels"), *o;
	size_t i;

	out->more += (uint64_t)reply_int(reply, "more", 0);
	json_array_foreach(list, i, o)
	{
		const char *text = reply_str(o, "name");
		struct channel_row *row;

		if (!wanted(text, strlen(text), name, pattern))
			continue;
		row = row_at(out, text);
		if (!row)
			continue;
		row->listed++;
		row->nodes += reply_int(o, "clients", 0) > 0;
		row->clients += (uint64_t)reply_int(o, "clients", 0);
		row->queued += (uint64_t)reply_int(o, "queued", 0);
		row->dropped += (uint64_t)reply_int(o, "dropped", 0);
	}
}

/* {name: its object} of a node's list. */
static json_t *by_name(const json_t *list)
{
	json_t *index = json_object(), *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		if (*reply_str(o, "name"))
			json_object_set(index, reply_str(o, "name"), o);
	}
	return index;
}

/* The channel in a node's earlier list: at the same place, unless one came or went meanwhile. */
static const json_t *earlier(const json_t *list, size_t at, const char *name, json_t **index)
{
	const json_t *o = json_array_get(list, at);

	if (o && !strcmp(reply_str(o, "name"), name))
		return o;
	if (!*index)
		*index = by_name(list);
	return json_object_get(*index, name);
}

static void add_rates(struct channels *out, const struct ctl_replies *first,
                      const struct ctl_replies *second, double seconds)
{
	json_t *later, *nodes = ctl_index(first);
	size_t i, j;

	json_array_foreach(second->v, i, later)
	{
		const json_t *before = json_object_get(nodes, reply_str(later, "node")), *o;
		const json_t *list = json_object_get(later, "channels");
		const json_t *list_before = json_object_get(before, "channels");
		json_t *index = NULL;

		if (!before ||
		    strcmp(reply_str(before, "start_id"), reply_str(later, "start_id")) != 0)
			continue;
		json_array_foreach(list, j, o)
		{
			const json_t *was = earlier(list_before, j, reply_str(o, "name"), &index);
			struct channel_row *row = row_find(out, reply_str(o, "name"));
			double in, sent;

			if (!was || !row)
				continue;
			in = (double)(reply_int(o, "in", 0) - reply_int(was, "in", 0)) / seconds;
			sent = (double)(reply_int(o, "out", 0) - reply_int(was, "out", 0)) /
			       seconds;
			if (in > row->in_s)
				row->in_s = in;
			row->out_s = (row->out_s < 0 ? 0 : row->out_s) + (sent > 0 ? sent : 0);
		}
		json_decref(index);
	}
	json_decref(nodes);
}

static json_t *request(const char *name, const char *pattern)
{
	json_t *o = request_new("channels");

	if (name)
		json_object_set_new(o, "name", json_string(name));
	else if (pattern)
		json_object_set_new(o, "pattern", json_string(pattern));
	return o;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct channel_row *)a)->name, ((const struct channel_row *)b)->name);
}

static int by_node(const void *a, const void *b)
{
	return strcmp(reply_str(*(json_t *const *)a, "node"),
	              reply_str(*(json_t *const *)b, "node"));
}

/* The replies come in no order; people look for a name. */
static json_t *sorted(const json_t *replies)
{
	size_t n = json_array_size(replies), i;
	json_t **v = calloc(n ? n : 1, sizeof(json_t *)), *list = json_array(), *o;

	json_array_foreach(replies, i, o)
	{
		if (v)
			v[i] = o;
	}
	if (v && n)
		qsort(v, n, sizeof(json_t *), by_node);
	for (i = 0; v && i < n; i++)
		json_array_append(list, v[i]);
	free(v);
	return list;
}

int channels_gather(struct run *r, const char *name, const char *pattern, struct channels *out)
{
	struct ctl_replies first = {0}, second;
	uint64_t at;
	json_t *o;
	size_t i;
	int rc;

	memset(out, 0, sizeof *out);
	out->index = json_object();
	if (ctl_ask(r->cfg, NULL, request(name, pattern), ASK_MS, &first))
		return ctl_exit();
	at = now_ms();
	out->silent = first.heard - (int)json_array_size(first.v);
	json_array_foreach(first.v, i, o)
	{
		add_node(out, o, name, pattern);
	}
	rc = from_redis(r->cfg, name, pattern, out);
	/* One channel's screen shows no rates. */
	if (!rc && !name && json_array_size(first.v) && !pause_ms(RATE_MS) &&
	    !ctl_ask(r->cfg, NULL, request(name, pattern), ASK_MS, &second)) {
		add_rates(out, &first, &second, (double)(now_ms() - at) / 1000);
		ctl_replies_free(&second);
	}
	out->replies = sorted(first.v);
	ctl_replies_free(&first);
	json_object_clear(out->index); /* places change now */
	if (out->n)
		qsort(out->v, out->n, sizeof *out->v, compare);
	return interrupted() ? EXIT_INTERRUPTED : rc;
}

void channels_free(struct channels *c)
{
	json_decref(c->index);
	json_decref(c->replies);
	free(c->v);
	memset(c, 0, sizeof *c);
}
