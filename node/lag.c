/* lag: see lag.h. */
#include "lag.h"

#include <stdlib.h>

static struct lag all = {.next = &all, .prev = &all};
static size_t total;
static uint32_t count;

struct lag *lag_new(struct session *s)
{
	struct lag *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->s = s;
	l->next = &all;
	l->prev = all.prev;
	all.prev->next = l;
	all.prev = l;
	count++;
	return l;
}

static void pop(struct lag *l)
{
	struct lag_item *i = l->head;

	l->head = i->next;
	if (!l->head)
		l->tail = NULL;
	batch_unref(i->batch);
	free(i);
}

void lag_free(struct lag *l)
{
	if (!l)
		return;
	total -= l->bytes + l->in_lws;
	while (l->head)
		pop(l);
	l->next->prev = l->prev;
	l->prev->next = l->next;
	count--;
	free(l);
}

int lag_push(struct lag *l, struct batch *b, uint32_t from, const void *owner)
{
	struct lag_item *i = malloc(sizeof *i);
	size_t bytes = b->len - batch_start(b, from) + LAG_ITEM_COST;

	if (!i)
		return -1;
	*i = (struct lag_item){NULL, batch_ref(b), from, owner};
	if (l->tail)
		l->tail->next = i;
	else
		l->head = i;
	l->tail = i;
	l->bytes += bytes;
	total += bytes;
	return 0;
}

static void forget(struct lag *l, size_t bytes)
{
	l->bytes -= bytes;
	total -= bytes;
}

static void finish(struct lag *l)
{
	forget(l, LAG_ITEM_COST);
	pop(l);
}

/* Drops frames of i, which stands at *at, while more bytes are held than max, but not the last
 * `keep` of them. */
static uint32_t drop_from(struct lag *l, struct lag_item **at, struct lag_item *before, size_t max,
                          uint32_t keep)
{
	struct lag_item *i = *at;
	uint32_t dropped = 0;

	while (i->batch->n - i->from > keep && l->bytes + l->in_lws > max) {
		forget(l, i->batch->ends[i->from] - batch_start(i->batch, i->from));
		dropped++;
		i->from++;
	}
	if (i->from < i->batch->n)
		return dropped;
	forget(l, LAG_ITEM_COST);
	*at = i->next;
	if (l->tail == i)
		l->tail = before;
	batch_unref(i->batch);
	free(i);
	return dropped;
}

static uint32_t drop(struct lag *l, size_t max, const void *owner, const struct lag_item *last)
{
	struct lag_item **at = &l->head, *before = NULL;
	uint32_t dropped = 0;

	while (*at && l->bytes + l->in_lws > max) {
		struct lag_item *i = *at;

		if (i->owner == owner)
			dropped += drop_from(l, at, before, max, i == last);
		if (*at != i)
			continue; /* it went */
		before = i;
		at = &i->next;
	}
	return dropped;
}

uint32_t lag_drop_to(struct lag *l, size_t max, const void *owner)
{
	return drop(l, max, owner, NULL);
}

uint32_t lag_keep_last(struct lag *l, const void *owner)
{
	const struct lag_item *last = NULL;

	for (const struct lag_item *i = l->head; i; i = i->next)
		if (i->owner == owner)
			last = i;
	return drop(l, 0, owner, last);
}

size_t lag_peek(const struct lag *l, const uint8_t **p)
{
	size_t start;

	if (!l->head)
		return 0;
	start = batch_start(l->head->batch, l->head->from);
	*p = l->head->batch->p + start;
	return l->head->batch->len - start;
}

size_t lag_frame_end(const struct lag *l, size_t n)
{
	const struct batch *b = l->head->batch;
	size_t start = batch_start(b, l->head->from);

	return b->ends[batch_frame_at(b, start + n)] - start;
}

void lag_took(struct lag *l, size_t n)
{
	struct lag_item *i = l->head;
	size_t end = batch_start(i->batch, i->from) + n;

	forget(l, n);
	if (end == i->batch->len)
		finish(l);
	else
		i->from = batch_frame_at(i->batch, end);
}

void lag_set_in_lws(struct lag *l, size_t n)
{
	total = total - l->in_lws + n;
	l->in_lws = n;
}

size_t lag_total_bytes(void)
{
	return total;
}

uint32_t lag_count(void)
{
	return count;
}

size_t lag_longest(void)
{
	size_t longest = 0;

	for (struct lag *l = all.next; l != &all; l = l->next)
		if (l->bytes + l->in_lws > longest)
			longest = l->bytes + l->in_lws;
	return longest;
}

void lag_each_from(size_t bytes, bool (*f)(struct session *))
{
	for (struct lag *l = all.next, *next; l != &all; l = next) {
		next = l->next;
		if (l->bytes + l->in_lws >= bytes && !f(l->s))
			return;
	}
}
