/*
 * drain_watch: waits until a node has no tunnel left on the current worker, on every old one, and
 * by its own word; draws the progress; ends at the deadline, at Ctrl-C, or when someone made the
 * node ready. Begins nothing: what it watches goes on without it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/num.h"
#include "cmd.h"
#include "ctl.h"
#include "drain.h"
#include "table.h"

enum {
	POLL_MS = 250,
	SLOW_MS = 1000, /* between looks at old workers, the node and the state file */
	ASK_MS = 1000,
	BLIND_MAX_MS = 10000, /* a reload takes HAProxy's socket away for a moment */
	KILL_WAIT_MS = 5000,
};

struct view {
	uint64_t here; /* the current worker */
	struct hap_workers old;
	int64_t clients; /* the node's word; -1: not known */
	int64_t last;    /* the last word it gave */
	bool dead;       /* redis is there, the node isn't */
	uint64_t direct; /* of the node's clients, those that HAProxy doesn't have */
};

static bool drawn;

static void progress_end(void)
{
	if (drawn)
		fprintf(stderr, "\r%79s\r", "");
	drawn = false;
}

/* Draws over itself on a terminal's stderr, and is silent elsewhere. */
static void progress(const struct drain *d, uint64_t left, uint64_t here, uint64_t old)
{
	enum { BAR = 20 };
	char a[NUM_STR], b[NUM_STR], c[NUM_STR], e[NUM_STR], eta[NUM_STR + 8] = "", rate[44] = "",
									   pace[40];
	char line[160], bar[BAR + 1];
	uint64_t done = d->clients > left ? d->clients - left : 0;
	size_t full = d->clients ? (size_t)((double)done / (double)d->clients * BAR) : BAR;

	if (d->r->opts.quiet || !isatty(STDERR_FILENO))
		return;
	memset(bar, '-', BAR);
	memset(bar, '#', full > BAR ? BAR : full);
	bar[BAR] = 0;
	if (d->per_second > 0) {
		snprintf(rate, sizeof rate, "  %s", drain_pace(d->per_second, pace));
		snprintf(eta, sizeof eta, "  %s left",
		         num_age((int64_t)((double)left / d->per_second + 0.99), a));
	}
	snprintf(line, sizeof line, "[%s] %s/%s%s  %s %s (old %s)%s", bar, num_count(done, a),
	         num_count(d->clients, b), rate, d->r->cfg->haproxy.balancer, num_count(here, c),
	         num_count(old, e), eta);
	fprintf(stderr, "\r%-79.79s", line);
	drawn = true;
}

const char *drain_pace(double per_second, char out[static 40])
{
	char n[NUM_STR];
	bool slow = per_second < 1;
	double x = slow ? per_second * 60 : per_second;

	if (x < 10 && x - (double)(uint64_t)x > 0.05)
		num_short(x, n);
	else
		num_count((uint64_t)(x + 0.5), n);
	snprintf(out, 40, "%s/%c", n, slow ? 'm' : 's');
	return out;
}

static void ask_node(const struct drain *d, struct view *v)
{
	struct ctl_replies replies;

	v->clients = -1;
	v->dead = false;
	if (ctl_ask(d->r->cfg, d->name, request_new("report"), ASK_MS, &replies))
		return;
	v->clients = reply_int(ctl_reply(&replies, d->name), "clients", -1);
	v->dead = v->clients < 0;
	if (!v->dead)
		v->last = v->clients;
	ctl_replies_free(&replies);
}

/* One look at HAProxy; slow: at the old workers and the node too. */
static int look(struct drain *d, struct view *v, bool slow)
{
	struct hap_servers all;
	const struct hap_server *s;
	uint64_t seen;
	int rc = hap_servers(d->r->cfg, &all);

	if (rc != HAP_OK)
		return rc;
	s = hap_server(&all, d->name);
	v->here = s ? s->scur : 0;
	hap_servers_free(&all);
	if (!slow)
		return HAP_OK;
	hap_workers_free(&v->old);
	memset(&v->old, 0, sizeof v->old);
	rc = hap_old_workers(d->r->cfg, d->name, &v->old);
	if (rc != HAP_OK)
		memset(&v->old, 0, sizeof v->old);
	/* What isn't seen isn't zero; but where there is no master it never will be. */
	if (rc != HAP_OK && !d->blind)
		return rc;
	d->blind = rc != HAP_OK;
	if (!d->silent)
		ask_node(d, v);
	seen = v->here + v->old.tunnels;
	v->direct = v->clients > 0 && (uint64_t)v->clients > seen ? (uint64_t)v->clients - seen : 0;
	return HAP_OK;
}

static void say_left(const struct drain *d, const struct view *v)
{
	char n[NUM_STR], t[24];
	uint64_t here = v->here + v->old.tunnels;
	const char *balancer = d->r->cfg->haproxy.balancer;

	if (v->clients > 0 && (uint64_t)v->clients > here)
		here = (uint64_t)v->clients;
	say_error("%s: %s client%s left after %s", d->name, num_count(here, n),
	          here == 1 ? "" : "s", num_duration_str(d->deadline_ms, t));
	if (v->here)
		say_error("%s on %s", num_count(v->here, n), balancer);
	for (size_t i = 0; i < v->old.n; i++)
		if (v->old.v[i].tunnels)
			say_error("%s on %s's old worker %ld", num_count(v->old.v[i].tunnels, n),
			          balancer, v->old.v[i].pid);
	say_error("%s keeps draining; wait again: wsctl drain %s; cut them: wsctl drain %s --kill",
	          d->name, d->name, d->name);
}

/* The last resort. EXIT_OK when nothing is left. */
static int kill_tunnels(struct drain *d, struct view *v)
{
	int64_t n = hap_kill_tunnels(d->r->cfg, d->name);
	uint64_t until = now_ms() + KILL_WAIT_MS;

	if (n < 0)
		return hap_exit((int)n);
	d->killed += (uint64_t)n;
	while (now_ms() < until) {
		if (look(d, v, true) == HAP_OK && !v->here && !v->old.tunnels && v->clients <= 0)
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

	if (state_read(d->r->cfg, d->name, &now))
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

int drain_watch(struct drain *d)
{
	struct view v = {.clients = -1, .last = (int64_t)d->clients};
	uint64_t slow_at = 0, seen_at = now_ms();
	int rc;

	for (;;) {
		uint64_t now = now_ms(), left;
		bool slow = now >= slow_at;

		rc = look(d, &v, slow);
		if (rc == HAP_OK)
			seen_at = now;
		else if (now - seen_at > BLIND_MAX_MS) {
			progress_end();
			rc = hap_exit(rc);
			say_error("%s keeps draining; undo: wsctl ready %s", d->name, d->name);
			break;
		}
		left = v.here + v.old.tunnels + v.direct;
		if (left > d->clients)
			d->clients = left;
		bool empty = rc == HAP_OK && slow && !left;
		if (slow) {
			slow_at = now_ms() + SLOW_MS;
			if ((rc = drain_overtaken(d)))
				break;
		}
		if (empty) {
			if (v.dead && v.last > 0)
				d->unknown = (uint64_t)v.last;
			break;
		}
		progress(d, left, v.here, v.old.tunnels);
		if (now_ms() - d->started_ms >= d->deadline_ms) {
			progress_end();
			if (d->r->opts.kill && !d->following) {
				rc = kill_tunnels(d, &v);
			} else {
				say_left(d, &v);
				rc = EXIT_LATER;
			}
			break;
		}
		/* The last look before the end is a slow one. */
		if (!v.here && slow_at > now_ms() + POLL_MS)
			slow_at = now_ms() + POLL_MS;
		if (pause_ms(POLL_MS) || interrupted()) {
			progress_end();
			say(d->r, "%s keeps draining; undo: wsctl ready %s", d->name, d->name);
			rc = EXIT_INTERRUPTED;
			break;
		}
	}
	progress_end();
	hap_workers_free(&v.old);
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
	say(d->r, "%s drained in %s: %s %s, %s killed%s, %s%s at 0", d->name,
	    num_age((int64_t)(d->seconds + 0.99), t), num_count(drain_moved(d), a),
	    d->silent && !d->following ? "ended" : "moved", num_count(d->killed, b), unknown,
	    d->r->cfg->haproxy.balancer, d->blind ? "" : " and old workers");
}
