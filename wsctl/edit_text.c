/*
 * edit_text: splices, lines, and how a pair is put into a YAML mapping or taken out of it, in the
 * style that the mapping has. Knows YAML's layout, not the configuration; whoever uses it parses
 * the result again, so a case overlooked here is refused there.
 */
#include "edit_text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void change_add(struct change *c, size_t at, size_t del, const char *fmt, ...)
{
	char *ins = NULL;
	va_list ap;

	if (c->n == (int)(sizeof c->v / sizeof *c->v)) {
		c->failed = true;
		return;
	}
	va_start(ap, fmt);
	if (vasprintf(&ins, fmt, ap) < 0)
		ins = NULL;
	va_end(ap);
	if (!ins) {
		c->failed = true;
		return;
	}
	/* In order of place; of two at the same place the earlier stays first. */
	int i = c->n++;
	for (; i > 0 && c->v[i - 1].at > at; i--)
		c->v[i] = c->v[i - 1];
	c->v[i] = (struct splice){.at = at, .del = del, .ins = ins};
}

void change_cut(struct change *c, size_t at, size_t del)
{
	change_add(c, at, del, "%s", "");
}

char *change_apply(struct change *c)
{
	size_t size = c->len + 1, from = 0, o = 0;

	for (int i = 0; i < c->n; i++)
		size += strlen(c->v[i].ins);
	char *out = c->failed ? NULL : malloc(size);
	if (!out)
		return NULL;
	for (int i = 0; i < c->n; i++) {
		const struct splice *s = &c->v[i];
		if (s->at < from || s->at > c->len || s->del > c->len - s->at) {
			free(out);
			return NULL;
		}
		memcpy(out + o, c->text + from, s->at - from);
		o += s->at - from;
		memcpy(out + o, s->ins, strlen(s->ins));
		o += strlen(s->ins);
		from = s->at + s->del;
	}
	memcpy(out + o, c->text + from, c->len - from);
	out[o + c->len - from] = '\0';
	return out;
}

void change_free(struct change *c)
{
	for (int i = 0; i < c->n; i++)
		free(c->v[i].ins);
	c->n = 0;
}

static bool is_end(char ch)
{
	return ch == '\n' || ch == '\r';
}

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t';
}

size_t line_start(const struct change *c, size_t at)
{
	while (at > 0 && !is_end(c->text[at - 1]))
		at--;
	return at;
}

size_t line_end(const struct change *c, size_t at)
{
	while (at < c->len && !is_end(c->text[at]))
		at++;
	return at;
}

size_t line_after(const struct change *c, size_t at)
{
	at = line_end(c, at);
	if (at < c->len && c->text[at] == '\r')
		return at + 1 < c->len && c->text[at + 1] == '\n' ? at + 2 : at + 1;
	return at < c->len ? at + 1 : at;
}

const char *line_mark(const struct change *c, size_t at)
{
	size_t e = line_end(c, at);
	if (e == c->len)
		e = line_end(c, 0);
	if (e == c->len || c->text[e] == '\n')
		return "\n";
	return e + 1 < c->len && c->text[e + 1] == '\n' ? "\r\n" : "\r";
}

bool blank_between(const struct change *c, size_t from, size_t to)
{
	for (; from < to; from++)
		if (!is_blank(c->text[from]))
			return false;
	return true;
}

bool nothing_follows(const struct change *c, size_t at)
{
	size_t from = at;
	while (at < c->len && is_blank(c->text[at]))
		at++;
	if (at == c->len || is_end(c->text[at]))
		return true;
	/* A "#" that touches what stands before it begins no comment, except behind a comma. */
	return c->text[at] == '#' && (at > from || (from > 0 && c->text[from - 1] == ','));
}

bool first_on_line(const struct change *c, size_t at)
{
	return blank_between(c, line_start(c, at), at);
}

struct gap gap_scan(const struct change *c, size_t from, size_t to)
{
	struct gap g = {.comma = SIZE_MAX};

	for (size_t i = from; i < to; i++) {
		if (c->text[i] == '#') {
			g.comment = true;
			i = line_end(c, i);
		}
		if (i < to && is_end(c->text[i]))
			g.lines = true;
		else if (i < to && c->text[i] == ',')
			g.comma = i;
	}
	return g;
}

bool ynode_anchored(const struct change *c, const struct ynode *n)
{
	return n->start < c->len && c->text[n->start] == '&';
}

bool ynode_block_scalar(const struct change *c, const struct ynode *n)
{
	return n->kind == Y_SCALAR && !n->plain && n->start < c->len &&
	       (c->text[n->start] == '|' || c->text[n->start] == '>');
}

/* Whether the value is a block scalar, or ends with one: where it ends, the next thing has begun.
 */
static bool ends_loosely(const struct change *c, const struct yitem *it)
{
	while (!it->alias && it->value->kind != Y_SCALAR && !it->value->flow && it->value->n_items)
		it = &it->value->items[it->value->n_items - 1];
	return !it->alias && ynode_block_scalar(c, it->value);
}

static int append_flow(struct change *c, const struct ynode *map, const char *pair)
{
	const struct yitem *last = &map->items[map->n_items - 1];
	size_t key = last->key->start, end = last->at_end;
	struct gap g = gap_scan(c, end, map->end - 1);
	size_t behind = g.comma == SIZE_MAX ? end : g.comma + 1;

	/* One item a line, and the closing brace on a line of its own. */
	if (first_on_line(c, key) && g.lines && nothing_follows(c, behind)) {
		size_t start = line_start(c, key);
		if (g.comma == SIZE_MAX)
			change_add(c, end, 0, ",");
		change_add(c, line_end(c, behind), 0, "%s%.*s%s%s", line_mark(c, key),
		           (int)(key - start), c->text + start, pair,
		           g.comma == SIZE_MAX ? "" : ",");
		return 0;
	}
	if (g.comma == SIZE_MAX)
		change_add(c, end, 0, ", %s", pair);
	else
		change_add(c, behind, 0, " %s,", pair);
	return 0;
}

static int append_block(struct change *c, const struct ynode *map, const char *pair)
{
	const struct yitem *last = &map->items[map->n_items - 1];
	size_t key = last->key->start, start = line_start(c, key);

	if (ends_loosely(c, last) || !first_on_line(c, key) || !nothing_follows(c, last->at_end))
		return -1;
	change_add(c, line_end(c, last->at_end), 0, "%s%.*s%s", line_mark(c, last->at_end),
	           (int)(key - start), c->text + start, pair);
	return 0;
}

int change_append(struct change *c, const struct ynode *map, const char *pair)
{
	return map->flow ? append_flow(c, map, pair) : append_block(c, map, pair);
}

/* Whole lines; when they are the text's last and end with nothing, so will the line before them. */
static void cut_lines(struct change *c, size_t from, size_t to)
{
	size_t a = line_start(c, from), b = line_after(c, to);

	if (b == line_end(c, to) && a > 0) {
		a--;
		if (a > 0 && c->text[a] == '\n' && c->text[a - 1] == '\r')
			a--;
	}
	change_cut(c, a, b - a);
}

static int remove_flow(struct change *c, const struct ynode *map, size_t i)
{
	const struct yitem *it = &map->items[i];
	bool last = i + 1 == map->n_items;
	size_t start = it->key->start, end = it->at_end;
	struct gap after = gap_scan(c, end, last ? map->end - 1 : it[1].key->start);
	struct gap before = {.comma = SIZE_MAX};
	bool own_comma = after.comma != SIZE_MAX;
	size_t behind = own_comma ? after.comma + 1 : end;

	if (i > 0)
		before = gap_scan(c, it[-1].at_end, start);
	if (own_comma && gap_scan(c, end, after.comma).comment)
		return -1; /* a comment stands before the comma: whose is it? */
	if (first_on_line(c, start) && nothing_follows(c, behind) && after.lines) {
		if (!own_comma && before.comma != SIZE_MAX)
			change_cut(c, before.comma, 1);
		cut_lines(c, start, behind);
		return 0;
	}
	if (own_comma && last && before.comma != SIZE_MAX && !before.comment && !before.lines) {
		change_cut(c, before.comma, after.comma - before.comma);
		return 0;
	}
	if (own_comma) {
		while (behind < c->len && is_blank(c->text[behind]))
			behind++;
		/* The last of its line: the blanks before it go, those behind it are none. */
		if (behind < c->len && is_end(c->text[behind]))
			while (start > 0 && is_blank(c->text[start - 1]))
				start--;
		change_cut(c, start, behind - start);
		return 0;
	}
	if (before.comma == SIZE_MAX)
		return -1;
	if (!before.comment && !before.lines) {
		change_cut(c, before.comma, end - before.comma);
		return 0;
	}
	change_cut(c, before.comma, 1);
	change_cut(c, start, end - start);
	return 0;
}

static int remove_block(struct change *c, const struct ynode *map, size_t i)
{
	const struct yitem *it = &map->items[i];

	if (ends_loosely(c, it) || !first_on_line(c, it->key->start) ||
	    !nothing_follows(c, it->at_end))
		return -1;
	cut_lines(c, it->key->start, it->at_end);
	return 0;
}

int change_remove(struct change *c, const struct ynode *map, size_t item)
{
	return map->flow ? remove_flow(c, map, item) : remove_block(c, map, item);
}
