/*
 * wsctl ready: back to work after a cordon or a drain, or after the node's restart. Takes no node
 * lock, so that it can undo a drain that somebody is waiting for; but not one of a roll, whose
 * command may be at that node.
 */
#include <jansson.h>
#include <stdio.h>

#include "cmd.h"
#include "commit.h"
#include "members.h"
#include "persist.h"
#include "ready.h"

enum { WAIT_MS = 10000, LOCK_MS = 5000 };

struct back {
	struct run *r;
	struct member m;
	struct node_note was;
	bool same;    /* every state file says so */
	bool written; /* the state files say ready now */
};

/* It serves on every balancer that was asked, and nothing says otherwise. */
static bool serves(const struct members *ms, const struct back *b)
{
	if (b->was.state != STATE_READY || !b->same || !member_serving(b->m.server))
		return false;
	for (size_t i = 0; i < ms->f.n; i++)
		if (!ms->f.v[i].why[0] && !member_at(ms, i, b->m.name))
			return false;
	return true;
}

static int dry_run(const struct back *b, const struct members *ms)
{
	if (serves(ms, b))
		say(b->r, "%s is ready already", b->m.name);
	else
		say(b->r, "%s is %s; would bring it back; nothing changed", b->m.name,
		    b->was.state == STATE_READY ? "not serving" : node_state_str(b->was.state));
	return EXIT_OK;
}

static int write_state(void *arg, struct fleet *f)
{
	struct back *b = arg;
	int rc = commit_note(b->r->cfg, f, b->m.name, "ready", STATE_READY, whoami());

	b->written = !rc;
	return rc;
}

static void take_back(const struct back *b, struct fleet *f)
{
	struct lock lock;

	if (lock_take(b->r->cfg, "edit", "ready", LOCK_MS, &lock))
		return;
	fleet_restore(f, b->m.name, &b->was, true);
	lock_drop(&lock);
}

static int bring_back(struct back *b, struct members *ms, uint64_t wait_ms)
{
	struct run *r = b->r;
	const char *name = b->m.name;
	bool already = serves(ms, b);
	int rc = ready_fleet(&ms->f, r->cfg, name, wait_ms, write_state, b);
	char done[96];

	/* What HAProxy didn't do now a reload must not do later. */
	if (rc && rc != EXIT_INTERRUPTED && rc != EXIT_LATER && b->written)
		take_back(b, &ms->f);
	if ((rc == EXIT_INTERRUPTED || rc == EXIT_LATER) && b->written)
		say(r, "%s is back in service, but not seen up yet; undo: wsctl drain %s", name,
		    name);
	else if (rc == EXIT_INTERRUPTED || rc == EXIT_LATER)
		say(r, "%s stays %s; try again: wsctl ready %s", name,
		    b->was.state == STATE_READY ? "as it is" : node_state_str(b->was.state), name);
	if (rc)
		return rc;
	if (already) {
		say(r, "%s is ready already", name);
	} else {
		audit("ready", name, node_state_str(b->was.state), "ready");
		say(r, "%s is up and takes clients", name);
	}
	snprintf(done, sizeof done, "%s is up", name);
	return fleet_rest(&ms->f, done);
}

int ready_node(struct run *r, const char *name, uint64_t wait_ms)
{
	struct back b = {.r = r};
	struct members ms;
	int rc = members_open(r->cfg, &ms);

	if (!rc)
		rc = member_find(r->cfg, &ms, name, &b.m);
	if (rc)
		goto out;
	rc = EXIT_FAILED;
	if (!b.m.server) {
		char at[ENDPOINT_STR];

		say_error("%s is not in HAProxy; finish adding it: wsctl add %s %s", name, name,
		          endpoint_str(&b.m.node->at, at));
		goto out;
	}
	if (fleet_note(&ms.f, name, &b.was, &b.same))
		goto out;
	rc = r->opts.dry_run ? dry_run(&b, &ms) : bring_back(&b, &ms, wait_ms);
out:
	members_close(&ms);
	return rc;
}

int cmd_ready(struct run *r)
{
	const char *name = r->argv[0];
	int rc = r->opts.dry_run ? EXIT_OK : lock_rolled(r->cfg, name);

	if (!rc)
		rc = ready_node(r, name, r->opts.wait_ms ? r->opts.wait_ms : WAIT_MS);
	if (!rc && r->opts.json && !r->opts.dry_run)
		say_json(json_pack("{s:s, s:s}", "node", name, "state", "ready"));
	return rc;
}
