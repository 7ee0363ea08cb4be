/*
 * room: adds up the places that the serving nodes have left. A node that HAProxy still counts as up
 * but that doesn't answer, or is on its way out, has none.
 */
#include "room.h"

#include <string.h>

#include "../lib/control.h"
#include "ctl.h"
#include "table.h"

/* What is left of a limit. */
static uint64_t left(uint64_t limit, uint64_t used)
{
	return limit > used ? limit - used : 0;
}

/* One node's places; false: it didn't say how many it takes. */
static bool count_node(const struct hap_server *s, const json_t *report, struct room *out)
{
	int64_t max = reply_int(report, "max_clients", -1),
		clients = reply_int(report, "clients", -1);
	const char *state = reply_str(report, "state");
	char n[NUM_STR], used[NUM_STR], limit[NUM_STR];
	uint64_t own, by_haproxy;

	buf_printf(&out->nodes, "%s%s ", out->nodes.len ? ", " : "", s->name);
	if (!report || strcmp(state, CONTROL_READY) != 0) {
		buf_printf(&out->nodes, "0 (%s)",
		           !report  ? "no answer"
		           : *state ? state
		                    : "not ready");
		return true;
	}
	if (max < 0 || clients < 0)
		return false;
	own = left((uint64_t)max, (uint64_t)clients);
	by_haproxy = s->maxconn ? left(s->maxconn, s->scur) : UINT64_MAX;
	if (by_haproxy < own)
		buf_printf(&out->nodes, "%s (%s of maxconn %s)", num_count(by_haproxy, n),
		           num_count(s->scur, used), num_count(s->maxconn, limit));
	else
		buf_printf(&out->nodes, "%s (%s of %s clients)", num_count(own, n),
		           num_count((uint64_t)clients, used), num_count((uint64_t)max, limit));
	out->places += by_haproxy < own ? by_haproxy : own;
	return true;
}

/* What another drain, or a stop, is moving away needs its places too. */
static uint64_t on_their_way(const char *name, const struct ctl_replies *reports, struct room *out)
{
	uint64_t sum = 0;
	size_t i;
	json_t *o;

	json_array_foreach(reports->v, i, o)
	{
		const char *state = reply_str(o, "state");
		int64_t clients = reply_int(o, "clients", 0);
		char n[NUM_STR];

		if (clients <= 0 || !strcmp(reply_str(o, "node"), name) ||
		    (strcmp(state, CONTROL_DRAINING) != 0 && strcmp(state, CONTROL_STOPPING) != 0))
			continue;
		buf_printf(&out->nodes, "%s%s moves its %s there too", out->nodes.len ? ", " : "",
		           reply_str(o, "node"), num_count((uint64_t)clients, n));
		sum += (uint64_t)clients;
	}
	return sum;
}

void room_count(const struct hap_servers *all, const char *name, const struct ctl_replies *reports,
                struct room *out)
{
	memset(out, 0, sizeof *out);
	out->known = reports->v != NULL;
	for (size_t i = 0; out->known && i < all->n; i++)
		if (member_serving(&all->v[i]) && strcmp(all->v[i].name, name) != 0)
			out->known = count_node(&all->v[i], ctl_reply(reports, all->v[i].name),
			                        out);
	if (out->known)
		out->places = left(out->places, on_their_way(name, reports, out));
	if (out->nodes.oom)
		out->known = false;
}

void room_free(struct room *r)
{
	buf_free(&r->nodes);
	memset(r, 0, sizeof *r);
}
