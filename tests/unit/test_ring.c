/*
 * test_ring: what a ring makes of everything that can arrive, of every page that Redis may return,
 * and of everyone who resumes; that it never holds more than it may, and counts what it holds.
 */
#include <stdlib.h>

#include "../../node/ring.h"
#include "tap.h"

enum { E1 = 1000, E2 = 2000, E3 = 3000 };

static struct ring r;
static struct ring_news news;
static size_t sum;

/* A message's time is its offset and a tag: another history has another one. */
static struct message msg(uint64_t epoch, uint64_t offset, uint64_t tag)
{
	return (struct message){
		KIND_TEXT, (const uint8_t *)"hello", 5, {epoch, offset}, offset * 100 + tag};
}

static enum ring_verdict give(uint64_t epoch, uint64_t offset, uint64_t tag)
{
	struct message m = msg(epoch, offset, tag);

	return ring_accept(&r, &m);
}

/* The page from..to of epoch, without `hole`. */
static struct page *page(uint64_t epoch, uint64_t from, uint64_t to, uint64_t hole, bool whole)
{
	static struct message entries[64];
	static struct page p;

	p = (struct page){.epoch = epoch,
	                  .top = to,
	                  .top_micros = to * 100,
	                  .entries = entries,
	                  .whole = whole};
	for (uint64_t at = from; at <= to; at++)
		if (at != hole)
			entries[p.n++] = msg(0, at, 0);
	return &p;
}

static void merge(const struct page *p)
{
	ring_merge(&r, p, &news);
}

/* A ring of that size with 1..top of E1. */
static void begin(uint32_t size, uint64_t top)
{
	ring_fini(&r);
	ring_init(&r, size);
	r.sum = &sum;
	merge(page(E1, 1, top, 0, true));
}

static bool holds(uint64_t epoch, uint64_t floor, uint64_t top)
{
	for (uint64_t at = floor + 1; at <= top && r.floor == floor && r.top == top; at++)
		if (ring_at(&r, at)->micros / 100 != at || ring_at(&r, at)->len != 5 ||
		    memcmp(ring_at(&r, at)->p, "hello", 5) != 0)
			return false;
	return r.epoch == epoch && r.floor == floor && r.top == top && sum == r.bytes;
}

static bool told(bool lost, bool moved, uint64_t from)
{
	return news.lost == lost && (news.lost || news.moved == moved) && news.from == from;
}

static bool resumes(uint64_t epoch, uint64_t offset, enum ring_resume how, uint64_t from)
{
	uint64_t got = 0;

	return ring_resume(&r, (struct position){epoch, offset}, &got) == how && got == from;
}

static void arrivals(void)
{
	ring_fini(&r);
	ring_init(&r, 3);
	ok(give(E1, 1, 0) == RING_STALE, "a ring that knows nothing has to be filled");
	begin(3, 0);
	ok(holds(E1, 0, 0) && told(false, false, 0), "an empty history is known as such");
	ok(give(E1, 1, 0) == RING_NEW && holds(E1, 0, 1), "the first one");
	ok(give(E1, 2, 0) == RING_NEW && give(E1, 3, 0) == RING_NEW && holds(E1, 0, 3), "the next");
	ok(give(E1, 4, 0) == RING_NEW && holds(E1, 1, 4), "beyond its size the oldest goes");
	ok(!r.truncated, "as it does in Redis");
	ok(give(E1, 4, 0) == RING_OLD && give(E1, 2, 0) == RING_OLD, "what it holds is old");
	ok(give(E1, 1, 0) == RING_OLD, "what it held is old");
	ok(give(E1, 4, 1) == RING_STALE && give(E1, 2, 1) == RING_STALE,
	   "another in the same place is of another history");
	ok(give(E1, 1, 500) == RING_STALE, "so is one below that was sent later");
	ok(give(E1, 6, 0) == RING_STALE, "one is missing");
	ok(give(E1, 5, 0) == RING_NEW && give(E1, 6, 0) == RING_NEW && holds(E1, 3, 6), "it came");
	ok(ring_accept(&r, &(struct message){KIND_TEXT, NULL, 0, {E1, 7}, 600}) == RING_STALE,
	   "the next one can't be as old as the last");
	ok(give(E1 - 1, 7, 0) == RING_OLD, "an epoch before is past");
	ok(give(E2, 1, 0) == RING_STALE, "an epoch after is news");
	ok(holds(E1, 3, 6), "none of them left a trace");
	ok(ring_accept(&r, &(struct message){KIND_TEXT, NULL, 0, {E1, 7}, 700}) == RING_NEW &&
	           ring_at(&r, 7)->p && !ring_at(&r, 7)->len,
	   "a message may be empty");
}

static void purges(void)
{
	struct message p = {KIND_PURGE, NULL, 0, {E1, 5}, 500};

	begin(10, 4);
	r.truncated = true;
	ok(ring_accept(&r, &p) == RING_NEW && r.floor == 4 && r.top == 5 && !r.truncated,
	   "a purge takes all before it");
	ok(give(E1, 6, 0) == RING_NEW && ring_at(&r, 5)->kind == KIND_PURGE, "and stays itself");
	ok(resumes(E1, 4, RESUME_RECOVERED, 4), "who had all before it misses nothing");
	ok(resumes(E1, 3, RESUME_LOST, 4), "who had not is told");
	begin(3, 4);
	p.at.offset = 5;
	ok(ring_accept(&r, &p) == RING_NEW && give(E1, 6, 0) == RING_NEW &&
	           give(E1, 7, 0) == RING_NEW && give(E1, 8, 0) == RING_NEW && holds(E1, 5, 8),
	   "it goes as any other");
}

static void pages(void)
{
	begin(10, 5);
	ok(told(false, false, 5) && holds(E1, 0, 5), "the first fill is news to nobody");
	merge(page(E1, 5, 8, 0, false));
	ok(told(false, false, 5) && holds(E1, 0, 8), "a gap is closed");
	merge(page(E1, 8, 8, 0, false));
	ok(told(false, false, 8) && holds(E1, 0, 8), "nothing new");
	merge(page(E1, 9, 8, 0, false));
	ok(told(false, false, 8) && holds(E1, 0, 8), "expired in Redis, but held here");
	merge(page(E1, 8, 12, 0, false));
	ok(told(false, false, 8) && holds(E1, 2, 12), "the oldest go");
	merge(page(E1, 20, 25, 0, false));
	ok(told(true, false, 19) && holds(E1, 19, 25), "what was trimmed meanwhile is lost");
	merge(page(E1, 25, 29, 27, false));
	ok(told(true, false, 27) && holds(E1, 27, 29), "so is a hole");
	merge(page(E1, 29, 31, 31, false));
	ok(told(true, false, 31) && holds(E1, 31, 31), "and the last one, when it isn't there");
	merge(page(E1, 33, 32, 0, true));
	ok(told(true, false, 32) && holds(E1, 32, 32), "and all, when they expired");
	begin(3, 5);
	ok(holds(E1, 2, 5), "a page above its size");
	merge(page(E1, 5, 9, 0, false));
	ok(told(true, false, 6) && holds(E1, 6, 9),
	   "more at once than it holds is lost to readers");
	begin(10, 5);
	merge(page(E2, 1, 3, 0, true));
	ok(told(true, false, 0) && holds(E2, 0, 3), "begun anew: all of it is new, and told");
	begin(10, 5);
	merge(page(E1, 1, 3, 0, true));
	ok(told(true, false, 0) && holds(E1, 0, 3), "less than before can't be the same");
	begin(10, 5);
	page(E1, 4, 6, 0, false)->top_micros = 601;
	merge(page(E1, 1, 5, 0, true));
	ok(told(false, false, 5), "the same");
	{
		struct page *p = page(E1, 1, 5, 0, true);

		p->top_micros++;
		merge(p);
		ok(told(true, false, 0), "nor can another top");
		p = page(E1, 1, 6, 0, true);
		((struct message *)(uintptr_t)p->entries)[3].micros++;
		begin(10, 5);
		p = page(E1, 1, 6, 0, true);
		((struct message *)(uintptr_t)p->entries)[3].micros++;
		merge(p);
		ok(told(true, false, 0), "nor another one below");
	}
}

static void truncation(void)
{
	size_t all;

	begin(20, 20);
	all = r.bytes;
	ok(ring_trim(&r, all) == 0 && !r.truncated && holds(E1, 0, 20),
	   "enough room: nothing goes");
	ok(ring_trim(&r, all / 2) > 0 && r.bytes <= all / 2 && r.truncated && r.top == 20 &&
	           r.floor < 20 && holds(E1, r.floor, 20),
	   "half of it");
	ok(resumes(E1, 1, RESUME_FILL, r.floor), "Redis may have what was given up");
	ok(resumes(E1, 20, RESUME_RECOVERED, 20), "it isn't needed for who has it");
	ok(resumes(E1 - 1, 7, RESUME_FILL, r.floor), "nor by the one who never had any");
	merge(page(E1, 20, 22, 0, false));
	ok(r.truncated && r.top == 22, "a closed gap isn't the rest");
	merge(page(E1, 3, 22, 0, true));
	ok(!r.truncated && told(false, false, 22) && holds(E1, 2, 22), "the whole is");
	ok(resumes(E1, 1, RESUME_LOST, 2), "what isn't in it is gone");
	ok(ring_trim(&r, 0) == all && !r.bytes && r.floor == 22 && r.top == 22, "all goes");
	ok(give(E1, 23, 0) == RING_NEW && holds(E1, 22, 23), "and begins again");
	merge(page(E1, 5, 23, 0, true));
	ok(!r.truncated && holds(E1, 4, 23), "is had back");
	ring_trim(&r, 0);
	merge(page(E1, 24, 23, 0, true));
	ok(!r.truncated && holds(E1, 23, 23) && told(false, false, 23),
	   "unless it is gone there too");
	ring_trim(&r, 0);
	merge(page(E1, 1, 30, 26, true));
	ok(!r.truncated && holds(E1, 26, 30) && told(true, false, 26), "or has a hole");
	begin(20, 10);
	ring_resize(&r, 4);
	ok(holds(E1, 6, 10) && !r.truncated, "a smaller size: the oldest go, in Redis too");
	ring_resize(&r, 20);
	ok(holds(E1, 6, 10) && r.truncated, "a larger one: Redis may have more");
	begin(20, 10);
	ring_at(&r, 3)->form[0] = malloc(100);
	ring_at(&r, 3)->form_len[0] = 100;
	all = r.bytes;
	ring_account(&r, 100);
	ok(r.bytes >= all + 100 && sum == r.bytes, "forms count");
	ok(ring_trim(&r, all - 200) >= 300 && r.floor >= 3 && holds(E1, r.floor, 10),
	   "and go along");
}

static void others_epochs(void)
{
	struct page *p = page(E2, 3, 9, 0, true);

	begin(10, 5);
	p = page(E2, 5, 9, 0, false);
	p->former[0] = (struct former){E1, 7, false};
	p->base = 7;
	merge(p);
	ok(told(false, true, 5) && holds(E2, 0, 9),
	   "another process: the same under another epoch");
	ok(resumes(E1, 6, RESUME_RECOVERED, 6) && resumes(E1, 7, RESUME_RECOVERED, 7),
	   "who has what is the same goes on");
	ok(resumes(E1, 8, RESUME_LOST, 7), "who has more had what is lost");
	ok(resumes(E1 + 1, 8, RESUME_LOST, 7) && resumes(E1 - 1, 2, RESUME_LOST, 7),
	   "who is of an epoch that nobody knows gets what is new to all");
	ok(resumes(E2, 8, RESUME_RECOVERED, 8), "this epoch is as any");
	ok(resumes(E2, 10, RESUME_FILL, 9) && resumes(E3, 1, RESUME_FILL, 9),
	   "who is ahead may know it from another node");
	ok(resumes(0, 0, RESUME_LOST, 9), "who knows nothing begins at the top");
	p = page(E3, 9, 11, 0, false);
	p->former[0] = (struct former){E2, 10, true};
	p->former[1] = (struct former){E1, 7, true};
	p->base = 7;
	merge(p);
	ok(told(true, true, 10) && holds(E3, 1, 11), "something was lost after what is here");
	ok(resumes(E1, 5, RESUME_LOST, 7) && resumes(E2, 9, RESUME_LOST, 10), "all are told");
	begin(10, 8);
	p = page(E2, 1, 9, 0, true);
	p->former[0] = (struct former){E1, 6, false};
	p->base = 6;
	merge(p);
	ok(told(true, false, 6) && holds(E2, 0, 9), "what was lost was here");
	begin(4, 8);
	p = page(E2, 1, 20, 0, true);
	p->former[0] = (struct former){E1, 6, false};
	merge(p);
	ok(told(true, false, 16) && holds(E2, 16, 20), "no more than it holds");
	begin(10, 8);
	p = page(E2, 1, 9, 0, true);
	p->base = 4;
	merge(p);
	ok(told(true, false, 4) && holds(E2, 0, 9), "an epoch that nobody knows any more");
	ring_trim(&r, 0);
	ok(resumes(E1, 3, RESUME_FILL, 9), "of which Redis may have more than is here");
}

int main(void)
{
	arrivals();
	purges();
	pages();
	truncation();
	others_epochs();
	ring_fini(&r);
	ok(r.bytes == 0 && sum == 0, "nothing is left");
	return tap_done();
}
