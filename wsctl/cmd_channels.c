/*
 * wsctl channels: who listens to what. A list of channels, those of a pattern, or one channel node
 * by node.
 */
#include <stdio.h>
#include <string.h>

#include "channels.h"
#include "cmd.h"
#include "kept.h"
#include "members.h"
#include "table.h"

static const char *rate(double n, char out[static NUM_STR])
{
	return n < 0 ? "-" : num_short(n, out);
}

static json_t *rate_json(double n)
{
	return n < 0 ? json_null() : json_real(n);
}

static void warn(const struct channels *c, json_t *into)
{
	char line[CHANNEL_MAX + 128];

	for (size_t i = 0; i < c->n; i++) {
		const struct channel_row *v = &c->v[i];
		uint64_t others = v->subs > v->listed ? v->subs - v->listed : 0;

		/* A silent node is one of them, so nothing can be said then. */
		if (!others || c->silent > 0 || c->more)
			continue;
		snprintf(line, sizeof line, "%s: %llu Redis subscriber%s not a wsnode", v->name,
		         (unsigned long long)others, others == 1 ? " is" : "s are");
		if (into)
			json_array_append_new(into, json_string(line));
		else
			printf("! %s\n", line);
	}
	if (c->silent > 0) {
		snprintf(line, sizeof line, "%d listener%s on redis gave no answer: wsctl status",
		         c->silent, c->silent == 1 ? "" : "s");
		if (into)
			json_array_append_new(into, json_string(line));
		else
			printf("! %s\n", line);
	}
	if (c->more) {
		snprintf(line, sizeof line, "%llu more were left out; give a pattern",
		         (unsigned long long)c->more);
		if (into)
			json_array_append_new(into, json_string(line));
		else
			printf("! %s\n", line);
	}
}

static int print_list(struct run *r, const struct channels *c)
{
	static const struct table_col cols[] = {{"CHANNEL", false}, {"SUBS", true},
	                                        {"NODES", true},    {"CLIENTS", true},
	                                        {"IN/s", true},     {"OUT/s", true}};
	struct table *t;
	char a[NUM_STR];
	int rc = -1;

	if (!c->n) {
		say(r, "no channel is listened to");
		warn(c, NULL);
		return 0;
	}
	t = table_new(cols, sizeof cols / sizeof cols[0]);
	if (!t)
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		const struct channel_row *v = &c->v[i];

		table_cell(t, PLAIN, "%s", v->name);
		table_cell(t, PLAIN, "%s", num_count(v->subs, a));
		table_cell(t, PLAIN, "%u", v->nodes);
		table_cell(t, PLAIN, "%s", num_count(v->clients, a));
		table_cell(t, PLAIN, "%s", rate(v->in_s, a));
		table_cell(t, PLAIN, "%s", rate(v->out_s, a));
	}
	rc = table_print(t, stdout);
	table_free(t);
	warn(c, NULL);
	return rc;
}

/* The one channel's object in a node's reply, NULL when it doesn't have it. */
static const json_t *in_reply(const json_t *reply, const char *name)
{
	const json_t *list = json_object_get(reply, "channels"), *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		if (!strcmp(reply_str(o, "name"), name))
			return o;
	}
	return NULL;
}

/* What Redis keeps of it; kept NULL: its rule keeps nothing. */
static void print_kept(const struct run *r, const char *name, const struct kept *kept)
{
	char n[NUM_STR], size[NUM_STR], top[POSITION_STR];

	if (!kept)
		return;
	num_count(config_rule(r->cfg, name)->history_size, size);
	/* A history that was asked for has an epoch before it has a message. */
	if (kept->top.offset)
		printf("history: %s of %s, the last is %s\n", num_count(kept->messages, n), size,
		       position_str(kept->top, top));
	else
		printf("history: 0 of %s, nothing yet\n", size);
}

static json_t *kept_json(const struct run *r, const char *name, const struct kept *kept)
{
	char top[POSITION_STR];

	if (!kept)
		return json_null();
	return json_pack("{s:I, s:I, s:s?}", "messages", (json_int_t)kept->messages, "size",
	                 (json_int_t)config_rule(r->cfg, name)->history_size, "last",
	                 kept->top.offset ? position_str(kept->top, top) : NULL);
}

static int print_one(struct run *r, const struct channels *c, const char *name,
                     const struct kept *kept)
{
	static const struct table_col cols[] = {
		{"NODE", false}, {"CLIENTS", true}, {"QUEUED", true}, {"DROPPED", true}};
	struct table *t = table_new(cols, sizeof cols / sizeof cols[0]);
	char a[NUM_STR];
	json_t *reply;
	size_t i, rows = 0;
	int rc = 0;

	if (!t)
		return -1;
	json_array_foreach(c->replies, i, reply)
	{
		const json_t *o = in_reply(reply, name);

		if (!o)
			continue;
		rows++;
		table_cell(t, PLAIN, "%s", reply_str(reply, "node"));
		table_cell(t, PLAIN, "%s", num_count((uint64_t)reply_int(o, "clients", 0), a));
		table_cell(t, PLAIN, "%s", num_bytes((uint64_t)reply_int(o, "queued", 0), a));
		table_cell(t, PLAIN, "%s", num_count((uint64_t)reply_int(o, "dropped", 0), a));
	}
	if (rows)
		rc = table_print(t, stdout);
	else
		say(r, "no node listens to %s", name);
	table_free(t);
	print_kept(r, name, kept);
	warn(c, NULL);
	return rc;
}

static json_t *one_json(const struct channels *c, const char *name)
{
	json_t *nodes = json_array(), *reply;
	size_t i;

	json_array_foreach(c->replies, i, reply)
	{
		const json_t *o = in_reply(reply, name);

		if (o)
			json_array_append_new(
				nodes,
				json_pack("{s:s, s:I, s:I, s:I}", "name", reply_str(reply, "node"),
			                  "clients", (json_int_t)reply_int(o, "clients", 0),
			                  "queued_bytes", (json_int_t)reply_int(o, "queued", 0),
			                  "dropped", (json_int_t)reply_int(o, "dropped", 0)));
	}
	return nodes;
}

static void print_json(const struct run *r, const struct channels *c, const char *name,
                       const struct kept *kept)
{
	json_t *list = json_array(), *warnings = json_array(), *o = json_object();

	for (size_t i = 0; i < c->n; i++) {
		const struct channel_row *v = &c->v[i];
		json_t *row = json_pack("{s:s, s:I, s:i, s:I, s:I, s:I, s:o, s:o}", "name", v->name,
		                        "subscribers", (json_int_t)v->subs, "nodes", (int)v->nodes,
		                        "clients", (json_int_t)v->clients, "queued_bytes",
		                        (json_int_t)v->queued, "dropped", (json_int_t)v->dropped,
		                        "in_per_s", rate_json(v->in_s), "out_per_s",
		                        rate_json(v->out_s));

		if (name) {
			json_object_set_new(row, "per_node", one_json(c, name));
			json_object_set_new(row, "history", kept_json(r, name, kept));
		}
		json_array_append_new(list, row);
	}
	warn(c, warnings);
	json_object_set_new(o, "channels", list);
	json_object_set_new(o, "more", json_integer((json_int_t)c->more));
	json_object_set_new(o, "warnings", warnings);
	say_json(o);
}

int cmd_channels(struct run *r)
{
	const char *arg = r->argc ? r->argv[0] : NULL;
	bool pattern = arg && strchr(arg, '*');
	const char *one = arg && !pattern ? arg : NULL;
	struct kept kept, *has = NULL;
	struct channels c;
	int rc;

	if (arg && !channel_pattern_valid(arg)) {
		say_error("\"%.140s\" is not a channel or a pattern such as news:*", arg);
		return EXIT_USAGE;
	}
	rc = channels_gather(r, one, pattern ? arg : NULL, &c);
	if (!rc && one && config_rule(r->cfg, one)->history_size) {
		has = &kept;
		rc = kept_read(r->cfg, one, has);
	}
	if (rc)
		goto out;
	if (r->opts.json)
		print_json(r, &c, one, has);
	else if (one ? print_one(r, &c, one, has) : print_list(r, &c)) {
		say_error("out of memory");
		rc = EXIT_FAILED;
	}
out:
	channels_free(&c);
	return rc;
}
