/*
 * drain: begins a drain: writes the state, tells HAProxy, tells the node, and says what will
 * happen. Whether it may is asked in drain_may.c, the waiting is in drain_watch.c.
 */
#include "drain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "ctl.h"
#include "progress.h"
#include "room.h"
#include "table.h"

enum { ASK_MS = 2000, EDIT_LOCK_MS = 5000, SLACK_MS = 10000, ROOM_LOCK_MS = 10000 };

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
	if (!rc)
		rc = fleet_state(&d->ms->f, d->name, state, by);
	lock_drop(&lock);
	return rc;
}

static uint64_t tunnels(struct drain *d, const struct member *m)
{
	uint64_t n = m->server ? m->server->scur : 0;

	d->blind = false;
	for (size_t i = 0; i < d->ms->f.n; i++) {
		struct hap_workers old = {0};

		if (d->ms->f.v[i].why[0])
			continue;
		if (hap_old_workers(d->ms->f.v[i].cfg, d->name, &old) == HAP_OK)
			n += old.tunnels;
		else
			d->blind = true;
		hap_workers_free(&old);
	}
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
		snprintf(out, 96, " at %s, at once", progress_pace(d->per_second, rate));
	else
		snprintf(out, 96, " at %s, about %s", progress_pace(d->per_second, rate),
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

/* What it says that it will do. NULL: nothing. */
static void promised(struct drain *d, const json_t *reply)
{
	int64_t clients = reply_int(reply, "clients", -1);

	if (clients >= 0 && (uint64_t)clients > d->clients)
		d->clients = (uint64_t)clients;
	d->per_second = json_number_value(json_object_get(reply, "per_second"));
	if (!(d->per_second >= PACE_MIN && d->per_second <= PACE_MAX))
		d->per_second = 0;
}

/* Tells the node. EXIT_OK also when it is silent (d->silent). */
static int tell_node(struct drain *d, uint64_t seen)
{
	const struct config *cfg = d->r->cfg;
	struct ctl_replies replies;
	const json_t *reply;

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
	promised(d, reply);
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

void drain_tell_again(struct drain *d)
{
	struct ctl_replies replies;
	const json_t *reply;

	if (ctl_ask(d->r->cfg, d->name, drain_request(d->r), ASK_MS, &replies))
		return;
	reply = ctl_reply(&replies, d->name);
	if (reply && json_is_true(json_object_get(reply, "ok"))) {
		d->silent = false;
		promised(d, reply);
		set_deadline(d);
		say(d->r, "%s answers now, and drains", d->name);
	}
	ctl_replies_free(&replies);
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

/* EXIT_OK when one took it at least; who didn't gets its state file back. */
static int tell_haproxy(struct drain *d, const struct node_note *was)
{
	struct fleet *f = &d->ms->f;
	int rc;

	for (size_t i = 0; i < f->n; i++) {
		int result;

		if (f->v[i].why[0] || !member_at(d->ms, i, d->name))
			continue;
		result = hap_set_drain(f->v[i].cfg, d->name);
		if (result != HAP_OK)
			fleet_lost(&f->v[i], result);
	}
	rc = fleet_any(f);
	/* What HAProxy didn't do now a reload must not do later. */
	fleet_restore(f, d->name, was, rc != EXIT_OK);
	return rc;
}

/* State file, HAProxy, node; in this order, so that what comes back after a crash is a drained
 * node. */
static int begin(struct drain *d, const struct member *m, const struct node_note *was,
                 const struct room *room, uint64_t seen)
{
	int rc = note(d, STATE_DRAINING, whoami());

	if (rc || (rc = tell_haproxy(d, was)))
		return rc;
	audit("drain", d->name, m->server ? m->server->status : "not in HAProxy", "draining");
	rc = tell_node(d, seen);
	if (rc)
		return rc;
	set_deadline(d);
	if (!d->silent) {
		announce(d, &d->ms->all, room);
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

/* A drain's room is what others left: who comes second counts after the first has begun. */
static int take_room(const struct drain *d, struct lock *lock)
{
	char doing[64];

	snprintf(doing, sizeof doing, "drain %s", d->name);
	return lock_take(d->r->cfg, "drain-room", doing, ROOM_LOCK_MS, lock);
}

static int look_again(struct drain *d, struct member *m, struct node_note *was, uint64_t *seen)
{
	int rc = members_again(d->ms);

	if (rc)
		return rc;
	m->server = hap_server(&d->ms->all, m->name);
	*seen = tunnels(d, m);
	return fleet_note(&d->ms->f, m->name, was, NULL) ? EXIT_FAILED : EXIT_OK;
}

static int locked(struct drain *d, struct member *m)
{
	const struct run *r = d->r;
	struct room room = {0};
	struct node_note was = {0};
	struct lock lock = {.fd = -1}, room_lock;
	uint64_t seen = 0;
	char lock_name[64], doing[64];
	int rc = take_room(d, &room_lock);

	if (rc)
		return rc;
	rc = look_again(d, m, &was, &seen);
	if (!rc)
		rc = drain_may(d, m, seen, was.state, &room);
	if (rc)
		goto out;
	snprintf(lock_name, sizeof lock_name, "node-%s", m->name);
	snprintf(doing, sizeof doing, "drain %s", m->name);
	rc = lock_take(r->cfg, lock_name, doing, 0, &lock);
	if (rc == EXIT_LATER && was.state == STATE_DRAINING) {
		lock_drop(&room_lock);
		rc = r->opts.no_wait ? EXIT_OK : follow(d, seen);
		goto out;
	}
	if (!rc)
		rc = begin(d, m, &was, &room, seen);
	lock_drop(&room_lock);
	if (!rc && !r->opts.no_wait) {
		rc = drain_watch(d);
		if (!rc)
			rc = note(d, STATE_DRAINED, whoami());
		if (!rc)
			audit("drain", d->name, "draining", "drained");
	}
	lock_drop(&lock);
out:
	lock_drop(&room_lock);
	room_free(&room);
	return rc;
}

/* Out of service on every balancer that was asked. */
static bool out_of_service(const struct members *ms, const char *name)
{
	for (size_t i = 0; i < ms->f.n; i++) {
		const struct hap_server *s = member_at(ms, i, name);

		if (s && !member_drain(s) && !member_maint(s))
			return false;
	}
	return true;
}

int drain_run(struct run *r, struct member *m, struct members *ms, struct drain *d)
{
	struct room room = {0};
	struct node_note was;
	uint64_t seen;
	bool same;
	int rc;

	memset(d, 0, sizeof *d);
	d->r = r;
	d->ms = ms;
	d->name = m->name;
	d->started_ms = now_ms();
	if (!r->rolls && !r->opts.dry_run && (rc = lock_rolled(r->cfg, m->name)))
		return rc;
	if (fleet_note(&ms->f, m->name, &was, &same))
		return EXIT_FAILED;
	seen = tunnels(d, m);
	if (was.state == STATE_DRAINED && same && !seen && out_of_service(ms, m->name)) {
		d->already = true;
		return EXIT_OK;
	}
	if (!r->opts.dry_run)
		return locked(d, m);
	rc = drain_may(d, m, seen, was.state, &room);
	if (!rc)
		rc = dry_run(d, &ms->all, &room, seen);
	room_free(&room);
	return rc;
}

int drain_node(struct run *r, const char *name, struct drain *d)
{
	struct members ms;
	struct member m;
	char done[96];
	int rc = members_open(r->cfg, &ms);

	memset(d, 0, sizeof *d);
	if (!rc)
		rc = member_find(r->cfg, &ms, name, &m);
	if (!rc)
		rc = drain_run(r, &m, &ms, d);
	if (rc && d->removed)
		say_error("%s was removed meanwhile", name);
	if (!rc && !d->already && !r->opts.dry_run && (!r->opts.no_wait || d->following))
		drain_report(d);
	if (!rc && !r->opts.dry_run) {
		snprintf(done, sizeof done, "%s is %s", name,
		         r->opts.no_wait && !d->already ? "draining" : "drained");
		rc = fleet_rest(&ms.f, done);
	}
	d->ms = NULL;
	members_close(&ms);
	return rc;
}
