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

static int cordon(struct run *r, const struct member *m, const struct node_note *was)
{
	int rc;

	if (state_write(r->cfg, m->name, STATE_CORDONED, whoami()))
		return EXIT_FAILED;
	rc = hap_set_drain(r->cfg, m->name);
	if (rc != HAP_OK) {
		rc = hap_exit(rc);
		state_write(r->cfg, m->name, was->state, was->by);
		return rc;
	}
	audit("cordon", m->name, node_state_str(was->state), "cordoned");
	say(r, "%s gets no new clients; undo: wsctl ready %s", m->name, m->name);
	return EXIT_OK;
}

int cmd_cordon(struct run *r)
{
	struct hap_servers all;
	struct node_note was;
	struct lock lock;
	struct member m;
	char doing[64];
	int rc = member_find(r->cfg, r->argv[0], &all, &m);

	if (rc)
		goto out;
	rc = EXIT_FAILED;
	if (!m.server) {
		say_error("%s is not in HAProxy; nothing to cordon", m.name);
		goto out;
	}
	if (state_read(r->cfg, m.name, &was))
		goto out;
	if (was.state != STATE_READY && member_drain(m.server)) {
		say(r, "%s is %s already", m.name, node_state_str(was.state));
		rc = EXIT_OK;
		goto done;
	}
	if (member_serving(m.server) && !member_others(&all, m.name, NULL))
		say(r, "note: no other node serves; new clients will get 503");
	if (r->opts.dry_run) {
		say(r, "would cordon %s; nothing changed", m.name);
		rc = EXIT_OK;
		goto done;
	}
	snprintf(doing, sizeof doing, "cordon %s", m.name);
	rc = lock_take(r->cfg, "edit", doing, LOCK_MS, &lock);
	if (rc)
		goto out;
	rc = cordon(r, &m, &was);
	lock_drop(&lock);
	was.state = STATE_CORDONED;
done:
	if (!rc && r->opts.json && !r->opts.dry_run)
		say_json(json_pack("{s:s, s:s}", "node", m.name, "state",
		                   node_state_str(was.state)));
out:
	hap_servers_free(&all);
	return rc;
}
