/*
 * wsctl drain: moves a node's clients to the others and waits for zero. drain.c does it; here is
 * what the operator and --json get to hear.
 */
#include <jansson.h>

#include "cmd.h"
#include "drain.h"

int cmd_drain(struct run *r)
{
	struct hap_servers all;
	struct member m;
	struct drain d;
	int rc;

	rc = member_find(r->cfg, r->argv[0], &all, &m);
	if (rc)
		goto out;
	rc = drain_run(r, &m, &all, &d);
	if (rc && d.removed)
		say_error("%s was removed meanwhile", m.name);
	if (rc || r->opts.dry_run)
		goto out;
	if (d.already) {
		say(r, "%s is drained already", m.name);
	} else if (r->opts.no_wait && !d.following) {
		say(r, "%s is draining; wait for it: wsctl drain %s; undo: wsctl ready %s", m.name,
		    m.name, m.name);
	} else {
		drain_report(&d);
		say(r, "safe to stop; afterwards: wsctl ready %s", m.name);
	}
	if (r->opts.json)
		say_json(json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:f}", "node", m.name,
		                   "state", r->opts.no_wait && !d.already ? "draining" : "drained",
		                   "answers", !d.silent, "clients", (json_int_t)d.clients, "moved",
		                   r->opts.no_wait ? (json_int_t)0 : (json_int_t)drain_moved(&d),
		                   "killed", (json_int_t)d.killed, "unknown", (json_int_t)d.unknown,
		                   "seconds", d.seconds));
out:
	hap_servers_free(&all);
	return rc;
}
