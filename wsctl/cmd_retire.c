/*
 * wsctl retire: moves clients off a balancer, or off an old worker of one, through whichever else
 * takes new ones. The nodes do it; here is the waiting.
 */
#include <jansson.h>
#include <stdio.h>

#include "cmd.h"
#include "hap.h"
#include "members.h"
#include "progress.h"
#include "retire.h"
#include "table.h"

enum { POLL_MS = 500, SLACK_MS = 10000 };

static uint64_t left(const struct retire *t)
{
	return t->clients > t->tunnels ? t->clients : t->tunnels;
}

static void announce(const struct retire *t)
{
	char n[NUM_STR], about[NUM_STR], pace[40];
	uint64_t all = left(t);
	double seconds = t->per_second > 0 ? (double)t->clients / t->per_second : 0;

	say(t->r, "%s: %s client%s of %zu node%s at %s, about %s", t->text, num_count(all, n),
	    all == 1 ? "" : "s", t->nodes, t->nodes == 1 ? "" : "s",
	    progress_pace(t->per_second, pace), num_age((int64_t)(seconds + 0.99), about));
	if (!t->pid)
		say(t->r, "note: they come back through %s as long as its address leads there",
		    t->name);
}

static uint64_t deadline(const struct retire *t)
{
	const struct run *r = t->r;
	double paced = t->per_second > 0 ? (double)t->clients / t->per_second * 1500 + SLACK_MS : 0;

	if (r->opts.deadline_ms)
		return r->opts.deadline_ms;
	return paced > (double)r->cfg->node.drain.deadline_ms ? (uint64_t)paced
	                                                      : r->cfg->node.drain.deadline_ms;
}

/* EXIT_OK at zero. */
static int wait_for(struct retire *t, uint64_t started_ms, uint64_t all)
{
	uint64_t until = started_ms + deadline(t);
	char n[NUM_STR];
	int rc = EXIT_OK;

	while (!rc && left(t)) {
		progress_draw(t->r, all, left(t), t->per_second, "");
		if (pause_ms(POLL_MS) || interrupted()) {
			progress_end();
			say(t->r, "the nodes go on moving those of %s", t->text);
			return EXIT_INTERRUPTED;
		}
		rc = retire_look(t, true);
		if (!rc && left(t) && now_ms() >= until) {
			progress_end();
			say_error("deadline passed: %s still has %s client%s; the nodes go on",
			          t->text, num_count(left(t), n), left(t) == 1 ? "" : "s");
			return EXIT_LATER;
		}
	}
	progress_end();
	return rc;
}

static void done(const struct retire *t, uint64_t all, double seconds)
{
	char n[NUM_STR], age[NUM_STR];

	say(t->r, "%s retired in %s: %s moved", t->text, num_age((int64_t)(seconds + 0.99), age),
	    num_count(all, n));
	if (t->pid)
		say(t->r, "the worker ends by itself; see: wsctl status");
}

/*
 * The nodes' connections to Redis would keep an empty worker alive for good: they connect again at
 * once, through the new one.
 */
static int end_redis(struct retire *t)
{
	char n[NUM_STR];
	int64_t ended = hap_end_redis(t->b->cfg, t->pid);

	if (ended < 0)
		return hap_exit((int)ended);
	if (ended)
		say(t->r, "%s: %s connection%s to Redis ended; nodes connect again", t->text,
		    num_count((uint64_t)ended, n), ended == 1 ? "" : "s");
	return EXIT_OK;
}

static int run(struct retire *t)
{
	struct run *r = t->r;
	uint64_t started_ms = now_ms(), all;
	double seconds;
	char n[NUM_STR];
	int rc = retire_look(t, false);

	all = left(t);
	if (rc)
		return rc;
	if (!all && t->redis) {
		say(r, "%s has no clients, %s connection%s to Redis", t->text,
		    num_count(t->redis, n), t->redis == 1 ? "" : "s");
		if (r->opts.dry_run)
			say(r, "would end them; nothing changed");
	} else if (!all) {
		say(r, "%s has no clients; nothing to do", t->text);
	} else {
		announce(t);
		if (r->opts.dry_run) {
			say(r, "would move them; nothing changed");
			return EXIT_OK;
		}
		audit("retire", t->text, "in use", "retiring");
		rc = retire_look(t, true);
		if (!rc && !r->opts.no_wait)
			rc = wait_for(t, started_ms, all);
	}
	if (!rc && t->redis && !left(t) && !r->opts.dry_run)
		rc = end_redis(t);
	seconds = (double)(now_ms() - started_ms) / 1000;
	if (!rc && all && r->opts.no_wait)
		say(r, "the nodes move them; wait for it: wsctl retire %s", t->text);
	else if (!rc && all)
		done(t, all, seconds);
	if (!rc && r->opts.json)
		say_json(json_pack("{s:s, s:o, s:I, s:I, s:f}", "balancer", t->name, "pid",
		                   t->pid ? json_integer(t->pid) : json_null(), "clients",
		                   (json_int_t)all, "left", (json_int_t)left(t), "seconds",
		                   seconds));
	return rc;
}

int cmd_retire(struct run *r)
{
	struct retire t;
	int rc;

	if (r->opts.over_ms && r->opts.rate.count) {
		say_error("--over and --rate exclude each other");
		return EXIT_USAGE;
	}
	rc = retire_open(r, r->argv[0], &t);
	if (!rc)
		rc = run(&t);
	retire_close(&t);
	return rc;
}
