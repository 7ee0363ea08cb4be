/*
 * plan_lines: where two rendered texts part, in words: "bind :80 -> :8080". The nodes are left
 * out, and so is what follows from the rest (hashes, comments). Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "table.h"

enum { SHOWN = 8, LINES_MAX = 4096 };

struct line {
	const char *p;
	size_t len;     /* without its indentation, of whichever kind */
	size_t section; /* how many section lines stand before it */
	bool matched;
};

/* Nodes come and go over the socket; what a listen section names does not. */
static bool counts(const char *p, size_t len, bool listen)
{
	static const char *const without[] = {"#", "description wscale ", "id ", "server "};

	for (size_t i = 0; i + listen < sizeof without / sizeof *without; i++)
		if (!strncmp(p, without[i], strlen(without[i])))
			return false;
	return len > 0;
}

static size_t cut(const char *text, struct line *out)
{
	size_t n = 0, section = 0;
	bool listen = false;

	for (const char *p = text; p && *p && n < LINES_MAX;) {
		size_t len = strcspn(p, "\n"), tab = strspn(p, " \t");

		if (len && !tab && *p != '#') {
			section++;
			listen = !strncmp(p, "listen ", 7);
		}
		if (tab <= len && counts(p + tab, len - tab, listen))
			out[n++] = (struct line){p + tab, len - tab, section, false};
		p += len + (p[len] == '\n');
	}
	return n;
}

static bool same(const struct line *a, const struct line *b)
{
	return a->section == b->section && a->len == b->len && !memcmp(a->p, b->p, a->len);
}

/* "timeout tunnel", "http-request deny": keywords of which the second word says which. */
static size_t keyword(const struct line *l)
{
	static const char *const pairs[] = {"timeout ",    "option ", "http-request ",
	                                    "http-check ", "stats ",  "stick-table ",
	                                    "tcp-check ",  "server ", "load-server-state"};
	size_t n = 0;

	while (n < l->len && l->p[n] != ' ')
		n++;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (!strncmp(l->p, pairs[i], strlen(pairs[i])) && n < l->len)
			for (n++; n < l->len && l->p[n] != ' ';)
				n++;
	return n;
}

static bool of_a_kind(const struct line *a, const struct line *b)
{
	size_t n = keyword(a);

	return a->section == b->section && n == keyword(b) && !memcmp(a->p, b->p, n);
}

/* What stands behind the keyword; what is too long for a line is cut. */
static void value(const struct line *l, char out[static 64])
{
	enum { MOST = 28 };
	size_t at = keyword(l), len;

	while (at < l->len && l->p[at] == ' ')
		at++;
	len = l->len - at;
	snprintf(out, 64, "%.*s%s", (int)(len > MOST ? MOST - 3 : len), l->p + at,
	         len > MOST ? "..." : "");
}

static void how_many(uint64_t tunnels, char out[static 96])
{
	char n[NUM_STR];

	if (tunnels)
		snprintf(out, 96, "reload; %s stay%s on the old worker", num_count(tunnels, n),
		         tunnels == 1 ? "s" : "");
	else
		snprintf(out, 96, "reload");
}

static void tell(const struct line *from, const struct line *to, uint32_t on, const char *how,
                 struct plan *p)
{
	const struct line *l = to ? to : from;
	char name[40], a[64] = "", b[64] = "";

	snprintf(name, sizeof name, "%.*s", (int)keyword(l), l->p);
	if (from)
		value(from, a);
	if (to)
		value(to, b);
	if (from && to)
		plan_add(p, PLAN_RELOAD, on, name, how, "%s -> %s", *a ? a : "(nothing)",
		         *b ? b : "(nothing)");
	else
		plan_add(p, PLAN_RELOAD, on, name, how, "%s%s%s", to ? "new" : "goes",
		         *(to ? b : a) ? ": " : "", to ? b : a);
}

void plan_lines(const char *have, const char *want, uint32_t on, uint64_t tunnels, struct plan *p)
{
	struct line *a = calloc(2 * LINES_MAX, sizeof *a), *b = a ? a + LINES_MAX : NULL;
	size_t n_a, n_b, at = 0, shown = 0, more = 0;
	char how[96], n[NUM_STR];

	how_many(tunnels, how);
	if (!a) {
		p->oom = true;
		return;
	}
	if (!have) {
		plan_add(p, PLAN_RELOAD, on, "haproxy", how, "has loaded another file than this");
		goto out;
	}
	n_a = cut(have, a);
	n_b = cut(want, b);
	for (size_t i = 0; i < n_b; i++)
		for (size_t j = 0; j < n_a && !b[i].matched; j++) {
			/* Most lines are where they were: the search begins behind the last match.
			 */
			size_t k = (at + j) % n_a;

			if (a[k].matched || !same(&a[k], &b[i]))
				continue;
			a[k].matched = b[i].matched = true;
			at = k + 1;
		}
	for (size_t i = 0; i < n_b; i++) {
		struct line *from = NULL;

		for (size_t j = 0; j < n_a && !from && !b[i].matched; j++)
			if (!a[j].matched && of_a_kind(&a[j], &b[i]))
				from = &a[j];
		if (from)
			from->matched = true;
		if (!b[i].matched && shown++ < SHOWN)
			tell(from, &b[i], on, how, p);
		else if (!b[i].matched)
			more++;
	}
	for (size_t j = 0; j < n_a; j++) {
		if (!a[j].matched && shown++ < SHOWN)
			tell(&a[j], NULL, on, how, p);
		else if (!a[j].matched)
			more++;
	}
	if (more)
		plan_add(p, PLAN_RELOAD, on, "and", how, "%s more lines", num_count(more, n));
out:
	free(a);
}
