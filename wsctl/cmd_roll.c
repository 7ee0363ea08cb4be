/*
 * wsctl roll: node after node gets a new process, and no client notices. Stops at the first that
 * fails; the same command again goes on there.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "cmd.h"
#include "drain.h"
#include "fleet.h"
#include "hap.h"
#include "persist.h"
#include "roll.h"
#include "roll_plan.h"

enum { BACK_MS = 120000, REBOOT_MS = 600000 };

static int refuse(const struct run *r)
{
	const struct opts *o = &r->opts;
	int rc;

	if (o->reboot && (o->exec || o->shell)) {
		say_error("--reboot is a command of its own: without --exec and --shell");
		return EXIT_USAGE;
	}
	if (o->shell && !o->exec) {
		say_error("--shell needs --exec");
		return EXIT_USAGE;
	}
	if ((rc = roll_cmd_check(o)))
		return rc;
	for (int i = 0; i < r->argc; i++) {
		if (!config_node(r->cfg, r->argv[i])) {
			say_error("unknown node \"%.64s\"; wsctl status lists them", r->argv[i]);
			return EXIT_FAILED;
		}
		for (int k = 0; k < i; k++)
			if (!strcmp(r->argv[i], r->argv[k])) {
				say_error("%s is named twice", r->argv[i]);
				return EXIT_USAGE;
			}
	}
	return EXIT_OK;
}

/* Nodes of one host go together when the host does. */
static int check_reboot(const struct roll *o)
{
	const struct config *cfg = o->cfg;

	for (size_t i = 0; i < o->file.n && o->r->opts.reboot; i++) {
		const struct config_node *n = config_node(cfg, o->file.v[i].name);

		if (n && roll_local(n)) {
			say_error(
				"%s is on this host, which would go down with this command: wsctl "
				"drain %s; systemctl reboot; then wsctl ready %s",
				n->name, n->name, n->name);
			return EXIT_FAILED;
		}
		for (size_t k = 0; n && k < cfg->n_nodes; k++) {
			bool with = false;

			for (size_t j = 0; j < o->file.n; j++)
				with = with || !strcmp(o->file.v[j].name, cfg->nodes[k].name);
			if (!with && !cfg->nodes[k].at.is_unix &&
			    !strcmp(cfg->nodes[k].at.host, n->at.host)) {
				say_error("%s is on the host of %s and would go down with it: name "
				          "both",
				          cfg->nodes[k].name, n->name);
				return EXIT_FAILED;
			}
		}
	}
	return EXIT_OK;
}

static bool same_host(const struct roll *o, const struct roll_node *a, const struct roll_node *b)
{
	const struct config_node *n = config_node(o->cfg, a->name);
	const struct config_node *m = config_node(o->cfg, b->name);

	return n && m && !strcmp(n->at.host, m->at.host);
}

/* A host's nodes side by side, its place that of its first. */
static void by_host(struct roll *o)
{
	struct roll_node *v = o->file.v;

	for (size_t i = 0; i + 1 < o->file.n; i++) {
		size_t k = i + 1;

		while (k < o->file.n && !same_host(o, &v[i], &v[k]))
			k++;
		if (k < o->file.n && k > i + 1) {
			struct roll_node moved = v[k];

			memmove(&v[i + 2], &v[i + 1], (k - i - 1) * sizeof *v);
			v[i + 1] = moved;
		}
	}
}

/* The last of those that go together with the first. */
static size_t batch(const struct roll *o, size_t first)
{
	uint32_t most = o->r->opts.max_unavailable ? o->r->opts.max_unavailable : 1;
	size_t last = first + 1 < o->file.n ? first : o->file.n - 1;
	const struct config_node *n = config_node(o->cfg, o->file.v[first].name);

	while (last + 1 < o->file.n && last + 1 - first < most)
		last++;
	/* A host's nodes are never parted. */
	while (o->r->opts.reboot && n && last + 1 < o->file.n) {
		const struct config_node *a = config_node(o->cfg, o->file.v[last].name);
		const struct config_node *b = config_node(o->cfg, o->file.v[last + 1].name);

		if (!a || !b || strcmp(a->at.host, b->at.host) != 0)
			break;
		last++;
	}
	return last;
}

static void say_left(const struct roll *o)
{
	static const char *const words[] = {"left", "in the middle", "done"};

	for (int step = ROLL_DONE; step >= ROLL_WAITS; step--) {
		struct buf b = {0};

		for (size_t i = 0; i < o->file.n; i++)
			if ((int)o->file.v[i].step == step)
				buf_printf(&b, " %s", o->file.v[i].name);
		if (b.len)
			say(o->r, "%s:%s", words[step], b.p);
		buf_free(&b);
	}
	say(o->r, "to go on: the same command again; one that is in the middle stays drained: "
	          "wsctl ready NAME");
}

/* Each node's command, before the first is drained for one that can't be run. */
static int commands_check(const struct roll *o)
{
	for (size_t i = 0; i < o->file.n; i++) {
		const struct config_node *n = config_node(o->cfg, o->file.v[i].name);
		struct roll_cmd c = {0};
		char *text = NULL;
		int bad;

		if (!n)
			continue;
		bad = roll_cmd_make(&o->r->opts, n, &c) || roll_cmd_find(&c);
		if (bad)
			say_error("%s: %s", n->name, c.why);
		else if (o->r->opts.dry_run && (text = roll_cmd_text(&c)))
			say(o->r, "would drain %s, run: %s", n->name, text);
		free(text);
		roll_cmd_free(&c);
		if (bad)
			return EXIT_USAGE;
	}
	return EXIT_OK;
}

/* -n shows what the roll would be refused for at once; the later ones meet another state than
 * now's. */
static int first_drain_check(struct roll *o)
{
	const struct roll_node *first = &o->file.v[0];
	bool quiet = o->r->opts.quiet;
	struct drain d;
	int rc;

	if (first->step != ROLL_WAITS || !config_node(o->cfg, first->name))
		return EXIT_OK;
	o->r->opts.quiet = true;
	rc = drain_node(o->r, first->name, &d);
	o->r->opts.quiet = quiet;
	return rc;
}

static void print_json(const struct roll *o, int rc)
{
	static const char *const words[] = {"waiting", "begun", "done", "skipped"};
	json_t *nodes = json_array();

	for (size_t i = 0; i < o->file.n; i++)
		json_array_append_new(nodes, json_pack("{s:s, s:s}", "node", o->file.v[i].name,
		                                       "step", words[o->file.v[i].step]));
	say_json(json_pack("{s:b, s:o}", "ok", rc == EXIT_OK, "nodes", nodes));
}

static int run(struct roll *o)
{
	uint64_t began = now_ms();
	size_t done = 0;
	int rc = EXIT_OK;

	for (size_t i = 0; i < o->file.n && !rc;) {
		size_t last = batch(o, i);

		rc = interrupted() ? EXIT_INTERRUPTED : roll_batch(o, i, last);
		i = last + 1;
	}
	if (o->r->opts.json)
		print_json(o, rc);
	if (rc) {
		say_left(o);
		return rc;
	}
	roll_file_remove(o->r->cfg);
	for (size_t i = 0; i < o->file.n; i++)
		done += o->file.v[i].step == ROLL_DONE;
	say(o->r, "%zu node%s rolled in %llus", done, done == 1 ? "" : "s",
	    (unsigned long long)((now_ms() - began + 500) / 1000));
	return EXIT_OK;
}

int cmd_roll(struct run *r)
{
	struct roll o = {.r = r, .cfg = r->cfg};
	struct lock lock = {.fd = -1};
	char who[LOCK_WHO];
	int rc = refuse(r);

	if (!rc && r->opts.dry_run && lock_who(r->cfg, "roll", who)) {
		say_error("locked by %s", who);
		return EXIT_LATER;
	}
	if (rc || (!r->opts.dry_run && (rc = lock_take(r->cfg, "roll", "roll", 0, &lock))))
		return rc;
	r->rolls = true;
	o.wait_ms = r->opts.wait_ms ? r->opts.wait_ms : r->opts.reboot ? REBOOT_MS : BACK_MS;
	rc = roll_plan(&o);
	if (!rc && r->opts.reboot)
		by_host(&o);
	if (!rc)
		rc = check_reboot(&o);
	if (!rc)
		rc = commands_check(&o);
	if (!rc && !o.file.n)
		say(r, "no node to roll");
	else if (!rc && r->opts.dry_run)
		rc = first_drain_check(&o);
	else if (!rc)
		rc = run(&o);
	if (!rc && r->opts.dry_run && o.file.n)
		say(r, "nothing changed");
	roll_file_free(&o.file);
	config_free(o.today);
	if (!r->opts.dry_run)
		lock_drop(&lock);
	return rc;
}
