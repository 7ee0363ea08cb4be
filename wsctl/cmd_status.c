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
#include "status_text.h"

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

static void print_line(void *arg, const struct status_warning *w)
{
	(void)arg;
	out("! %s", w->line);
}

static int print_all(struct run *r, const struct status *s)
{
	struct table *t = table_new(status_cols, STATUS_COLS);
	char *head = status_head(r, s);
	int rc = -1;

	if (t && head) {
		puts(head);
		for (size_t i = 0; i < s->n; i++) {
			struct status_cell c[STATUS_COLS];

			status_row(s, &s->v[i], c);
			for (size_t k = 0; k < STATUS_COLS; k++)
				table_cell(t, c[k].colour, "%s", c[k].text);
		}
		if (!s->n || !table_print(t, stdout))
			rc = 0;
		status_warn(r, s, print_line, NULL);
	}
	table_free(t);
	free(head);
	return rc;
}

static void print_one(struct run *r, const struct status *s, const struct status_node *v)
{
	char at[ENDPOINT_STR], health[STATUS_CELL], a[NUM_STR], b[NUM_STR], c[NUM_STR];
	const json_t *o = v->report;

	(void)r;
	status_address(v, at);
	status_health_text(s, v, health);
	out("%s at %s", v->name, at);
	printf("state     %s", status_state(v));
	if (v->rolled_by)
		printf(", rolled by %s", v->rolled_by);
	else if (v->note.state != STATE_READY && v->note.since)
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
	printf("clients   %s of %s\n", status_count(status_clients(v), a),
	       status_count(reply_int(o, "max_clients", -1), b));
	if (!s->redis_ok)
		return;
	printf("messages  %s/s in, %s/s out\n", status_rate(v->in_s, a), status_rate(v->out_s, b));
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

/* What a monitoring system has to know, and how many more such things there are. */
struct verdict_line {
	const struct status_node *only; /* NULL: of all */
	char *first;
	size_t n;
};

static void judge(void *arg, const struct status_warning *w)
{
	struct verdict_line *v = arg;

	if (w->planned || (v->only && w->node && w->node != v->only))
		return;
	if (!v->n++)
		v->first = strdup(w->line);
}

/* One line and the exit code, as monitoring systems want it. */
static int check(const struct run *r, const struct status *s, const struct status_node *only)
{
	struct verdict_line v = {.only = only};
	bool away = !s->hap_ok || !s->redis_ok;
	char *head = status_head(r, s), *rest = head ? strchr(head, ':') : NULL;

	status_warn(r, s, judge, &v);
	if (r->opts.json)
		status_print_json(r, s, only);
	else if (!rest || (v.n && !v.first))
		say_error("out of memory");
	else if (v.n > 1) {
		out("%.*s problem: %s (and %zu more)%s", (int)(rest - head), head, v.first, v.n - 1,
		    rest);
	} else if (v.n) {
		out("%.*s problem: %s%s", (int)(rest - head), head, v.first, rest);
	} else {
		out("%.*s ok%s", (int)(rest - head), head, rest);
	}
	free(head);
	free(v.first);
	return away ? EXIT_AWAY : v.n ? EXIT_FAILED : EXIT_OK;
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
	if (r->opts.check) {
		rc = check(r, &s, one);
		goto out;
	}
	if (r->opts.json)
		status_print_json(r, &s, one);
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
