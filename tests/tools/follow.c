/* follow: see follow.h. */
#include "follow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int place_parse(const char *s, size_t len, struct place *out)
{
	const char *dash = memchr(s, '-', len);
	size_t n = dash ? (size_t)(dash - s) : 0;

	memset(out, 0, sizeof(*out));
	if (n == 0 || n >= sizeof(out->epoch) || len - n < 2 || len - n > 17)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if ((s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'z'))
			return -1;
	}
	memcpy(out->epoch, s, n);
	for (size_t i = n + 1; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		out->offset = out->offset * 10 + (uint64_t)(s[i] - '0');
	}
	return 0;
}

void place_print(const struct place *p, char *out, size_t cap)
{
	snprintf(out, cap, "%s-%" PRIu64, p->epoch, p->offset);
}

void follow_begin(struct follow *f, uint64_t now)
{
	if (!f->begun)
		f->begun = now;
}

void follow_accepted(struct follow *f, const struct lane *l, uint64_t now)
{
	f->accepted = now;
	f->target = l->top;
}

void follow_end(struct follow *f)
{
	f->attached = false;
	f->begun = f->accepted = 0;
}

/* What others had when this one was accepted, it has now: the gap is over. */
static void caught_up(struct follow *f, struct tally *t, uint64_t now)
{
	if (!f->accepted || !f->attached || f->seq.last < f->target)
		return;
	if (f->seq.started)
		tally_gap(t, (uint32_t)(now - f->begun), (uint32_t)(now - f->accepted));
	f->begun = f->accepted = 0;
}

void follow_attached(struct follow *f, const struct place *at, bool lost, struct tally *t,
                     uint64_t now)
{
	f->at = *at;
	f->attached = true;
	if (lost) {
		struct timespec t_now;

		clock_gettime(CLOCK_REALTIME, &t_now);
		f->told = true;
		f->told_us = (uint64_t)t_now.tv_sec * 1000000 + (uint64_t)t_now.tv_nsec / 1000;
		f->accepted = 0; /* what it waited for may never come */
		t->announced++;
	}
	caught_up(f, t, now);
}

/* "N MICROSECONDS CHANNEL [again] xxx..."; again: sent once more, since no answer came. */
struct content {
	uint64_t number, micros;
	bool stranger, again;
};

static int content_read(const char *p, size_t len, const struct lane *l, struct content *c)
{
	char text[256];
	char *word, *at = text;

	snprintf(text, sizeof(text), "%.*s", (int)len, p);
	if (seq_number((const uint8_t *)text, strlen(text), &c->number) != 0)
		return -1;
	strsep(&at, " ");
	word = strsep(&at, " ");
	c->micros = word ? strtoull(word, NULL, 10) : 0;
	word = strsep(&at, " ");
	if (!word)
		return -1;
	c->stranger = strcmp(word, l->name) != 0;
	word = strsep(&at, " ");
	c->again = word && strcmp(word, "again") == 0;
	return 0;
}

/* The same place must be the same message, whoever was given it and however. */
static void compare(struct lane *l, const struct place *at, uint64_t number, struct tally *t)
{
	size_t i = at->offset % PLACES;
	bool same = l->places[i].at.offset == at->offset &&
	            strcmp(l->places[i].at.epoch, at->epoch) == 0;

	if (same && l->places[i].number != number)
		t->conflicts++;
	l->places[i].at = *at;
	l->places[i].number = number;
}

void follow_message(struct follow *f, struct lane *l, const struct place *at, const void *payload,
                    size_t len, struct tally *t, uint64_t now)
{
	struct content c;

	t->received++;
	if (!f->attached || strcmp(at->epoch, f->at.epoch) != 0 || at->offset != f->at.offset + 1)
		t->misplaced++;
	f->at = *at;
	if (content_read(payload, len, l, &c) != 0) {
		t->unnumbered++;
		return;
	}
	if (c.stranger) {
		t->strangers++;
		return;
	}
	compare(l, at, c.number, t);
	int64_t skipped = seq_add(&f->seq, c.number);

	if (skipped == SEQ_LATE) {
		t->reordered++;
		t->lost--;
	} else if (skipped == SEQ_DOUBLED) {
		/* Redis lost it before its publisher had an answer: sent again, it is new to Redis.
		 */
		if (f->told && c.again)
			t->redone++;
		else
			t->doubled++;
	} else {
		/* Who is told when it comes back gets what is left, and the gap is somewhere in it.
		 */
		if (f->told || c.micros < f->told_us)
			t->skipped += (uint64_t)skipped;
		else
			t->lost += skipped;
		f->told = false;
	}
	if (c.number > l->top)
		l->top = c.number;
	caught_up(f, t, now);
}
