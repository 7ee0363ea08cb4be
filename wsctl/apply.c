/*
 * apply: the steps of a plan in their order. What one balancer refuses the others get all the same.
 * Nodes that leave are drained before anything forgets them; nodes that come get no clients before
 * HAProxy knows how they are.
 */
#include "apply.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "commit.h"
#include "ctl.h"
#include "drain.h"
#include "reload.h"
#include "render.h"
#include "restore.h"
#include "settle.h"

enum {
	DEL_MS = 10000,
	SETTLE_MS = 15000,
	RELOAD_MS = 30000,
	LOCK_MS = 5000,
	REDIS_MS = 5000,
	POLL_MS = 100
};

static bool on(const struct plan_line *l, const struct fleet *f, size_t i)
{
	return l->on & UINT32_C(1) << i && !f->v[i].why[0];
}

int apply_allowed(const struct run *r, const struct config *cfg, struct fleet *f,
                  const struct plan *p)
{
	char *text = render(cfg);
	int rc = EXIT_OK;

	if (!text) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < p->n && !r->opts.allow_remove; i++)
		if (p->v[i].todo == PLAN_REMOVE) {
			say_error("%s (%s) would go; nothing changed; drain and remove it: wsctl "
			          "apply%s --allow-remove",
			          p->v[i].name, p->v[i].what,
			          r->opts.rollback ? " --rollback" : "");
			rc = EXIT_FAILED;
		}
	for (size_t i = 0; i < f->n && !rc; i++)
		if (fleet_files(&f->v[i]) &&
		    (persist_rendered_check(f->v[i].cfg, r->opts.overwrite) ||
		     persist_validate(f->v[i].cfg, text)))
			rc = EXIT_FAILED;
	free(text);
	return rc;
}

/* Out of HAProxy on each balancer of the line, drained already. */
static int take_out(const struct config *cfg, struct fleet *f, const struct plan_line *l)
{
	int rc = EXIT_OK;

	for (size_t i = 0; i < f->n; i++)
		if (on(l, f, i) && hap_del(f->v[i].cfg, l->name, DEL_MS) != HAP_OK)
			rc = hap_exit(HAP_REFUSED);
	/* One that is asked for again later must not be found draining. */
	settle_tell(cfg, l->name);
	return rc;
}

static int remove_node(struct run *r, const struct config *cfg, struct fleet *f,
                       const struct plan_line *l)
{
	struct drain d;
	int rc = drain_node(r, l->name, &d);

	if (rc && !d.removed)
		return rc;
	rc = take_out(cfg, f, l);
	if (!rc)
		rc = commit_note(cfg, f, l->name, "apply", STATE_REMOVED, whoami());
	if (!rc) {
		audit("apply", l->name, l->what, "removed");
		say(r, "%s removed; on its host: systemctl disable --now wsnode@%s", l->name,
		    l->name);
	}
	return rc;
}

/* The servers that leave: no file forgets them before they are empty. */
static int leave(struct run *r, const struct config *cfg, struct fleet *f, const struct plan *p)
{
	int rc = EXIT_OK;

	for (size_t i = 0; i < p->n && !rc && !interrupted(); i++) {
		const struct plan_line *l = &p->v[i];
		struct drain d;

		if (l->todo == PLAN_REMOVE)
			rc = remove_node(r, cfg, f, l);
		else if (l->todo == PLAN_LEFTOVER && !(rc = take_out(cfg, f, l)))
			rc = commit_note(cfg, f, l->name, "apply", STATE_REMOVED, whoami());
		else if (l->todo == PLAN_READDRESS && !(rc = drain_node(r, l->name, &d)))
			rc = take_out(cfg, f, l);
	}
	return rc;
}

/* Under the edit lock: what any start or reload from now on will read. */
static int files(struct run *r, const struct config *cfg, struct fleet *f, const struct plan *p)
{
	struct lock lock;
	int rc = lock_take(cfg, "edit", "apply", LOCK_MS, &lock);

	if (rc)
		return rc;
	for (size_t i = 0; i < f->n; i++)
		if (fleet_files(&f->v[i]) && (persist_rendered(f->v[i].cfg, r->opts.overwrite) ||
		                              statefile_refresh(f->v[i].cfg)))
			rc = EXIT_FAILED;
	for (size_t i = 0; i < p->n && !rc; i++) {
		const struct plan_line *l = &p->v[i];
		struct node_note note = {.state = STATE_REMOVED};

		if (l->todo != PLAN_STATE)
			continue;
		if (config_node(cfg, l->name) && fleet_note(f, l->name, &note, NULL))
			rc = EXIT_FAILED;
		else
			rc = fleet_state(f, l->name, (int)note.state,
			                 note.by[0] ? note.by : whoami());
	}
	lock_drop(&lock);
	return rc;
}

/* One line on one balancer. HAP_OK, or what hap_why() is about. */
static int change(const struct config *view, const struct plan_line *l)
{
	const struct config_node *n = config_node(view, l->name);

	switch (l->todo) {
	case PLAN_ADD:
	case PLAN_READDRESS:
	case PLAN_READY:
		/* With its checks on and in drain; it is settled when all are there. */
		return n ? hap_add(view, l->name) : HAP_OK;
	case PLAN_WEIGHT:
		return hap_set_weight(view, l->name, n->weight);
	case PLAN_MAXCONN:
		return hap_set_maxconn(view, l->name,
		                       n->maxconn ? n->maxconn : view->node.max_clients);
	case PLAN_DRAIN:
		return hap_set_drain(view, l->name);
	case PLAN_REMOVE:
	case PLAN_LEFTOVER:
	case PLAN_FILE:
	case PLAN_STATE:
	case PLAN_RELOAD:
	case PLAN_KEPT:
		break;
	}
	return HAP_OK;
}

static bool comes(const struct plan_line *l)
{
	return l->todo == PLAN_ADD || l->todo == PLAN_READDRESS || l->todo == PLAN_READY;
}

/* A line's node is somebody else's work just now: it is left to that one. */
static bool busy(const struct config *cfg, const struct plan_line *l, struct lock *lock)
{
	char name[80];

	lock->fd = -1;
	if (!comes(l))
		return false;
	snprintf(name, sizeof name, "node-%s", l->name);
	return lock_take(cfg, name, "apply", 0, lock) != EXIT_OK;
}

static int node(const struct config *cfg, struct fleet *f, const struct plan_line *l)
{
	struct node_note note = {0};
	struct lock lock;
	int rc = EXIT_OK;

	if (busy(cfg, l, &lock))
		return EXIT_LATER;
	for (size_t i = 0; i < f->n; i++) {
		int result = on(l, f, i) ? change(f->v[i].cfg, l) : HAP_OK;

		if (result != HAP_OK)
			rc = hap_exit(result);
	}
	/* An address that changed was drained for it; one that was out of service before stays so.
	 */
	if (!rc && comes(l) && fleet_note(f, l->name, &note, NULL))
		rc = EXIT_FAILED;
	if (!rc && l->todo == PLAN_READDRESS && note.state != STATE_READY)
		rc = commit_note(cfg, f, l->name, "apply", STATE_READY, whoami());
	if (!rc && comes(l) && (note.state == STATE_READY || l->todo == PLAN_READDRESS))
		rc = settle(cfg, f, l->name, l->on, SETTLE_MS);
	if (!rc)
		audit("apply", l->name, "", l->what);
	lock_drop(&lock);
	return rc;
}

static int sockets(const struct config *cfg, struct fleet *f, const struct plan *p)
{
	int rc = EXIT_OK;

	/* All that come are there before the first is waited for: their checks run meanwhile. */
	for (size_t i = 0; i < p->n && !interrupted(); i++)
		for (size_t k = 0; k < f->n; k++)
			if (p->v[i].todo == PLAN_ADD && on(&p->v[i], f, k))
				change(f->v[k].cfg, &p->v[i]); /* node() tells what fails */
	for (size_t i = 0; i < p->n && !interrupted(); i++) {
		int one = node(cfg, f, &p->v[i]);

		rc = one ? one : rc;
	}
	return rc;
}

/* A new worker lets nobody to Redis before it has asked each server for its role: who reads "done"
 * may go on. */
static void await_redis(const struct config *cfg)
{
	uint64_t until = now_ms() + REDIS_MS;
	redisContext *c = NULL;

	if (!cfg->redis.n_servers)
		return;
	while (!(c = ctl_redis(cfg, true)) && now_ms() < until)
		if (interrupted() || pause_ms(POLL_MS))
			return;
	if (c)
		redisFree(c);
	else
		say_error("note: through HAProxy, %s", ctl_why());
}

static int reloads(struct run *r, const struct config *cfg, struct fleet *f, const struct plan *p)
{
	int rc = EXIT_OK, one;
	bool any = false;

	for (size_t i = 0; i < f->n && !interrupted(); i++) {
		bool needed = false;

		for (size_t k = 0; k < p->n; k++)
			needed = needed || (p->v[k].todo == PLAN_RELOAD && on(&p->v[k], f, i));
		if (!needed)
			continue;
		int result = reload(f->v[i].cfg, RELOAD_MS);

		if (result == HAP_OK) {
			say(r, "%s%shaproxy reloaded", f->n > 1 ? f->v[i].name : "",
			    f->n > 1 ? ": " : "");
			audit("apply", f->v[i].name, "", "reloaded");
			one = restore(r, f->v[i].cfg);
			rc = one ? one : rc;
			any = true;
			continue;
		}
		rc = hap_exit(result);
		if (result == HAP_REFUSED)
			say_error("its file is written, and HAProxy's next start would fail: "
			          "mend what it says, or go back: wsctl apply --rollback");
		if (result == HAP_AWAY)
			say_error("its file is written; on that host: systemctl reload haproxy");
	}
	if (any)
		await_redis(cfg);
	return rc;
}

int apply_plan(struct run *r, const struct config *cfg, struct fleet *f, const struct plan *p)
{
	int rc = leave(r, cfg, f, p), one;

	if (rc)
		return rc;
	if (interrupted())
		return EXIT_INTERRUPTED;
	rc = files(r, cfg, f, p);
	if (rc)
		return rc;
	rc = sockets(cfg, f, p);
	one = reloads(r, cfg, f, p);
	return interrupted() ? EXIT_INTERRUPTED : one ? one : rc;
}
