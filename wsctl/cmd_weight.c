/*
 * wsctl weight: a node's share of new clients, live and in the YAML. The files go first, since they
 * are what a reload reads; if HAProxy refuses they go back.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../lib/num.h"
#include "cmd.h"
#include "commit.h"
#include "members.h"
#include "statefile.h"

enum { LOCK_MS = 5000, WEIGHT_MAX = 256 };

/* A row in HAProxy's state file would bring the old weight back. */
static int refresh_state(const struct config *cfg)
{
	struct lock lock;
	int rc = lock_take(cfg, "edit", "weight", LOCK_MS, &lock);

	if (rc)
		return rc;
	rc = statefile_refresh(cfg) ? EXIT_FAILED : EXIT_OK;
	lock_drop(&lock);
	return rc;
}

/* What clients were sent by until now: HAProxy's word, when somebody used its socket by hand. */
static unsigned before_of(const struct member *m)
{
	return m->server ? m->server->uweight : m->node->weight;
}

static int apply(struct run *r, const struct member *m, const struct config_node *want)
{
	struct commit c;
	char before[16], after[16];
	int rc = commit_make(r, COMMIT_WEIGHT, want, &c);

	if (rc || r->opts.dry_run)
		goto out;
	if (m->server) {
		rc = hap_set_weight(c.cfg, m->name, want->weight);
		if (rc != HAP_OK) {
			rc = hap_exit(rc);
			commit_undo(r, &c);
			goto out;
		}
	}
	rc = refresh_state(c.cfg);
	snprintf(before, sizeof before, "%u", before_of(m));
	snprintf(after, sizeof after, "%u", want->weight);
	audit("weight", m->name, before, after);
out:
	commit_free(&c);
	return rc;
}

/* Added with --runtime: there is only HAProxy to tell. */
static int apply_runtime(const struct config *cfg, const struct member *m, unsigned weight)
{
	char before[16], after[16];
	int rc = hap_exit(hap_set_weight(cfg, m->name, weight));

	snprintf(before, sizeof before, "%u", m->server->uweight);
	snprintf(after, sizeof after, "%u", weight);
	if (!rc)
		audit("weight", m->name, before, after);
	return rc;
}

int cmd_weight(struct run *r)
{
	struct config_node want;
	struct hap_servers all;
	struct member m;
	uint32_t weight;
	int rc;

	if (num_u32(r->argv[1], 0, WEIGHT_MAX, &weight)) {
		say_error("\"%s\" is not a weight from 0 to %d", r->argv[1], WEIGHT_MAX);
		return EXIT_USAGE;
	}
	rc = member_find(r->cfg, r->argv[0], &all, &m);
	if (rc)
		goto out;
	if (!m.node) {
		if (!r->opts.dry_run)
			rc = apply_runtime(r->cfg, &m, weight);
		if (!rc)
			say(r, "%s: %sweight %u, until HAProxy's next reload", m.name,
			    r->opts.dry_run ? "would get " : "", weight);
		goto done;
	}
	if (m.node->weight == weight && (!m.server || m.server->uweight == weight)) {
		say(r, "%s has weight %u; nothing to do", m.name, weight);
		goto done;
	}
	want = *m.node;
	want.weight = weight;
	rc = EXIT_FAILED;
	if (commit_refused(r, COMMIT_WEIGHT, &want))
		goto out;
	rc = apply(r, &m, &want);
	if (rc)
		goto out;
	if (!weight && m.server && member_serving(m.server) && !member_others(&all, m.name, NULL))
		say(r, "note: no other node serves; new clients will get 503");
	say(r, "%s: %sweight %u -> %u%s", m.name, r->opts.dry_run ? "would change " : "",
	    before_of(&m), weight,
	    r->opts.dry_run ? "; nothing changed"
	    : m.server      ? ""
	                    : " (not in HAProxy yet)");
done:
	if (!rc && r->opts.json && !r->opts.dry_run)
		say_json(json_pack("{s:s, s:i}", "node", m.name, "weight", (int)weight));
out:
	hap_servers_free(&all);
	return rc;
}
