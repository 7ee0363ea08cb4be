/*
 * plan_print: a plan as people and programs read it. Changes nothing and asks nobody.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "cmd.h"
#include "plan_gather.h"

enum { NAME_MOST = 24, WHAT_MOST = 40 };

static const struct kind {
	char sign;
	const char *word;
} kinds[] = {
	[PLAN_ADD] = {'+', "add"},       [PLAN_READDRESS] = {'~', "change"},
	[PLAN_WEIGHT] = {'~', "change"}, [PLAN_MAXCONN] = {'~', "change"},
	[PLAN_READY] = {'~', "change"},  [PLAN_DRAIN] = {'~', "change"},
	[PLAN_REMOVE] = {'-', "remove"}, [PLAN_LEFTOVER] = {'-', "remove"},
	[PLAN_FILE] = {'~', "file"},     [PLAN_STATE] = {'~', "file"},
	[PLAN_RELOAD] = {'!', "reload"}, [PLAN_KEPT] = {' ', "kept"},
};

/* " on lb2", where it isn't so on all that were asked. */
static void where(const struct plan_line *l, const struct fleet *f, char out[static 128])
{
	uint32_t asked = 0;
	size_t at = 0;

	for (size_t i = 0; i < f->n; i++)
		asked |= f->v[i].why[0] ? 0 : UINT32_C(1) << i;
	out[0] = '\0';
	if (f->n == 1 || (l->on & asked) == asked)
		return;
	for (size_t i = 0; i < f->n && at < 128; i++)
		if (l->on & UINT32_C(1) << i)
			at += (size_t)snprintf(out + at, 128 - at, "%s%s", at ? ", " : " on ",
			                       f->v[i].name);
}

static int widest(const struct plan *p, bool name, int most)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct plan_line *l = &p->v[i];
		size_t len = strlen(name ? l->name : l->what);

		if ((name || l->how[0]) && len > n)
			n = len;
	}
	return n > (size_t)most ? most : (int)n;
}

/* A reload is one, however many lines ask for it. */
static size_t of_kind(const struct plan *p, const char *word)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += !strcmp(kinds[p->v[i].todo].word, word);
	return n && !strcmp(word, "reload") ? 1 : n;
}

char *plan_sum(const struct plan *p)
{
	static const char *const words[] = {"add", "change", "remove", "file", "reload"};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = of_kind(p, words[i]);

		if (n)
			buf_printf(&b, "%s%zu %s%s", b.len ? ", " : "", n, words[i],
			           n == 1 ? "" : "s");
	}
	return buf_take(&b);
}

void plan_print(const struct plan *p, const struct fleet *f)
{
	int name = widest(p, true, NAME_MOST), what = widest(p, false, WHAT_MOST);

	for (int kept = 0; kept < 2; kept++)
		for (size_t i = 0; i < p->n; i++) {
			const struct plan_line *l = &p->v[i];
			char on[128], line[640];

			if ((l->todo == PLAN_KEPT) != kept)
				continue;
			where(l, f, on);
			if (l->how[0])
				snprintf(line, sizeof line, "%c %-*s  %-*s  (%s)%s",
				         kinds[l->todo].sign, name, l->name, what, l->what, l->how,
				         on);
			else
				snprintf(line, sizeof line, "%c %-*s  %s%s", kinds[l->todo].sign,
				         name, l->name, l->what, on);
			tame(line);
			puts(line);
		}
}

static json_t *line_json(const struct plan_line *l, const struct fleet *f)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "kind", kinds[l->todo].word, "name", l->name,
	                      "what", l->what, "how", l->how),
	       *on = json_array();

	for (size_t i = 0; i < f->n; i++)
		if (l->on & UINT32_C(1) << i)
			json_array_append_new(on, json_string(f->v[i].name));
	json_object_set_new(o, "balancers", on);
	return o;
}

json_t *plan_json(const struct plan *p, const struct fleet *f)
{
	json_t *o = json_object(), *all = json_array(), *kept = json_array(), *away = json_array();

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(p->v[i].todo == PLAN_KEPT ? kept : all,
		                      line_json(&p->v[i], f));
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].why[0])
			json_array_append_new(away, json_pack("{s:s, s:s}", "balancer",
			                                      f->v[i].name, "error", f->v[i].why));
	json_object_set_new(o, "same", json_boolean(!plan_differs(p)));
	json_object_set_new(o, "adds", json_integer((json_int_t)of_kind(p, "add")));
	json_object_set_new(o, "changes", json_integer((json_int_t)of_kind(p, "change")));
	json_object_set_new(o, "removes", json_integer((json_int_t)of_kind(p, "remove")));
	json_object_set_new(o, "files", json_integer((json_int_t)of_kind(p, "file")));
	json_object_set_new(o, "reloads", json_integer((json_int_t)of_kind(p, "reload")));
	json_object_set_new(o, "differences", all);
	json_object_set_new(o, "kept", kept);
	json_object_set_new(o, "away", away);
	return o;
}
