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

static int take_out(struct run *r, const struct member *m)
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
	} else if ((rc = commit_finish(r))) {
		goto out;
	}
	if (r->opts.dry_run) {
		say(r, "would remove %s from %s%s; nothing changed", m->name,
		    m->node ? r->cfg->path : "HAProxy", m->node && m->server ? " and HAProxy" : "");
		goto out;
	}
	if (m->server) {
		rc = hap_del(cfg, m->name, DEL_MS);
		if (rc != HAP_OK) {
			rc = hap_exit(rc);
			say_error("%s is out of service; finish: wsctl remove %s", m->name,
			          m->name);
			goto out;
		}
	}
	rc = commit_state(cfg, m->name, "remove", STATE_REMOVED);
	release(cfg, m->name);
	audit("remove", m->name, m->node ? "in the YAML" : "runtime only", "removed");
out:
	commit_free(&c);
	return rc;
}

/*
 * One at a time: who comes second finds the first one's work done. Not under the node's own lock: a
 * drain that this one followed may hold it for a while yet.
 */
static int take_out_alone(struct run *r, const struct member *m)
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
	rc = take_out(r, &now);
	lock_drop(&lock);
	return rc;
}

int cmd_remove(struct run *r)
{
	struct hap_servers all;
	struct member m;
	struct drain d;
	int rc = member_find(r->cfg, r->argv[0], &all, &m);

	memset(&d, 0, sizeof d);
	if (rc)
		goto out;
	rc = EXIT_FAILED;
	if (m.node && commit_refused(r, COMMIT_REMOVE, m.node))
		goto out;
	if (m.server) {
		rc = drain_run(r, &m, &all, &d);
		/* Another remove may be done before this one has seen zero. */
		if (rc && !d.removed)
			goto out;
		if (d.removed) {
			say(r, "%s was removed by another wsctl", m.name);
		} else if (d.following) {
			/* Whoever drains it may not want it removed; but it was asked for here. */
			say(r, "%s was drained by another wsctl", m.name);
		} else if (!d.already && !r->opts.dry_run) {
			drain_report(&d);
		}
	}
	rc = r->opts.dry_run ? take_out(r, &m) : take_out_alone(r, &m);
	if (rc || r->opts.dry_run)
		goto out;
	say(r, "%s removed; on its host: systemctl disable --now wsnode@%s", m.name, m.name);
	if (r->opts.json)
		say_json(json_pack("{s:s, s:s, s:I, s:I}", "node", m.name, "state", "removed",
		                   "moved", (json_int_t)drain_moved(&d), "killed",
		                   (json_int_t)d.killed));
out:
	hap_servers_free(&all);
	return rc;
}
