/*
 * wsctl latency: how long a publish takes to a node and its answer back, node by node, beside what
 * Redis alone needs. Here are the rounds, the quantiles and the output; probe.c measures one.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/channel.h"
#include "cmd.h"
#include "ctl.h"
#include "hap.h"
#include "members.h"
#include "probe.h"
#include "table.h"

enum { ROUNDS = 100, ROUNDS_MAX = 10000, PAUSE_MS = 10, ASK_MS = 1500, WAIT_MS = 2000 };
enum { GIVE_UP = 3, EXTRA_MAX = 1000 }; /* lost in a row; nodes that the file doesn't have */

struct row {
	char name[NODE_NAME_MAX + 1];
	bool in_config;
	uint32_t *us;                      /* answers, sorted at the end */
	uint32_t n, asked, lost, in_a_row; /* in_a_row: lost */
	int heard;                         /* the most that had its name */
};

struct latency {
	struct run *r;
	uint32_t rounds;
	struct row redis, *v;
	size_t n;
};

/* The lowest value that so many per cent don't exceed. */
static uint32_t quantile(const struct row *w, unsigned percent)
{
	return w->us[((uint64_t)w->n * percent + 99) / 100 - 1];
}

static int compare_us(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort(struct row *w)
{
	if (w->n)
		qsort(w->us, w->n, sizeof *w->us, compare_us);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static bool row_init(struct row *w, const char *name, bool in_config, uint32_t rounds)
{
	w->in_config = in_config;
	w->us = calloc(rounds, sizeof *w->us);
	snprintf(w->name, sizeof w->name, "%s", name);
	return w->us != NULL;
}

static bool known(const struct latency *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, name))
			return true;
	return false;
}

/* The file's nodes in its order, then those that answer too. EXIT_OK, or an exit code, printed. */
static int rows(struct latency *l)
{
	const struct config *cfg = l->r->cfg;
	struct ctl_replies all;
	json_t *o;
	size_t i;
	bool good;

	if (ctl_ask(cfg, NULL, request_new("report"), ASK_MS, &all))
		return ctl_exit();
	l->v = calloc(cfg->n_nodes + EXTRA_MAX, sizeof *l->v);
	good = l->v != NULL;
	for (i = 0; good && i < cfg->n_nodes; i++)
		good = row_init(&l->v[l->n++], cfg->nodes[i].name, true, l->rounds);
	json_array_foreach(all.v, i, o)
	{
		const char *name = reply_str(o, "node");

		if (good && node_name_valid(name) && !known(l, name) &&
		    l->n < cfg->n_nodes + EXTRA_MAX)
			good = row_init(&l->v[l->n++], name, false, l->rounds);
	}
	ctl_replies_free(&all);
	if (!good) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	if (l->n > cfg->n_nodes)
		qsort(l->v + cfg->n_nodes, l->n - cfg->n_nodes, sizeof *l->v, compare_names);
	return EXIT_OK;
}

static int ask(struct probe *p, struct row *w)
{
	uint32_t us = 0;
	int heard = 0;

	switch (probe_node(p, w->name, WAIT_MS, &us, &heard)) {
	case PROBE_ANSWERED:
		w->us[w->n++] = us;
		w->in_a_row = 0;
		break;
	case PROBE_AWAY:
		return EXIT_AWAY;
	case PROBE_LOST:
	case PROBE_ABSENT:
		if (interrupted())
			return EXIT_INTERRUPTED;
		w->lost++;
		w->in_a_row++;
		break;
	}
	w->asked++;
	w->heard = heard > w->heard ? heard : w->heard;
	return EXIT_OK;
}

static int measure(struct latency *l)
{
	struct probe *p = probe_open(l->r->cfg);
	int rc = p ? EXIT_OK : EXIT_AWAY;

	for (uint32_t k = 0; !rc && k < l->rounds; k++) {
		if (probe_redis(p, &l->redis.us[l->redis.n])) {
			rc = EXIT_AWAY;
			break;
		}
		l->redis.n++;
		/* The time of many requests at once is another one. */
		for (size_t i = 0; !rc && i < l->n; i++)
			if (l->v[i].in_a_row < GIVE_UP)
				rc = ask(p, &l->v[i]);
		if (!rc && k + 1 < l->rounds && (pause_ms(PAUSE_MS) || interrupted()))
			rc = EXIT_INTERRUPTED;
	}
	probe_close(p);
	sort(&l->redis);
	for (size_t i = 0; i < l->n; i++)
		sort(&l->v[i]);
	return rc;
}

/* A line for what wants attention; NULL: nothing. */
static const char *warning(const struct row *w, char out[static 128])
{
	if (w->heard > 1)
		snprintf(out, 128, "%d processes are named %s: wsctl status", w->heard, w->name);
	else if (w->asked && !w->heard)
		snprintf(out, 128, "%s is not on redis: wsctl status", w->name);
	else if (w->in_a_row >= GIVE_UP)
		snprintf(out, 128, "%s hears and does not answer; asked %u times", w->name,
		         w->asked);
	else
		return NULL;
	return out;
}

static void cell_ms(struct table *t, const struct row *w, unsigned percent)
{
	double ms = w->n ? quantile(w, percent) / 1000.0 : 0;

	if (w->n)
		table_cell(t, PLAIN, ms < 10 ? "%.2fms" : ms < 100 ? "%.1fms" : "%.0fms", ms);
	else
		table_cell(t, PLAIN, "-");
}

static void add_row(struct table *t, const struct row *w, bool asked)
{
	table_cell(t, PLAIN, "%s", w->name);
	cell_ms(t, w, 50);
	cell_ms(t, w, 99);
	cell_ms(t, w, 100);
	if (asked && w->heard)
		table_cell(t, w->lost ? RED : PLAIN, "%u", w->lost);
	else
		table_cell(t, PLAIN, "-");
}

static int print(const struct latency *l)
{
	static const struct table_col cols[] = {
		{"NODE", false}, {"P50", true}, {"P99", true}, {"MAX", true}, {"LOST", true}};
	struct table *t = table_new(cols, sizeof cols / sizeof *cols);
	char at[ENDPOINT_STR], n[NUM_STR], line[128];
	int rc;

	if (!t)
		return -1;
	for (size_t i = 0; i < l->n; i++)
		add_row(t, &l->v[i], true);
	add_row(t, &l->redis, false);
	rc = table_print(t, stdout);
	table_free(t);
	for (size_t i = 0; i < l->n; i++)
		if (warning(&l->v[i], line))
			printf("! %s\n", line);
	printf("from a publish to the node's answer, by publish too: %s rounds;\n"
	       "(redis): its own answer to a PING, %s\n",
	       num_count(l->redis.n, n), redis_url_str(&l->r->cfg->redis.url, at));
	return rc;
}

static json_t *times(const struct row *w)
{
	if (!w->n)
		return json_pack("{s:n, s:n, s:n}", "p50_us", "p99_us", "max_us");
	return json_pack("{s:I, s:I, s:I}", "p50_us", (json_int_t)quantile(w, 50), "p99_us",
	                 (json_int_t)quantile(w, 99), "max_us", (json_int_t)quantile(w, 100));
}

static void print_json(const struct latency *l)
{
	json_t *nodes = json_array(), *warnings = json_array();
	char line[128];

	for (size_t i = 0; i < l->n; i++) {
		const struct row *w = &l->v[i];
		json_t *o = times(w);

		json_object_set_new(o, "name", json_string(w->name));
		json_object_set_new(o, "in_config", json_boolean(w->in_config));
		json_object_set_new(o, "answers", json_boolean(w->n > 0));
		json_object_set_new(o, "asked", json_integer(w->asked));
		json_object_set_new(o, "lost", json_integer(w->lost));
		json_object_set_new(o, "processes", json_integer(w->heard));
		json_array_append_new(nodes, o);
		if (warning(w, line))
			json_array_append_new(warnings, json_string(line));
	}
	say_json(json_pack("{s:I, s:o, s:o, s:o}", "rounds", (json_int_t)l->redis.n, "redis",
	                   times(&l->redis), "nodes", nodes, "warnings", warnings));
}

int cmd_latency(struct run *r)
{
	struct latency l = {.r = r, .rounds = r->opts.count ? r->opts.count : ROUNDS};
	int rc;

	if (l.rounds > ROUNDS_MAX) {
		say_error("--count %u is above %d", l.rounds, ROUNDS_MAX);
		return EXIT_USAGE;
	}
	if (!row_init(&l.redis, "(redis)", false, l.rounds)) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	rc = rows(&l);
	if (!rc)
		rc = measure(&l);
	/* Whoever had enough sees what there is. */
	if (r->opts.json && !rc) {
		print_json(&l);
	} else if (!r->opts.json && (!rc || rc == EXIT_INTERRUPTED) && l.redis.n && print(&l)) {
		say_error("out of memory");
		rc = EXIT_FAILED;
	}
	for (size_t i = 0; i < l.n; i++)
		free(l.v[i].us);
	free(l.v);
	free(l.redis.us);
	return rc;
}
