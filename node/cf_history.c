/*
 * cf_history: Centrifugo's history command, answered from the channel's ring. As there, what lies
 * before the oldest message that is kept is passed over; another epoch is an error.
 */
#include <inttypes.h>

#include "../lib/jwt.h"
#include "bus.h"
#include "cache.h"
#include "cf_encode.h"
#include "cf_int.h"
#include "node.h"

/* Offsets from + 1 .. to, at most limit of them. */
struct range {
	uint64_t from, to, limit;
};

static struct range range_of(const struct cf_command *cmd, const struct ring *r)
{
	struct range g = {0, r->top, cmd->limit < 0 ? UINT64_MAX : (uint64_t)cmd->limit};

	if (cmd->since.given && cmd->reverse && cmd->since.at.offset - 1 < g.to)
		g.to = cmd->since.at.offset - 1;
	if (cmd->since.given && !cmd->reverse)
		g.from = cmd->since.at.offset < g.to ? cmd->since.at.offset : g.to;
	if (cmd->reverse && g.limit < g.to)
		g.from = g.to - g.limit;
	return g;
}

static void publications(struct buf *out, const struct ring *r, const struct range *g, bool reverse)
{
	uint64_t from = g->from > r->floor ? g->from : r->floor, n = 0;
	size_t most = node.cfg->node.max_queue / 4, before = out->len;

	if (most > CF_HISTORY_MAX)
		most = CF_HISTORY_MAX;
	for (uint64_t i = from; i < g->to && n < g->limit; i++) {
		uint64_t offset = reverse ? g->to - (i - from) : i + 1;
		const struct ring_entry *e = ring_at(r, offset);
		struct message m = {
			(enum kind)e->kind, e->p, e->len, {r->epoch, offset}, e->micros};

		if (e->kind == KIND_PURGE)
			continue;
		if (n && out->len - before + e->len > most)
			break;
		buf_str(out, n++ ? "," : "");
		cf_publication(out, &m);
	}
}

/* The answer, once the channel is at hand. False: what is wanted of it has still to be fetched. */
static bool answer(struct cf_ask *ask, bool *away)
{
	const struct cf_command *cmd = &ask->cmd;
	const struct cf_since *since = &cmd->since;
	struct position whole = {0};
	char epoch[EPOCH_STR];
	const struct ring *r;
	struct range g;
	struct buf *out;

	if (!cf_ready(ask, NULL, away))
		return false;
	if (!ask->c->cache) { /* the rule has changed */
		cf_say_error(ask->cf, cmd->id, &cf_not_available);
		return true;
	}
	r = &ask->c->cache->h.ring;
	if (since->given && !since->any_epoch && (since->bad || since->at.epoch != r->epoch)) {
		cf_say_error(ask->cf, cmd->id, &cf_unrecoverable);
		return true;
	}
	g = range_of(cmd, r);
	whole = (struct position){r->epoch, g.from};
	if (g.limit && g.from < g.to && !cf_ready(ask, &whole, away))
		return false;
	out = cf_say(ask->cf);
	buf_printf(out, "{\"id\":%" PRIu32 ",\"history\":{\"publications\":[", cmd->id);
	publications(out, r, &g, cmd->reverse);
	buf_printf(out, "],\"epoch\":\"%s\",\"offset\":%" PRIu64 "}}", epoch_str(r->epoch, epoch),
	           r->top);
	return true;
}

static void done(struct cf_ask *ask)
{
	struct cf_ask **at = &ask->cf->history;

	while (*at != ask)
		at = &(*at)->next;
	*at = ask->next;
	cf_ask_free(ask);
}

static void serve(struct cf_ask *ask)
{
	bool away;

	if (!answer(ask, &away)) {
		if (!away)
			return;
		cf_say_error(ask->cf, ask->cmd.id, &cf_internal);
	}
	done(ask);
}

static void woken(struct waiter *w, bool ok)
{
	struct cf_ask *ask = (struct cf_ask *)w; /* its first member */
	struct cf *cf = ask->cf;
	struct buf out = {0};
	bool mine = cf_begin(cf, &out);

	if (ok) {
		serve(ask);
	} else {
		cf_say_error(cf, ask->cmd.id, &cf_internal);
		done(ask);
	}
	if (mine)
		cf_end(cf);
}

void cf_history_overdue(struct cf *cf)
{
	struct cf_ask *next;

	for (struct cf_ask *ask = cf->history; ask; ask = next) {
		next = ask->next;
		if (!cf_ask_overdue(ask))
			continue;
		cf_say_error(cf, ask->cmd.id, &cf_internal);
		done(ask);
	}
}

void cf_history(struct cf *cf, const struct cf_command *cmd)
{
	struct channel *c = cf_channel(cf, cmd, grants_subscribe);
	struct cf_ask *ask;

	if (!c)
		return;
	if (!c->cache) {
		cf_say_error(cf, cmd->id, &cf_not_available);
		return;
	}
	if (cmd->reverse && cmd->since.given && !cmd->since.at.offset) {
		cf_say_error(cf, cmd->id, &cf_bad_request);
		return;
	}
	ask = cf_ask_new(cf, c, cmd, woken);
	if (!ask)
		return;
	ask->next = cf->history;
	cf->history = ask;
	serve(ask);
}
