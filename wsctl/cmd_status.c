/*
 * wsctl status: the cluster as a table, one node in detail, or all of it as JSON. Prints all it
 * knows; 69 only when HAProxy or Redis is away, since a silent node is a row.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "members.h"
#include "status.h"
#include "table.h"

/* "up", "down L4TOUT 47s" */
static void health_text(const struct status *s, const struct status_node *v, char out[static 128])
{
	const char *check = v->hap.check;
	char age[NUM_STR];

	if (!strncmp(check, "* ", 2))
		check += 2;
	switch (status_health(v)) {
	case HEALTH_UP:
		snprintf(out, 128, "up");
		break;
	case HEALTH_LEAVING:
		snprintf(out, 128, "leaving");
		break;
	case HEALTH_DOWN:
		snprintf(out, 128, "down %s %s", *check ? check : "?",
		         num_age(v->hap.lastchg_s, age));
		break;
	case HEALTH_NONE:
		snprintf(out, 128, "%s", v->in_hap || !s->hap_ok ? "-" : "absent");
		break;
	}
}

static void address(const struct status_node *v, char out[static ENDPOINT_STR])
{
	if (v->node)
		endpoint_str(&v->node->at, out);
	else if (v->in_hap && strcmp(v->hap.addr, "unix") != 0)
		snprintf(out, ENDPOINT_STR, strchr(v->hap.addr, ':') ? "[%s]:%d" : "%s:%d",
		         v->hap.addr, v->hap.port);
	else if (v->in_hap)
		snprintf(out, ENDPOINT_STR, "unix");
	else
		snprintf(out, ENDPOINT_STR, "%s",
		         *reply_str(v->report, "listen") ? reply_str(v->report, "listen") : "-");
}

static const char *count_or_dash(int64_t n, char out[static NUM_STR])
{
	return n < 0 ? "-" : num_count((uint64_t)n, out);
}

static const char *rate_or_dash(double n, char out[static NUM_STR])
{
	return n < 0 ? "-" : num_short(n, out);
}

static void row(struct table *t, const struct status *s, const struct status_node *v)
{
	const char *state = status_state(v);
	enum status_health h = status_health(v);
	char at[ENDPOINT_STR], health[128], a[NUM_STR];
	int64_t up = reply_int(v->report, "uptime_s", -1);

	address(v, at);
	health_text(s, v, health);
	table_cell(t, PLAIN, "%s", v->name);
	table_cell(t, PLAIN, "%s", at);
	table_cell(t, strcmp(state, "ready") ? YELLOW : PLAIN, "%s", state);
	table_cell(t, h == HEALTH_UP ? GREEN : h == HEALTH_DOWN ? RED : YELLOW, "%s", health);
	table_cell(t, PLAIN, "%s", count_or_dash(v->in_hap ? (int64_t)v->hap.scur : -1, a));
	table_cell(t, PLAIN, "%s", count_or_dash(status_clients(v), a));
	table_cell(t, PLAIN, "%s", rate_or_dash(v->out_s, a));
	table_cell(t, PLAIN, "%s", up < 0 ? "-" : num_age(up, a));
}

struct sums {
	size_t serving, members;
	uint64_t clients;
	bool all_known;
};

static struct sums sum(const struct status *s)
{
	struct sums x = {.all_known = true};

	for (size_t i = 0; i < s->n; i++) {
		int64_t n = status_clients(&s->v[i]);

		x.members += s->v[i].node || s->v[i].in_hap;
		x.serving += status_serving(&s->v[i]);
		if (n >= 0)
			x.clients += (uint64_t)n;
		else
			x.all_known = false;
	}
	return x;
}

/* One line, some of it a node's own word. */
static void out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void out(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text) {
		tame(text);
		puts(text);
	}
	free(text);
}

static void print_line(void *arg, const char *line)
{
	(void)arg;
	out("! %s", line);
}

static int print_all(struct run *r, const struct status *s)
{
	static const struct table_col cols[] = {
		{"NODE", false}, {"ADDRESS", false}, {"STATE", false}, {"HEALTH", false},
		{"CONNS", true}, {"CLIENTS", true},  {"OUT/s", true},  {"UP", true},
	};
	struct table *t = table_new(cols, sizeof cols / sizeof cols[0]);
	struct sums x = sum(s);
	char n[NUM_STR];
	int rc = -1;

	if (!t)
		return -1;
	printf("%s: %zu/%zu node%s serving, %s client%s, redis %s", r->cfg->cluster, x.serving,
	       x.members, x.members == 1 ? "" : "s", num_count(x.clients, n),
	       x.clients == 1 ? "" : "s", s->redis_ok ? "ok" : "away");
	for (size_t i = 0; i < s->n_lb; i++)
		printf(", %s %s", s->lb[i].name, s->lb[i].ok ? "ok" : "away");
	putchar('\n');
	for (size_t i = 0; i < s->n; i++)
		row(t, s, &s->v[i]);
	if (!s->n || !table_print(t, stdout))
		rc = 0;
	table_free(t);
	status_warn(r, s, print_line, NULL);
	return rc;
}

static void print_one(struct run *r, const struct status *s, const struct status_node *v)
{
	char at[ENDPOINT_STR], health[128], a[NUM_STR], b[NUM_STR], c[NUM_STR];
	const json_t *o = v->report;

	(void)r;
	address(v, at);
	health_text(s, v, health);
	out("%s at %s", v->name, at);
	printf("state     %s", status_state(v));
	if (v->note.state != STATE_READY && v->note.since)
		printf(", %s ago by %s", num_age(s->now - v->note.since, a), v->note.by);
	printf("\n");
	if (v->in_hap)
		out("health    %s, %s (%s), for %s", health,
		    v->hap.check[0] ? v->hap.check : "no check", v->hap.status,
		    num_age(v->hap.lastchg_s, a));
	else
		printf("health    %s\n", health);
	for (size_t i = 0; v->at && s->n_lb > 1 && i < s->n_lb; i++)
		if (v->at[i].in_hap)
			out("%-9s %s, %s connection%s now, weight %u", s->lb[i].name,
			    v->at[i].hap.status, num_count(v->at[i].hap.scur, a),
			    v->at[i].hap.scur == 1 ? "" : "s", v->at[i].hap.uweight);
		else
			out("%-9s %s", s->lb[i].name, s->lb[i].ok ? "lacks it" : "away");
	if (v->in_hap && s->n_lb == 1)
		printf("haproxy   %s connection%s now, %s in all, weight %u\n",
		       num_count(v->hap.scur, a), v->hap.scur == 1 ? "" : "s",
		       num_count(v->hap.stot, b), v->hap.uweight);
	if (!o)
		return;
	printf("clients   %s of %s\n", count_or_dash(status_clients(v), a),
	       count_or_dash(reply_int(o, "max_clients", -1), b));
	if (!s->redis_ok)
		return;
	printf("messages  %s/s in, %s/s out\n", rate_or_dash(v->in_s, a),
	       rate_or_dash(v->out_s, b));
	printf("queued    %s, %s client%s behind, %s message%s dropped\n",
	       num_bytes((uint64_t)reply_int(o, "queued", 0), a),
	       num_count((uint64_t)reply_int(o, "lagging", 0), b),
	       reply_int(o, "lagging", 0) == 1 ? "" : "s",
	       num_count((uint64_t)reply_int(o, "dropped", 0), c),
	       reply_int(o, "dropped", 0) == 1 ? "" : "s");
	out("process   wsnode %s, %s, up %s, %s channel%s, start id %s", reply_str(o, "version"),
	    reply_str(o, "state"), num_age(reply_int(o, "uptime_s", 0), a),
	    num_count((uint64_t)reply_int(o, "channels", 0), b),
	    reply_int(o, "channels", 0) == 1 ? "" : "s", reply_str(o, "start_id"));
}

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

	address(v, at);
	json_object_set_new(o, "name", json_string(v->name));
	json_object_set_new(o, "address", json_string(at));
	json_object_set_new(o, "in_config", json_boolean(v->node != NULL));
	json_object_set_new(o, "in_haproxy", json_boolean(v->in_hap));
	json_object_set_new(o, "state", json_string(status_state(v)));
	json_object_set_new(o, "state_since",
	                    v->note.since ? json_integer(v->note.since) : json_null());
	json_object_set_new(o, "state_by", text_or_null(v->note.by));
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

static void collect_line(void *arg, const char *line)
{
	json_array_append_new(arg, json_string(line));
}

static json_t *balancer_json(const struct status_balancer *lb)
{
	json_t *old = json_array();

	for (size_t i = 0; i < lb->old.n; i++)
		json_array_append_new(old, json_pack("{s:I, s:I, s:I}", "pid",
		                                     (json_int_t)lb->old.v[i].pid, "uptime_s",
		                                     (json_int_t)lb->old.v[i].uptime_s, "tunnels",
		                                     (json_int_t)lb->old.v[i].tunnels));
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

static void print_json(struct run *r, const struct status *s, const struct status_node *only)
{
	json_t *o = json_object(), *nodes = json_array(), *balancers = json_array(),
	       *warnings = json_array();
	struct sums x = sum(s);
	char at[ENDPOINT_STR];

	for (size_t i = 0; i < s->n; i++)
		if (!only || only == &s->v[i])
			json_array_append_new(nodes, node_json(s, &s->v[i]));
	for (size_t i = 0; i < s->n_lb; i++)
		json_array_append_new(balancers, balancer_json(&s->lb[i]));
	status_warn(r, s, collect_line, warnings);
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
	json_object_set_new(o, "warnings", warnings);
	say_json(o);
}

int cmd_status(struct run *r)
{
	const struct status_node *one = NULL;
	struct status s;
	int rc = EXIT_FAILED;

	if (status_gather(r, &s))
		goto out;
	if (interrupted()) {
		rc = EXIT_INTERRUPTED;
		goto out;
	}
	if (r->argc) {
		one = status_find(&s, r->argv[0]);
		if (!one) {
			say_error("unknown node \"%s\"; wsctl status lists them", r->argv[0]);
			goto out;
		}
	}
	if (r->opts.json)
		print_json(r, &s, one);
	else if (one)
		print_one(r, &s, one);
	else if (print_all(r, &s))
		say_error("out of memory");
	rc = s.hap_ok && s.redis_ok ? EXIT_OK : EXIT_AWAY;
	for (size_t i = 0; i < s.n_lb; i++)
		if (!s.lb[i].ok && (one || r->opts.json))
			say_error("%s", s.lb[i].why);
	if (!s.redis_ok && (one || r->opts.json))
		say_error("%s", s.redis_why);
out:
	status_free(&s);
	return rc;
}
