/* replay: see replay.h. */
#include "replay.h"

#include <libwebsockets.h>
#include <stddef.h>

#include "batch.h"
#include "cache.h"
#include "cf.h"
#include "hub.h"
#include "lag.h"
#include "node.h"
#include "session.h"

enum { CHUNK = 65536 }; /* bytes in one turn, at least one message */

static struct subscriber *first, **last = &first;

static const double bounds[REPLAY_BUCKETS] = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1,
                                              0.25,  0.5,   1,    2.5,   5,    10};
static uint64_t buckets[REPLAY_BUCKETS], returned;
static double returned_s;

static void list(struct subscriber *who)
{
	if (who->listed)
		return;
	who->listed = true;
	who->run_next = NULL;
	*last = who;
	last = &who->run_next;
}

void replay_start(struct subscriber *who)
{
	who->c->fan[who->form].replaying += !who->replaying;
	who->replaying = true;
	hub_set_busy(who);
	list(who);
}

void replay_more(struct subscriber *who)
{
	if (who->replaying)
		list(who);
}

void replay_stop(struct subscriber *who)
{
	struct subscriber **at = &first;

	if (who->replaying) {
		who->c->fan[who->form].replaying--;
		who->replaying = false;
		hub_set_busy(who);
	}
	if (!who->listed)
		return;
	while (*at != who)
		at = &(*at)->run_next;
	*at = who->run_next;
	if (last == &who->run_next)
		last = at;
	who->listed = false;
}

static void live(struct subscriber *who)
{
	double s;

	replay_stop(who);
	if (!who->resumed_ms)
		return;
	s = (uint32_t)((uint32_t)node_now_ms() - who->resumed_ms) / 1000.0;
	who->resumed_ms = 0;
	returned++;
	returned_s += s;
	for (int i = 0; i < REPLAY_BUCKETS; i++)
		buckets[i] += s <= bounds[i];
}

/* The ring went on without it. False: nothing more to do here. */
static bool overtaken(struct subscriber *who, struct batch *b)
{
	const struct ring *r = &who->c->cache->h.ring;
	uint64_t from = r->top;
	/* Under another epoch nothing need be missing. */
	bool lost = ring_resume(r, (struct position){who->epoch, who->sent}, &from) !=
	            RESUME_RECOVERED;

	node.count.cache_lost += lost;
	if (who->form == FORM_CF) {
		cf_lost(who);
		return false;
	}
	who->epoch = r->epoch;
	who->sent = from;
	return who->form != FORM_ID ||
	       !encode_notice(b, lost ? "!lost" : "!recovered", (struct position){r->epoch, from});
}

/* The next frames from the ring. 0; -1: out of memory. */
static int fill(struct subscriber *who, struct batch *b)
{
	struct channel *c = who->c;
	struct ring *r = &c->cache->h.ring;
	uint32_t notices = b->n;
	/* Many slow ones at once must not fill what live messages may wait in. */
	size_t most = lag_total_bytes() > node.cfg->node.max_queue_total / 2 ? 0 : CHUNK;

	while (who->sent < r->top && (b->n == notices || b->len < most)) {
		if (ring_at(r, who->sent + 1)->kind != KIND_PURGE &&
		    encode_entry(b, who->form, c->name, r, who->sent + 1))
			return b->n > notices ? 0 : -1;
		who->sent++;
	}
	c->out += b->n - notices;
	node.count.replayed += b->n - notices;
	node.count.messages_out += b->n - notices;
	return 0;
}

static void step(struct subscriber *who)
{
	struct session *s = who->s;
	const struct ring *r = &who->c->cache->h.ring;
	struct batch *b;

	if (s->lag || s->state != SESSION_OPEN)
		return; /* replay_more follows when the queue is empty */
	if (who->epoch == r->epoch && who->sent == r->top) {
		live(who);
		return;
	}
	b = batch_new();
	if (!b)
		goto no_memory;
	if ((who->epoch != r->epoch || who->sent < r->floor || who->sent > r->top) &&
	    !overtaken(who, b)) {
		batch_unref(b);
		return;
	}
	if (fill(who, b))
		goto no_memory;
	if (b->n && !session_send(s, b, who))
		goto out; /* replay_more, or it is closed */
	if (who->sent == r->top)
		live(who);
	else
		lws_callback_on_writable(s->wsi);
out:
	batch_unref(b);
	return;
no_memory:
	batch_unref(b);
	session_close_now(s, 1011, "out of memory");
}

void replay_run(void)
{
	struct subscriber *who;

	/* Who is listed meanwhile waits for its socket or its queue first: none comes twice. */
	while ((who = first)) {
		first = who->run_next;
		if (!first)
			last = &first;
		who->listed = false;
		if (who->c && who->c->cache)
			step(who);
	}
}

void replay_returns(struct replay_returns *out)
{
	out->bounds = bounds;
	out->buckets = buckets;
	out->count = returned;
	out->sum = returned_s;
}
