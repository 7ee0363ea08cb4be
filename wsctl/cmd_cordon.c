/*
 * wsctl cordon: HAProxy sends no new clients; the node isn't told, so those it has stay.
 * The state is written first: what a reload brings back is then never less than what was asked.
 */
#include <jansson.h>
#include <stdio.h>

#include "cmd.h"
#include "members.h"
#include "persist.h"

enum { LOCK_MS = 5000 };

struct cordon {
	struct run *r;
	struct member m;
	struct node_note was;
	bool same; /* every state file says so */
};

/* On every balancer that has it, and so that it survives a reload. */
static bool already(const struct cordon *c, const struct members *ms)
{
	if (c->was.state == STATE_READY || !c->same)
		return false;
	for (size_t i = 0; i < ms->f.n; i++) {
		const struct hap_server *s = member_at(ms, i, c->m.name);

		if (s && !member_drain(s))
			return false;
	}
	return true;
}

static int cordon(const struct cordon *c, struct members *ms)
{
	struct run *r = c->r;
	const char *name = c->m.name;
	char done[96];
	int rc;

	rc = fleet_state(&ms->f, name, STATE_CORDONED, whoami());
	if (rc)
		return rc;
	for (size_t i = 0; i < ms->f.n; i++) {
		struct balancer *b = &ms->f.v[i];
		int result = b->why[0] || !member_at(ms, i, name) ? HAP_OK
		                                                  : hap_set_drain(b->cfg, name);

		if (result != HAP_OK)
			fleet_lost(b, result);
	}
	rc = fleet_any(&ms->f);
	fleet_restore(&ms->f, name, &c->was, rc != EXIT_OK);
	if (rc)
		return rc;
	audit("cordon", name, node_state_str(c->was.state), "cordoned");
	say(r, "%s gets no new clients; undo: wsctl ready %s", name, name);
	snprintf(done, sizeof done, "%s is cordoned", name);
	return fleet_rest(&ms->f, done);
}

static int locked(struct cordon *c, struct members *ms)
{
	struct lock lock;
	char doing[96];
	int rc;

	snprintf(doing, sizeof doing, "cordon %s", c->m.name);
	rc = lock_take(c->r->cfg, "edit", doing, LOCK_MS, &lock);
	if (rc)
		return rc;
	rc = cordon(c, ms);
	lock_drop(&lock);
	c->was.state = STATE_CORDONED;
	return rc;
}

int cmd_cordon(struct run *r)
{
	struct cordon c = {.r = r};
	struct members ms;
	const char *name = r->argv[0];
	int rc = members_open(r->cfg, &ms);

	if (!rc)
		rc = member_find(r->cfg, &ms, name, &c.m);
	if (rc)
		goto out;
	rc = EXIT_FAILED;
	if (!c.m.server) {
		say_error("%s is not in HAProxy; nothing to cordon", name);
		goto out;
	}
	if (fleet_note(&ms.f, name, &c.was, &c.same))
		goto out;
	rc = r->opts.dry_run ? EXIT_OK : lock_rolled(r->cfg, name);
	if (rc)
		goto out;
	if (already(&c, &ms)) {
		char done[96];

		say(r, "%s is %s already", name, node_state_str(c.was.state));
		snprintf(done, sizeof done, "%s is %s", name, node_state_str(c.was.state));
		rc = fleet_rest(&ms.f, done);
		goto done;
	}
	if (member_serving(c.m.server) && !member_others(&ms.all, name, NULL))
		say(r, "note: no other node serves; new clients will get 503");
	if (r->opts.dry_run)
		say(r, "would cordon %s; nothing changed", name);
	else
		rc = locked(&c, &ms);
done:
	if (!rc && r->opts.json && !r->opts.dry_run)
		say_json(json_pack("{s:s, s:s}", "node", name, "state",
		                   node_state_str(c.was.state)));
out:
	members_close(&ms);
	return rc;
}
