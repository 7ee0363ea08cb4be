/*
 * drain: begins a drain: refuses what would leave nobody serving, writes the state, tells HAProxy,
 * tells the node, and says what will happen. The waiting is in drain_watch.c.
 */
#include "drain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "ctl.h"
#include "room.h"
#include "table.h"

enum { ASK_MS = 2000, EDIT_LOCK_MS = 5000, SLACK_MS = 10000 };

/* One a day, and what --rate can say: a node's word beyond is none. */
#define PACE_MIN (1.0 / 86400)
#define PACE_MAX 1e12

/* Writes the node's state under the edit lock; drained only if nobody made it ready meanwhile. */
static int note(struct drain *d, enum node_state state, const char *by)
{
	const struct config *cfg = d->r->cfg;
	struct lock lock;
	char doing[64];
	int rc;

	snprintf(doing, sizeof doing, "drain %s", d->name);
	rc = lock_take(cfg, "edit", doing, EDIT_LOCK_MS, &lock);
	if (rc)
		return rc;
	if (state == STATE_DRAINED)
		rc = drain_overtaken(d);
	if (!rc && state_write(cfg, d->name, state, by))
		rc = EXIT_FAILED;
	lock_drop(&lock);
	return rc;
}

static uint64_t tunnels(struct drain *d, const struct member *m)
{
	struct hap_workers old = {0};
	uint64_t n = m->server ? m->server->scur : 0;

	if (hap_old_workers(d->r->cfg, d->name, &old) == HAP_OK)
		n += old.tunnels;
	else
		d->blind = true;
	hap_workers_free(&old);
	return n;
}

/* " at 2/s, about 4s": the first is closed at once, so n clients are n - 1 waits. */
static const char *pace_text(const struct drain *d, char out[static 96])
{
	char rate[40], about[NUM_STR];
	double seconds;

	out[0] = 0;
	if (!(d->per_second > 0) || !d->clients)
		return out;
	seconds = (double)(d->clients - 1) / d->per_second;
	if (d->clients == 1)
		snprintf(out, 96, ", at once");
	else if (seconds < 1)
		snprintf(out, 96, " at %s, at once", drain_pace(d->per_second, rate));
	else
		snprintf(out, 96, " at %s, about %s", drain_pace(d->per_second, rate),
		         num_age((int64_t)(seconds + 0.99), about));
	return out;
}

static void announce(struct drain *d, const struct hap_servers *all, const struct room *room)
{
	char n[NUM_STR], free_str[NUM_STR], pace[96];
	char *others = NULL, *have = NULL;
	size_t count = member_others(all, d->name, &others);

	num_count(d->clients, n);
	if (others && room->known && d->clients &&
	    asprintf(&have, "; %s %s%s room for %s", others, count == 1 ? "has" : "have",
	             room->places < d->clients ? " only" : "",
	             num_count(room->places, free_str)) < 0)
		have = NULL;
	say(d->r, "%s: %s client%s%s%s", d->name, n, d->clients == 1 ? "" : "s", pace_text(d, pace),
	    have ? have : "");
	free(have);
	free(others);
}

static json_t *drain_request(const struct run *r)
{
	json_t *o = request_new("drain");

	json_object_set_new(o, "grace_ms", json_integer(0));
	json_object_set_new(o, "by", json_string(whoami()));
	if (r->opts.rate.count)
		json_object_set_new(o, "per_second",
		                    json_real(r->opts.rate.count * 1000.0 / r->opts.rate.per_ms));
	else if (r->opts.over_ms)
		json_object_set_new(o, "over_ms", json_integer((json_int_t)r->opts.over_ms));
	return o;
}

/* Tells the node. EXIT_OK also when it is silent (d->silent). */
static int tell_node(struct drain *d, uint64_t seen)
{
	const struct config *cfg = d->r->cfg;
	struct ctl_replies replies;
	const json_t *reply;
	int64_t clients;

	d->clients = seen;
	if (ctl_ask(cfg, d->name, drain_request(d->r), ASK_MS, &replies)) {
		char n[NUM_STR];

		ctl_exit();
		say_error("HAProxy sends no new clients to %s; to move its %s client%s: systemctl "
		          "stop wsnode@%s on its host, or, once redis is back: wsctl drain %s; "
		          "undo: wsctl ready %s",
		          d->name, num_count(seen, n), seen == 1 ? "" : "s", d->name, d->name,
		          d->name);
		return EXIT_AWAY;
	}
	reply = ctl_reply(&replies, d->name);
	d->silent = !reply;
	if (json_array_size(replies.v) > 1)
		say_error("two nodes are named %s; both are draining", d->name);
	if (reply && !json_is_true(json_object_get(reply, "ok"))) {
		say_error("%s: %s; HAProxy sends it no new clients; undo: wsctl ready %s", d->name,
		          *reply_str(reply, "error") ? reply_str(reply, "error") : "refused",
		          d->name);
		ctl_replies_free(&replies);
		return EXIT_FAILED;
	}
	clients = reply_int(reply, "clients", -1);
	if (clients >= 0 && (uint64_t)clients > seen)
		d->clients = (uint64_t)clients;
	d->per_second = json_number_value(json_object_get(reply, "per_second"));
	if (!(d->per_second >= PACE_MIN && d->per_second <= PACE_MAX))
		d->per_second = 0;
	ctl_replies_free(&replies);
	return EXIT_OK;
}

/* The paced closing must fit into the default deadline; one that was given is kept as it is. */
static void set_deadline(struct drain *d)
{
	double paced = d->per_second > 0 ? (double)d->clients / d->per_second * 1500 + SLACK_MS : 0;

	d->deadline_ms = d->r->cfg->node.drain.deadline_ms;
	if (d->r->opts.deadline_ms)
		d->deadline_ms = d->r->opts.deadline_ms;
	else if (paced > (double)d->deadline_ms)
		d->deadline_ms = (uint64_t)paced;
}

static int refused(struct run *r, const struct member *m, const struct hap_servers *all)
{
	const char *why = "it is the only one";

	if (r->opts.force || !m->server || member_others(all, m->name, NULL))
		return EXIT_OK;
	for (size_t i = 0; i < all->n; i++) {
		const struct hap_server *s = &all->v[i];

		if (!strcmp(s->name, m->name))
			continue;
		say_error("%s is %s", s->name,
		          member_maint(s)   ? "in maintenance"
		          : member_drain(s) ? "out of service (cordoned or drained)"
		          : s->uweight == 0 ? "of weight 0"
		                            : "down");
		why = "see above";
	}
	say_error("no other node would serve the clients of %s (%s); --force does it anyway",
	          m->name, why);
	return EXIT_FAILED;
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

/* Asks every node, before anything is changed. EXIT_OK, or EXIT_FAILED, printed. */
static int find_room(const struct drain *d, const struct member *m, const struct hap_servers *all,
                     uint64_t seen, enum node_state was, struct room *room)
{
	struct ctl_replies reports = {0};
	int64_t clients;
	int rc;

	if (ctl_ask(d->r->cfg, NULL, request_new("report"), ASK_MS, &reports))
		memset(&reports, 0, sizeof reports);
	room_count(all, d->name, &reports, room);
	clients = reports.v ? reply_int(ctl_reply(&reports, d->name), "clients", 0) : 0;
	rc = overload(d, m, room, (uint64_t)clients > seen ? (uint64_t)clients : seen, was);
	ctl_replies_free(&reports);
	return rc;
}

static int dry_run(struct drain *d, const struct hap_servers *all, const struct room *room,
                   uint64_t seen)
{
	const struct opts *o = &d->r->opts;
	const struct rate *own = &d->r->cfg->node.drain.rate;

	d->clients = seen;
	d->per_second = o->rate.count ? o->rate.count * 1000.0 / o->rate.per_ms
	                : o->over_ms  ? (double)seen * 1000 / (double)o->over_ms
	                : own->per_ms ? own->count * 1000.0 / own->per_ms
	                              : 0;
	if (!room->known && *ctl_why())
		say(d->r, "note: %s", ctl_why());
	announce(d, all, room);
	say(d->r, "would drain %s; nothing changed", d->name);
	return EXIT_OK;
}

/* State file, HAProxy, node; in this order, so that what comes back after a crash is a drained
 * node. */
static int begin(struct drain *d, const struct member *m, const struct hap_servers *all,
                 const struct node_note *was, const struct room *room, uint64_t seen)
{
	int rc = note(d, STATE_DRAINING, whoami());

	if (rc)
		return rc;
	if (m->server && (rc = hap_set_drain(d->r->cfg, d->name)) != HAP_OK) {
		/* What HAProxy didn't do now a reload must not do later. */
		rc = hap_exit(rc);
		note(d, was->state, was->by);
		return rc;
	}
	audit("drain", d->name, m->server ? m->server->status : "not in HAProxy", "draining");
	rc = tell_node(d, seen);
	if (rc)
		return rc;
	set_deadline(d);
	if (!d->silent) {
		announce(d, all, room);
	} else if (d->clients) {
		char n[NUM_STR];

		say(d->r, "note: %s does not answer; waiting for its %s tunnel%s to end", d->name,
		    num_count(d->clients, n), d->clients == 1 ? "" : "s");
	} else {
		say(d->r, "note: %s does not answer; it has no clients", d->name);
	}
	if (d->blind)
		say(d->r, "note: old workers can't be seen: %s doesn't answer",
		    d->r->cfg->haproxy.master);
	return EXIT_OK;
}

/* Another drain holds the lock: look on, change nothing. */
static int follow(struct drain *d, uint64_t seen)
{
	d->following = true;
	d->silent = true;
	d->clients = seen;
	set_deadline(d);
	say(d->r, "following that drain");
	return drain_watch(d);
}

static int locked(struct drain *d, const struct member *m, const struct hap_servers *all,
                  const struct node_note *was, const struct room *room, uint64_t seen)
{
	const struct run *r = d->r;
	char lock_name[64], doing[64];
	struct lock lock;
	int rc;

	snprintf(lock_name, sizeof lock_name, "node-%s", m->name);
	snprintf(doing, sizeof doing, "drain %s", m->name);
	rc = lock_take(r->cfg, lock_name, doing, 0, &lock);
	if (rc == EXIT_LATER && was->state == STATE_DRAINING)
		return r->opts.no_wait ? EXIT_OK : follow(d, seen);
	if (rc)
		return rc;
	rc = begin(d, m, all, was, room, seen);
	if (!rc && !r->opts.no_wait) {
		rc = drain_watch(d);
		if (!rc)
			rc = note(d, STATE_DRAINED, whoami());
		if (!rc)
			audit("drain", d->name, "draining", "drained");
	}
	lock_drop(&lock);
	return rc;
}

int drain_run(struct run *r, const struct member *m, const struct hap_servers *all, struct drain *d)
{
	struct room room = {0};
	struct node_note was;
	uint64_t seen;
	int rc;

	memset(d, 0, sizeof *d);
	d->r = r;
	d->name = m->name;
	d->started_ms = now_ms();
	if (state_read(r->cfg, m->name, &was))
		return EXIT_FAILED;
	seen = tunnels(d, m);
	if (was.state == STATE_DRAINED && !seen &&
	    (!m->server || member_drain(m->server) || member_maint(m->server))) {
		d->already = true;
		return EXIT_OK;
	}
	rc = refused(r, m, all);
	if (!rc)
		rc = find_room(d, m, all, seen, was.state, &room);
	if (!rc && r->opts.dry_run)
		rc = dry_run(d, all, &room, seen);
	else if (!rc)
		rc = locked(d, m, all, &was, &room, seen);
	room_free(&room);
	return rc;
}

int drain_node(struct run *r, const char *name, struct drain *d)
{
	struct hap_servers all;
	struct member m;
	int rc = member_find(r->cfg, name, &all, &m);

	memset(d, 0, sizeof *d);
	if (!rc)
		rc = drain_run(r, &m, &all, d);
	if (rc && d->removed)
		say_error("%s was removed meanwhile", m.name);
	if (!rc && !d->already && !r->opts.dry_run && (!r->opts.no_wait || d->following))
		drain_report(d);
	hap_servers_free(&all);
	return rc;
}
