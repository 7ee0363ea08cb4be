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
static int refresh_state(const struct config *cfg, struct fleet *f)
{
	struct lock lock;
	int rc = lock_take(cfg, "edit", "weight", LOCK_MS, &lock);

	if (rc)
		return rc;
	for (size_t i = 0; i < f->n; i++)
		if (!f->v[i].why[0] && statefile_refresh(f->v[i].cfg) && !fleet_look(f))
			rc = EXIT_FAILED;
	lock_drop(&lock);
	return rc;
}

/* EXIT_OK when one took it at least; who didn't is marked. */
static int tell_each(struct members *ms, const char *name, unsigned weight)
{
	for (size_t i = 0; i < ms->f.n; i++) {
		struct balancer *b = &ms->f.v[i];
		int result = b->why[0] || !member_at(ms, i, name)
		                     ? HAP_OK
		                     : hap_set_weight(b->cfg, name, weight);

		if (result != HAP_OK)
			fleet_lost(b, result);
	}
	return fleet_any(&ms->f);
}

/* What clients were sent by until now: HAProxy's word, when somebody used its socket by hand. */
static unsigned before_of(const struct member *m)
{
	return m->server ? m->server->uweight : m->node->weight;
}

static int apply(struct run *r, struct members *ms, const struct member *m,
                 const struct config_node *want)
{
	struct commit c;
	char before[16], after[16];
	int rc = commit_make(r, COMMIT_WEIGHT, want, &c);

	if (rc || r->opts.dry_run)
		goto out;
	rc = tell_each(ms, m->name, want->weight);
	if (rc) {
		commit_undo(r, &c);
		goto out;
	}
	rc = fleet_follow(&ms->f, c.cfg);
	if (!rc)
		rc = refresh_state(c.cfg, &ms->f);
	fleet_follow(&ms->f, r->cfg);
	if (!rc)
		commit_keep(r);
	snprintf(before, sizeof before, "%u", before_of(m));
	snprintf(after, sizeof after, "%u", want->weight);
	audit("weight", m->name, before, after);
out:
	commit_free(&c);
	return rc;
}

/* Added with --runtime: there is only HAProxy to tell. */
static int apply_runtime(struct members *ms, const struct member *m, unsigned weight)
{
	char before[16], after[16];
	int rc = tell_each(ms, m->name, weight);

	snprintf(before, sizeof before, "%u", m->server->uweight);
	snprintf(after, sizeof after, "%u", weight);
	if (!rc)
		audit("weight", m->name, before, after);
	return rc;
}

/* HAProxy's, everywhere it is. */
static bool has_weight(const struct members *ms, const char *name, unsigned weight)
{
	for (size_t i = 0; i < ms->f.n; i++) {
		const struct hap_server *s = member_at(ms, i, name);

		if (s && s->uweight != weight)
			return false;
	}
	return true;
}

static int change(struct run *r, struct members *ms, const struct member *m, uint32_t weight)
{
	struct config_node want;
	int rc = EXIT_OK;

	if (!m->node) {
		if (!r->opts.dry_run)
			rc = apply_runtime(ms, m, weight);
		if (!rc)
			say(r, "%s: %sweight %u, until HAProxy's next reload", m->name,
			    r->opts.dry_run ? "would get " : "", weight);
		return rc;
	}
	if (m->node->weight == weight && has_weight(ms, m->name, weight)) {
		say(r, "%s has weight %u; nothing to do", m->name, weight);
		return rc;
	}
	want = *m->node;
	want.weight = weight;
	if (commit_refused(r, COMMIT_WEIGHT, &want))
		return EXIT_FAILED;
	rc = apply(r, ms, m, &want);
	if (rc)
		return rc;
	if (!weight && m->server && member_serving(m->server) &&
	    !member_others(&ms->all, m->name, NULL))
		say(r, "note: no other node serves; new clients will get 503");
	say(r, "%s: %sweight %u -> %u%s", m->name, r->opts.dry_run ? "would change " : "",
	    before_of(m), weight,
	    r->opts.dry_run ? "; nothing changed"
	    : m->server     ? ""
	                    : " (not in HAProxy yet)");
	return rc;
}

int cmd_weight(struct run *r)
{
	struct members ms;
	struct member m;
	uint32_t weight;
	char done[96];
	int rc;

	if (num_u32(r->argv[1], 0, WEIGHT_MAX, &weight)) {
		say_error("\"%s\" is not a weight from 0 to %d", r->argv[1], WEIGHT_MAX);
		return EXIT_USAGE;
	}
	rc = members_open(r->cfg, &ms);
	if (!rc)
		rc = member_find(r->cfg, &ms, r->argv[0], &m);
	if (!rc)
		rc = change(r, &ms, &m, weight);
	if (!rc && !r->opts.dry_run) {
		snprintf(done, sizeof done, "%s has weight %u", m.name, weight);
		rc = fleet_rest(&ms.f, done);
	}
	if (!rc && r->opts.json && !r->opts.dry_run)
		say_json(json_pack("{s:s, s:i}", "node", m.name, "weight", (int)weight));
	members_close(&ms);
	return rc;
}
