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

int lag_push(struct lag *l, struct batch *b, uint32_t from)
{
	struct lag_item *i = malloc(sizeof *i);
	size_t bytes = b->len - batch_start(b, from) + LAG_ITEM_COST;

	if (!i)
		return -1;
	*i = (struct lag_item){NULL, batch_ref(b), from};
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

uint32_t lag_drop_to(struct lag *l, size_t max)
{
	uint32_t dropped = 0;

	while (l->head && l->bytes + l->in_lws > max) {
		struct lag_item *i = l->head;

		forget(l, i->batch->ends[i->from] - batch_start(i->batch, i->from));
		dropped++;
		if (++i->from == i->batch->n)
			finish(l);
	}
	return dropped;
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
