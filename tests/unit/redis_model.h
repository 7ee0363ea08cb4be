/*
 * redis_model: what lib/lua's scripts do, in plain C on one channel, and what is true about every
 * message ever published: which one is at a place, and which one is before it. Restarts, failovers
 * that lose the last writes, and clocks that differ are here; connections are the test's.
 */
#ifndef TESTS_REDIS_MODEL_H
#define TESTS_REDIS_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "../../node/ring.h"

enum { MSGS = 1024, STREAM = 160, EPOCHS = 512 };

/* Every message and every purge, in the order in which they were published. */
struct msg {
	struct position at; /* as it was published */
	uint64_t micros;
	enum kind kind;
	uint32_t id; /* its index, and its payload */
};

struct redis {
	bool meta;
	uint64_t epoch, top, micros, base, line;
	struct former former[RING_FORMER];
	uint32_t proven;         /* the last loss that a node told it of */
	uint32_t stream[STREAM]; /* ids */
	uint32_t n;
};

static struct {
	struct redis r, replica;
	uint64_t line, clock;
	uint32_t events; /* the time that counts what happened */
	uint32_t size;
	struct msg msgs[MSGS];
	uint32_t n_msgs;
	struct {
		uint64_t epoch, parent, end; /* up to end it is the parent; 0: begun anew */
		uint32_t cut;                /* when its last ones were lost; 0: never */
	} epochs[EPOCHS];
	uint32_t n_epochs;
} model;

static void model_init(uint32_t size)
{
	memset(&model, 0, sizeof model);
	model.size = size;
	model.line = 1;
	model.clock = 1700000000000000;
}

static bool epoch_known(uint64_t epoch)
{
	for (uint32_t i = 0; i < model.n_epochs; i++)
		if (model.epochs[i].epoch == epoch)
			return true;
	return false;
}

/* Later than `after`, and as late as the clock. */
static void epoch_begin(uint64_t after, uint64_t parent, uint64_t end)
{
	uint64_t least = after ? after + 1 + model.line * 37 % 1000 : 0;
	uint64_t epoch = model.clock > least ? model.clock : least;

	if (model.n_epochs == EPOCHS)
		abort();
	/* The same microsecond on two clocks: here it happens, in a life it doesn't. */
	while (epoch_known(epoch))
		epoch++;
	model.epochs[model.n_epochs].epoch = epoch;
	model.epochs[model.n_epochs].parent = parent;
	model.epochs[model.n_epochs++].end = end;
	model.r.epoch = epoch;
	model.r.line = model.line;
	model.r.meta = true;
}

static void epoch_rename(uint64_t after, uint64_t base)
{
	struct redis *r = &model.r;

	memmove(r->former + 1, r->former, sizeof r->former - sizeof r->former[0]);
	r->former[0] = (struct former){r->epoch, r->top, false};
	r->base = base;
	epoch_begin(after > r->epoch ? after : r->epoch, r->epoch, r->top);
}

static void epoch_anew(uint64_t after)
{
	memset(&model.r, 0, sizeof model.r);
	epoch_begin(after, 0, 0);
}

/* The epoch under which `at` was published, if it is a place of its history. */
static struct position origin(struct position at)
{
	for (uint32_t i = model.n_epochs; i-- > 0;)
		if (model.epochs[i].epoch == at.epoch && model.epochs[i].parent &&
		    at.offset <= model.epochs[i].end)
			at.epoch = model.epochs[i].parent;
	return at;
}

/* NULL: there is none. */
static const struct msg *msg_at(struct position at)
{
	at = origin(at);
	for (uint32_t i = model.n_msgs; i-- > 0;)
		if (model.msgs[i].at.epoch == at.epoch && model.msgs[i].at.offset == at.offset)
			return &model.msgs[i];
	return NULL;
}

/* Who is there has seen the message, or nothing of the history: {its origin, 0}. Purges don't
 * count. */
static struct position seen_at(struct position at)
{
	const struct msg *m;

	while (at.offset && (m = msg_at(at)) && m->kind == KIND_PURGE)
		at.offset--;
	return origin(at);
}

static bool same_place(struct position a, struct position b)
{
	a = seen_at(a);
	b = seen_at(b);
	return a.epoch == b.epoch && a.offset == b.offset;
}

/* publish.lua, purge.lua; NULL: purge without a history. */
static const struct msg *model_publish(enum kind kind)
{
	struct redis *r = &model.r;
	struct msg *m = &model.msgs[model.n_msgs];
	uint32_t slack = model.size == 1 ? 0 : (uint32_t)rand() % 5;

	if (kind == KIND_PURGE && !r->meta)
		return NULL;
	if (!r->meta)
		epoch_anew(0);
	else if (r->line != model.line)
		epoch_rename(0, r->top);
	r->micros = model.clock > r->micros ? model.clock : r->micros + 1;
	r->top++;
	*m = (struct msg){{r->epoch, r->top}, r->micros, kind, model.n_msgs++};
	if (kind == KIND_PURGE)
		r->n = 0;
	r->stream[r->n++] = m->id;
	if (r->n > model.size + slack) {
		memmove(r->stream, r->stream + r->n - model.size, model.size * sizeof r->stream[0]);
		r->n = model.size;
	}
	return m;
}

struct filled {
	struct page page;
	struct message entries[STREAM];
};

/* fill.lua, without what it does when somebody puts back an older state by hand. */
static void model_fill(struct position known, bool whole, struct filled *out)
{
	struct redis *r = &model.r;
	bool moves = r->meta && r->line != model.line, same = false, lost = false;
	uint64_t from;

	for (int i = 0; i < RING_FORMER && r->former[i].epoch; i++) {
		const struct former *f = &r->former[i];

		same |= f->epoch == known.epoch && known.offset <= f->end;
		lost |= f->epoch <= known.epoch && !f->lossy;
	}
	same |= r->epoch == known.epoch && known.offset <= r->top;
	lost |= moves && r->epoch <= known.epoch;
	if (!r->meta) {
		epoch_anew(known.epoch);
	} else if (known.epoch && lost && !same) {
		epoch_rename(known.epoch, moves ? r->top : r->base);
		for (int i = 0; i < RING_FORMER; i++)
			r->former[i].lossy = true;
		for (uint32_t i = 0; i < model.n_epochs; i++)
			if (model.epochs[i].epoch == known.epoch && model.epochs[i].cut > r->proven)
				r->proven = model.epochs[i].cut;
	} else if (moves) {
		epoch_rename(known.epoch, r->top);
	} else if (r->epoch < known.epoch) {
		epoch_rename(known.epoch, r->base);
	}
	same = same && known.offset;
	from = r->top > model.size ? r->top - model.size + 1 : 1;
	if (same && !whole && known.offset >= from && known.offset <= r->top)
		from = known.offset;
	memset(out, 0, sizeof *out);
	for (uint32_t i = 0; i < r->n; i++) {
		const struct msg *m = &model.msgs[r->stream[i]];

		if (m->at.offset < from)
			continue;
		out->entries[out->page.n++] = (struct message){m->kind,
		                                               (const uint8_t *)&m->id,
		                                               m->kind == KIND_PURGE ? 0
		                                                                     : sizeof m->id,
		                                               {0, m->at.offset},
		                                               m->micros};
	}
	out->page.epoch = r->epoch;
	out->page.base = r->base;
	out->page.top = r->top;
	out->page.top_micros = r->micros;
	out->page.whole = whole;
	out->page.entries = out->entries;
	memcpy(out->page.former, r->former, sizeof r->former);
}

/* Whether a place is of this history. */
static bool has_place(const struct redis *r, uint64_t epoch, uint64_t offset)
{
	uint64_t at = r->epoch, top = r->top;

	for (uint32_t i = model.n_epochs; r->meta && i-- > 0;) {
		if (model.epochs[i].epoch != at)
			continue;
		if (at == epoch)
			return offset <= top;
		at = model.epochs[i].parent;
		top = model.epochs[i].end < top ? model.epochs[i].end : top;
	}
	return false;
}

/* Another process: started again, or promoted. */
static void model_restart(const struct redis *state)
{
	const struct redis old = model.r;
	uint64_t at = old.epoch, top = old.top;

	model.line++;
	model.r = *state;
	for (uint32_t i = model.n_epochs; old.meta && i-- > 0;) {
		if (model.epochs[i].epoch != at)
			continue;
		if (!has_place(&model.r, at, top) && !model.epochs[i].cut)
			model.epochs[i].cut = model.events;
		at = model.epochs[i].parent;
		top = model.epochs[i].end;
	}
}

#endif
