/*
 * drain_may: refuses a drain that would leave nobody serving on a balancer, or its clients without
 * room. Asks every node, before anything is changed; changes nothing.
 */
#include <string.h>

#include "cmd.h"
#include "ctl.h"
#include "drain.h"
#include "room.h"
#include "table.h"

enum { ASK_MS = 2000 };

/* On one balancer: would anybody serve? */
static int refused_on(const struct member *m, const struct hap_servers *all, const char *where)
{
	const char *why = "it is the only one";

	for (size_t i = 0; i < all->n; i++) {
		const struct hap_server *s = &all->v[i];

		if (!strcmp(s->name, m->name))
			continue;
		say_error("%s is %s%s%s", s->name,
		          member_maint(s)   ? "in maintenance"
		          : member_drain(s) ? "out of service (cordoned or drained)"
		          : s->uweight == 0 ? "of weight 0"
		                            : "down",
		          where ? " on " : "", where ? where : "");
		why = "see above";
	}
	say_error("no other node would serve the clients of %s%s%s (%s); --force does it anyway",
	          m->name, where ? " on " : "", where ? where : "", why);
	return EXIT_FAILED;
}

static int refused(struct run *r, const struct member *m, const struct members *ms)
{
	if (r->opts.force || !m->server)
		return EXIT_OK;
	for (size_t i = 0; i < ms->f.n; i++)
		if (!ms->f.v[i].why[0] && member_at(ms, i, m->name) &&
		    !member_others(&ms->each[i], m->name, NULL))
			return refused_on(m, &ms->each[i], ms->f.n > 1 ? ms->f.v[i].name : NULL);
	return EXIT_OK;
}

/*
 * Whether its clients would find a place. What a drain that is under way already began isn't
 * refused any more. EXIT_OK, or EXIT_FAILED, printed.
 */
static int overload(const struct drain *d, const struct member *m, const struct room *room,
                    uint64_t clients, enum node_state was)
{
	char n[NUM_STR], c[NUM_STR];

	if (!m->server || !room->known || room->places >= clients)
		return EXIT_OK;
	num_count(room->places, n);
	num_count(clients, c);
	if (d->r->opts.force || was == STATE_DRAINING) {
		say(d->r, "note: the other nodes have room for %s of %s clients: %s", n, c,
		    room->nodes.p ? room->nodes.p : "there is none");
		return EXIT_OK;
	}
	say_error("the other nodes have room for %s of the %s clients of %s: %s; --force moves "
	          "them anyway, and who finds no place gets 503",
	          n, c, d->name, room->nodes.p ? room->nodes.p : "there is none");
	return EXIT_FAILED;
}

int drain_may(const struct drain *d, const struct member *m, uint64_t seen, enum node_state was,
              struct room *room)
{
	struct ctl_replies reports = {0};
	int64_t clients;
	int rc = refused(d->r, m, d->ms);

	if (rc)
		return rc;
	if (ctl_ask(d->r->cfg, NULL, request_new("report"), ASK_MS, &reports))
		memset(&reports, 0, sizeof reports);
	room_count(&d->ms->all, d->name, &reports, room);
	clients = reports.v ? reply_int(ctl_reply(&reports, d->name), "clients", 0) : 0;
	rc = overload(d, m, room, (uint64_t)clients > seen ? (uint64_t)clients : seen, was);
	ctl_replies_free(&reports);
	return rc;
}
