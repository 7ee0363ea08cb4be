/*
 * wsctl channels: who listens to what. A list of channels, those of a pattern, or one channel node
 * by node; once, or redrawn.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "channels.h"
#include "cmd.h"
#include "hap.h"
#include "kept.h"
#include "live.h"
#include "members.h"
#include "table.h"
#include "term.h"

enum { LIST_COLS = 6, NODE_COLS = 4, INTERVAL_MS = 2000 };

static int gather(struct run *, FILE *);
static const struct table_col list_cols[LIST_COLS] = {{"CHANNEL", false}, {"SUBS", true},
                                                      {"NODES", true},    {"CLIENTS", true},
                                                      {"IN/s", true},     {"OUT/s", true}};
static const struct table_col node_cols[NODE_COLS] = {
	{"NODE", false}, {"CLIENTS", true}, {"QUEUED", true}, {"DROPPED", true}};
static const struct live list = {.cols = list_cols,
                                 .n_cols = LIST_COLS,
                                 .leave_out = "12453",
                                 .gather = gather,
                                 .interval_ms = INTERVAL_MS,
                                 .sort = -1};
static const struct live nodes = {.cols = node_cols,
                                  .n_cols = NODE_COLS,
                                  .leave_out = "321",
                                  .gather = gather,
                                  .interval_ms = INTERVAL_MS,
                                  .sort = -1};

/* A channel of the list, or a node of the one channel. */
struct line {
	const struct channel_row *channel;
	const json_t *node; /* the channel in its reply */
	const char *name;           /* the first cell */
	char text[LIST_COLS][NUM_STR];
	double key[LIST_COLS]; /* what it sorts by; NAN: not known, or the name */
};

/* What one call shows. */
struct view {
	struct channels c;
	const char *one, *pattern; /* borrowed of the arguments */
	struct kept kept;
	bool has_history;
	const struct live *as; /* list or nodes */
	struct line *v;
	size_t n;
};

static void number(struct line *l, size_t col, double key, const char *text)
{
	snprintf(l->text[col], NUM_STR, "%s", text);
	l->key[col] = key < 0 ? NAN : key;
}

static void rate(struct line *l, size_t col, double n)
{
	char a[NUM_STR];

	number(l, col, n, n < 0 ? "-" : num_short(n, a));
}

static void count(struct line *l, size_t col, uint64_t n)
{
	char a[NUM_STR];

	number(l, col, (double)n, num_count(n, a));
}

/* The one channel's object in a node's reply, NULL when it doesn't have it. */
static const json_t *in_reply(const json_t *reply, const char *name)
{
	const json_t *all = json_object_get(reply, "channels"), *o;
	size_t i;

	json_array_foreach(all, i, o)
	{
		if (!strcmp(reply_str(o, "name"), name))
			return o;
	}
	return NULL;
}

static int list_lines(struct view *w)
{
	w->v = calloc(w->c.n ? w->c.n : 1, sizeof *w->v);
	for (size_t i = 0; w->v && i < w->c.n; i++) {
		const struct channel_row *row = &w->c.v[i];
		struct line *l = &w->v[w->n++];

		l->channel = row;
		l->name = row->name;
		l->key[0] = NAN;
		count(l, 1, row->subs);
		count(l, 2, row->nodes);
		count(l, 3, row->clients);
		rate(l, 4, row->in_s);
		rate(l, 5, row->out_s);
	}
	return w->v ? 0 : -1;
}

static int node_lines(struct view *w)
{
	size_t i, most = json_array_size(w->c.replies);
	json_t *reply;
	char a[NUM_STR];

	w->v = calloc(most ? most : 1, sizeof *w->v);
	if (!w->v)
		return -1;
	json_array_foreach(w->c.replies, i, reply)
	{
		const json_t *o = in_reply(reply, w->one);
		struct line *l = &w->v[w->n];
		uint64_t queued;

		if (!o)
			continue;
		queued = (uint64_t)reply_int(o, "queued", 0);
		l->node = o;
		l->name = reply_str(reply, "node");
		l->key[0] = NAN;
		count(l, 1, (uint64_t)reply_int(o, "clients", 0));
		number(l, 2, (double)queued, num_bytes(queued, a));
		count(l, 3, (uint64_t)reply_int(o, "dropped", 0));
		w->n++;
	}
	return 0;
}

/* As live.h's pictures are sorted: the most first, names from A, what isn't known last. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct line *x = a, *y = b;
	size_t c = *(size_t *)arg;
	double k = c ? x->key[c] : NAN, l = c ? y->key[c] : NAN;

	if (isnan(k) != isnan(l))
		return isnan(k) ? 1 : -1;
	if (!isnan(k) && !isnan(l) && (k > l || k < l))
		return k > l ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void view_free(struct view *w)
{
	channels_free(&w->c);
	free(w->v);
}

/* EXIT_OK, or an exit code, printed. view_free in both cases. */
static int view_gather(struct run *r, int sort, struct view *w)
{
	const char *arg = r->argc ? r->argv[0] : NULL;
	size_t by = sort < 0 ? 0 : (size_t)sort;
	int rc;

	memset(w, 0, sizeof *w);
	w->pattern = arg && strchr(arg, '*') ? arg : NULL;
	w->one = w->pattern ? NULL : arg;
	w->as = w->one ? &nodes : &list;
	rc = channels_gather(r, w->one, w->pattern, &w->c);
	if (!rc && w->one && config_rule(r->cfg, w->one)->history_size) {
		w->has_history = true;
		rc = kept_read(r->cfg, w->one, &w->kept);
	}
	if (rc)
		return rc;
	if (w->one ? node_lines(w) : list_lines(w)) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	if (w->n && sort >= 0)
		qsort_r(w->v, w->n, sizeof *w->v, compare, &by);
	return EXIT_OK;
}

typedef void say_fn(void *arg, const char *line);

static void tell(say_fn *say_line, void *arg, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(say_fn *say_line, void *arg, const char *fmt, ...)
{
	char line[CHANNEL_MAX + 128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	say_line(arg, line);
}

static void warn(const struct channels *c, say_fn *say_line, void *arg)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct channel_row *v = &c->v[i];
		uint64_t others = v->subs > v->listed ? v->subs - v->listed : 0;

		/* A silent node is one of them, so nothing can be said then. */
		if (others && c->silent <= 0 && !c->more)
			tell(say_line, arg, "%s: %llu Redis subscriber%s not a wsnode", v->name,
			     (unsigned long long)others, others == 1 ? " is" : "s are");
	}
	if (c->silent > 0)
		tell(say_line, arg, "%d listener%s on redis gave no answer: wsctl status",
		     c->silent, c->silent == 1 ? "" : "s");
	if (c->more)
		tell(say_line, arg, "%llu more were left out; give a pattern",
		     (unsigned long long)c->more);
}

static void to_json(void *arg, const char *line)
{
	json_array_append_new(arg, json_string(line));
}

static void to_stdout(void *arg, const char *line)
{
	(void)arg;
	printf("! %s\n", line);
}

static void to_screen(void *arg, const char *line)
{
	live_warning(arg, line);
}

/* What Redis keeps of it. */
enum { KEPT_TEXT = 128 };
static void kept_text(const struct run *r, const struct view *w, char out[static KEPT_TEXT])
{
	char n[NUM_STR], size[NUM_STR], top[POSITION_STR];

	num_count(config_rule(r->cfg, w->one)->history_size, size);
	/* A history that was asked for has an epoch before it has a message. */
	if (w->kept.top.offset)
		snprintf(out, KEPT_TEXT, "history: %s of %s, the last is %s",
		         num_count(w->kept.messages, n), size, position_str(w->kept.top, top));
	else
		snprintf(out, KEPT_TEXT, "history: 0 of %s, nothing yet", size);
}

static int print(struct run *r, const struct view *w)
{
	struct table *t = table_new(w->as->cols, w->as->n_cols);
	char text[KEPT_TEXT];
	int rc = t ? 0 : -1;

	for (size_t i = 0; t && i < w->n; i++) {
		table_cell(t, PLAIN, "%s", w->v[i].name);
		for (size_t k = 1; k < w->as->n_cols; k++)
			table_cell(t, PLAIN, "%s", w->v[i].text[k]);
	}
	if (t && w->n)
		rc = table_print(t, stdout);
	else if (w->one)
		say(r, "no node listens to %s", w->one);
	else
		say(r, "no channel is listened to");
	table_free(t);
	if (w->has_history) {
		kept_text(r, w, text);
		puts(text);
	}
	warn(&w->c, to_stdout, NULL);
	return rc;
}

static json_t *kept_json(const struct run *r, const struct view *w)
{
	char top[POSITION_STR];

	if (!w->has_history)
		return json_null();
	return json_pack("{s:I, s:I, s:s?}", "messages", (json_int_t)w->kept.messages, "size",
	                 (json_int_t)config_rule(r->cfg, w->one)->history_size, "last",
	                 w->kept.top.offset ? position_str(w->kept.top, top) : NULL);
}

static json_t *rate_json(double n)
{
	return n < 0 ? json_null() : json_real(n);
}

static json_t *channel_json(const struct channel_row *v)
{
	return json_pack("{s:s, s:I, s:i, s:I, s:I, s:I, s:o, s:o}", "name", v->name, "subscribers",
	                 (json_int_t)v->subs, "nodes", (int)v->nodes, "clients",
	                 (json_int_t)v->clients, "queued_bytes", (json_int_t)v->queued, "dropped",
	                 (json_int_t)v->dropped, "in_per_s", rate_json(v->in_s), "out_per_s",
	                 rate_json(v->out_s));
}

static json_t *nodes_json(const struct view *w)
{
	json_t *all = json_array();

	for (size_t i = 0; i < w->n; i++) {
		const json_t *o = w->v[i].node;

		json_array_append_new(
			all, json_pack("{s:s, s:I, s:I, s:I}", "name", w->v[i].name, "clients",
		                       (json_int_t)reply_int(o, "clients", 0), "queued_bytes",
		                       (json_int_t)reply_int(o, "queued", 0), "dropped",
		                       (json_int_t)reply_int(o, "dropped", 0)));
	}
	return all;
}

static void print_json(const struct run *r, const struct view *w)
{
	json_t *all = json_array(), *warnings = json_array(), *o = json_object();

	for (size_t i = 0; !w->one && i < w->n; i++)
		if (w->v[i].channel)
			json_array_append_new(all, channel_json(w->v[i].channel));
	for (size_t i = 0; w->one && i < w->c.n; i++) {
		json_t *row = channel_json(&w->c.v[i]);

		json_object_set_new(row, "per_node", nodes_json(w));
		json_object_set_new(row, "history", kept_json(r, w));
		json_array_append_new(all, row);
	}
	warn(&w->c, to_json, warnings);
	json_object_set_new(o, "channels", all);
	json_object_set_new(o, "more", json_integer((json_int_t)w->c.more));
	json_object_set_new(o, "warnings", warnings);
	say_json(o);
}

/* "chat: 2 channels", "news:sport on 2 nodes; history: 87 of 100, the last is ..." */
static void head(struct run *r, FILE *f, const struct view *w)
{
	const char *unit = w->one ? "node" : "channel";
	char text[KEPT_TEXT] = "", n[NUM_STR];
	struct buf b = {0};

	if (w->has_history)
		kept_text(r, w, text);
	buf_printf(&b, "%s%s %s %s%s%s%s", w->one ? w->one : r->cfg->cluster, w->one ? " on" : ":",
	           num_count(w->n, n), unit, w->n == 1 ? "" : "s", *text ? "; " : "", text);
	if (b.p && !b.oom)
		live_head(f, b.p);
	buf_free(&b);
}

static int gather(struct run *r, FILE *f)
{
	static const enum table_colour plain[LIST_COLS];
	struct view w;
	int rc = view_gather(r, -1, &w);

	if (!rc)
		head(r, f, &w);
	for (size_t i = 0; !rc && i < w.n; i++) {
		const char *texts[LIST_COLS];

		texts[0] = w.v[i].name;
		for (size_t k = 1; k < w.as->n_cols; k++)
			texts[k] = w.v[i].text[k];
		live_row(f, w.as->n_cols, texts, w.v[i].key, plain);
	}
	if (!rc)
		warn(&w.c, to_screen, f);
	view_free(&w);
	return rc;
}

static int once(struct run *r, int sort)
{
	struct view w;
	int rc = view_gather(r, sort, &w);

	if (!rc && r->opts.json) {
		print_json(r, &w);
	} else if (!rc && print(r, &w)) {
		say_error("out of memory");
		rc = EXIT_FAILED;
	}
	view_free(&w);
	return rc;
}

/* On a terminal redrawn; for a program an object a line. */
static int watch(struct run *r, struct live *as)
{
	int rc;

	if (r->opts.interval_ms)
		as->interval_ms = r->opts.interval_ms;
	if (!r->opts.json && !term_is()) {
		say_error("--watch needs a terminal; for a program: --watch --json");
		return EXIT_USAGE;
	}
	if (!r->opts.json)
		return live_run(r, as);
	do
		rc = once(r, as->sort);
	while (!rc && !fflush(stdout) && !pause_ms(as->interval_ms));
	return rc ? rc : interrupted() ? EXIT_INTERRUPTED : EXIT_FAILED;
}

int cmd_channels(struct run *r)
{
	const char *arg = r->argc ? r->argv[0] : NULL;
	struct live as = arg && !strchr(arg, '*') ? nodes : list;

	if (arg && !channel_pattern_valid(arg)) {
		say_error("\"%.140s\" is not a channel or a pattern such as news:*", arg);
		return EXIT_USAGE;
	}
	if (r->opts.interval_ms && !r->opts.watch) {
		say_error("--interval goes with --watch");
		return EXIT_USAGE;
	}
	if (r->opts.sort && (as.sort = live_column(&as, r->opts.sort)) < 0)
		return EXIT_USAGE;
	return r->opts.watch ? watch(r, &as) : once(r, as.sort);
}
