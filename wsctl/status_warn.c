/*
 * status_warn: what an operator should know about a picture of the cluster, one line each, with the
 * next step where it is certain. Pure: reads the picture only.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "../lib/control.h"
#include "../lib/num.h"
#include "../lib/version.h"
#include "cmd.h"
#include "members.h"
#include "status.h"
#include "table.h"

enum { REFUSED_RECENTLY_S = 600, FORGOTTEN_S = 24 * 3600, NAMED = 3 };

struct out {
	void (*say)(void *arg, const struct status_warning *);
	void *arg;
	const struct status_node *node; /* the one it is about now */
};

__attribute__((format(printf, 3, 0))) static void vtell(const struct out *o, bool planned,
                                                        const char *fmt, va_list ap)
{
	struct status_warning w = {.node = o->node, .planned = planned};
	char *line = NULL;

	if (vasprintf(&line, fmt, ap) < 0)
		return;
	w.line = line;
	o->say(o->arg, &w);
	free(line);
}

static void tell(const struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vtell(o, false, fmt, ap);
	va_end(ap);
}

/* Somebody wants it so; when planned is false it has been forgotten. */
static void note(const struct out *o, bool planned, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void note(const struct out *o, bool planned, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vtell(o, planned, fmt, ap);
	va_end(ap);
}

/* What it listens on, when that tells other hosts where it is. */
static const char *reachable(const char *listen)
{
	static const char *const nowhere[] = {":", "0.0.0.0:", "[::]:", "*:", "localhost:"};

	for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
		if (!strncmp(listen, nowhere[i], strlen(nowhere[i])))
			return "ADDRESS";
	return *listen ? listen : "ADDRESS";
}

static void membership(const struct run *r, const struct status *s, const struct status_node *v,
                       const struct out *o)
{
	char at[ENDPOINT_STR];

	for (size_t i = 0; s->n_lb > 1 && v->node && i < s->n_lb; i++)
		if (s->lb[i].ok && !(v->at && v->at[i].in_hap))
			tell(o, "%s is not on %s: wsctl apply", v->name, s->lb[i].name);
	if (s->n_lb == 1 && v->node && !v->in_hap && s->hap_ok)
		tell(o, "%s is not in HAProxy: wsctl add %s %s", v->name, v->name,
		     endpoint_str(&v->node->at, at));
	else if (!v->node && v->in_hap && !member_maint(&v->hap))
		tell(o, "%s is in HAProxy, not in %s; it is gone at the next reload", v->name,
		     r->cfg->path);
	else if (!v->node && v->in_hap)
		note(o, true, "%s is removed and waits in HAProxy for its next reload", v->name);
	else if (!v->node && v->report)
		tell(o, "%s is on redis, but not in the cluster: wsctl add %s %s", v->name, v->name,
		     reachable(reply_str(v->report, "listen")));
	if (v->answers > 1)
		tell(o, "%d processes are named %s; stop all but one", v->answers, v->name);
}

/* Out of service on some balancers and not on others; true when that was said. */
static bool apart(const struct status *s, const struct status_node *v, const struct out *o)
{
	const char *in = NULL, *out = NULL;

	for (size_t i = 0; v->at && i < s->n_lb; i++) {
		const struct status_at *at = &v->at[i];

		if (!at->in_hap)
			continue;
		if (member_drain(&at->hap) || member_maint(&at->hap))
			out = s->lb[i].name;
		else
			in = s->lb[i].name;
	}
	if (!in || !out)
		return false;
	tell(o, "%s is out of service on %s, but %s sends it clients: wsctl apply", v->name, out,
	     in);
	return true;
}

static void operational(const struct status *s, const struct status_node *v, const struct out *o)
{
	const char *state = status_state(v);
	char age[NUM_STR];

	if (v->rolled_by) {
		note(o, true, "%s is rolled by %s", v->name, v->rolled_by);
		return;
	}
	if (apart(s, v, o))
		return;
	if (v->in_hap && member_drain(&v->hap)) {
		if (v->note.state == STATE_READY)
			tell(o, "%s is in drain in HAProxy, not by wsctl: wsctl ready %s", v->name,
			     v->name);
		/* Redis was away when it should have been told. */
		else if (!strcmp(state, node_state_str(STATE_DRAINING)) &&
		         !strcmp(reply_str(v->report, "state"), CONTROL_READY))
			tell(o,
			     "%s: HAProxy sends it nobody new, but the node isn't draining: "
			     "wsctl drain %s (undo: wsctl ready %s)",
			     v->name, v->name, v->name);
		else
			note(o, s->now - v->note.since < FORGOTTEN_S,
			     "%s %s %s ago by %s: wsctl ready %s", v->name, state,
			     num_age(s->now - v->note.since, age),
			     v->note.by[0] ? v->note.by : "someone", v->name);
	} else if (v->in_hap && member_maint(&v->hap) && v->node) {
		tell(o, "%s is in maintenance in HAProxy: wsctl ready %s", v->name, v->name);
	} else if (v->in_hap && v->note.state != STATE_READY && v->note.state != STATE_REMOVED) {
		tell(o, "%s was %s by %s, but HAProxy sends it clients: wsctl %s %s", v->name,
		     node_state_str(v->note.state), v->note.by[0] ? v->note.by : "someone",
		     v->note.state == STATE_CORDONED ? "cordon" : "drain", v->name);
	}
}

/* In its row both look like any node's: ready, up, and no new clients. */
static void weight(const struct run *r, const struct status_node *v, const struct out *o)
{
	if (!v->node || !v->in_hap || member_drain(&v->hap) || member_maint(&v->hap))
		return;
	if (v->hap.uweight != v->node->weight)
		tell(o, "%s has weight %u in HAProxy, %u in %s: wsctl weight %s %u", v->name,
		     v->hap.uweight, v->node->weight, r->cfg->path, v->name, v->node->weight);
	else if (!v->node->weight)
		note(o, true, "%s has weight 0 and gets no new clients: wsctl weight %s 100",
		     v->name, v->name);
}

/* Clients are told nothing of it, unless they speak Centrifugo's protocol. */
static void refused(const struct status_node *v, const struct out *o)
{
	int64_t n = reply_int(v->report, "redis_errors", 0);
	int64_t age = reply_int(v->report, "redis_error_age_s", INT64_MAX);
	char count[NUM_STR], ago[NUM_STR];

	if (n > 0 && age >= 0 && age < REFUSED_RECENTLY_S)
		tell(o, "%s: redis refused %s message%s of its clients, the last %s ago: %s",
		     v->name, num_count((uint64_t)n, count), n == 1 ? "" : "s", num_age(age, ago),
		     reply_str(v->report, "redis_error"));
}

static void own_word(const struct run *r, const struct status *s, const struct status_node *v,
                     const struct out *o)
{
	const char *state = reply_str(v->report, "state"), *config = reply_str(v->report, "config");
	char hash[CONFIG_HASH], n[NUM_STR], t[24];

	/* Its process is between its end and its start, as it is meant to be. */
	if (!v->report && v->rolled_by)
		return;
	if (!v->report && (v->node || !member_maint(&v->hap)) && (s->redis_ok || v->node)) {
		if (v->in_hap && v->hap.scur && status_health(v) == HEALTH_DOWN)
			tell(o, "%s does not answer; its %s dead tunnel%s end%s within %s", v->name,
			     num_count(v->hap.scur, n), v->hap.scur == 1 ? "" : "s",
			     v->hap.scur == 1 ? "s" : "",
			     num_duration_str(3 * r->cfg->node.ping_ms, t));
		else
			tell(o, "%s does not answer%s%s", v->name, v->why ? ": " : "",
			     v->why ? v->why : "");
		return;
	}
	if (!v->report)
		return;
	if (!strcmp(state, CONTROL_UNAVAILABLE))
		tell(o, "%s can't deliver: %s", v->name, reply_str(v->report, "reason"));
	else if (!strcmp(state, CONTROL_READY) && status_health(v) == HEALTH_DOWN)
		tell(o,
		     "%s runs, but HAProxy's check fails: %s; is the address right, the port open?",
		     v->name, v->hap.check[0] ? v->hap.check : v->hap.status);
	else if ((!strcmp(state, CONTROL_DRAINING) || !strcmp(state, CONTROL_DRAINED) ||
	          !strcmp(state, CONTROL_STOPPING)) &&
	         v->in_hap && !member_drain(&v->hap) && !member_maint(&v->hap))
		tell(o, "%s itself is %s, not by wsctl drain%s%s", v->name, state,
		     strcmp(state, CONTROL_STOPPING) ? ": wsctl ready " : "",
		     strcmp(state, CONTROL_STOPPING) ? v->name : "");
	config_hash(r->cfg, hash);
	if (*config && strcmp(config, hash) != 0)
		tell(o,
		     "%s runs with other redis, auth or channels keys than %s has: copy it there, "
		     "then systemctl reload wsnode@%s",
		     v->name, r->cfg->path, v->name);
	refused(v, o);
}

static void balancer(const struct run *r, const struct status_balancer *lb, const struct out *o)
{
	char n[NUM_STR], age[NUM_STR];

	for (size_t i = 0; i < lb->old.n; i++)
		if (lb->old.v[i].tunnels)
			note(o, true,
			     "%s old worker %ld, started %s ago, holds %s client%s: wsctl retire "
			     "%s/%ld",
			     lb->name, lb->old.v[i].pid, num_age(lb->old.v[i].uptime_s, age),
			     num_count(lb->old.v[i].tunnels, n),
			     lb->old.v[i].tunnels == 1 ? "" : "s", lb->name, lb->old.v[i].pid);
		else if (lb->old.v[i].redis)
			note(o, true,
			     "%s old worker %ld, started %s ago, holds %s connection%s to Redis, which "
			     "no failover moves: wsctl retire %s/%ld",
			     lb->name, lb->old.v[i].pid, num_age(lb->old.v[i].uptime_s, age),
			     num_count(lb->old.v[i].redis, n), lb->old.v[i].redis == 1 ? "" : "s",
			     lb->name, lb->old.v[i].pid);
	if (lb->ok && !lb->old_seen)
		tell(o, "%s: old workers can't be seen: no answer at %s", lb->name,
		     r->cfg->haproxy.master);
	if (lb->version[0] && strcmp(lb->version, WSCALE_VERSION) != 0)
		note(o, true, "%s has wsctl %s, this host %s", lb->name, lb->version,
		     WSCALE_VERSION);
}

/* "1.2 (ws1, ws2 and 7 more)" for a version that some run. */
static void runs(const struct status *s, const char *version, struct buf *b)
{
	size_t n = 0;

	buf_printf(b, "%s%s (", b->len ? ", " : "", version);
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].node && !strcmp(reply_str(s->v[i].report, "version"), version) &&
		    n++ < NAMED)
			buf_printf(b, "%s%s", n > 1 ? ", " : "", s->v[i].name);
	if (n > NAMED)
		buf_printf(b, " and %zu more", n - NAMED);
	buf_str(b, ")");
}

/* In the middle of an upgrade, or one node was left behind. */
static void versions(const struct status *s, const struct out *o)
{
	const char *seen[NAMED + 1];
	struct buf b = {0};
	size_t n = 0, k;

	for (size_t i = 0; i < s->n && n < sizeof seen / sizeof *seen; i++) {
		const char *v = reply_str(s->v[i].report, "version");

		for (k = 0; k < n && strcmp(seen[k], v) != 0; k++)
			;
		if (s->v[i].node && *v && k == n)
			seen[n++] = v;
	}
	for (k = 0; k < n && n > 1; k++)
		runs(s, seen[k], &b);
	if (b.len && !b.oom)
		note(o, true, "the nodes run different versions: %s", b.p);
	buf_free(&b);
}

void status_warn(const struct run *r, const struct status *s,
                 void (*say_line)(void *, const struct status_warning *), void *arg)
{
	struct out o = {say_line, arg, NULL};

	for (size_t i = 0; i < s->n_lb; i++)
		if (!s->lb[i].ok)
			tell(&o, "%s", s->lb[i].why);
	if (!s->redis_ok)
		tell(&o, "%s", s->redis_why);
	for (size_t i = 0; i < s->n; i++) {
		o.node = &s->v[i];
		membership(r, s, &s->v[i], &o);
		operational(s, &s->v[i], &o);
		weight(r, &s->v[i], &o);
		own_word(r, s, &s->v[i], &o);
	}
	o.node = NULL;
	versions(s, &o);
	for (size_t i = 0; i < s->n_lb; i++)
		balancer(r, &s->lb[i], &o);
}
