/*
 * status_warn: what an operator should know about a picture of the cluster, one line each, with the
 * next step where it is certain. Pure: reads the picture only.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/control.h"
#include "../lib/num.h"
#include "../lib/version.h"
#include "cmd.h"
#include "members.h"
#include "status.h"
#include "table.h"

enum { REFUSED_RECENTLY_S = 600 };

struct out {
	void (*say)(void *arg, const char *line);
	void *arg;
};

static void tell(const struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct out *o, const char *fmt, ...)
{
	char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	if (line)
		o->say(o->arg, line);
	free(line);
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
		tell(o, "%s is removed and waits in HAProxy for its next reload", v->name);
	else if (!v->node && v->report)
		tell(o, "%s is on redis, but not in the cluster: wsctl add %s ADDRESS", v->name,
		     v->name);
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
			tell(o, "%s %s %s ago by %s: wsctl ready %s", v->name, state,
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
		tell(o, "%s has weight 0 and gets no new clients: wsctl weight %s 100", v->name,
		     v->name);
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
			tell(o, "%s old worker %ld, started %s ago, holds %s client%s", lb->name,
			     lb->old.v[i].pid, num_age(lb->old.v[i].uptime_s, age),
			     num_count(lb->old.v[i].tunnels, n),
			     lb->old.v[i].tunnels == 1 ? "" : "s");
	if (lb->ok && !lb->old_seen)
		tell(o, "%s: old workers can't be seen: no answer at %s", lb->name,
		     r->cfg->haproxy.master);
	if (lb->version[0] && strcmp(lb->version, WSCALE_VERSION) != 0)
		tell(o, "%s has wsctl %s, this host %s", lb->name, lb->version, WSCALE_VERSION);
}

void status_warn(const struct run *r, const struct status *s,
                 void (*say_line)(void *, const char *), void *arg)
{
	struct out o = {say_line, arg};

	for (size_t i = 0; i < s->n_lb; i++)
		if (!s->lb[i].ok)
			tell(&o, "%s", s->lb[i].why);
	if (!s->redis_ok)
		tell(&o, "%s", s->redis_why);
	for (size_t i = 0; i < s->n; i++) {
		membership(r, s, &s->v[i], &o);
		operational(s, &s->v[i], &o);
		weight(r, &s->v[i], &o);
		own_word(r, s, &s->v[i], &o);
	}
	for (size_t i = 0; i < s->n_lb; i++)
		balancer(r, &s->lb[i], &o);
}
