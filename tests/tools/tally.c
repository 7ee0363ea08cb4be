/* tally: see tally.h. */
#include "tally.h"

#include <inttypes.h>
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

void tally_reset(struct tally *t)
{
	free(t->closes);
	memset(t, 0, sizeof(*t));
}

/* Count, first, last, closes a second between them, and the fullest second of one code. */
static void print_code(const struct tally *t, unsigned code, FILE *f)
{
	uint32_t first = 0, last = 0;
	size_t n = 0, peak = 0, from = 0, in_window = 0;

	for (size_t i = 0; i < t->n_closes; i++) {
		if (t->closes[i].code != code)
			continue;
		last = t->closes[i].ms;
		if (!n++)
			first = last, from = i;
		in_window++;
		while (t->closes[from].code != code || last - t->closes[from].ms >= 1000)
			in_window -= t->closes[from++].code == code;
		if (in_window > peak)
			peak = in_window;
	}
	fprintf(f,
	        "\"%u\":{\"n\":%zu,\"first_ms\":%u,\"last_ms\":%u,\"rate\":%.2f,\"peak_1s\":%zu}",
	        code, n, first, last, last > first ? (double)(n - 1) * 1000 / (last - first) : 0.0,
	        peak);
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
		fputs(comma, f);
		print_code(t, t->closes[i].code, f);
		comma = ",";
	}
	fputc('}', f);
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
