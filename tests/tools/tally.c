/* tally: see tally.h. */
#include "tally.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 64 };

void tally_close(struct tally *t, uint32_t ms, unsigned code)
{
	if (t->n_closes == t->cap_closes) {
		t->cap_closes = t->cap_closes ? t->cap_closes * 2 : 1024;
		t->closes = realloc(t->closes, t->cap_closes * sizeof(*t->closes));
		if (!t->closes)
			abort();
	}
	t->closes[t->n_closes++] = (struct close_at){ms, (uint16_t)code};
}

void tally_gap(struct tally *t, uint32_t whole_ms, uint32_t served_ms)
{
	if (t->n_gaps == t->cap_gaps) {
		t->cap_gaps = t->cap_gaps ? t->cap_gaps * 2 : 1024;
		t->gaps = realloc(t->gaps, t->cap_gaps * sizeof(*t->gaps));
		if (!t->gaps)
			abort();
	}
	t->gaps[t->n_gaps++] = (struct gap){whole_ms, served_ms};
}

void tally_add(struct tally *w, const struct tally *p)
{
	w->received += p->received;
	w->doubled += p->doubled;
	w->reordered += p->reordered;
	w->unnumbered += p->unnumbered;
	w->lost += p->lost;
	w->opened += p->opened;
	w->refused += p->refused;
	w->timeouts += p->timeouts;
	w->bad += p->bad;
	w->churned += p->churned;
	w->hung += p->hung;
	w->resumed += p->resumed;
	w->recovered += p->recovered;
	w->renamed += p->renamed;
	w->announced += p->announced;
	w->skipped += p->skipped;
	w->redone += p->redone;
	w->misplaced += p->misplaced;
	w->conflicts += p->conflicts;
	w->strangers += p->strangers;
	w->resubscribed += p->resubscribed;
	w->dropped += p->dropped;
	for (size_t i = 0; i < sizeof(w->status) / sizeof(w->status[0]); i++)
		w->status[i] += p->status[i];
	for (size_t i = 0; i < p->n_closes; i++)
		tally_close(w, p->closes[i].ms, p->closes[i].code);
	for (size_t i = 0; i < p->n_gaps; i++)
		tally_gap(w, p->gaps[i].whole, p->gaps[i].served);
}

void tally_reset(struct tally *t)
{
	free(t->closes);
	free(t->gaps);
	memset(t, 0, sizeof(*t));
}

/* Is this close one of those asked for? code 0: all but abnormal ones. */
static bool counts(const struct tally *t, size_t i, unsigned code)
{
	return code ? t->closes[i].code == code : t->closes[i].code != 1006;
}

/* Count, first, last, closes a second between them, and the fullest second of one code. */
static void print_code(const struct tally *t, unsigned code, FILE *f)
{
	uint32_t first = 0, last = 0;
	size_t n = 0, peak = 0, from = 0, in_window = 0;

	for (size_t i = 0; i < t->n_closes; i++) {
		if (!counts(t, i, code))
			continue;
		last = t->closes[i].ms;
		if (!n++)
			first = last, from = i;
		in_window++;
		while (!counts(t, from, code) || last - t->closes[from].ms >= 1000)
			in_window -= counts(t, from++, code);
		if (in_window > peak)
			peak = in_window;
	}
	fprintf(f, "{\"n\":%zu,\"first_ms\":%u,\"last_ms\":%u,\"rate\":%.2f,\"peak_1s\":%zu}", n,
	        first, last, last > first ? (double)(n - 1) * 1000 / (last - first) : 0.0, peak);
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void print_quantiles(const char *name, uint32_t *v, size_t n, FILE *f)
{
	qsort(v, n, sizeof(*v), by_size);
	fprintf(f, "\"%s\":{\"n\":%zu,\"p50_ms\":%u,\"p99_ms\":%u,\"max_ms\":%u}", name, n,
	        n ? v[n / 2] : 0, n ? v[n * 99 / 100] : 0, n ? v[n - 1] : 0);
}

static void print_history(const struct tally *t, FILE *f)
{
	uint32_t *v = malloc((t->n_gaps + 1) * sizeof(*v));

	if (!v)
		abort();
	fprintf(f,
	        ",\"resumed\":%" PRIu64 ",\"recovered\":%" PRIu64 ",\"renamed\":%" PRIu64
	        ",\"announced\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"redone\":%" PRIu64
	        ",\"misplaced\":%" PRIu64 ",\"conflicts\":%" PRIu64 ",\"strangers\":%" PRIu64
	        ",\"resubscribed\":%" PRIu64 ",\"dropped\":%" PRIu64 ",",
	        t->resumed, t->recovered, t->renamed, t->announced, t->skipped, t->redone,
	        t->misplaced, t->conflicts, t->strangers, t->resubscribed, t->dropped);
	for (size_t i = 0; i < t->n_gaps; i++)
		v[i] = t->gaps[i].whole;
	print_quantiles("gap", v, t->n_gaps, f);
	fputc(',', f);
	for (size_t i = 0; i < t->n_gaps; i++)
		v[i] = t->gaps[i].served;
	print_quantiles("served", v, t->n_gaps, f);
	free(v);
}

void tally_print(const struct tally *t, FILE *f)
{
	uint64_t errors = t->refused + t->timeouts + t->bad;
	const char *comma = "";

	fprintf(f,
	        "\"received\":%" PRIu64 ",\"lost\":%" PRId64 ",\"doubled\":%" PRIu64
	        ",\"reordered\":%" PRIu64 ",\"unnumbered\":%" PRIu64 ",\"opened\":%" PRIu64
	        ",\"churned\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"timeouts\":%" PRIu64
	        ",\"bad\":%" PRIu64 ",\"hung\":%" PRIu64 ",\"status\":{",
	        t->received, t->lost, t->doubled, t->reordered, t->unnumbered, t->opened,
	        t->churned, t->refused, t->timeouts, t->bad, t->hung);
	for (unsigned s = 0; s < 600; s++) {
		if (!t->status[s])
			continue;
		if (s != 101)
			errors += t->status[s];
		fprintf(f, "%s\"%u\":%" PRIu64, comma, s, t->status[s]);
		comma = ",";
	}
	fprintf(f, "},\"connect_errors\":%" PRIu64 ",\"closes\":{", errors);
	comma = "";
	/* Codes in the order of their first appearance. */
	for (size_t i = 0; i < t->n_closes; i++) {
		size_t j = 0;

		while (j < i && t->closes[j].code != t->closes[i].code)
			j++;
		if (j < i)
			continue;
		fprintf(f, "%s\"%u\":", comma, t->closes[i].code);
		print_code(t, t->closes[i].code, f);
		comma = ",";
	}
	fputs("},\"closed\":", f);
	print_code(t, 0, f);
	print_history(t, f);
}

int64_t seq_add(struct seq *s, uint64_t n)
{
	if (!s->started || n > s->last) {
		uint64_t step = s->started ? n - s->last : 1;

		s->seen = (step < WINDOW ? s->seen << step : 0) | 1;
		s->last = n;
		s->started = 1;
		return (int64_t)step - 1;
	}
	uint64_t back = s->last - n;

	if (back >= WINDOW || s->seen >> back & 1)
		return SEQ_DOUBLED;
	s->seen |= 1ULL << back;
	return SEQ_LATE;
}

int seq_number(const uint8_t *p, size_t len, uint64_t *n)
{
	size_t i = 0;

	*n = 0;
	while (i < len && i < 19 && p[i] >= '0' && p[i] <= '9')
		*n = *n * 10 + (uint64_t)(p[i++] - '0');
	return i ? 0 : -1;
}
