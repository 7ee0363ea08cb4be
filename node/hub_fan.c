/*
 * hub_fan: who is in a channel, and the fan-out to them: see hub.h. Three compact arrays a channel,
 * one for each form; what arrived in a turn is one batch for each.
 */
#include <libwebsockets.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../lib/log.h"
#include "batch.h"
#include "cache.h"
#include "cf.h"
#include "hub.h"
#include "lag.h"
#include "node.h"
#include "replay.h"
#include "session.h"

/* A subscription later than that after the accept is timed by itself. */
enum { RESUME_MAX_MS = 10000 };

static struct channel *dirty;

static int join(struct subscriber *who, struct channel *c)
{
	struct fan *f = &c->fan[who->form];

	if (f->n == f->cap) {
		uint32_t cap = f->cap ? f->cap * 2 : 4;
		struct sub *more = realloc(f->subs, cap * sizeof *more);

		if (!more)
			return -1;
		f->subs = more;
		f->cap = cap;
	}
	who->c = c;
	who->slot = f->n;
	f->subs[f->n++] = (struct sub){who->s->fd, who->s->lag != NULL, who->s->wsi, who};
	c->n++;
	hub_touch(c);
	return 0;
}

/* From where it begins, and what it is told. */
static uint64_t start_at(struct channel *c, const struct position *since, struct attach *out)
{
	const struct ring *r = &c->cache->h.ring;
	uint64_t from = r->top;

	out->at = (struct position){r->epoch, r->top};
	if (!since) {
		/* cache: last: each new one gets the current state, also if it is cut off before.
		 */
		out->at.offset -= c->rule->cache_last && r->top > r->floor &&
		                  ring_at(r, r->top)->kind != KIND_PURGE;
		return out->at.offset;
	}
	if (ring_resume(r, *since, &from) == RESUME_RECOVERED) {
		out->as = ATTACH_RECOVERED;
	} else {
		out->as = ATTACH_LOST;
		node.count.cache_lost++;
	}
	out->at.offset = from;
	return from;
}

int hub_attach(struct subscriber *who, struct channel *c, const struct position *since,
               struct attach *out)
{
	uint64_t now = node_now_ms(), from;

	out->as = since ? ATTACH_LOST : ATTACH_NEW;
	out->at = (struct position){0};
	if (join(who, c))
		return -1;
	who->resumed_ms = 0;
	if (!c->cache)
		return 0;
	from = start_at(c, since, out);
	if (since) {
		uint32_t waited = (uint32_t)now - who->s->began_ms;

		who->resumed_ms = waited < RESUME_MAX_MS ? who->s->began_ms : (uint32_t)now;
		who->resumed_ms |= !who->resumed_ms;
	}
	who->epoch = c->cache->h.ring.epoch;
	who->sent = from;
	cache_used(c->cache);
	replay_start(who);
	return 0;
}

void hub_leave(struct subscriber *who)
{
	struct channel *c = who->c;
	struct fan *f;

	if (!c)
		return;
	replay_stop(who);
	f = &c->fan[who->form];
	f->subs[who->slot] = f->subs[--f->n];
	f->subs[who->slot].who->slot = who->slot;
	c->n--;
	who->c = NULL;
	hub_touch(c);
}

void hub_set_busy(const struct subscriber *who)
{
	if (who->c)
		who->c->fan[who->form].subs[who->slot].busy = who->replaying || who->s->lag;
}

/* The batch that this turn's frames of one form go to; NULL: out of memory. */
static struct batch *batch_of(struct channel *c, struct fan *f)
{
	if (f->batch)
		return f->batch;
	f->batch = batch_new();
	if (f->batch && !c->dirty) {
		c->dirty = true;
		c->dirty_next = dirty;
		dirty = c;
	}
	return f->batch;
}

/* Without the message there would be a silent gap; its clients reconnect instead. */
static void no_memory(struct channel *c, struct fan *f)
{
	log_msg(LOG_ERR, "channel %s: out of memory, closing %u clients", c->name, f->n);
	while (f->n)
		session_close_now(f->subs[f->n - 1].who->s, 1011, "out of memory");
}

/* A message without a place, for those that read from the ring now. */
static void give_replaying(struct channel *c, enum form form, const struct message *m)
{
	struct batch *b = NULL;

	for (uint32_t i = c->fan[form].n; i-- > 0;) {
		const struct sub *sub = &c->fan[form].subs[i];

		if (!sub->busy || !sub->who->replaying)
			continue;
		if (!b && (!(b = batch_new()) || encode_message(b, form, c->name, m)))
			break;
		session_send(sub->who->s, b, NULL);
	}
	batch_unref(b);
}

/*
 * The fan-out. Backwards, since a send may end in a close, and that moves the last entry, which had
 * its turn, into the closed one's place. A connection that lws is closing has left the channel
 * (LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL) unless lws still holds bytes for it, which is asked here.
 */
static void flush_fan(struct channel *c, struct fan *f)
{
	struct batch *b = f->batch;
	uint64_t given = f->n;

	f->batch = NULL;
	if (!b)
		return;
	for (uint32_t i = f->n; i-- > 0;) {
		struct sub *sub = &f->subs[i];
		ssize_t sent = 0;

		if (!sub->busy && !lws_partial_buffered(sub->wsi)) {
			sent = send(sub->fd, b->p, b->len, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (sent == (ssize_t)b->len)
				continue;
			if (sent < 0)
				sent = 0; /* a broken socket is found by lws or by the queue */
		}
		if (sub->who->replaying)
			given--;
		else
			session_queue(sub->who, b, (size_t)sent);
	}
	c->out += (uint64_t)b->n * given;
	node.count.messages_out += (uint64_t)b->n * given;
	node.count.bytes_out += (uint64_t)b->len * given;
	if (b->refs > 1)
		batch_trim(b);
	batch_unref(b);
}

/* Where whoever needs it can take it from. With `cache: last` that is too short to rely on. */
static bool in_ring(const struct channel *c, const struct message *m)
{
	const struct ring *r = c->cache ? &c->cache->h.ring : NULL;

	return r && m->at.epoch == r->epoch && m->at.offset > r->floor && m->at.offset <= r->top &&
	       !c->rule->cache_last;
}

/* More in one turn than a client's queue should take, as after an absence of Redis: from m on each
 * reads the ring, at its own pace. */
static void read_on(struct channel *c, struct fan *f, const struct message *m)
{
	flush_fan(c, f);
	for (uint32_t i = 0; i < f->n; i++) {
		struct subscriber *who = f->subs[i].who;

		if (who->replaying)
			continue;
		who->epoch = m->at.epoch;
		who->sent = m->at.offset - 1;
		replay_start(who);
	}
}

void hub_deliver(struct channel *c, const struct message *m)
{
	if (!c->n)
		return;
	/* One that has a place is delivered, or its readers come again for it. */
	if (!m->at.epoch && m->len > node.cfg->node.max_queue) {
		if (!node.count.oversized++)
			log_msg(LOG_WARNING,
			        "channel %s: a message of %zu bytes is above node.max_queue and "
			        "not delivered (told once; /metrics counts)",
			        c->name, m->len);
		return;
	}
	for (enum form form = 0; form < FORMS; form++) {
		struct fan *f = &c->fan[form];
		struct batch *b;

		if (f->batch && f->batch->len > node.cfg->node.max_queue / 2 && in_ring(c, m))
			read_on(c, f, m);
		if (f->n == (m->at.epoch ? f->replaying : 0))
			continue;
		b = batch_of(c, f);
		if (!b || encode_message(b, form, c->name, m))
			no_memory(c, f);
		else if (f->replaying && !m->at.epoch)
			give_replaying(c, form, m);
	}
}

static void flush_channel(struct channel *c)
{
	for (int i = 0; i < FORMS; i++)
		flush_fan(c, &c->fan[i]);
}

static void notice(struct channel *c, const char *what, struct position at)
{
	struct fan *id = &c->fan[FORM_ID], *cf = &c->fan[FORM_CF];

	if (id->n) {
		struct batch *b = batch_of(c, id);

		if (!b || encode_notice(b, what, at))
			no_memory(c, id);
	}
	/* Centrifugo's clients subscribe anew; what they were given must be out before. */
	flush_fan(c, cf);
	for (uint32_t i = cf->n; i-- > 0;)
		if (i < cf->n)
			cf_lost(cf->subs[i].who);
}

void hub_tell_lost(struct channel *c, struct position at)
{
	node.count.cache_lost += c->fan[FORM_ID].n + c->fan[FORM_CF].n;
	notice(c, "!lost", at);
}

void hub_tell_moved(struct channel *c, struct position at)
{
	notice(c, "!recovered", at);
}

void hub_tell_gone(struct channel *c)
{
	flush_channel(c); /* who replays is in no batch until here */
	for (int f = 0; f < FORMS; f++)
		for (uint32_t i = 0; i < c->fan[f].n; i++)
			replay_stop(c->fan[f].subs[i].who);
	hub_tell_lost(c, (struct position){0});
}

static bool too_much_queued(void)
{
	return lag_total_bytes() > node.cfg->node.max_queue_total;
}

static bool evict(struct session *s)
{
	node.count.slow_closed++;
	if (s->state == SESSION_OPEN || s->state == SESSION_FLUSHING)
		session_close_now(s, 1008, "too slow");
	else
		session_gone(s, 1006);
	return too_much_queued();
}

void hub_flush(void)
{
	while (dirty) {
		struct channel *c = dirty;

		dirty = c->dirty_next;
		c->dirty_next = NULL;
		c->dirty = false;
		flush_channel(c);
	}
	/* Many of about one length go in one pass: looking for the longest each time would be
	 * quadratic. */
	while (too_much_queued())
		lag_each_from(lag_longest() / 4 * 3, evict);
}
