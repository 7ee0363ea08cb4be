/*
 * status_json: a picture of the cluster as --json prints it. Keys are only ever added.
 */
#include <jansson.h>

#include "cmd.h"
#include "members.h"
#include "status.h"
#include "status_text.h"

static json_t *int_or_null(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *rate_or_null(double n)
{
	return n < 0 ? json_null() : json_real(n);
}

static json_t *text_or_null(const char *s)
{
	return *s ? json_string(s) : json_null();
}

/* The node on each balancer. */
static json_t *at_json(const struct status *s, const struct status_node *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_lb; i++) {
		const struct status_at *at = v->at ? &v->at[i] : NULL;

		if (!at || !at->in_hap)
			continue;
		json_array_append_new(list,
		                      json_pack("{s:s, s:s, s:s, s:b, s:I, s:I}", "balancer",
		                                s->lb[i].name, "status", at->hap.status, "check",
		                                at->hap.check, "serving", member_serving(&at->hap),
		                                "weight", (json_int_t)at->hap.uweight,
		                                "connections", (json_int_t)at->hap.scur));
	}
	return list;
}

static json_t *node_json(const struct status *s, const struct status_node *v)
{
	static const char *const health[] = {"up", "leaving", "down", "none"};
	char at[ENDPOINT_STR];
	json_t *o = json_object();

	status_address(v, at);
	json_object_set_new(o, "name", json_string(v->name));
	json_object_set_new(o, "address", json_string(at));
	json_object_set_new(o, "in_config", json_boolean(v->node != NULL));
	json_object_set_new(o, "in_haproxy", json_boolean(v->in_hap));
	json_object_set_new(o, "state", json_string(status_state(v)));
	json_object_set_new(o, "state_since",
	                    v->note.since ? json_integer(v->note.since) : json_null());
	json_object_set_new(o, "state_by", text_or_null(v->note.by));
	json_object_set_new(o, "rolled_by", text_or_null(v->rolled_by ? v->rolled_by : ""));
	json_object_set_new(o, "health", json_string(health[status_health(v)]));
	json_object_set_new(o, "check", text_or_null(v->hap.check));
	json_object_set_new(o, "serving", json_boolean(status_serving(v)));
	json_object_set_new(o, "weight", v->in_hap ? json_integer(v->hap.uweight) : json_null());
	json_object_set_new(o, "connections", int_or_null(v->in_hap ? (int64_t)v->hap.scur : -1));
	json_object_set_new(o, "answers", json_boolean(v->report != NULL));
	json_object_set_new(o, "node_state", text_or_null(reply_str(v->report, "state")));
	json_object_set_new(o, "node_version", text_or_null(reply_str(v->report, "version")));
	json_object_set_new(o, "start_id", text_or_null(reply_str(v->report, "start_id")));
	json_object_set_new(o, "clients", int_or_null(status_clients(v)));
	json_object_set_new(o, "max_clients", int_or_null(reply_int(v->report, "max_clients", -1)));
	json_object_set_new(o, "uptime_s", int_or_null(reply_int(v->report, "uptime_s", -1)));
	json_object_set_new(o, "queued_bytes", int_or_null(reply_int(v->report, "queued", -1)));
	json_object_set_new(o, "lagging", int_or_null(reply_int(v->report, "lagging", -1)));
	json_object_set_new(o, "dropped", int_or_null(reply_int(v->report, "dropped", -1)));
	json_object_set_new(o, "in_per_s", rate_or_null(v->in_s));
	json_object_set_new(o, "out_per_s", rate_or_null(v->out_s));
	json_object_set_new(o, "balancers", at_json(s, v));
	return o;
}

struct lists {
	json_t *warnings, *problems;
};

static void collect(void *arg, const struct status_warning *w)
{
	struct lists *l = arg;

	json_array_append_new(l->warnings, json_string(w->line));
	if (!w->planned)
		json_array_append_new(l->problems, json_string(w->line));
}

static json_t *balancer_json(const struct status_balancer *lb)
{
	json_t *old = json_array();

	for (size_t i = 0; i < lb->old.n; i++)
		json_array_append_new(old, json_pack("{s:I, s:I, s:I, s:I}", "pid",
		                                     (json_int_t)lb->old.v[i].pid, "uptime_s",
		                                     (json_int_t)lb->old.v[i].uptime_s, "tunnels",
		                                     (json_int_t)lb->old.v[i].tunnels, "redis",
		                                     (json_int_t)lb->old.v[i].redis));
	return json_pack("{s:b, s:s, s:o, s:b, s:o}", "ok", lb->ok, "balancer", lb->name, "error",
	                 text_or_null(lb->why), "old_workers_seen", lb->old_seen, "old_workers",
	                 old);
}

static const struct status_balancer *here(const struct status *s)
{
	for (size_t i = 0; i < s->n_lb; i++)
		if (s->lb[i].here)
			return &s->lb[i];
	return &s->lb[0];
}

void status_print_json(const struct run *r, const struct status *s, const struct status_node *only)
{
	json_t *o = json_object(), *nodes = json_array(), *balancers = json_array();
	struct lists lists = {json_array(), json_array()};
	struct status_sums x = status_sum(s);
	char at[ENDPOINT_STR];

	for (size_t i = 0; i < s->n; i++)
		if (!only || only == &s->v[i])
			json_array_append_new(nodes, node_json(s, &s->v[i]));
	for (size_t i = 0; i < s->n_lb; i++)
		json_array_append_new(balancers, balancer_json(&s->lb[i]));
	status_warn(r, s, collect, &lists);
	json_object_set_new(o, "ok", json_boolean(s->hap_ok && s->redis_ok));
	json_object_set_new(o, "cluster", json_string(r->cfg->cluster));
	json_object_set_new(o, "serving", json_integer((json_int_t)x.serving));
	json_object_set_new(o, "clients", json_integer((json_int_t)x.clients));
	json_object_set_new(o, "redis",
	                    json_pack("{s:b, s:s, s:o}", "ok", s->redis_ok, "address",
	                              redis_url_str(&r->cfg->redis.url, at), "error",
	                              text_or_null(s->redis_why)));
	/* Of the one there usually is; with several, of this host's. */
	json_object_set_new(o, "haproxy", balancer_json(here(s)));
	json_object_set_new(o, "balancers", balancers);
	json_object_set_new(o, "nodes", nodes);
	json_object_set_new(o, "warnings", lists.warnings);
	json_object_set_new(o, "problems", lists.problems);
	say_json(o);
}
