/*
 * test_history: what a history asks for and what it hands out, event by event: one fill at a time,
 * live messages behind it in their order, again when something is missing, in growing pauses when
 * it fails.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "../../node/history.h"
#include "tap.h"

enum { E = 1000 };

static struct history h;
static char said[4096]; /* what it did since the last look */

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	size_t n = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said + n, sizeof said - n, fmt, ap);
	va_end(ap);
}

static void fill(void *owner, struct position known, uint64_t micros, bool whole)
{
	(void)owner;
	(void)micros;
	say("%s(%" PRIu64 "-%" PRIu64 ") ", whole ? "whole" : "fill", known.epoch, known.offset);
}

static void deliver(void *owner, const struct message *m)
{
	(void)owner;
	if (m->kind == KIND_PURGE)
		say("purge ");
	else if (m->at.epoch)
		say("%" PRIu64 "-%" PRIu64 " ", m->at.epoch, m->at.offset);
	else
		say("plain%u ", m->p[0]);
}

static void lost(void *owner, struct position at)
{
	(void)owner;
	say("lost(%" PRIu64 "-%" PRIu64 ") ", at.epoch, at.offset);
}

static void moved(void *owner, struct position at)
{
	(void)owner;
	say("moved(%" PRIu64 "-%" PRIu64 ") ", at.epoch, at.offset);
}

static void ready(void *owner)
{
	(void)owner;
	say("ready ");
}

static const struct history_ops ops = {fill, deliver, lost, moved, ready};

static void did(const char *want, const char *name)
{
	is(said, want, name);
	said[0] = '\0';
}

static void live(uint64_t epoch, uint64_t offset)
{
	history_message(&h,
	                &(struct message){
				KIND_TEXT, (const uint8_t *)"x", 1, {epoch, offset}, offset * 100});
}

static void plain(uint8_t no)
{
	history_message(&h, &(struct message){.kind = KIND_BINARY, .p = &no, .len = 1});
}

static struct page *page(uint64_t epoch, uint64_t from, uint64_t to)
{
	static struct message entries[64];
	static struct page p;

	p = (struct page){.epoch = epoch, .top = to, .top_micros = to * 100, .entries = entries};
	for (uint64_t at = from; at <= to; at++)
		entries[p.n++] = (struct message){
			KIND_TEXT, (const uint8_t *)"x", 1, {0, at}, at * 100};
	return &p;
}

static void checked(uint64_t epoch, uint64_t offset, uint64_t micros, uint64_t was)
{
	history_checked(&h, (struct position){epoch, offset}, micros, (struct position){E, was});
}

/* OK, at E-5, which it holds from 1 on. */
static void begin(void)
{
	history_fini(&h);
	history_init(&h, 50, &ops, NULL);
	history_on(&h);
	history_filled(&h, page(E, 1, 5));
	said[0] = '\0';
}

static void order(void)
{
	history_init(&h, 50, &ops, NULL);
	live(E, 1);
	did("", "before the subscription is acknowledged nothing counts");
	history_on(&h);
	did("whole(0-0) ", "then all is asked for");
	live(E, 5);
	plain(1);
	live(E, 6);
	plain(2);
	did("", "what comes meanwhile waits");
	history_filled(&h, page(E, 1, 5));
	did("1000-5 plain1 1000-6 plain2 ready ", "and follows what was filled, in its order");
	live(E, 7);
	plain(3);
	live(E, 7);
	history_message(&h, &(struct message){KIND_PURGE, NULL, 0, {E, 8}, 800});
	live(E, 9);
	did("1000-7 plain3 1000-9 ", "then all goes on at once, each once, without the purges");
	history_filled(&h, page(E, 1, 20));
	history_failed(&h);
	history_tick(&h);
	did("", "an answer that nobody waits for is none");
}

/* New rules: who listens already has had all until the history begins, and nothing since. */
static void begun_late(void)
{
	history_fini(&h);
	history_init(&h, 50, &ops, NULL);
	history_on(&h);
	live(E, 4);
	live(E, 5);
	live(E, 6);
	live(9000, 1);
	did("whole(0-0) ", "a history begins while somebody listens");
	history_filled(&h, page(E, 1, 5));
	did("1000-4 1000-5 1000-6 fill(1000-6) ", "what came meanwhile is new to them");
	live(E, 6);
	history_filled(&h, page(E, 6, 6));
	did("ready ", "but once");
}

static void gaps(void)
{
	begin();
	live(E, 7);
	did("fill(1000-5) ", "a gap: what follows is asked for");
	live(E, 8);
	live(E, 9);
	plain(1);
	history_filled(&h, page(E, 5, 8));
	did("1000-6 1000-7 1000-8 1000-9 plain1 ready ", "and comes first");
	ok(h.stale == 1, "it is counted");
	live(E, 11);
	live(E, 13);
	history_filled(&h, page(E, 9, 11));
	did("fill(1000-9) 1000-10 1000-11 fill(1000-11) ", "another one behind it: again, at once");
	history_filled(&h, page(E, 11, 13));
	did("1000-12 1000-13 ready ", "until nothing is missing");
	live(2000, 14);
	did("fill(1000-13) ", "another epoch is asked about");
	history_filled(&h, page(2000, 1, 2));
	did("lost(2000-0) 2000-1 2000-2 ready ", "and told");
	live(E, 14);
	did("", "the one before is past");
	live(3000, 4);
	{
		struct page *p = page(3000, 2, 4);

		p->former[0] = (struct former){2000, 3, false};
		history_filled(&h, p);
	}
	did("fill(2000-2) moved(3000-2) 3000-3 3000-4 ready ", "the same under another name");
	live(9000, 1);
	history_filled(&h, page(3000, 4, 4));
	did("fill(3000-4) ready ", "what Redis knows nothing of is dropped");
}

static void pauses(void)
{
	unsigned ticks = 0, before = 0;

	begin();
	live(E, 7);
	history_failed(&h);
	did("fill(1000-5) ", "it failed");
	live(E, 8);
	history_tick(&h);
	did("fill(1000-5) ", "a tick later again");
	for (int i = 0; i < 12; i++) {
		history_failed(&h);
		for (ticks = 0; !*said && ticks < 1000; ticks++)
			history_tick(&h);
		if (ticks < before)
			break;
		before = ticks;
		said[0] = '\0';
	}
	ok(ticks >= before && ticks >= 20 && ticks <= 100, "the pauses grow, up to some seconds");
	history_filled(&h, page(E, 5, 7));
	did("1000-6 1000-7 1000-8 ready ", "what was held is still there");
	live(E, 10);
	history_failed(&h);
	said[0] = '\0';
	history_on(&h);
	history_tick(&h);
	did("fill(1000-8) ", "a second acknowledgement changes nothing");
}

static void connections(void)
{
	begin();
	live(E, 7);
	live(E, 8);
	history_off(&h);
	did("fill(1000-5) ", "Redis is away");
	history_filled(&h, page(E, 5, 8));
	live(E, 9);
	history_tick(&h);
	history_refill(&h);
	did("", "then nothing counts");
	history_on(&h);
	did("fill(1000-5) ", "back: what it lacks is asked for");
	live(E, 10);
	history_filled(&h, page(E, 5, 9));
	did("1000-6 1000-7 1000-8 1000-9 1000-10 ready ", "and follows what clients have");
	history_off(&h);
	ring_trim(&h.ring, 0);
	history_on(&h);
	did("whole(1000-10) ", "an empty ring wants all");
	history_filled(&h, page(E, 1, 12));
	did("1000-11 1000-12 ready ", "clients want what follows");
	history_on(&h);
	did("fill(1000-12) ", "acknowledged again: there may be a gap");
	history_on(&h);
	history_filled(&h, page(E, 12, 12));
	did("fill(1000-12) ", "and again");
	history_filled(&h, page(E, 12, 12));
	did("ready ", "then it is whole");
}

static void refills(void)
{
	struct page *p;

	begin();
	history_refill(&h);
	did("fill(1000-5) ", "somebody is ahead");
	history_refill(&h);
	history_filled(&h, page(E, 5, 6));
	did("1000-6 ready ", "one fill for all that ask");
	ring_trim(&h.ring, 200);
	history_refill(&h);
	did("whole(1000-6) ", "what was given up is asked for");
	history_failed(&h);
	history_tick(&h);
	did("whole(1000-6) ", "until it came");
	p = page(E, 1, 6);
	p->whole = true;
	history_filled(&h, p);
	did("ready ", "which is no news");
	live(E, 8);
	did("fill(1000-6) ", "then only what follows");
}

static void checks(void)
{
	begin();
	checked(E, 5, 500, 5);
	did("", "all is as it should be");
	live(E, 6);
	checked(E, 5, 500, 5);
	did("1000-6 ", "it went on meanwhile");
	checked(E, 7, 700, 6);
	did("", "the next one may be on its way");
	live(E, 7);
	checked(E, 8, 800, 7);
	did("1000-7 ", "as it was");
	checked(E, 8, 800, 7);
	did("fill(1000-7) ", "but not that long");
	checked(E, 9, 900, 7);
	history_filled(&h, page(E, 7, 8));
	did("1000-8 ready ", "the last one was lost on its way");
	checked(E, 9, 900, 7);
	checked(E, 8, 800, 8);
	checked(E, 9, 900, 8);
	did("", "suspicion ends");
	checked(E, 7, 700, 8);
	did("fill(1000-8) ", "less than there was");
	history_filled(&h, page(E, 8, 8));
	checked(E, 8, 801, 8);
	did("ready fill(1000-8) ", "another one");
	history_filled(&h, page(E, 8, 8));
	checked(E, 7, 701, 7);
	did("ready fill(1000-8) ", "another one below");
	history_filled(&h, page(E, 8, 8));
	checked(0, 0, 0, 8);
	did("ready fill(1000-8) ", "nothing at all");
	history_filled(&h, page(2000, 1, 0));
	did("lost(2000-0) ready ", "begun anew");
	checked(E, 1, 100, 5);
	did("", "an answer about the epoch before");
	ok(h.stale == 5, "each is counted");
}

static void too_much(void)
{
	static uint8_t big[1 << 20];
	struct message m = {KIND_BINARY, big, sizeof big, {E, 7}, 700};

	begin();
	live(E, 7);
	plain(1);
	for (uint64_t at = 8; at < 20; at++) {
		m.at.offset = at;
		m.micros = at * 100;
		history_message(&h, &m);
		ok(h.held_bytes <= HISTORY_HELD_MAX, "what is held has a bound");
	}
	plain(2);
	did("fill(1000-5) plain1 ", "what has no place is given out before it is too much");
	history_filled(&h, page(E, 5, 8));
	ok(strstr(said, "1000-6 1000-7 1000-8 ") && strstr(said, "plain2") &&
	           strstr(said, "fill(1000-8)") && !strstr(said, "ready"),
	   "the rest is asked for again");
	said[0] = '\0';
	history_filled(&h, page(E, 8, 19));
	ok(strstr(said, "1000-19 ready "), "and comes");
	said[0] = '\0';
}

int main(void)
{
	order();
	begun_late();
	gaps();
	pauses();
	connections();
	refills();
	checks();
	too_much();
	history_fini(&h);
	return tap_done();
}
