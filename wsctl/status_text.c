/*
 * status_text: a picture of the cluster in words: its first line, and a node's cells as status and
 * top have them. Pure.
 */
#include "status_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "cmd.h"
#include "members.h"
#include "status.h"

const struct table_col status_cols[STATUS_COLS] = {
	{"NODE", false}, {"ADDRESS", false}, {"STATE", false}, {"HEALTH", false},
	{"CONNS", true}, {"CLIENTS", true},  {"OUT/s", true},  {"UP", true},
};

/* "up", "down L4TOUT 47s" */
void status_health_text(const struct status *s, const struct status_node *v,
                        char out[static STATUS_CELL])
{
	const char *check = v->hap.check;
	char age[NUM_STR];

	if (!strncmp(check, "* ", 2))
		check += 2;
	switch (status_health(v)) {
	case HEALTH_UP:
		snprintf(out, STATUS_CELL, "up");
		break;
	case HEALTH_LEAVING:
		snprintf(out, STATUS_CELL, "leaving");
		break;
	case HEALTH_DOWN:
		snprintf(out, STATUS_CELL, "down %s %s", *check ? check : "?",
		         num_age(v->hap.lastchg_s, age));
		break;
	case HEALTH_NONE:
		snprintf(out, STATUS_CELL, "%s", v->in_hap || !s->hap_ok ? "-" : "absent");
		break;
	}
}

void status_address(const struct status_node *v, char out[static ENDPOINT_STR])
{
	if (v->node)
		endpoint_str(&v->node->at, out);
	else if (v->in_hap)
		hap_server_address(&v->hap, out);
	else
		snprintf(out, ENDPOINT_STR, "%s",
		         *reply_str(v->report, "listen") ? reply_str(v->report, "listen") : "-");
}

const char *status_count(int64_t n, char out[static NUM_STR])
{
	return n < 0 ? "-" : num_count((uint64_t)n, out);
}

const char *status_rate(double n, char out[static NUM_STR])
{
	return n < 0 ? "-" : num_short(n, out);
}

static void cell(struct status_cell *c, enum table_colour colour, double key, const char *text)
{
	snprintf(c->text, sizeof c->text, "%s", text);
	c->colour = colour;
	c->key = key < 0 ? NAN : key;
}

void status_row(const struct status *s, const struct status_node *v,
                struct status_cell out[static STATUS_COLS])
{
	const char *state = status_state(v);
	enum status_health h = status_health(v);
	int64_t conns = v->in_hap ? (int64_t)v->hap.scur : -1,
		up = reply_int(v->report, "uptime_s", -1);
	char text[STATUS_CELL], n[NUM_STR];

	cell(&out[0], PLAIN, -1, v->name);
	status_address(v, text);
	cell(&out[1], PLAIN, -1, text);
	cell(&out[2], strcmp(state, "ready") ? YELLOW : PLAIN, -1, state);
	status_health_text(s, v, text);
	cell(&out[3], h == HEALTH_UP ? GREEN : h == HEALTH_DOWN ? RED : YELLOW, -1, text);
	cell(&out[4], PLAIN, (double)conns, status_count(conns, n));
	cell(&out[5], PLAIN, (double)status_clients(v), status_count(status_clients(v), n));
	cell(&out[6], PLAIN, v->out_s, status_rate(v->out_s, n));
	cell(&out[7], PLAIN, (double)up, up < 0 ? "-" : num_age(up, n));
}

struct status_sums status_sum(const struct status *s)
{
	struct status_sums x = {0};

	for (size_t i = 0; i < s->n; i++) {
		int64_t n = status_clients(&s->v[i]);

		x.members += s->v[i].node || s->v[i].in_hap;
		x.serving += status_serving(&s->v[i]);
		x.clients += n > 0 ? (uint64_t)n : 0;
	}
	return x;
}

char *status_head(const struct run *r, const struct status *s)
{
	struct status_sums x = status_sum(s);
	struct buf b = {0};
	char n[NUM_STR];

	buf_printf(&b, "%s: %zu/%zu node%s serving, %s client%s, redis %s", r->cfg->cluster,
	           x.serving, x.members, x.members == 1 ? "" : "s", num_count(x.clients, n),
	           x.clients == 1 ? "" : "s", s->redis_ok ? "ok" : "away");
	for (size_t i = 0; i < s->n_lb; i++)
		buf_printf(&b, ", %s %s", s->lb[i].name, s->lb[i].ok ? "ok" : "away");
	return buf_take(&b);
}
