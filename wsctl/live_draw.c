/*
 * live_draw: a picture from lines of text, and a frame from a picture. Pure.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "../lib/grow.h"
#include "live.h"

enum { GAP = 2 };

static char *take(const char *s)
{
	return strdup(s);
}

/* Fields are parted by tabs, which no cell holds. */
static char *field(char **p)
{
	char *s = *p, *tab = s ? strchr(s, '\t') : NULL;

	*p = tab ? tab + 1 : NULL;
	if (tab)
		*tab = '\0';
	return s;
}

static int row(struct picture *pic, size_t n_cols, char *p)
{
	struct live_line *v = grow(pic->v, pic->n, sizeof *v), l = {0};

	if (!v)
		return -1;
	pic->v = v;
	for (size_t i = 0; i < n_cols; i++) {
		char *cell = field(&p), *key = field(&p), *colour = field(&p);

		if (!cell || !key || !colour || !(l.cell[i] = take(cell))) {
			for (size_t k = 0; k < i; k++)
				free(l.cell[k]);
			return -1;
		}
		l.key[i] = *key ? strtod(key, NULL) : NAN;
		l.colour[i] = (char)(*colour >= '0' && *colour <= '3' ? *colour - '0' : 0);
	}
	v[pic->n++] = l;
	return 0;
}

int picture_line(struct picture *p, size_t n_cols, char *line)
{
	char **more;

	switch (line[0]) {
	case '.':
		return 1;
	case 'H':
		free(p->head);
		p->head = take(line + 1);
		return p->head ? 0 : -1;
	case 'N':
		return row(p, n_cols, line + 1);
	case 'W':
		more = grow(p->warnings, p->n_warnings, sizeof *more);
		if (!more)
			return -1;
		p->warnings = more;
		more[p->n_warnings] = take(line + 1);
		return more[p->n_warnings] ? (p->n_warnings++, 0) : -1;
	}
	return -1;
}

void picture_free(struct picture *p)
{
	free(p->head);
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < LIVE_COLS; k++)
			free(p->v[i].cell[k]);
	for (size_t i = 0; i < p->n_warnings; i++)
		free(p->warnings[i]);
	free(p->v);
	free(p->warnings);
	*p = (struct picture){0};
}

/* Numbers: the most first; texts: A first; what isn't known comes last; equals by the first column.
 */
static int compare(const void *a, const void *b, void *arg)
{
	const struct live_line *x = a, *y = b;
	const struct look *look = arg;
	size_t c = (size_t)look->sort;
	double k = x->key[c], l = y->key[c];
	int n = isnan(k) && isnan(l) ? strcmp(x->cell[c], y->cell[c])
	        : isnan(k)           ? 1
	        : isnan(l)           ? -1
	        : k > l              ? -1
	                             : k < l;

	if (look->reverse)
		n = -n;
	return n ? n : strcmp(x->cell[0], y->cell[0]);
}

static void widths(const struct picture *p, const struct live *v, size_t out[static LIVE_COLS])
{
	for (size_t c = 0; c < v->n_cols; c++) {
		out[c] = strlen(v->cols[c].title);
		for (size_t i = 0; i < p->n; i++)
			if (strlen(p->v[i].cell[c]) > out[c])
				out[c] = strlen(p->v[i].cell[c]);
	}
}

static size_t total(const struct live *v, const size_t *width, const bool *out)
{
	size_t n = 0;

	for (size_t c = 0; c < v->n_cols; c++)
		n += out[c] ? 0 : width[c] + (n ? GAP : 0);
	return n;
}

/* What doesn't fit goes column by column; of the last one its end. */
static void leave_out(const struct live *v, const size_t *width, unsigned columns,
                      bool out[static LIVE_COLS])
{
	memset(out, 0, LIVE_COLS * sizeof *out);
	for (const char *p = v->leave_out; *p && total(v, width, out) > columns; p++)
		out[*p - '0'] = true;
}

static void text(struct buf *b, const char *s, size_t most)
{
	buf_add(b, s, strnlen(s, most));
}

static void line_end(struct buf *b)
{
	buf_str(b, "\033[K\r\n");
}

static void cells(struct buf *b, const struct live *v, const size_t *width, const bool *out,
                  const struct look *look, const struct live_line *l)
{
	static const char *const codes[] = {"", "\033[32m", "\033[33m", "\033[31m"};
	size_t at = 0;

	for (size_t c = 0; c < v->n_cols; c++) {
		const char *s = l ? l->cell[c] : v->cols[c].title;
		const char *code = l && look->colour ? codes[(size_t)l->colour[c]] : "";
		size_t len = strlen(s), room, pad;

		if (out[c])
			continue;
		if (at && at + GAP < look->columns)
			buf_str(b, "  ");
		at += at ? GAP : 0;
		/* Half a number would be another number. */
		if (at >= look->columns || (v->cols[c].right && at + width[c] > look->columns))
			break;
		room = look->columns - at;
		pad = width[c] - len;
		if (v->cols[c].right)
			buf_printf(b, "%*s", (int)pad, "");
		buf_str(b, code);
		text(b, s, room);
		buf_str(b, *code ? "\033[0m" : "");
		if (!v->cols[c].right && len < room)
			buf_printf(b, "%*s", (int)(pad < room - len ? pad : room - len), "");
		at += width[c];
	}
	line_end(b);
}

static void footer(struct buf *b, const struct picture *p, const struct live *v,
                   const struct look *look, size_t shown)
{
	struct buf f = {0};

	buf_printf(&f, "sort: %s%s (s, r)  q quit",
	           look->sort < 0 ? "as it comes" : v->cols[look->sort].title,
	           look->reverse ? ", reversed" : "");
	if (shown < p->n)
		buf_printf(&f, "  %zu-%zu of %zu", look->scroll + 1, look->scroll + shown, p->n);
	text(b, f.p ? f.p : "", look->columns);
	buf_str(b, "\033[K");
	buf_free(&f);
}

void picture_draw(struct picture *p, const struct live *v, struct look *look, struct buf *b)
{
	size_t width[LIVE_COLS], room, warned, shown;
	bool out[LIVE_COLS];

	if (look->sort >= 0 && p->n)
		qsort_r(p->v, p->n, sizeof *p->v, compare, look);
	widths(p, v, width);
	leave_out(v, width, look->columns, out);
	/* Head, titles and footer; a third for warnings, and one of these says how many more there
	 * are. */
	room = look->lines > 3 ? look->lines - 3 : 0;
	warned = p->n_warnings > room / 3 ? room / 3 : p->n_warnings;
	room -= warned;
	if (look->scroll + room > p->n)
		look->scroll = p->n > room ? p->n - room : 0;
	shown = p->n - look->scroll < room ? p->n - look->scroll : room;
	buf_str(b, "\033[H");
	text(b, p->head ? p->head : "gathering ...", look->columns);
	line_end(b);
	if (look->lines > 2)
		cells(b, v, width, out, look, NULL);
	for (size_t i = 0; i < shown; i++)
		cells(b, v, width, out, look, &p->v[look->scroll + i]);
	for (size_t i = 0; i < warned; i++) {
		if (i + 1 == warned && warned < p->n_warnings) {
			char more[64];

			snprintf(more, sizeof more, "! and %zu more: wsctl status",
			         p->n_warnings - i);
			text(b, more, look->columns);
		} else {
			buf_str(b, "! ");
			text(b, p->warnings[i], look->columns - 2);
		}
		line_end(b);
	}
	/* The footer stays at the bottom. */
	for (size_t i = shown + warned; i < room + warned; i++)
		line_end(b);
	footer(b, p, v, look, shown);
}
