/*
 * test_ring_oom: a ring without memory gives up what it holds and knows that it did; its place in
 * the history is right all the same. Each allocation of a life fails once, and from each on all of
 * them.
 */
#include <stdbool.h>
#include <stdlib.h>

static unsigned allocations, fails_from, fails_to;

static void *scarce(size_t n)
{
	allocations++;
	return allocations >= fails_from && allocations <= fails_to ? NULL : malloc(n);
}

#define malloc(n) scarce(n)
#include "../../node/ring.c" /* NOLINT(bugprone-suspicious-include): its malloc is ours */
#undef malloc

#include "tap.h"

enum { E = 1000 };

static size_t sum;
static bool right;

static void check(const struct ring *r, uint64_t top)
{
	right = right && r->top == top && r->top_micros == top * 100 && r->floor <= top &&
	        sum == r->bytes && held(r) <= r->size;
	for (uint64_t at = r->floor + 1; at <= top && right; at++)
		right = ring_at(r, at)->micros == at * 100 && ring_at(r, at)->p;
	/* What Redis may have is asked for, or the ring has all that was ever there. */
	right = right && (r->truncated || r->floor == 0 || r->floor + r->size == top);
}

static struct message msg(uint64_t at)
{
	return (struct message){KIND_TEXT, (const uint8_t *)"hello", 5, {E, at}, at * 100};
}

static void merge(struct ring *r, uint64_t from, uint64_t to, bool whole)
{
	struct message entries[64];
	struct page page = {
		.epoch = E, .top = to, .top_micros = to * 100, .entries = entries, .whole = whole};
	struct ring_news news;
	uint64_t before = r->top;
	bool first = !r->epoch;

	for (uint64_t at = from; at <= to; at++)
		entries[page.n++] = msg(at);
	ring_merge(r, &page, &news);
	/* What is said to be new is there; what isn't there is said to be lost. */
	right = right && news.from >= r->floor && news.from <= r->top &&
	        (first || news.lost || news.from == before);
	check(r, to);
}

static void live(struct ring *r, uint64_t at)
{
	struct message m = msg(at);

	right = right && ring_accept(r, &m) == RING_NEW;
	check(r, at);
}

static void life(void)
{
	struct ring r;

	ring_init(&r, 30);
	r.sum = &sum;
	merge(&r, 1, 3, true);
	for (uint64_t at = 4; at <= 25; at++)
		live(&r, at);
	merge(&r, 25, 28, false);
	ring_trim(&r, 1000);
	check(&r, 28);
	merge(&r, 1, 30, true);
	for (uint64_t at = 31; at <= 40; at++)
		live(&r, at);
	ring_fini(&r);
	right = right && sum == 0;
}

int main(void)
{
	unsigned all;

	right = true;
	life();
	all = allocations;
	ok(right && all > 50, "enough memory");
	for (unsigned i = 1; i <= all && right; i++) {
		fails_from = fails_to = i;
		allocations = 0;
		life();
	}
	ok(right, "one allocation fails");
	for (unsigned i = 1; i <= all && right; i++) {
		fails_from = i;
		fails_to = -1U;
		allocations = 0;
		life();
	}
	ok(right, "none succeeds any more");
	return tap_done();
}
