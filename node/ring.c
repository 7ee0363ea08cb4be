/* ring: see ring.h. */
#include "ring.h"

#include <stdlib.h>
#include <string.h>

enum { MALLOC_COST = 16, FIRST_CAP = 8 };

static uint32_t held(const struct ring *r)
{
	return (uint32_t)(r->top - r->floor);
}

static void count(struct ring *r, ptrdiff_t bytes)
{
	r->bytes += (size_t)bytes;
	if (r->sum)
		*r->sum += (size_t)bytes;
}

void ring_account(struct ring *r, uint32_t form_len)
{
	count(r, (ptrdiff_t)form_len + MALLOC_COST);
}

static void uncount(struct ring *r, uint32_t len)
{
	count(r, -(ptrdiff_t)len - MALLOC_COST);
}

static struct ring_entry *slot(const struct ring *r, uint64_t nth)
{
	uint64_t i = r->first + nth;

	return &r->v[i < r->cap ? i : i - r->cap];
}

struct ring_entry *ring_at(const struct ring *r, uint64_t offset)
{
	return slot(r, offset - r->floor - 1);
}

void ring_init(struct ring *r, uint32_t size)
{
	*r = (struct ring){.size = size ? size : 1};
}

/* The array gets room for cap entries, at least those that are held. -1: out of memory. */
static int make_room(struct ring *r, uint32_t cap)
{
	struct ring_entry *v = malloc(cap * sizeof *v);
	uint32_t n = held(r);

	if (!v)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		v[i] = *slot(r, i);
	count(r, ((ptrdiff_t)cap - (ptrdiff_t)r->cap) * (ptrdiff_t)sizeof *v);
	free(r->v);
	r->v = v;
	r->cap = cap;
	r->first = 0;
	return 0;
}

static void free_array(struct ring *r)
{
	count(r, -(ptrdiff_t)(r->cap * sizeof *r->v));
	free(r->v);
	r->v = NULL;
	r->first = r->cap = 0;
}

static void drop_oldest(struct ring *r)
{
	struct ring_entry *e = slot(r, 0);

	for (int i = 0; i < RING_FORMS; i++) {
		if (!e->form[i])
			continue;
		uncount(r, e->form_len[i]);
		free(e->form[i]);
	}
	uncount(r, e->len);
	free(e->p);
	r->floor++;
	r->first = r->first + 1 == r->cap ? 0 : r->first + 1;
}

static void shrink(struct ring *r)
{
	if (!held(r))
		free_array(r);
	else if (held(r) < r->cap / 4)
		(void)make_room(r, held(r) * 2);
}

/* Nothing is held any more, and the next one is after `top`. */
static void begin_at(struct ring *r, uint64_t top, uint64_t micros)
{
	while (held(r))
		drop_oldest(r);
	r->floor = r->top = top;
	r->top_micros = micros;
}

void ring_fini(struct ring *r)
{
	begin_at(r, 0, 0);
	free_array(r);
}

void ring_resize(struct ring *r, uint32_t size)
{
	/* A longer history may reach further back in Redis than here. */
	if (size > r->size && r->floor)
		r->truncated = true;
	r->size = size ? size : 1;
	while (held(r) > r->size)
		drop_oldest(r);
	shrink(r);
}

/* A copy of the message. -1: out of memory. */
static int copy(struct ring_entry *e, const struct message *m)
{
	*e = (struct ring_entry){
		.micros = m->micros, .len = (uint32_t)m->len, .kind = (uint8_t)m->kind};
	e->p = malloc(m->len ? m->len : 1);
	if (!e->p)
		return -1;
	if (m->len)
		memcpy(e->p, m->p, m->len);
	return 0;
}

/* Room for one more. -1: out of memory. */
static int grow(struct ring *r)
{
	uint32_t cap = r->cap ? r->cap * 2 : FIRST_CAP;

	if (held(r) < r->cap)
		return 0;
	return make_room(r, cap < r->size ? cap : r->size);
}

/* m is top + 1. */
static void append(struct ring *r, const struct message *m)
{
	struct ring_entry e = {0};

	if (m->kind == KIND_PURGE) {
		begin_at(r, m->at.offset - 1, r->top_micros);
		r->truncated = false;
	}
	while (held(r) >= r->size)
		drop_oldest(r);
	if (grow(r) || copy(&e, m)) {
		begin_at(r, m->at.offset, m->micros);
		r->truncated = true;
		return;
	}
	*slot(r, held(r)) = e;
	ring_account(r, e.len);
	r->top = m->at.offset;
	r->top_micros = m->micros;
}

/* m is floor. -1: out of memory. */
static int put_in_front(struct ring *r, const struct message *m)
{
	struct ring_entry e = {0};

	if (grow(r) || copy(&e, m))
		return -1;
	r->first = r->first ? r->first - 1 : r->cap - 1;
	r->v[r->first] = e;
	ring_account(r, e.len);
	r->floor--;
	return 0;
}

enum ring_verdict ring_accept(struct ring *r, const struct message *m)
{
	uint64_t at = m->at.offset;

	if (m->at.epoch != r->epoch)
		return m->at.epoch < r->epoch ? RING_OLD : RING_STALE;
	if (at == r->top + 1) {
		/* Redis counts up: this one follows another than ours. */
		if (m->micros <= r->top_micros)
			return RING_STALE;
		append(r, m);
		return RING_NEW;
	}
	if (at > r->top)
		return RING_STALE;
	if (at == r->top)
		return m->micros == r->top_micros ? RING_OLD : RING_STALE;
	if (at > r->floor)
		return m->micros == ring_at(r, at)->micros ? RING_OLD : RING_STALE;
	return m->micros <= r->top_micros ? RING_OLD : RING_STALE;
}

/* NULL: it isn't known. */
static const struct former *former(const struct former v[RING_FORMER], uint64_t epoch)
{
	for (int i = 0; i < RING_FORMER && v[i].epoch; i++)
		if (v[i].epoch == epoch)
			return &v[i];
	return NULL;
}

/* Whether the page tells another story than the ring about what both know. */
static bool contradicts(const struct ring *r, const struct page *page)
{
	if (page->epoch != r->epoch || page->top < r->top)
		return true;
	if (page->top == r->top && page->top_micros != r->top_micros)
		return true;
	for (size_t i = 0; i < page->n && page->entries[i].at.offset <= r->top; i++) {
		uint64_t at = page->entries[i].at.offset;

		if (at > r->floor && page->entries[i].micros != ring_at(r, at)->micros)
			return true;
	}
	return false;
}

/* The index of the first entry above `offset`. */
static size_t above(const struct page *page, uint64_t offset)
{
	size_t i = page->n;

	while (i && page->entries[i - 1].at.offset > offset)
		i--;
	return i;
}

static bool begins_purged(const struct ring *r)
{
	return held(r) && ring_at(r, r->floor + 1)->kind == KIND_PURGE;
}

/* What the page has in front of the ring's oldest. */
static void extend_back(struct ring *r, const struct page *page)
{
	size_t i = above(page, r->floor);

	for (; i && held(r) < r->size && !begins_purged(r); i--) {
		if (page->entries[i - 1].at.offset != r->floor)
			break;
		if (put_in_front(r, &page->entries[i - 1])) {
			r->truncated = true;
			return;
		}
	}
	if (page->whole)
		r->truncated = false;
}

/* All is taken from the page: its last messages without a gap. */
static void begin_anew(struct ring *r, const struct page *page)
{
	size_t i = page->n;
	uint64_t next = page->top;

	while (i && page->n - i < r->size && page->entries[i - 1].at.offset == next) {
		i--;
		next--;
	}
	begin_at(r, next, 0);
	r->epoch = page->epoch;
	r->truncated = false;
	for (; r->top < page->top; i++)
		append(r, &page->entries[i]);
	r->top_micros = page->top_micros;
}

void ring_merge(struct ring *r, const struct page *page, struct ring_news *news)
{
	const struct former *f = former(page->former, r->epoch);
	bool first = !r->epoch, other;
	size_t i = above(page, r->top);

	*news = (struct ring_news){.from = r->top};
	if (f && r->top <= f->end) {
		news->moved = true;
		news->lost = f->lossy;
		if (f->lossy)
			news->from = f->end;
		r->epoch = page->epoch;
	}
	other = contradicts(r, page);
	r->base = page->base;
	memcpy(r->former, page->former, sizeof r->former);
	if (!other && page->n - i == page->top - r->top) {
		extend_back(r, page);
		for (; i < page->n; i++)
			append(r, &page->entries[i]);
		if (r->floor > news->from) { /* more than it holds, or than there is memory for */
			news->lost = true;
			news->from = r->floor;
		}
		return;
	}
	begin_anew(r, page);
	news->lost = !first;
	news->from = first ? r->top : r->floor;
	/* What may have been delivered under the old epoch isn't new under this one. */
	if (!first && other && news->from < (f ? f->end : page->base))
		news->from = f ? f->end : page->base;
}

enum ring_resume ring_resume(const struct ring *r, struct position since, uint64_t *from)
{
	const struct former *f = former(r->former, since.epoch);
	bool lost = !since.epoch;

	if (f) {
		lost = f->lossy || since.offset > f->end;
		*from = lost ? f->end : since.offset;
	} else if (since.epoch && since.epoch < r->epoch) {
		lost = true;
		*from = r->base;
	} else if (since.epoch == r->epoch && since.offset <= r->top) {
		*from = since.offset;
	} else {
		*from = r->top;
		return lost ? RESUME_LOST : RESUME_FILL;
	}
	if (*from >= r->floor)
		return lost ? RESUME_LOST : RESUME_RECOVERED;
	*from = r->floor;
	return r->truncated ? RESUME_FILL : RESUME_LOST;
}

size_t ring_trim(struct ring *r, size_t bytes)
{
	size_t before = r->bytes;

	while (r->bytes > bytes && held(r)) {
		drop_oldest(r);
		r->truncated = true;
		shrink(r);
	}
	if (!held(r))
		free_array(r);
	return before - r->bytes;
}
