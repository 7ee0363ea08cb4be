/*
 * cf_sub: what a Centrifugo client does with one channel: subscribe, recover, unsubscribe, be told
 * that something is lost. Commands for a channel whose subscription still waits for Redis wait
 * behind it: a client that unsubscribes and subscribes again at once gets its answers in order.
 */
#include <stdlib.h>

#include "../lib/jwt.h"
#include "cf.h"
#include "cf_int.h"
#include "session.h"

static struct cf_sub *find(const struct cf *cf, const struct channel *c)
{
	for (uint16_t i = 0; i < cf->n_subs; i++)
		if (cf->subs[i]->c == c)
			return cf->subs[i];
	return NULL;
}

/* NULL: out of memory. */
static struct cf_sub *add(struct cf *cf, struct channel *c)
{
	struct cf_sub *sub;

	if (cf->n_subs == cf->cap_subs) {
		uint16_t cap = cf->cap_subs ? (uint16_t)(cf->cap_subs * 2) : 2;
		struct cf_sub **more = realloc(cf->subs, cap * sizeof(struct cf_sub *));

		if (!more)
			return NULL;
		cf->subs = more;
		cf->cap_subs = cap;
	}
	sub = calloc(1, sizeof *sub);
	if (!sub)
		return NULL;
	sub->c = c;
	sub->sub.s = cf->s;
	sub->sub.form = FORM_CF;
	cf->subs[cf->n_subs++] = sub;
	return sub;
}

static void pop(struct cf_sub *sub)
{
	struct cf_ask *ask = sub->asks;

	sub->asks = ask->next;
	cf_ask_free(ask);
}

void cf_drop(struct cf *cf, struct cf_sub *sub)
{
	uint16_t i = 0;

	while (cf->subs[i] != sub)
		i++;
	cf->subs[i] = cf->subs[--cf->n_subs];
	while (sub->asks)
		pop(sub);
	hub_leave(&sub->sub);
	free(sub);
}

bool cf_is_subscribed(const struct cf *cf, const struct cf_command *cmd)
{
	const struct channel *c = NULL;
	const struct cf_sub *sub;

	if (cmd->channel_len <= CHANNEL_MAX)
		c = hub_find(cmd->channel, cmd->channel_len);
	sub = c ? find(cf, c) : NULL;
	return sub && sub->sub.c;
}

/* Into the channel, and the answer. */
static void attach(struct cf_sub *sub, const struct cf_command *cmd)
{
	struct cf *cf = sub->sub.s->cf;
	struct position mem;
	const struct position *since = cf_since(cmd, sub->c, &mem);
	struct attach at;

	if (hub_attach(&sub->sub, sub->c, sub->c->rule->cache_last ? NULL : since, &at)) {
		cf_say_error(cf, cmd->id, &cf_internal);
		return;
	}
	if (!cf_say_subscribed(cf, sub, cmd, &at)) {
		hub_leave(&sub->sub);
		cf_say_error(cf, cmd->id, &cf_unrecoverable);
	}
}

/* Answers the oldest of the commands that wait. False: it goes on waiting, perhaps it was answered
 * meanwhile. */
static bool serve(struct cf_sub *sub)
{
	struct cf_ask *ask = sub->asks;
	struct position mem;
	bool away;

	if (ask->cmd.method == CF_UNSUBSCRIBE) {
		hub_leave(&sub->sub);
		cf_say_empty(ask->cf, ask->cmd.id, "unsubscribe");
	} else if (sub->sub.c) {
		cf_say_error(ask->cf, ask->cmd.id, &cf_subscribed_already);
	} else if (cf_ready(ask, cf_since(&ask->cmd, sub->c, &mem), &away)) {
		attach(sub, &ask->cmd);
	} else if (away) {
		cf_say_error(ask->cf, ask->cmd.id, &cf_internal);
	} else {
		return false;
	}
	pop(sub);
	return true;
}

/* All that can be answered now. What was asked for in vain leaves nothing behind. */
static void serve_all(struct cf *cf, struct cf_sub *sub)
{
	while (sub->asks)
		if (!serve(sub))
			return;
	if (!sub->sub.c)
		cf_drop(cf, sub);
}

static void woken(struct waiter *w, bool ok)
{
	struct cf_ask *ask = (struct cf_ask *)w; /* its first member */
	struct cf_sub *sub = ask->sub;
	struct cf *cf = ask->cf;
	struct buf out = {0};
	bool mine = cf_begin(cf, &out);

	if (!ok) {
		cf_say_error(cf, ask->cmd.id, &cf_internal);
		pop(sub);
	}
	serve_all(cf, sub);
	if (mine)
		cf_end(cf);
}

void cf_subs_overdue(struct cf *cf)
{
	/* Backwards: cf_drop moves the last one, which had its turn, into the place of another. */
	for (uint16_t i = cf->n_subs; i-- > 0;) {
		struct cf_sub *sub = cf->subs[i];

		if (!sub->asks || !cf_ask_overdue(sub->asks))
			continue;
		cf_say_error(cf, sub->asks->cmd.id, &cf_internal);
		pop(sub);
		serve_all(cf, sub);
	}
}

/* At the end of what waits for this channel. */
static void ask_behind(struct cf *cf, struct cf_sub *sub, const struct cf_command *cmd)
{
	struct cf_ask **at = &sub->asks, *ask = cf_ask_new(cf, sub->c, cmd, woken);
	bool first = !sub->asks;

	if (ask) {
		ask->sub = sub;
		while (*at)
			at = &(*at)->next;
		*at = ask;
	}
	if (first)
		serve_all(cf, sub);
}

void cf_subscribe(struct cf *cf, const struct cf_command *cmd)
{
	struct channel *c;
	struct cf_sub *sub;

	/* Centrifugo's maps, shared polls and filters. */
	if (cmd->channel_len && (cmd->type || cmd->filtered)) {
		cf_say_error(cf, cmd->id, cmd->type ? &cf_not_available : &cf_bad_request);
		return;
	}
	c = cf_channel(cf, cmd, grants_subscribe);
	if (!c)
		return;
	sub = find(cf, c);
	if (sub && !sub->asks) {
		cf_say_error(cf, cmd->id, &cf_subscribed_already);
		return;
	}
	if (!sub && cf->n_subs >= CF_CHANNELS_MAX) {
		cf_say_error(cf, cmd->id, &cf_too_many_channels);
		return;
	}
	if (!sub && !(sub = add(cf, c))) {
		cf_say_error(cf, cmd->id, &cf_internal);
		return;
	}
	ask_behind(cf, sub, cmd);
}

void cf_unsubscribe(struct cf *cf, const struct cf_command *cmd)
{
	struct channel *c = NULL;
	struct cf_sub *sub;

	if (!cmd->channel_len) {
		cf_close_bad(cf);
		return;
	}
	if (cmd->channel_len <= CHANNEL_MAX)
		c = hub_find(cmd->channel, cmd->channel_len);
	sub = c ? find(cf, c) : NULL;
	if (sub && sub->asks) {
		ask_behind(cf, sub, cmd);
		return;
	}
	if (sub)
		cf_drop(cf, sub);
	cf_say_empty(cf, cmd->id, "unsubscribe");
}

void cf_lost(struct subscriber *who)
{
	struct cf_sub *sub = (struct cf_sub *)who; /* its first member */
	struct cf *cf = who->s->cf;
	const struct channel *c = sub->c;
	struct buf out = {0};
	bool mine = cf_begin(cf, &out);

	cf_drop(cf, sub);
	/* From 2500 on the client subscribes again by itself. */
	buf_printf(cf_say(cf),
	           "{\"push\":{\"channel\":\"%s\",\"unsubscribe\":{\"code\":2500,"
	           "\"reason\":\"insufficient state\"}}}",
	           c->name);
	if (mine)
		cf_end(cf);
}
