/*
 * history: see history.h. A message that doesn't fit is dropped: it was published before the fill
 * that is asked for then, which brings it, if Redis still has it.
 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

enum { TICKS_MAX = 50 };

struct held {
	struct held *next;
	struct message m; /* p is bytes */
	uint8_t bytes[];
};

void history_init(struct history *h, uint32_t size, const struct history_ops *ops, void *owner)
{
	*h = (struct history){.ops = ops, .owner = owner};
	ring_init(&h->ring, size);
}

static struct held *pop(struct history *h)
{
	struct held *x = h->first;

	if (!x)
		return NULL;
	h->first = x->next;
	if (!h->first)
		h->last = NULL;
	h->held_bytes -= sizeof *x + x->m.len;
	return x;
}

static void forget(struct history *h)
{
	struct held *x;

	while ((x = pop(h)))
		free(x);
}

void history_fini(struct history *h)
{
	forget(h);
	ring_fini(&h->ring);
}

/* The caller's last act. */
static void ask(struct history *h)
{
	struct position known = {h->ring.epoch, h->ring.top};
	bool whole = h->whole || h->ring.floor == h->ring.top;

	h->state = HISTORY_FILLING;
	h->again = false;
	h->suspect_top = 0;
	h->tries++;
	h->ops->fill(h->owner, known, h->ring.top_micros, whole);
}

static void pause_fills(struct history *h)
{
	unsigned n = h->tries > 2 ? h->tries - 2 : 0;

	h->state = HISTORY_PAUSED;
	h->wait = n > 5 ? TICKS_MAX : 1U << n;
}

/* The caller's last act. The second fill follows at once, later ones after growing pauses. */
static void ask_again(struct history *h)
{
	if (h->tries < 2)
		ask(h);
	else
		pause_fills(h);
}

void history_on(struct history *h)
{
	if (h->state == HISTORY_FILLING || h->state == HISTORY_PAUSED) {
		h->again = true;
		return;
	}
	h->tries = 0;
	ask(h);
}

void history_off(struct history *h)
{
	forget(h);
	h->again = false;
	h->state = HISTORY_OFF;
}

static void deliver(struct history *h, const struct message *m)
{
	if (m->kind != KIND_PURGE)
		h->ops->deliver(h->owner, m);
}

/* More than can be held: the next fill brings what has a place, the rest goes out now. */
static void give_up(struct history *h)
{
	struct held *x;

	while ((x = pop(h))) {
		if (!x->m.at.epoch)
			deliver(h, &x->m);
		free(x);
	}
	h->again = true;
}

static void hold(struct history *h, const struct message *m)
{
	size_t bytes = sizeof(struct held) + m->len;
	struct held *x = h->held_bytes + bytes > HISTORY_HELD_MAX ? NULL : malloc(bytes);

	if (!x) {
		give_up(h);
		if (!m->at.epoch)
			deliver(h, m);
		return;
	}
	*x = (struct held){.m = *m};
	if (m->len)
		memcpy(x->bytes, m->p, m->len);
	x->m.p = x->bytes;
	*(h->last ? &h->last->next : &h->first) = x;
	h->last = x;
	h->held_bytes += bytes;
}

/* False: something is missing before it, or it is of another history. */
static bool take(struct history *h, const struct message *m)
{
	enum ring_verdict verdict = m->at.epoch ? ring_accept(&h->ring, m) : RING_NEW;

	if (verdict == RING_NEW)
		deliver(h, m);
	return verdict != RING_STALE;
}

void history_message(struct history *h, const struct message *m)
{
	switch (h->state) {
	case HISTORY_OFF:
		return;
	case HISTORY_FILLING:
	case HISTORY_PAUSED:
		hold(h, m);
		return;
	case HISTORY_OK:
		if (take(h, m))
			return;
		h->stale++;
		ask(h);
	}
}

/* What the page brought for those who had everything so far. */
static void deliver_news(struct history *h, const struct ring_news *news)
{
	struct ring *r = &h->ring;

	if (news->lost)
		h->ops->lost(h->owner, (struct position){r->epoch, news->from});
	else if (news->moved)
		h->ops->moved(h->owner, (struct position){r->epoch, news->from});
	for (uint64_t at = news->from + 1; at <= r->top; at++) {
		const struct ring_entry *e = ring_at(r, at);
		const struct message m = {
			(enum kind)e->kind, e->p, e->len, {r->epoch, at}, e->micros};

		deliver(h, &m);
	}
}

/* first: the history has begun just now, so whoever listened before was given none of these. */
static void take_held(struct history *h, bool first)
{
	uint64_t until = first ? h->ring.top : 0;
	bool stale = false;
	struct held *x;

	while ((x = pop(h))) {
		if (x->m.at.epoch && x->m.at.epoch <= h->ring.epoch && x->m.at.offset <= until)
			deliver(h, &x->m);
		else
			stale |= !take(h, &x->m);
		free(x);
	}
	h->stale += stale;
	h->again |= stale;
}

void history_filled(struct history *h, const struct page *page)
{
	struct ring_news news;
	bool first = !h->ring.epoch;

	if (h->state != HISTORY_FILLING)
		return;
	h->whole &= !page->whole;
	ring_merge(&h->ring, page, &news);
	deliver_news(h, &news);
	take_held(h, first);
	if (h->again) {
		ask_again(h);
		return;
	}
	h->state = HISTORY_OK;
	h->tries = 0;
	h->ops->ready(h->owner);
}

void history_failed(struct history *h)
{
	if (h->state == HISTORY_FILLING)
		pause_fills(h);
}

void history_refill(struct history *h)
{
	h->whole |= h->ring.truncated;
	if (h->state == HISTORY_OK)
		ask(h);
}

void history_checked(struct history *h, struct position top, uint64_t micros, struct position was)
{
	const struct ring *r = &h->ring;
	bool wrong;

	if (h->state != HISTORY_OK || was.epoch != r->epoch)
		return;
	wrong = top.epoch != r->epoch || top.offset < was.offset;
	if (!wrong && top.offset == r->top)
		wrong = micros != r->top_micros;
	else if (!wrong && top.offset < r->top && top.offset > r->floor)
		wrong = micros != ring_at(r, top.offset)->micros;
	if (!wrong && top.offset > r->top) {
		wrong = h->suspect_top && r->top < h->suspect_top;
		h->suspect_top = top.offset;
	} else {
		h->suspect_top = 0;
	}
	if (!wrong)
		return;
	h->stale++;
	ask(h);
}

void history_tick(struct history *h)
{
	if (h->state == HISTORY_PAUSED && !--h->wait)
		ask(h);
}
