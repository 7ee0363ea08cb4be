/*
 * wsctl ready: back to work after a cordon or a drain, or after the node's restart. Takes no node
 * lock, so that it can undo a drain that somebody is waiting for.
 */
#include <jansson.h>

#include "cmd.h"
#include "commit.h"
#include "members.h"
#include "persist.h"
#include "ready.h"

enum { WAIT_MS = 10000 };

static int dry_run(struct run *r, const struct member *m, const struct node_note *was)
{
	if (was->state == STATE_READY && member_serving(m->server))
		say(r, "%s is ready already", m->name);
	else
		say(r, "%s is %s; would bring it back; nothing changed", m->name,
		    was->state == STATE_READY ? "not serving" : node_state_str(was->state));
	return EXIT_OK;
}

static int bring_back(struct run *r, const struct member *m, const struct node_note *was,
                      uint64_t wait_ms)
{
	int rc = ready_server(r->cfg, m->name, wait_ms);

	if (rc == EXIT_INTERRUPTED || rc == EXIT_LATER)
		say(r, "%s stays %s; try again: wsctl ready %s", m->name,
		    was->state == STATE_READY ? "as it is" : node_state_str(was->state), m->name);
	if (!rc)
		rc = commit_state(r->cfg, m->name, "ready", STATE_READY);
	if (rc)
		return rc;
	if (was->state == STATE_READY && member_serving(m->server)) {
		say(r, "%s is ready already", m->name);
	} else {
		audit("ready", m->name, node_state_str(was->state), "ready");
		say(r, "%s is up and takes clients", m->name);
	}
	return EXIT_OK;
}

int ready_node(struct run *r, const char *name, uint64_t wait_ms)
{
	struct hap_servers all;
	struct node_note was;
	struct member m;
	int rc = member_find(r->cfg, name, &all, &m);

	if (rc)
		goto out;
	rc = EXIT_FAILED;
	if (!m.server) {
		char at[ENDPOINT_STR];

		say_error("%s is not in HAProxy; finish adding it: wsctl add %s %s", m.name, m.name,
		          endpoint_str(&m.node->at, at));
		goto out;
	}
	if (state_read(r->cfg, m.name, &was))
		goto out;
	rc = r->opts.dry_run ? dry_run(r, &m, &was) : bring_back(r, &m, &was, wait_ms);
out:
	hap_servers_free(&all);
	return rc;
}

int cmd_ready(struct run *r)
{
	const char *name = r->argv[0];
	int rc = ready_node(r, name, r->opts.wait_ms ? r->opts.wait_ms : WAIT_MS);

	if (!rc && r->opts.json && !r->opts.dry_run)
		say_json(json_pack("{s:s, s:s}", "node", name, "state", "ready"));
	return rc;
}
