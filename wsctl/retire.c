/*
 * retire: see retire.h. With one balancer its pid alone says whose a client is; with several the
 * host's name does too, and where two share one, the processes.
 */
#include "retire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "../lib/num.h"
#include "cmd.h"
#include "ctl.h"
#include "members.h"
#include "table.h"

enum { ASK_MS = 1500, PID_MAX = 4194304 };

bool retire_split(const char *value, size_t *host_len, long *pid)
{
	const char *dash = strrchr(value, '-');
	uint64_t n;

	if (!dash || dash == value || num_u64(dash + 1, 1, PID_MAX, &n))
		return false;
	*host_len = (size_t)(dash - value);
	*pid = (long)n;
	return true;
}

static bool has_worker(const struct retire *t, long pid)
{
	for (size_t i = 0; i < t->old.n; i++)
		if (t->old.v[i].pid == pid)
			return true;
	return pid == t->current;
}

static bool meant(const struct retire *t, const char *value)
{
	size_t len;
	long pid;

	if (!retire_split(value, &len, &pid) || (t->pid && pid != t->pid))
		return false;
	if (t->f.n == 1)
		return true;
	if (len != strlen(t->host) || memcmp(value, t->host, len) != 0)
		return false;
	return t->pid || !t->shared || has_worker(t, pid);
}

static int parse(struct retire *t, const char *arg)
{
	const char *slash = strchr(arg, '/');
	size_t len = slash ? (size_t)(slash - arg) : strlen(arg);
	uint64_t pid = 0;

	if (!len || len >= sizeof t->name || (slash && num_u64(slash + 1, 1, PID_MAX, &pid))) {
		say_error("\"%.80s\" is neither a balancer nor a worker of one, such as lb1/4711",
		          arg);
		return EXIT_USAGE;
	}
	memcpy(t->name, arg, len);
	t->name[len] = '\0';
	t->pid = (long)pid;
	snprintf(t->text, sizeof t->text, "%s", arg);
	return EXIT_OK;
}

static int unknown(const struct retire *t)
{
	struct buf b = {0};

	for (size_t i = 0; i < t->f.n; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", t->f.v[i].name);
	say_error("unknown balancer \"%s\"; there %s %s", t->name, t->f.n == 1 ? "is" : "are",
	          b.p ? b.p : "others");
	buf_free(&b);
	return EXIT_FAILED;
}

/* HAProxy's own words about itself: its host's name, its workers. */
static int look_there(struct retire *t)
{
	char text[32], host[sizeof t->host];
	uint64_t pid;
	int result = hap_info(t->b->cfg, "node", t->host, sizeof t->host);

	if (result == HAP_OK)
		result = hap_info(t->b->cfg, "Pid", text, sizeof text);
	if (result != HAP_OK)
		return hap_exit(result);
	t->current = num_u64(text, 1, PID_MAX, &pid) ? 0 : (long)pid;
	t->old_seen = hap_old_workers(t->b->cfg, NULL, &t->old) == HAP_OK;
	for (size_t i = 0; i < t->f.n; i++)
		if (&t->f.v[i] != t->b && !t->f.v[i].why[0] &&
		    hap_info(t->f.v[i].cfg, "node", host, sizeof host) == HAP_OK &&
		    !strcmp(host, t->host))
			t->shared = true;
	return EXIT_OK;
}

/* A pid that isn't there was mistyped, or has nothing to be moved any more. */
static int check_pid(const struct retire *t)
{
	struct buf b = {0};
	char n[NUM_STR];

	if (!t->pid)
		return EXIT_OK;
	if (t->pid == t->current) {
		say_error("%ld is the worker of %s that takes new clients; all of %s: wsctl retire "
		          "%s",
		          t->pid, t->name, t->name, t->name);
		return EXIT_FAILED;
	}
	if (!t->old_seen) {
		say(t->r, "note: old workers can't be seen: no answer at %s",
		    t->b->cfg->haproxy.master);
		return EXIT_OK;
	}
	if (has_worker(t, t->pid))
		return EXIT_OK;
	for (size_t i = 0; i < t->old.n; i++)
		buf_printf(&b, "%s%ld (%s client%s)", i ? ", " : "", t->old.v[i].pid,
		           num_count(t->old.v[i].tunnels, n), t->old.v[i].tunnels == 1 ? "" : "s");
	say_error("%s has no old worker %ld; it has %s", t->name, t->pid,
	          t->old.n && b.p ? b.p : "none");
	buf_free(&b);
	return EXIT_FAILED;
}

int retire_open(struct run *r, const char *arg, struct retire *t)
{
	int rc;

	memset(t, 0, sizeof *t);
	t->r = r;
	rc = parse(t, arg);
	if (!rc)
		rc = fleet_open(r->cfg, &t->f);
	for (size_t i = 0; !rc && i < t->f.n; i++)
		if (!strcmp(t->f.v[i].name, t->name))
			t->b = &t->f.v[i];
	if (!rc && !t->b)
		rc = unknown(t);
	if (!rc && t->b->why[0]) {
		say_error("%s", t->b->why);
		rc = EXIT_AWAY;
	}
	if (!rc)
		rc = look_there(t);
	return rc ? rc : check_pid(t);
}

void retire_close(struct retire *t)
{
	hap_workers_free(&t->old);
	fleet_close(&t->f);
}

/* Which of a node's clients, and how many. NULL: it has none of them; owned by the caller. */
static json_t *values(const struct retire *t, const json_t *report, uint64_t *clients)
{
	json_t *list = json_array();
	const char *value;
	json_t *n;

	*clients = 0;
	json_object_foreach(json_object_get(report, "lbs"), value, n)
	{
		if (json_integer_value(n) <= 0 || !meant(t, value))
			continue;
		*clients += (uint64_t)json_integer_value(n);
		json_array_append_new(list, json_string(value));
	}
	if (!*clients) {
		json_decref(list);
		return NULL;
	}
	return list;
}

/* Its share of the pace. */
static int tell_node(struct retire *t, const char *node, json_t *list, uint64_t clients)
{
	json_t *o = request_new("retire");
	struct ctl_replies replies;
	const json_t *reply;
	double share = t->per_second * (double)clients / (double)t->clients;
	int rc = EXIT_OK;

	json_object_set_new(o, "lbs", list);
	json_object_set_new(o, "per_second", json_real(share < 1e6 ? share : 1e6));
	if (ctl_ask(t->r->cfg, node, o, ASK_MS, &replies))
		return ctl_exit();
	reply = ctl_reply(&replies, node);
	if (reply && !json_is_true(json_object_get(reply, "ok"))) {
		say_error("%s: %s", node, reply_str(reply, "error"));
		rc = EXIT_FAILED;
	}
	ctl_replies_free(&replies);
	return rc;
}

/* The old worker's tunnels, by its own count. */
static void look_at_worker(struct retire *t)
{
	t->tunnels = t->redis = 0;
	if (!t->pid || !t->old_seen)
		return;
	hap_workers_free(&t->old);
	memset(&t->old, 0, sizeof t->old);
	t->old_seen = hap_old_workers(t->b->cfg, NULL, &t->old) == HAP_OK;
	for (size_t i = 0; i < t->old.n; i++)
		if (t->old.v[i].pid == t->pid) {
			t->tunnels = t->old.v[i].tunnels;
			t->redis = t->old.v[i].redis;
		}
}

int retire_look(struct retire *t, bool tell)
{
	const struct opts *o = &t->r->opts;
	const struct rate *pace = o->rate.count ? &o->rate : &t->r->cfg->node.drain.rate;
	struct ctl_replies replies;
	int rc = EXIT_OK;
	json_t *reply;
	uint64_t n;
	size_t i;

	if (ctl_ask(t->r->cfg, NULL, request_new("report"), ASK_MS, &replies))
		return ctl_exit();
	t->clients = 0;
	t->nodes = 0;
	json_array_foreach(replies.v, i, reply)
	{
		json_decref(values(t, reply, &n));
		t->clients += n;
		t->nodes += n > 0;
		if (!json_object_get(reply, "lbs") && !rc) {
			say_error("%s runs wsnode %s, which doesn't know through which balancer a "
			          "client came; upgrade it",
			          reply_str(reply, "node"), reply_str(reply, "version"));
			rc = EXIT_FAILED;
		}
	}
	look_at_worker(t);
	if (!t->per_second && t->clients)
		t->per_second = o->over_ms ? (double)t->clients * 1000 / (double)o->over_ms
		                           : pace->count * 1000.0 / pace->per_ms;
	if (tell && !rc)
		json_array_foreach(replies.v, i, reply)
		{
			json_t *list = values(t, reply, &n);

			if (list && !rc)
				rc = tell_node(t, reply_str(reply, "node"), list, n);
			else
				json_decref(list);
		}
	ctl_replies_free(&replies);
	return rc;
}
