/*
 * drain_watch: waits until a node has no tunnel left on the current worker, on every old one, and
 * by its own word; draws the progress; ends at the deadline, at Ctrl-C, or when someone made the
 * node ready. Begins nothing but what a balancer or the node hasn't heard of: what it watches goes
 * on without it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "../lib/num.h"
#include "cmd.h"
#include "ctl.h"
#include "drain.h"
#include "progress.h"
#include "table.h"

enum {
	POLL_MS = 250,
	SLOW_MS = 1000, /* between looks at old workers, the node and the state file */
	ASK_MS = 1000,
	BLIND_MAX_MS = 10000, /* a reload takes HAProxy's socket away for a moment */
	KILL_WAIT_MS = 5000,
	RETRY_MS = 15000, /* of a balancer that is away: that can take seconds */
	PATIENCE = 3,     /* questions; a node may stand still for a moment */
};

/* One balancer. */
struct seen {
	uint64_t here; /* the current worker */
	struct hap_workers old;
	bool blind;       /* its old workers can't be seen */
	uint64_t seen_at; /* ms */
};

struct view {
	struct seen each[BALANCERS_MAX];
	uint64_t here, old; /* of all */
	int64_t clients;    /* the node's word; -1: not known */
	int64_t last;       /* the last word it gave */
	int unanswered;     /* questions in a row that it heard */
	bool dead;          /* redis is there, the node isn't */
	uint64_t direct;    /* of the node's clients, those that no HAProxy has */
	uint64_t retry_at;  /* ms; a balancer that is away is tried again */
};

static void progress(const struct drain *d, const struct view *v, uint64_t left)
{
	struct buf where = {0};
	char a[NUM_STR], b[NUM_STR];

	for (size_t i = 0; i < d->ms->f.n; i++) {
		const struct balancer *lb = &d->ms->f.v[i];

		if (lb->why[0])
			buf_printf(&where, "  %s away", lb->name);
		else
			buf_printf(&where, "  %s %s (old %s)", lb->name,
			           num_count(v->each[i].here, a),
			           num_count(v->each[i].old.tunnels, b));
	}
	progress_draw(d->r, d->clients, left, d->per_second, where.p ? where.p : "");
	buf_free(&where);
}

static void ask_node(const struct drain *d, struct view *v)
{
	struct ctl_replies replies;
	int unanswered = v->unanswered;

	v->clients = -1;
	v->dead = false;
	v->unanswered = 0;
	if (ctl_ask(d->r->cfg, d->name, request_new("report"), ASK_MS, &replies))
		return;
	v->clients = reply_int(ctl_reply(&replies, d->name), "clients", -1);
	v->unanswered = v->clients < 0 ? unanswered + 1 : 0;
	v->dead = v->clients < 0 && (!replies.heard || v->unanswered >= PATIENCE);
	if (v->clients >= 0)
		v->last = v->clients;
	ctl_replies_free(&replies);
}

/* One balancer; slow: its old workers too. */
static int look_at(const struct drain *d, const struct config *view, struct seen *s, bool slow)
{
	struct hap_servers all;
	const struct hap_server *server;
	int rc = hap_servers(view, &all);

	if (rc != HAP_OK)
		return rc;
	server = hap_server(&all, d->name);
	s->here = server ? server->scur : 0;
	hap_servers_free(&all);
	if (!slow)
		return HAP_OK;
	hap_workers_free(&s->old);
	memset(&s->old, 0, sizeof s->old);
	rc = hap_old_workers(view, d->name, &s->old);
	if (rc != HAP_OK)
		memset(&s->old, 0, sizeof s->old);
	/* What isn't seen isn't zero; but where there is no master it never will be. */
	if (rc != HAP_OK && !s->blind)
		return rc;
	s->blind = rc != HAP_OK;
	return HAP_OK;
}

/* One that is away for long is left out, as long as another isn't: the node counts its clients. */
static int look_each(struct drain *d, struct view *v, bool slow)
{
	struct fleet *f = &d->ms->f;
	int worst = HAP_OK;

	v->here = v->old = 0;
	d->blind = false;
	fleet_look(f);
	for (size_t i = 0; i < f->n; i++) {
		struct seen *s = &v->each[i];
		uint64_t now = now_ms();
		int rc;

		if (f->v[i].why[0])
			continue;
		rc = look_at(d, f->v[i].cfg, s, slow);
		if (rc == HAP_OK)
			s->seen_at = now;
		else if (now - s->seen_at <= BLIND_MAX_MS)
			worst = rc;
		else
			fleet_lost(&f->v[i], rc);
		if (f->v[i].why[0])
			continue;
		v->here += s->here;
		v->old += s->old.tunnels;
		d->blind = d->blind || s->blind;
	}
	return worst;
}

/* Back again: it didn't hear of the drain, or a restart made it forget. */
static void rejoin(struct drain *d, struct view *v)
{
	struct fleet *f = &d->ms->f;
	bool away[BALANCERS_MAX] = {false};
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += away[i] = f->v[i].why[0];
	if (!n || now_ms() < v->retry_at)
		return;
	fleet_retry(f);
	v->retry_at = now_ms() + RETRY_MS;
	for (size_t i = 0; i < f->n; i++) {
		struct balancer *b = &f->v[i];
		struct hap_servers all;
		int rc;

		if (!away[i] || b->why[0])
			continue;
		rc = hap_servers(b->cfg, &all);
		if (rc == HAP_OK) {
			if (hap_server(&all, d->name) && !d->following)
				rc = hap_set_drain(b->cfg, d->name);
			hap_servers_free(&all);
		}
		if (rc != HAP_OK) {
			fleet_lost(b, rc);
			continue;
		}
		if (!d->following && state_write(b->cfg, d->name, STATE_DRAINING, whoami()))
			fleet_look(f);
		v->each[i].seen_at = now_ms();
		say(d->r, "%s is back", b->name);
	}
}

/* One look at every HAProxy; slow: at the old workers and the node too. */
static int look(struct drain *d, struct view *v, bool slow)
{
	int rc;

	if (slow)
		rejoin(d, v);
	rc = look_each(d, v, slow);
	if (rc != HAP_OK || !slow)
		return rc;
	if (d->silent && !d->following)
		drain_tell_again(d);
	if (!d->silent || d->ms->f.n > 1)
		ask_node(d, v);
	v->direct = v->clients > 0 && (uint64_t)v->clients > v->here + v->old
	                    ? (uint64_t)v->clients - v->here - v->old
	                    : 0;
	return HAP_OK;
}

static void say_left(const struct drain *d, const struct view *v)
{
	char n[NUM_STR], t[24];
	uint64_t left = v->here + v->old;

	if (v->clients > 0 && (uint64_t)v->clients > left)
		left = (uint64_t)v->clients;
	say_error("%s: %s client%s left after %s", d->name, num_count(left, n),
	          left == 1 ? "" : "s", num_duration_str(d->deadline_ms, t));
	for (size_t i = 0; i < d->ms->f.n; i++) {
		const struct seen *s = &v->each[i];
		const char *balancer = d->ms->f.v[i].name;

		if (d->ms->f.v[i].why[0])
			continue;
		if (s->here)
			say_error("%s on %s", num_count(s->here, n), balancer);
		for (size_t k = 0; k < s->old.n; k++)
			if (s->old.v[k].tunnels)
				say_error("%s on %s's old worker %ld",
				          num_count(s->old.v[k].tunnels, n), balancer,
				          s->old.v[k].pid);
	}
	say_error("%s keeps draining; wait again: wsctl drain %s; cut them: wsctl drain %s --kill",
	          d->name, d->name, d->name);
}

/* The last resort. EXIT_OK when nothing is left. */
static int kill_tunnels(struct drain *d, struct view *v)
{
	struct fleet *f = &d->ms->f;
	uint64_t until;
	int rc;

	for (size_t i = 0; i < f->n; i++) {
		int64_t n = f->v[i].why[0] ? 0 : hap_kill_tunnels(f->v[i].cfg, d->name);

		if (n < 0)
			fleet_lost(&f->v[i], (int)n);
		else
			d->killed += (uint64_t)n;
	}
	rc = fleet_any(f);
	if (rc)
		return rc;
	until = now_ms() + KILL_WAIT_MS;
	while (now_ms() < until) {
		if (look(d, v, true) == HAP_OK && !v->here && !v->old && v->clients <= 0)
			return EXIT_OK;
		if (pause_ms(POLL_MS))
			break;
	}
	say_left(d, v);
	return EXIT_LATER;
}

/* Someone made it ready, or removed it, while we looked on. */
int drain_overtaken(struct drain *d)
{
	struct node_note now;

	if (fleet_note(&d->ms->f, d->name, &now, NULL))
		return EXIT_FAILED;
	if (now.state != STATE_READY)
		return EXIT_OK;
	progress_end();
	struct config *today = config_reload(d->r->cfg);
	d->removed = today && config_node(d->r->cfg, d->name) && !config_node(today, d->name);
	if (!d->removed)
		say_error("%s was made ready again%s%s; not drained", d->name,
		          now.by[0] ? " by " : "", now.by);
	config_free(today);
	return EXIT_FAILED;
}

/* "lb1, lb2 and old workers" */
static void name_seen(struct drain *d)
{
	struct buf b = {0};
	size_t n = 0, at = 0;

	for (size_t i = 0; i < d->ms->f.n; i++)
		n += !d->ms->f.v[i].why[0];
	n += !d->blind;
	for (size_t i = 0; i < d->ms->f.n; i++)
		if (!d->ms->f.v[i].why[0]) {
			buf_printf(&b, "%s%s",
			           !at           ? ""
			           : at + 1 == n ? " and "
			                         : ", ",
			           d->ms->f.v[i].name);
			at++;
		}
	if (!d->blind)
		buf_str(&b, at ? " and old workers" : "old workers");
	snprintf(d->where, sizeof d->where, "%s", b.p ? b.p : "");
	buf_free(&b);
}

/* One round. 1: go on; 0: empty; -1: an exit code in *rc, printed. */
static int round_of(struct drain *d, struct view *v, uint64_t *slow_at, int *rc)
{
	bool slow = now_ms() >= *slow_at;
	int result = look(d, v, slow);
	uint64_t left;

	*rc = fleet_any(&d->ms->f);
	if (*rc) {
		progress_end();
		say_error("%s keeps draining; undo: wsctl ready %s", d->name, d->name);
		return -1;
	}
	left = v->here + v->old + v->direct;
	if (left > d->clients)
		d->clients = left;
	if (slow) {
		*slow_at = now_ms() + SLOW_MS;
		*rc = drain_overtaken(d);
		if (*rc)
			return -1;
	}
	if (result == HAP_OK && slow && !left && (!v->unanswered || v->dead || d->silent)) {
		if (v->dead && v->last > 0)
			d->unknown = (uint64_t)v->last;
		return 0;
	}
	progress(d, v, left);
	return 1;
}

int drain_watch(struct drain *d)
{
	struct view *v = calloc(1, sizeof *v);
	uint64_t slow_at = 0;
	int rc = EXIT_OK;

	if (!v) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	v->clients = -1;
	v->last = (int64_t)d->clients;
	v->retry_at = now_ms() + RETRY_MS;
	for (size_t i = 0; i < d->ms->f.n; i++) {
		v->each[i].seen_at = now_ms();
		v->each[i].blind = d->blind;
	}
	while (round_of(d, v, &slow_at, &rc) > 0) {
		locks_keep();
		if (now_ms() - d->started_ms >= d->deadline_ms) {
			progress_end();
			if (d->r->opts.kill && !d->following) {
				rc = kill_tunnels(d, v);
			} else {
				say_left(d, v);
				rc = EXIT_LATER;
			}
			break;
		}
		/* The last look before the end is a slow one. */
		if (!v->here && slow_at > now_ms() + POLL_MS)
			slow_at = now_ms() + POLL_MS;
		if (pause_ms(POLL_MS) || interrupted()) {
			progress_end();
			say(d->r, "%s keeps draining; undo: wsctl ready %s", d->name, d->name);
			rc = EXIT_INTERRUPTED;
			break;
		}
	}
	progress_end();
	name_seen(d);
	for (size_t i = 0; i < d->ms->f.n; i++)
		hap_workers_free(&v->each[i].old);
	free(v);
	d->seconds = (double)(now_ms() - d->started_ms) / 1000;
	return rc;
}

uint64_t drain_moved(const struct drain *d)
{
	uint64_t other = d->killed + d->unknown;

	return d->clients > other ? d->clients - other : 0;
}

void drain_report(const struct drain *d)
{
	char a[NUM_STR], b[NUM_STR], c[NUM_STR], t[NUM_STR], unknown[96] = "";

	if (d->unknown)
		snprintf(unknown, sizeof unknown, ", %s unknown since it stopped answering",
		         num_count(d->unknown, c));
	say(d->r, "%s drained in %s: %s %s, %s killed%s, %s at 0", d->name,
	    num_age((int64_t)(d->seconds + 0.99), t), num_count(drain_moved(d), a),
	    d->silent && !d->following ? "ended" : "moved", num_count(d->killed, b), unknown,
	    d->where);
}
