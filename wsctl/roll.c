/*
 * roll: the steps, each of which may be the last that is done. A node counts as restarted when it
 * answers with another start id than before: a command's word for it isn't enough.
 */
#include "roll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/num.h"
#include "cmd.h"
#include "ctl.h"
#include "drain.h"
#include "members.h"
#include "ready.h"
#include "roll_run.h"

enum { ASK_MS = 1000, POLL_MS = 250, READY_MS = 30000 };

int roll_start_id(const struct config *cfg, const char *name, char out[static 65])
{
	struct ctl_replies replies;

	out[0] = '\0';
	if (ctl_ask(cfg, name, request_new("report"), ASK_MS, &replies))
		return ctl_exit();
	snprintf(out, 65, "%s", reply_str(ctl_reply(&replies, name), "start_id"));
	ctl_replies_free(&replies);
	return EXIT_OK;
}

static int save(struct roll *o, struct roll_node *n, enum roll_step step)
{
	n->step = step;
	return roll_file_write(o->r->cfg, &o->file) ? EXIT_FAILED : EXIT_OK;
}

/* 1: it runs anew since the roll has begun it; 0: not; -1: Redis is away, *rc. */
static int restarted(struct roll *o, const struct roll_node *n, int *rc)
{
	char now[65];

	*rc = roll_start_id(o->r->cfg, n->name, now);
	if (*rc)
		return -1;
	return now[0] && strcmp(now, n->start_id) != 0;
}

/* Its drain was refused before anything was changed. */
static bool untouched(const struct roll *o, const char *name, const struct drain *d)
{
	struct node_note note;

	return !d->deadline_ms && !state_read(o->r->cfg, name, &note) && note.state == STATE_READY;
}

static int begin(struct roll *o, struct roll_node *n)
{
	struct drain d;
	int rc = EXIT_OK;

	if (n->step == ROLL_WAITS) {
		rc = roll_start_id(o->r->cfg, n->name, n->start_id);
		if (!rc)
			rc = save(o, n, ROLL_BEGUN);
	}
	if (rc)
		return rc;
	rc = drain_node(o->r, n->name, &d);
	if (rc && d.removed)
		return save(o, n, ROLL_GONE);
	if (rc && untouched(o, n->name, &d))
		save(o, n, ROLL_WAITS);
	return rc;
}

static int command(struct roll *o, const struct roll_node *n)
{
	const struct config_node *node = config_node(o->cfg, n->name);
	struct roll_cmd c;
	char *text;
	int rc;

	if (roll_cmd_make(&o->r->opts, node, &c)) {
		say_error("%s: %s", n->name, c.why);
		roll_cmd_free(&c);
		return EXIT_FAILED;
	}
	text = roll_cmd_text(&c);
	say(o->r, "%s: running: %s", n->name, text ? text : "");
	free(text);
	rc = roll_run(&c, NULL);
	roll_cmd_free(&c);
	return rc;
}

static int come_back(struct roll *o, const struct roll_node *n)
{
	uint64_t until = now_ms() + o->wait_ms;
	char t[24];
	int is, rc;

	while ((is = restarted(o, n, &rc)) == 0 && now_ms() < until) {
		locks_keep();
		if (interrupted() || pause_ms(POLL_MS))
			return EXIT_INTERRUPTED;
	}
	if (is < 0)
		return rc;
	if (is) {
		say(o->r, "%s: runs anew", n->name);
		return EXIT_OK;
	}
	num_duration_str(o->wait_ms, t);
	rc = roll_start_id(o->r->cfg, n->name, (char[65]){0});
	say_error("%s: no new process of that name within %s of the command; %s", n->name, t,
	          rc ? "redis is away" : "did it restart wsnode there?");
	return EXIT_LATER;
}

/* Of one host only the first node's command runs: it reboots all of them. */
static bool host_done(const struct roll *o, size_t first, size_t i)
{
	const struct config_node *n = config_node(o->cfg, o->file.v[i].name);

	for (size_t k = first; o->r->opts.reboot && n && k < i; k++) {
		const struct config_node *m = config_node(o->cfg, o->file.v[k].name);

		if (m && !strcmp(m->at.host, n->at.host))
			return true;
	}
	return false;
}

static bool over(const struct roll_node *n)
{
	return n->step == ROLL_DONE || n->step == ROLL_GONE;
}

/* Who isn't in the YAML any more. One that can't be read just now changes nothing. */
static int look(struct roll *o, size_t first, size_t last)
{
	struct config *now = config_reload(o->r->cfg);
	int rc = EXIT_OK;

	if (now) {
		config_free(o->today);
		o->cfg = o->today = now;
	}
	for (size_t i = first; i <= last && !rc; i++) {
		struct roll_node *n = &o->file.v[i];

		if (over(n) || config_node(o->cfg, n->name))
			continue;
		say(o->r, "%s is no longer in the cluster; skipped", n->name);
		rc = save(o, n, ROLL_GONE);
	}
	return rc;
}

static int drain_all(struct roll *o, size_t first, size_t last)
{
	struct roll_node *v = o->file.v;
	int rc = EXIT_OK;

	/* More than one: all begin, then each is waited for. */
	for (size_t i = first; i <= last && !rc && first != last; i++) {
		if (over(&v[i]))
			continue;
		o->r->opts.no_wait = true;
		if (v[i].step == ROLL_WAITS || restarted(o, &v[i], &rc) == 0)
			rc = begin(o, &v[i]);
	}
	o->r->opts.no_wait = false;
	for (size_t i = first; i <= last && !rc; i++)
		if (v[i].step == ROLL_WAITS ||
		    (v[i].step == ROLL_BEGUN && restarted(o, &v[i], &rc) == 0))
			rc = begin(o, &v[i]);
	return rc;
}

static int locked(struct roll *o, size_t first, size_t last, struct lock *locks)
{
	struct roll_node *v = o->file.v;
	int rc = look(o, first, last);

	if (!rc)
		rc = drain_all(o, first, last);
	/* A remove that had begun before is done now. */
	if (!rc)
		rc = look(o, first, last);
	for (size_t i = first; i <= last && !rc; i++)
		if (v[i].step == ROLL_BEGUN && !host_done(o, first, i) &&
		    restarted(o, &v[i], &rc) == 0)
			rc = command(o, &v[i]);
	for (size_t i = first; i <= last && !rc; i++) {
		if (over(&v[i]))
			continue;
		rc = come_back(o, &v[i]);
		if (!rc)
			rc = ready_node(o->r, v[i].name, READY_MS);
		if (!rc)
			rc = save(o, &v[i], ROLL_DONE);
		if (!rc)
			lock_drop(&locks[i - first]);
	}
	return rc;
}

int roll_batch(struct roll *o, size_t first, size_t last)
{
	struct lock *locks = calloc(last - first + 1, sizeof *locks);
	char name[80];
	int rc = EXIT_OK;

	if (!locks) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	for (size_t i = first; i <= last; i++)
		locks[i - first].fd = -1;
	for (size_t i = first; i <= last && !rc; i++) {
		snprintf(name, sizeof name, "roll-%s", o->file.v[i].name);
		if (!over(&o->file.v[i]))
			rc = lock_take(o->r->cfg, name, "roll", 0, &locks[i - first]);
	}
	if (!rc)
		rc = locked(o, first, last, locks);
	for (size_t i = first; i <= last; i++)
		lock_drop(&locks[i - first]);
	free(locks);
	return rc;
}
