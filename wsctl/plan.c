/*
 * plan: the comparison. Membership and policy are the YAML's, cordons and drains the state file's;
 * whatever HAProxy has beyond that is a difference. Pure.
 */
#include "plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/grow.h"
#include "members.h"
#include "table.h"

static const char runtime[] = "runtime";

void plan_add(struct plan *p, enum plan_do todo, uint32_t on, const char *name, const char *how,
              const char *fmt, ...)
{
	struct plan_line l = {.todo = todo, .on = on}, *v;
	va_list ap;

	snprintf(l.name, sizeof l.name, "%s", name);
	snprintf(l.how, sizeof l.how, "%s", how);
	va_start(ap, fmt);
	vsnprintf(l.what, sizeof l.what, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < p->n; i++) {
		v = &p->v[i];
		if (v->todo == todo && !strcmp(v->name, l.name) && !strcmp(v->what, l.what)) {
			v->on |= on;
			return;
		}
	}
	v = grow(p->v, p->n, sizeof *v);
	if (!v) {
		p->oom = true;
		return;
	}
	p->v = v;
	v[p->n++] = l;
}

void plan_free(struct plan *p)
{
	free(p->v);
	*p = (struct plan){0};
}

size_t plan_count(const struct plan *p, enum plan_do todo)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].todo == todo;
	return n;
}

bool plan_differs(const struct plan *p)
{
	return p->n != plan_count(p, PLAN_KEPT);
}

static const char *clock_text(int64_t when, int64_t now, char out[static 32])
{
	time_t t = (time_t)when;
	struct tm tm;

	out[0] = '\0';
	if (localtime_r(&t, &tm))
		strftime(out, 32, now - when < 86400 && when <= now ? "%H:%M" : "%Y-%m-%d", &tm);
	return out;
}

/* What an operator did for a while, and what HAProxy makes of it. */
static void state(const struct plan_live *l, const struct hap_server *s,
                  const struct node_note *note, struct plan *p)
{
	uint32_t on = UINT32_C(1) << l->i;
	bool out = member_drain(s) && !member_maint(s);
	char at[32];

	if (!note || note->state == STATE_READY) {
		if (member_maint(s))
			plan_add(p, PLAN_READY, on, s->name, runtime,
			         "maintenance -> ready, no note says so");
		else if (out)
			plan_add(p, PLAN_READY, on, s->name, runtime,
			         "drain -> ready, no note says so");
		return;
	}
	plan_add(p, out ? PLAN_KEPT : PLAN_DRAIN, on, s->name, out ? "" : runtime,
	         "%s%s by %s %s%s", out ? "" : "ready -> drain, ", node_state_str(note->state),
	         note->by[0] ? note->by : "someone", clock_text(note->since, l->now, at),
	         out ? ", kept" : "");
}

/* Who was away when a note was written has an older one, or none. */
static void note(const struct plan_live *l, const char *node, struct plan *p)
{
	const struct node_note *own = statefile_get(&l->notes, node),
			       *agreed = statefile_get(l->agreed, node);
	enum node_state is = own ? own->state : STATE_READY,
			should = agreed ? agreed->state : STATE_READY;

	if (is != should)
		plan_add(p, PLAN_STATE, UINT32_C(1) << l->i, node, "file",
		         "the state file says %s, not %s", node_state_str(is),
		         node_state_str(should));
}

static void server(const struct config *cfg, const struct config_node *n, const struct plan_live *l,
                   struct plan *p)
{
	const struct hap_server *s = hap_server(&l->servers, n->name);
	uint32_t on = UINT32_C(1) << l->i;
	uint32_t maxconn = n->maxconn ? n->maxconn : cfg->node.max_clients;
	char at[ENDPOINT_STR];

	endpoint_str(&n->at, at);
	if (!s) {
		plan_add(p, PLAN_ADD, on, n->name, runtime, "%s", at);
		return;
	}
	if (!hap_server_at(s, &n->at)) {
		char was[HAP_ADDRESS];

		plan_add(p, PLAN_READDRESS, on, n->name, "runtime; drains it first",
		         "address %s -> %s", hap_server_address(s, was), at);
		return;
	}
	if (s->uweight != n->weight)
		plan_add(p, PLAN_WEIGHT, on, n->name, runtime, "weight %u -> %u", s->uweight,
		         n->weight);
	if (s->maxconn != maxconn)
		plan_add(p, PLAN_MAXCONN, on, n->name, runtime, "maxconn %llu -> %u",
		         (unsigned long long)s->maxconn, maxconn);
	state(l, s, statefile_get(l->agreed, n->name), p);
}

static void extra(const struct config *cfg, const struct plan_live *l, struct plan *p)
{
	uint32_t on = UINT32_C(1) << l->i;
	const struct rate *pace = &cfg->node.drain.rate;

	for (size_t i = 0; i < l->servers.n; i++) {
		const struct hap_server *s = &l->servers.v[i];
		uint64_t clients = s->scur + (l->old ? l->old[i] : 0);
		double seconds = pace->count ? (double)clients * (double)pace->per_ms / 1000 /
		                                       (double)pace->count
		                             : 0;
		char n[NUM_STR], t[NUM_STR];

		if (config_node(cfg, s->name))
			continue;
		if (member_maint(s) && !clients)
			plan_add(p, PLAN_LEFTOVER, on, s->name, runtime,
			         "removed, still in maintenance");
		else
			plan_add(p, PLAN_REMOVE, on, s->name,
			         l->may_remove ? "runtime; drains it first"
			                       : "runtime; needs --allow-remove",
			         "%s client%s, %s drain", num_count(clients, n),
			         clients == 1 ? "" : "s", num_age((int64_t)(seconds + 0.99), t));
	}
	for (size_t i = 0; i < l->notes.n; i++)
		if (!config_node(cfg, l->notes.v[i].node) &&
		    !hap_server(&l->servers, l->notes.v[i].node))
			plan_add(p, PLAN_STATE, on, l->notes.v[i].node, "file",
			         "the state file has a note of it, nobody else knows it");
}

static uint64_t tunnels(const struct plan_live *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->servers.n; i++)
		n += l->servers.v[i].scur;
	return n;
}

/* What is loaded, where it isn't what the YAML gives. */
static void worker(const struct config *cfg, const char *want, const struct plan_live *l,
                   struct plan *p)
{
	uint32_t on = UINT32_C(1) << l->i;
	size_t before = p->n;

	if (!l->reached || (l->backend && l->loaded))
		return;
	if (!l->backend) {
		plan_add(p, PLAN_RELOAD, on, "haproxy", "reload", "has no backend %s yet",
		         cfg->haproxy.backend);
		return;
	}
	if (l->file && l->is == RENDERED_OURS)
		plan_lines(l->file, want, on, tunnels(l), p);
	if (p->n == before)
		plan_lines(NULL, want, on, tunnels(l), p);
}

static bool any(const struct plan *p, uint32_t on)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].todo != PLAN_KEPT && p->v[i].on & on)
			return true;
	return false;
}

/* That the file is behind goes without saying where something else is. */
static void file(const struct config *cfg, const char *want, const struct plan_live *l,
                 struct plan *p)
{
	const char *path = cfg->haproxy.file;
	uint32_t on = UINT32_C(1) << l->i;

	if (!l->file)
		plan_add(p, PLAN_FILE, on, "file", "file", "%s is missing", path);
	else if (l->is == RENDERED_EDITED)
		plan_add(p, PLAN_FILE, on, "file", "file; needs --overwrite",
		         "%s is edited by hand", path);
	else if (l->is == RENDERED_FOREIGN && l->pristine)
		plan_add(p, PLAN_FILE, on, "file", "file", "%s is the package's own", path);
	else if (l->is == RENDERED_FOREIGN)
		plan_add(p, PLAN_FILE, on, "file", "file; needs --overwrite",
		         "%s is not written by wsctl", path);
	else if (strcmp(l->file, want) != 0 && !any(p, on))
		plan_add(p, PLAN_FILE, on, "file", "file", "%s is behind the YAML", path);
}

void plan_compare(const struct config *cfg, const char *want, const struct plan_live *l,
                  struct plan *p)
{
	if (l->reached && l->backend) {
		for (size_t i = 0; i < cfg->n_nodes; i++)
			server(cfg, &cfg->nodes[i], l, p);
		extra(cfg, l, p);
	}
	for (size_t i = 0; i < cfg->n_nodes; i++)
		note(l, cfg->nodes[i].name, p);
	worker(cfg, want, l, p);
	file(cfg, want, l, p);
}
