/*
 * status: reads every HAProxy once and the nodes twice, half a second apart, since rates need two
 * counts. Redis away: the nodes are asked over HTTP instead. A node's name joins the three views.
 */
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/control.h"
#include "../lib/grow.h"
#include "cmd.h"
#include "ctl.h"
#include "members.h"
#include "reach.h"
#include "statefile.h"

enum { ASK_MS = 1000, RATE_MS = 500 };

static struct status_node *node_at(struct status *s, const char *name)
{
	struct status_node *v;

	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return &s->v[i];
	v = grow(s->v, s->n, sizeof *v);
	if (!v)
		return NULL;
	s->v = v;
	v = &s->v[s->n++];
	memset(v, 0, sizeof *v);
	strncpy(v->name, name, sizeof v->name - 1);
	v->in_s = v->out_s = -1;
	return v;
}

/* A node's servers, all in one and each. -1: out of memory. */
static int add_server(struct status *s, const struct members *ms, const struct hap_server *all)
{
	struct status_node *v = node_at(s, all->name);

	if (!v)
		return -1;
	v->in_hap = true;
	v->hap = *all;
	v->at = calloc(s->n_lb, sizeof *v->at);
	for (size_t i = 0; v->at && i < s->n_lb; i++) {
		const struct hap_server *one = member_at(ms, i, v->name);

		v->at[i].in_hap = one != NULL;
		if (one)
			v->at[i].hap = *one;
	}
	return v->at ? 0 : -1;
}

static void add_balancer(struct status *s, size_t i, const struct balancer *b)
{
	struct status_balancer *lb = &s->lb[i];

	lb->name = b->name;
	lb->here = b->here;
	lb->ok = !b->why[0];
	memcpy(lb->why, b->why, sizeof lb->why);
	tame(lb->why);
	if (!lb->ok) {
		if (s->hap_ok)
			memcpy(s->hap_why, lb->why, sizeof s->hap_why);
		s->hap_ok = false;
		return;
	}
	if (!b->here)
		snprintf(lb->version, sizeof lb->version, "%s",
		         reach_version(b->cfg->haproxy.reach));
	lb->old_seen = hap_old_workers(b->cfg, NULL, &lb->old) == HAP_OK;
	if (!lb->old_seen)
		memset(&lb->old, 0, sizeof lb->old);
}

/* The newest word on each node. */
static void add_notes(struct status *s, const struct balancer *b)
{
	struct statefile f;

	/* One that can't be read is said, and the rest is shown. */
	if (b->why[0] || statefile_load(b->cfg, &f))
		return;
	for (size_t i = 0; i < s->n; i++) {
		const struct node_note *note = statefile_get(&f, s->v[i].name);

		if (note && (note->since > s->v[i].note.since ||
		             (b->here && note->since == s->v[i].note.since)))
			s->v[i].note = *note;
	}
	statefile_free(&f);
}

static int add_known(struct run *r, struct status *s)
{
	struct members ms;
	int rc = 0;

	for (size_t i = 0; i < r->cfg->n_nodes; i++) {
		struct status_node *v = node_at(s, r->cfg->nodes[i].name);

		if (!v)
			return -1;
		v->node = &r->cfg->nodes[i];
	}
	if (members_look(r->cfg, &ms)) {
		members_close(&ms);
		return -1;
	}
	s->n_lb = ms.f.n;
	s->lb = calloc(s->n_lb, sizeof *s->lb);
	s->hap_ok = true;
	for (size_t i = 0; s->lb && i < s->n_lb; i++)
		add_balancer(s, i, &ms.f.v[i]);
	for (size_t i = 0; s->lb && i < ms.all.n && !rc; i++)
		rc = add_server(s, &ms, &ms.all.v[i]);
	if (s->lb && !rc)
		for (size_t i = 0; i < s->n_lb; i++)
			add_notes(s, &ms.f.v[i]);
	rc = s->lb ? rc : -1;
	members_close(&ms);
	return rc;
}

static int add_reports(struct status *s, const struct ctl_replies *replies)
{
	json_t *o;
	size_t i;

	json_array_foreach(replies->v, i, o)
	{
		const char *name = reply_str(o, "node");
		struct status_node *v = node_name_valid(name) ? node_at(s, name) : NULL;

		if (!v)
			continue;
		v->answers++;
		json_decref(v->report);
		v->report = json_incref(o);
	}
	return 0;
}

/* The second look: messages since the first, by the same process. */
static void add_rates(struct status *s, const struct ctl_replies *later, double seconds)
{
	json_t *index = ctl_index(later);

	for (size_t i = 0; i < s->n; i++) {
		struct status_node *v = &s->v[i];
		const json_t *o = json_object_get(index, v->name);

		if (!o || !v->report || v->answers != 1 || seconds <= 0 ||
		    strcmp(reply_str(o, "start_id"), reply_str(v->report, "start_id")) != 0)
			continue;
		v->in_s = (double)(reply_int(o, "in", 0) - reply_int(v->report, "in", 0)) / seconds;
		v->out_s = (double)(reply_int(o, "out", 0) - reply_int(v->report, "out", 0)) /
		           seconds;
	}
	json_decref(index);
}

static void ask_nodes(struct run *r, struct status *s)
{
	struct ctl_replies first, second;
	uint64_t at;

	s->redis_ok = !ctl_ask(r->cfg, NULL, request_new("report"), ASK_MS, &first);
	if (!s->redis_ok) {
		strncpy(s->redis_why, ctl_why(), sizeof s->redis_why - 1);
		status_ask_http(s);
		return;
	}
	at = now_ms();
	add_reports(s, &first);
	if (json_array_size(first.v) && !pause_ms(RATE_MS) &&
	    !ctl_ask(r->cfg, NULL, request_new("report"), ASK_MS, &second)) {
		add_rates(s, &second, (double)(now_ms() - at) / 1000);
		ctl_replies_free(&second);
	}
	ctl_replies_free(&first);
}

/* Of those that are out of service; with several balancers that is Redis's to say. */
static void add_rolls(const struct run *r, struct status *s)
{
	char name[80], who[LOCK_WHO];

	if ((s->n_lb > 1 && !s->redis_ok) || !lock_who(r->cfg, "roll", who))
		return;
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].note.state == STATE_READY)
			continue;
		snprintf(name, sizeof name, "roll-%s", s->v[i].name);
		if (lock_who(r->cfg, name, who))
			s->v[i].rolled_by = strdup(who);
	}
}

int status_gather(struct run *r, struct status *s)
{
	memset(s, 0, sizeof *s);
	s->now = time(NULL);
	if (add_known(r, s)) {
		say_error("out of memory");
		return -1;
	}
	ask_nodes(r, s);
	add_rolls(r, s);
	return 0;
}

void status_free(struct status *s)
{
	for (size_t i = 0; i < s->n; i++) {
		json_decref(s->v[i].report);
		free(s->v[i].why);
		free(s->v[i].rolled_by);
		free(s->v[i].at);
	}
	for (size_t i = 0; s->lb && i < s->n_lb; i++)
		hap_workers_free(&s->lb[i].old);
	free(s->lb);
	free(s->v);
	memset(s, 0, sizeof *s);
}

const struct status_node *status_find(const struct status *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return &s->v[i];
	return NULL;
}

int64_t status_clients(const struct status_node *v)
{
	return reply_int(v->report, "clients", -1);
}

const char *status_state(const struct status_node *v)
{
	enum node_state s = v->note.state;

	if (!v->in_hap && !v->node)
		return "-";
	if (v->in_hap && member_maint(&v->hap))
		return v->node ? "maint" : node_state_str(STATE_REMOVED);
	if (v->in_hap && !member_drain(&v->hap))
		return node_state_str(STATE_READY);
	if (v->in_hap && s == STATE_READY)
		return node_state_str(STATE_CORDONED);
	/* A drain that nobody waited for ends all the same. */
	if (s == STATE_DRAINING && v->in_hap && !v->hap.scur && status_clients(v) <= 0)
		return node_state_str(STATE_DRAINED);
	return node_state_str(s);
}

enum status_health status_health(const struct status_node *v)
{
	if (!v->in_hap || member_maint(&v->hap))
		return HEALTH_NONE;
	if (!strncmp(v->hap.status, "DOWN", 4))
		return HEALTH_DOWN;
	if (!strncmp(v->hap.status, "NOLB", 4) && !member_drain(&v->hap))
		return HEALTH_LEAVING;
	/* In drain the status says DRAIN whatever the check finds. */
	if (member_drain(&v->hap) && v->hap.check[0] && !strstr(v->hap.check, "L7OK") &&
	    !strstr(v->hap.check, "INI") && !strstr(v->hap.check, "UNK"))
		return HEALTH_DOWN;
	return HEALTH_UP;
}

bool status_serving(const struct status_node *v)
{
	return v->in_hap && member_serving(&v->hap) &&
	       strcmp(reply_str(v->report, "state"), CONTROL_UNAVAILABLE) != 0;
}
