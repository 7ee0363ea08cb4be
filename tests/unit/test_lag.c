/*
 * test_lag: a slow client's queue: whole frames in order whatever the socket takes, the oldest
 * dropped first, and sums that come back to nothing; against a model of one long string, and
 * against malloc's own account of what a queue costs.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "../../lib/envelope.h"
#include "../../node/lag.h"
#include "tap.h"

static struct batch *batch_of(const size_t *lens, uint32_t n)
{
	static uint8_t payload[4096], next;
	struct batch *b = batch_new();

	for (uint32_t i = 0; i < n; i++) {
		struct message m = {.kind = KIND_BINARY, .p = payload, .len = lens[i]};

		memset(payload, next++, lens[i]);
		if (batch_add(b, (uint8_t)m.kind, NULL, 0, m.p, m.len))
			abort();
	}
	return b;
}

/* A queue can tell its session only as a pointer. */
static struct session *session(int i)
{
	static char some[8];

	return (struct session *)(void *)&some[i];
}

static bool nothing_left(void)
{
	return !lag_total_bytes() && !lag_count() && !lag_longest();
}

static void order(void)
{
	static const size_t lens[] = {3, 0, 200};
	struct lag *l = lag_new(session(0));
	struct batch *b = batch_of(lens, 3), *c = batch_of(lens, 1);
	const uint8_t *p = NULL;

	ok(lag_peek(l, &p) == 0 && lag_count() == 1, "a new queue is empty, and counted");
	ok(!lag_push(l, b, 1, NULL) && b->refs == 2, "it takes a reference");
	ok(!lag_push(l, c, 0, NULL), "and another");
	ok(lag_peek(l, &p) == b->len - 5 && p == b->p + 5, "the first frame not sent comes first");
	ok(lag_frame_end(l, 0) == 2 && lag_frame_end(l, 1) == 2 && lag_frame_end(l, 2) == 206,
	   "a byte's frame and its end, from where the queue stands");
	lag_took(l, 2);
	ok(lag_peek(l, &p) == 204 && p == b->p + 7, "after one frame the next");
	lag_took(l, 204);
	ok(b->refs == 1 && lag_peek(l, &p) == c->len && p == c->p,
	   "a batch that is sent is given back");
	lag_took(l, c->len);
	ok(lag_peek(l, &p) == 0 && !l->bytes && c->refs == 1, "all of it sent");
	lag_free(l);
	lag_free(NULL);
	batch_unref(b);
	batch_unref(c);
	ok(nothing_left(), "nothing is left");
}

static void dropping(void)
{
	static const size_t lens[] = {10, 20, 30, 40};
	struct lag *l = lag_new(session(0));
	struct batch *b = batch_of(lens, 4);
	const uint8_t *p = NULL;
	size_t all;

	lag_push(l, b, 0, NULL);
	lag_push(l, b, 0, NULL);
	all = l->bytes;
	ok(!lag_drop_to(l, all, NULL), "within the bound nothing is dropped");
	ok(lag_drop_to(l, all - 1, NULL) == 1 && lag_peek(l, &p) == b->len - 12 && p == b->p + 12,
	   "one byte above it: the oldest whole frame");
	ok(lag_drop_to(l, all - 12 - 23, NULL) == 2, "two more");
	lag_set_in_lws(l, 1000);
	ok(lag_total_bytes() == l->bytes + 1000, "what lws holds counts");
	ok(lag_drop_to(l, 1000, NULL) == 5 && lag_peek(l, &p) == 0 && !l->bytes && b->refs == 1,
	   "but is nothing that could be dropped");
	ok(!lag_drop_to(l, 0, NULL), "an empty queue has nothing to drop");
	lag_set_in_lws(l, 10);
	ok(lag_total_bytes() == 10, "less of it");
	lag_free(l);
	batch_unref(b);
	ok(nothing_left(), "nothing is left");
}

static void of_one_owner(void)
{
	static const size_t lens[] = {10, 20, 30, 40};
	static const char a, z;
	struct lag *l = lag_new(session(0));
	struct batch *b = batch_of(lens, 4), *c = batch_of(lens, 4), *d = batch_of(lens, 1);
	const uint8_t *p = NULL;
	size_t kept;

	lag_push(l, d, 0, NULL);
	lag_push(l, b, 0, &a);
	lag_push(l, c, 0, &z);
	lag_push(l, b, 0, &a);
	ok(lag_drop_to(l, 0, &z) == 4 && c->refs == 1, "only its owner's frames are dropped");
	kept = l->bytes;
	ok(lag_keep_last(l, &a) == 7 && b->refs == 2, "all but the newest one");
	ok(kept - l->bytes == 2 * 12 + 2 * 22 + 2 * 32 + 42 + LAG_ITEM_COST, "are counted off");
	ok(lag_peek(l, &p) == 12 && p == d->p, "an answer stays, in front");
	lag_took(l, 12);
	ok(lag_peek(l, &p) == 42 && p == b->p + b->len - 42, "and then the newest");
	lag_push(l, c, 3, &z);
	lag_took(l, 42);
	ok(lag_peek(l, &p) == 42 && p == c->p + c->len - 42, "what is pushed later comes behind");
	lag_drop_to(l, 0, &z);
	lag_push(l, c, 0, &z);
	ok(lag_peek(l, &p) == c->len, "an emptied queue takes more");
	lag_free(l);
	batch_unref(b);
	batch_unref(c);
	batch_unref(d);
	ok(nothing_left(), "nothing is left");
}

static struct session *found;
static unsigned n_found;

static bool find(struct session *s)
{
	found = s;
	n_found++;
	return true;
}

/* It alone has a queue as long as the longest. */
static bool longest_is(const struct session *s)
{
	n_found = 0;
	lag_each_from(lag_longest(), find);
	return n_found == 1 && found == s;
}

static void slowest(void)
{
	static const size_t lens[] = {10};
	struct batch *b = batch_of(lens, 1);
	struct lag *x = lag_new(session(0)), *y = lag_new(session(1)), *z = lag_new(session(2));

	lag_push(x, b, 0, NULL);
	lag_push(y, b, 0, NULL);
	lag_push(y, b, 0, NULL);
	ok(lag_longest() == y->bytes && longest_is(session(1)), "the longest queue");
	lag_set_in_lws(z, 5000);
	ok(lag_longest() == 5000 && longest_is(session(2)), "with what lws holds");
	lag_free(z);
	lag_free(y);
	ok(longest_is(session(0)) && lag_count() == 1, "the one that is left");
	lag_free(x);
	ok(b->refs == 1 && nothing_left(), "nothing is left");
	batch_unref(b);
}

/* What was pushed and not dropped must come out, byte for byte. */
static void random_schedule(void)
{
	const char *seed = getenv("LAG_SEED");
	unsigned s = seed ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)time(NULL);
	static uint8_t model[1 << 22];
	static size_t starts[1 << 16];
	size_t len = 0, at = 0, n_starts = 0, first = 0;
	struct lag *l = lag_new(session(0));
	bool same = true, sums = true;

	printf("# LAG_SEED=%u\n", s);
	srand(s);
	for (int i = 0; i < 20000 && len < sizeof model - 65536 && n_starts < 65000; i++) {
		const uint8_t *p;
		size_t n = lag_peek(l, &p);

		same &= n <= len - at && (!n || !memcmp(p, model + at, n)) && (n || at == len);
		switch (rand() % 3) {
		case 0: {
			size_t lens[5];
			uint32_t k = 1 + (uint32_t)rand() % 5, from = (uint32_t)rand() % k;
			struct batch *b;

			for (uint32_t j = 0; j < k; j++)
				lens[j] = (size_t)rand() % 300;
			b = batch_of(lens, k);
			for (uint32_t j = from; j < k; j++)
				starts[n_starts++] = len + batch_start(b, j) - batch_start(b, from);
			memcpy(model + len, b->p + batch_start(b, from),
			       b->len - batch_start(b, from));
			len += b->len - batch_start(b, from);
			lag_push(l, b, from, NULL);
			batch_unref(b);
			break;
		}
		case 1:
			if (n) {
				size_t end = lag_frame_end(l, (size_t)rand() % n);

				lag_took(l, end);
				at += end;
			}
			break;
		default:
			if (rand() % 5 == 0) {
				uint32_t dropped = lag_drop_to(l, (size_t)rand() % 4000, NULL);

				while (first < n_starts && starts[first] < at)
					first++;
				at = first + dropped < n_starts ? starts[first + dropped] : len;
			}
		}
		while (first < n_starts && starts[first] < at)
			first++;
		sums &= l->bytes >= len - at && lag_total_bytes() == l->bytes + l->in_lws;
	}
	ok(same, "what was pushed and not dropped comes out, byte for byte");
	ok(sums, "the sum is kept");
	lag_free(l);
	ok(nothing_left(), "nothing is left");
}

/* One small message a turn of the loop: what a queue says it holds must not be far from the truth.
 */
static void cost(void)
{
	enum { N = 5000 };
	static const size_t lens[] = {1};
	struct lag *l = lag_new(session(0));
	size_t before = mallinfo2().uordblks, used;

	for (int i = 0; i < N; i++) {
		struct batch *b = batch_of(lens, 1);

		lag_push(l, b, 0, NULL);
		batch_trim(b);
		batch_unref(b);
	}
	used = mallinfo2().uordblks - before;
	if (!ok(!used || lag_total_bytes() * 2 >= used,
	        "a queue of tiny messages counts what it takes in memory"))
		printf("# counts %zu, takes %zu\n", lag_total_bytes(), used);
	lag_free(l);
	ok(nothing_left(), "nothing is left");
}

int main(void)
{
	order();
	dropping();
	of_one_owner();
	slowest();
	random_schedule();
	cost();
	return tap_done();
}
