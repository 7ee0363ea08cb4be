/*
 * wsctl remove: drains a node, takes it out of the YAML, the rendered file and HAProxy, and forgets
 * it. Each step may already have been done by a run that was interrupted: then the rest is.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "commit.h"
#include "ctl.h"
#include "drain.h"

enum { DEL_MS = 10000, ASK_MS = 1000, LOCK_MS = DEL_MS + 10000 };

/* A node that runs on must not stay draining, or a later add would find it so. */
static void release(const struct config *cfg, const char *name)
{
	struct ctl_replies replies;

	if (!ctl_ask(cfg, name, request_new("ready"), ASK_MS, &replies))
		ctl_replies_free(&replies);
}

/* EXIT_OK when it is out of one HAProxy at least; who still has it is marked. */
static int del_each(struct members *ms, const char *name)
{
	struct fleet *f = &ms->f;
	int rc;

	for (size_t i = 0; i < f->n; i++) {
		int result = f->v[i].why[0] || !member_at(ms, i, name)
		                     ? HAP_OK
		                     : hap_del(f->v[i].cfg, name, DEL_MS);

		if (result != HAP_OK)
			fleet_lost(&f->v[i], result);
	}
	rc = fleet_any(f);
	if (rc)
		say_error("%s is out of service; finish: wsctl remove %s", name, name);
	return rc;
}

static int take_out(struct run *r, struct members *ms, const struct member *m)
{
	const struct config *cfg = r->cfg;
	struct commit c;
	int rc = EXIT_OK;

	memset(&c, 0, sizeof c);
	if (m->node) {
		rc = commit_make(r, COMMIT_REMOVE, m->node, &c);
		if (rc)
			goto out;
		cfg = c.cfg;
		fleet_look(&ms->f);
	} else if ((rc = commit_finish(r))) {
		goto out;
	}
	if (r->opts.dry_run) {
		say(r, "would remove %s from %s%s; nothing changed", m->name,
		    m->node ? r->cfg->path : "HAProxy", m->node && m->server ? " and HAProxy" : "");
		goto out;
	}
	if (m->server && (rc = del_each(ms, m->name)))
		goto out;
	/* The views are the caller's again afterwards: cfg ends here. */
	rc = fleet_follow(&ms->f, cfg);
	if (!rc)
		rc = commit_note(cfg, &ms->f, m->name, "remove", STATE_REMOVED, whoami());
	fleet_follow(&ms->f, r->cfg);
	release(cfg, m->name);
	if (!rc && m->node)
		commit_keep(r);
	audit("remove", m->name, m->node ? "in the YAML" : "runtime only", "removed");
out:
	commit_free(&c);
	return rc;
}

/*
 * One at a time: who comes second finds the first one's work done. Not under the node's own lock: a
 * drain that this one followed may hold it for a while yet.
 */
static int take_out_alone(struct run *r, struct members *ms, const struct member *m)
{
	struct member now = *m;
	struct config *today;
	struct lock lock;
	char name[64], doing[64];
	int rc;

	snprintf(name, sizeof name, "remove-%s", m->name);
	snprintf(doing, sizeof doing, "remove %s", m->name);
	rc = lock_take(r->cfg, name, doing, LOCK_MS, &lock);
	if (rc)
		return rc;
	today = config_reload(r->cfg);
	if (today && !config_node(today, m->name))
		now.node = NULL;
	config_free(today);
	rc = take_out(r, ms, &now);
	lock_drop(&lock);
	return rc;
}

/* Its clients elsewhere, by us or by another. EXIT_OK to go on. */
static int emptied(struct run *r, struct members *ms, struct member *m, struct drain *d)
{
	int rc = drain_run(r, m, ms, d);

	/* Another remove may be done before this one has seen zero. */
	if (rc && !d->removed)
		return rc;
	if (d->removed) {
		say(r, "%s was removed by another wsctl", m->name);
	} else if (d->following) {
		/* Whoever drains it may not want it removed; but it was asked for here. */
		say(r, "%s was drained by another wsctl", m->name);
	} else if (!d->already && !r->opts.dry_run) {
		drain_report(d);
	}
	return EXIT_OK;
}

int cmd_remove(struct run *r)
{
	struct members ms;
	struct member m;
	struct drain d;
	char done[96];
	int rc = members_open(r->cfg, &ms);

	memset(&d, 0, sizeof d);
	if (!rc)
		rc = member_find(r->cfg, &ms, r->argv[0], &m);
	if (rc)
		goto out;
	rc = EXIT_FAILED;
	if (m.node && commit_refused(r, COMMIT_REMOVE, m.node))
		goto out;
	if (!r->opts.dry_run && (rc = lock_rolled(r->cfg, m.name)))
		goto out;
	rc = m.server ? emptied(r, &ms, &m, &d) : EXIT_OK;
	if (!rc)
		rc = r->opts.dry_run ? take_out(r, &ms, &m) : take_out_alone(r, &ms, &m);
	if (rc || r->opts.dry_run)
		goto out;
	say(r, "%s removed; on its host: systemctl disable --now wsnode@%s", m.name, m.name);
	snprintf(done, sizeof done, "%s is removed", m.name);
	rc = fleet_rest(&ms.f, done);
	if (!rc && r->opts.json)
		say_json(json_pack("{s:s, s:s, s:I, s:I}", "node", m.name, "state", "removed",
		                   "moved", (json_int_t)drain_moved(&d), "killed",
		                   (json_int_t)d.killed));
out:
	members_close(&ms);
	return rc;
}
