/*
 * wsctl drain: moves a node's clients to the others and waits for zero. drain.c does it; here is
 * what the operator and --json get to hear.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "drain.h"

int cmd_drain(struct run *r)
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
	rc = drain_run(r, &m, &ms, &d);
	if (rc && d.removed)
		say_error("%s was removed meanwhile", m.name);
	if (rc || r->opts.dry_run)
		goto out;
	if (d.already)
		say(r, "%s is drained already", m.name);
	else if (r->opts.no_wait && !d.following)
		say(r, "%s is draining; wait for it: wsctl drain %s; undo: wsctl ready %s", m.name,
		    m.name, m.name);
	else
		drain_report(&d);
	snprintf(done, sizeof done, "%s is %s", m.name,
	         r->opts.no_wait && !d.already ? "draining" : "drained");
	rc = fleet_rest(&ms.f, done);
	/* A node that answers counts also those who came through a balancer that is away. */
	if (!d.already && !(r->opts.no_wait && !d.following) && (!rc || !d.silent))
		say(r, "safe to stop; afterwards: wsctl ready %s", m.name);
	if (!rc && r->opts.json)
		say_json(json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:f}", "node", m.name,
		                   "state", r->opts.no_wait && !d.already ? "draining" : "drained",
		                   "answers", !d.silent, "clients", (json_int_t)d.clients, "moved",
		                   r->opts.no_wait ? (json_int_t)0 : (json_int_t)drain_moved(&d),
		                   "killed", (json_int_t)d.killed, "unknown", (json_int_t)d.unknown,
		                   "seconds", d.seconds));
out:
	members_close(&ms);
	return rc;
}
