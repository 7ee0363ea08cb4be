/*
 * errs: the list of errors. Messages quote what stands in files, so control bytes are escaped here,
 * once, for everyone. Must know neither files nor programs.
 */
#include "errs.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MSG_MAX = 1024 }; /* longer messages are cut: they quote something absurd */

/* Escapes control bytes; at most four bytes out for one in. */
static char *escaped(const char *s)
{
	char *out = malloc(strlen(s) * 4 + 1), *o = out;
	if (!out)
		abort();
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c < 0x20 || c == 0x7f)
			o += sprintf(o, "\\x%02x", c);
		else
			*o++ = *s;
	}
	*o = '\0';
	return out;
}

void errs_add(struct errs *e, int line, int col, const char *fmt, ...)
{
	if (e->n == e->cap) {
		size_t cap = e->cap ? e->cap * 2 : 8;
		struct err *v = realloc(e->v, cap * sizeof *v);
		if (!v)
			abort();
		e->v = v;
		e->cap = cap;
	}
	char text[MSG_MAX];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text[0] = '\0';
	else if ((size_t)n >= sizeof text)
		memcpy(text + sizeof text - 4, "...", 4);
	e->v[e->n++] = (struct err){.line = line, .col = col, .msg = escaped(text)};
}

static int before(const struct err *a, const struct err *b)
{
	return a->line != b->line ? a->line < b->line : a->col < b->col;
}

/* Merge sort into tmp and back: stable, which qsort is not. */
static void sort(struct err *v, struct err *tmp, size_t n)
{
	if (n < 2)
		return;
	size_t half = n / 2, i = 0, j = half, k = 0;
	sort(v, tmp, half);
	sort(v + half, tmp, n - half);
	while (i < half && j < n)
		tmp[k++] = before(&v[j], &v[i]) ? v[j++] : v[i++];
	while (i < half)
		tmp[k++] = v[i++];
	while (j < n)
		tmp[k++] = v[j++];
	memcpy(v, tmp, n * sizeof *v);
}

void errs_sort(struct errs *e)
{
	if (e->n < 2)
		return;
	struct err *tmp = malloc(e->n * sizeof *tmp);
	if (!tmp)
		abort();
	sort(e->v, tmp, e->n);
	free(tmp);
}

void errs_print(const struct errs *e, FILE *f, const char *program, const char *file)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct err *x = &e->v[i];
		fprintf(f, "%s: ", program);
		if (file && x->line)
			fprintf(f, "%s:%d:%d: ", file, x->line, x->col);
		else if (file)
			fprintf(f, "%s: ", file);
		fprintf(f, "%s\n", x->msg);
	}
}

void errs_free(struct errs *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->v[i].msg);
	free(e->v);
	*e = (struct errs){0};
}
