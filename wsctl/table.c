/*
 * table: collects cells, then knows how wide each column is. Cells are copied; a row may end early.
 * Knows nothing of nodes or channels.
 */
#include "table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "term.h"

struct cell {
	char *text;
	enum table_colour colour;
};

struct table {
	const struct table_col *cols;
	size_t n_cols;
	struct cell *cells;
	size_t n, cap;
	bool oom;
};

struct table *table_new(const struct table_col *cols, size_t n)
{
	struct table *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->cols = cols;
	t->n_cols = n;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

void table_cell(struct table *t, enum table_colour colour, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 32;
		struct cell *cells = realloc(t->cells, cap * sizeof *cells);

		if (!cells) {
			t->oom = true;
			return;
		}
		t->cells = cells;
		t->cap = cap;
	}
	va_start(ap, fmt);
	if (!strcmp(fmt, "%s"))
		text = strdup(va_arg(ap, const char *));
	else if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text) {
		t->oom = true;
		return;
	}
	for (char *s = text; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
			*s = '?';
	t->cells[t->n++] = (struct cell){text, colour};
}

static void add_cell(struct buf *b, const char *text, size_t width, bool right, bool last,
                     const char *colour)
{
	size_t len = strlen(text), pad = width > len ? width - len : 0;

	if (right)
		buf_printf(b, "%*s", (int)pad, "");
	if (colour)
		buf_str(b, colour);
	buf_str(b, text);
	if (colour)
		buf_str(b, "\033[0m");
	/* No blanks at a line's end. */
	if (!right && !last)
		buf_printf(b, "%*s", (int)pad, "");
	buf_str(b, last ? "\n" : "  ");
}

char *table_text(const struct table *t, bool colour)
{
	static const char *const codes[] = {NULL, "\033[32m", "\033[33m", "\033[31m"};
	struct buf b = {0};
	size_t *width;

	if (t->oom || !t->n_cols)
		return NULL;
	width = calloc(t->n_cols, sizeof *width);
	if (!width)
		return NULL;
	for (size_t i = 0; i < t->n_cols; i++)
		width[i] = strlen(t->cols[i].title);
	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->cells[i].text) > width[i % t->n_cols])
			width[i % t->n_cols] = strlen(t->cells[i].text);
	for (size_t i = 0; i < t->n_cols; i++)
		add_cell(&b, t->cols[i].title, width[i], t->cols[i].right, i + 1 == t->n_cols,
		         NULL);
	for (size_t i = 0; i < t->n; i++)
		add_cell(&b, t->cells[i].text, width[i % t->n_cols], t->cols[i % t->n_cols].right,
		         i % t->n_cols + 1 == t->n_cols || i + 1 == t->n,
		         colour ? codes[t->cells[i].colour] : NULL);
	free(width);
	return buf_take(&b);
}

int table_print(const struct table *t, FILE *f)
{
	char *text = table_text(t, f == stdout && term_colour());

	if (!text)
		return -1;
	fputs(text, f);
	free(text);
	return 0;
}

const char *num_count(uint64_t n, char out[static NUM_STR])
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = 0;
	return out;
}

const char *num_short(double n, char out[static NUM_STR])
{
	static const char *const units[] = {"", "k", "M", "G", "T"};
	size_t u = 0;

	while (n >= 999.5 && u < 4) {
		n /= 1000;
		u++;
	}
	if (n < 0.05)
		snprintf(out, NUM_STR, "0");
	else if (n < 99.95 && !(u && n >= 9.95))
		snprintf(out, NUM_STR, "%.1f%s", n, units[u]);
	else
		snprintf(out, NUM_STR, "%.0f%s", n, units[u]);
	return out;
}

const char *num_age(int64_t s, char out[static NUM_STR])
{
	if (s < 0)
		s = 0;
	if (s < 100)
		snprintf(out, NUM_STR, "%" PRId64 "s", s);
	else if (s < 100 * 60)
		snprintf(out, NUM_STR, "%" PRId64 "m", s / 60);
	else if (s < 48 * 3600)
		snprintf(out, NUM_STR, "%" PRId64 "h", s / 3600);
	else
		snprintf(out, NUM_STR, "%" PRId64 "d", s / 86400);
	return out;
}

const char *num_bytes(uint64_t n, char out[static NUM_STR])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double x = (double)n;
	size_t u = 0;

	while (x >= 1024 && u < 4) {
		x /= 1024;
		u++;
	}
	if (!n)
		snprintf(out, NUM_STR, "0");
	else if (!u || x >= 9.95 || x - (double)(uint64_t)x < 0.05)
		snprintf(out, NUM_STR, "%.0f%s", x, units[u]);
	else
		snprintf(out, NUM_STR, "%.1f%s", x, units[u]);
	return out;
}
