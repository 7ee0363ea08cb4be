/*
 * ring: what a node holds of one channel's history: consecutive messages of one epoch, from floor +
 * 1 to top. Decides about everything that arrives whether it is new, known, or shows that something
 * is missing, and about everyone who resumes from where it goes on. Pure: knows no Redis and no
 * client.
 */
#ifndef WSNODE_RING_H
#define WSNODE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/envelope.h"

enum {
	RING_FORMS = 3,  /* encoded forms of a message that are kept beside it, see encode.h */
	RING_FORMER = 8, /* see lib/lua/fill.lua */
};

struct ring_entry {
	uint64_t micros;
	uint8_t *p;                /* payload, owned */
	uint8_t *form[RING_FORMS]; /* NULL until needed; owned */
	uint32_t form_len[RING_FORMS];
	uint32_t len;
	uint8_t kind; /* enum kind; KIND_PURGE is skipped in a replay */
};

/* An epoch before: up to `end` it is this history. See lib/lua/fill.lua. */
struct former {
	uint64_t epoch; /* 0: none, and none follows */
	uint64_t end;
	bool lossy; /* there was more, and it is lost: its readers go on after end and are told */
};

struct ring {
	uint64_t epoch; /* 0: nothing known yet */
	uint64_t base;  /* what a reader of an epoch that isn't known may have: up to here */
	struct former former[RING_FORMER];
	uint64_t floor, top;
	uint64_t top_micros;
	struct ring_entry *v; /* a circle of cap entries; offset floor + 1 is at first */
	uint32_t first, cap;
	uint32_t size;  /* most that are kept */
	size_t bytes;   /* all that the entries take */
	size_t *sum;    /* counts the same for all rings together; NULL: nobody does */
	bool truncated; /* entries were given up that Redis may still have */
};

void ring_init(struct ring *, uint32_t size);
void ring_fini(struct ring *);
/* Another size; the oldest entries go. */
void ring_resize(struct ring *, uint32_t size);

enum ring_verdict {
	RING_NEW,   /* appended: the next one */
	RING_OLD,   /* known already, or of an epoch before this one */
	RING_STALE, /* something is missing, or this is another history: fill */
};
/* A live message with a place. Out of memory is no failure: entries are given up. */
enum ring_verdict ring_accept(struct ring *, const struct message *);

/* What a fill returned. entries are ascending, not necessarily gapless, all at most top. */
struct page {
	uint64_t epoch, base, top, top_micros;
	struct former former[RING_FORMER];
	const struct message *entries; /* at.epoch is ignored */
	size_t n;
	bool whole; /* all that is kept was asked for */
};
struct ring_news {
	bool lost;     /* readers must be told: all after `from` follows, what was before is gone */
	bool moved;    /* nothing is lost, but all places are under another epoch now */
	uint64_t from; /* entries after it, up to top, are new to those who had everything so far */
};
/* Takes the page over: gap closed, or begun anew. A ring that knew nothing has no readers to be
 * told. */
void ring_merge(struct ring *, const struct page *, struct ring_news *);

/* offset must be in floor + 1 .. top. */
struct ring_entry *ring_at(const struct ring *, uint64_t offset);

enum ring_resume {
	RESUME_RECOVERED, /* nothing is missing; *from is the reader's own offset */
	RESUME_LOST,      /* to be told; *from is where it goes on */
	RESUME_FILL, /* Redis may have more: ask (history_refill) first. Who did that already is
	              * LOST, from *from on */
};
/* From where a reader that has everything up to `since` goes on. A place ahead of the ring is first
 * looked for: another node may have been faster. */
enum ring_resume ring_resume(const struct ring *, struct position since, uint64_t *from);

/* Gives up oldest entries until at most `bytes` are held; truncated is set if any went. Returns
 * what was freed. */
size_t ring_trim(struct ring *, size_t bytes);
/* Counts a form that was put into an entry; it goes with that. */
void ring_account(struct ring *, uint32_t form_len);

#endif
