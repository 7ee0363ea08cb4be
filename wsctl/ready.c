/*
 * ready: no traffic before a passed check (haproxy-facts: `state ready` on an unchecked server lets
 * clients into a dead port). The check must pass after the node was told, since L7OKC is a node
 * that drains.
 */
#include "ready.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/num.h"
#include "cmd.h"
#include "ctl.h"
#include "hap_int.h"
#include "members.h"
#include "persist.h"

enum { POLL_MS = 100, ASK_MS = 1000, ASK_AGAIN_MS = 1000, HTTP_MS = 1000 };

/* What is in the way, for the message at the end. */
struct block {
	bool answered;
	const char *whose; /* the balancer, where there are several */
	char check[64], status[32];
};

/* 1: told; 0: silent; -1: an exit code in *rc, printed. */
static int tell(const struct config *cfg, const char *name, int *rc)
{
	struct ctl_replies replies;
	const json_t *reply;
	int told = 0;

	if (ctl_ask(cfg, name, request_new("ready"), ASK_MS, &replies)) {
		*rc = ctl_exit();
		return -1;
	}
	reply = ctl_reply(&replies, name);
	if (reply && json_is_true(json_object_get(reply, "ok"))) {
		told = 1;
	} else if (reply) {
		say_error("%s: %s", name,
		          *reply_str(reply, "error") ? reply_str(reply, "error") : "refused");
		*rc = EXIT_FAILED;
		told = -1;
	}
	ctl_replies_free(&replies);
	return told;
}

/* On one balancer; 1 with *out, 0 when it lacks it, else a hap_result. */
static int look(const struct config *view, const char *name, struct hap_server *out)
{
	struct hap_servers all;
	const struct hap_server *s;
	int rc = hap_servers(view, &all);

	if (rc != HAP_OK)
		return rc;
	s = hap_server(&all, name);
	if (s)
		*out = *s;
	hap_servers_free(&all);
	return s ? 1 : 0;
}

static bool passed(const struct hap_server *s)
{
	return !strcmp(s->check, "L7OK") || !strncmp(s->status, "no check", 8);
}

/* What the node itself says of it, over HTTP; malloc'd, NULL when nothing. */
static char *own_word(const struct config *cfg, const char *name)
{
	const struct config_node *node = config_node(cfg, name);
	char *why = NULL, *text = NULL;
	json_t *health = NULL;
	int status;

	if (!node || healthz_get(&node->at, HTTP_MS, &status, &health, &why)) {
		free(why);
		return NULL;
	}
	if (status != 200 &&
	    asprintf(&text, "; it says: %s%s%s", reply_str(health, "state"),
	             *reply_str(health, "reason") ? ", " : "", reply_str(health, "reason")) < 0)
		text = NULL;
	json_decref(health);
	return text;
}

static int too_late(const struct config *cfg, const char *name, const struct block *b,
                    uint64_t wait_ms)
{
	char t[24], *word = b->answered ? own_word(cfg, name) : NULL;

	num_duration_str(wait_ms, t);
	if (!b->answered)
		say_error("%s does not answer on redis and its check says %s (%s) after %s; is "
		          "wsnode@%s running on its host?",
		          name, b->check[0] ? b->check : "nothing", b->status, t, name);
	else
		say_error("%s does not pass %s's check: %s (%s) after %s%s", name,
		          b->whose ? b->whose : "HAProxy", b->check[0] ? b->check : "no result yet",
		          b->status, t, word ? word : "");
	free(word);
	return EXIT_LATER;
}

enum stage { WAITS, PASSED, UP };

/* One balancer's look and step. Its stage, or a hap_result below zero. */
static int step(const struct config *view, const char *name, bool answered, bool go,
                struct block *b)
{
	struct hap_server s;
	int rc = look(view, name, &s);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return hap_fail(HAP_REFUSED, "HAProxy has no server %s", name);
	memcpy(b->check, s.check, sizeof b->check);
	memcpy(b->status, s.status, sizeof b->status);
	if (member_maint(&s)) {
		/* No checks run in maintenance; in drain they do, without clients. */
		rc = hap_checks_on(view, name);
		if (rc == HAP_OK)
			rc = hap_set_drain(view, name);
		return rc == HAP_OK ? WAITS : rc;
	}
	if (!answered || !passed(&s))
		return WAITS;
	if (!member_drain(&s))
		return !strncmp(s.status, "UP", 2) ? UP : WAITS;
	if (!go)
		return PASSED;
	rc = hap_set_ready(view, name);
	return rc == HAP_OK ? WAITS : rc;
}

/* Every balancer's step; the least of their stages. The block is of one that waits. */
static enum stage step_all(struct fleet *f, const char *name, bool go, struct block *b)
{
	enum stage least = UP;

	for (size_t i = 0; i < f->n; i++) {
		struct block own = {.answered = b->answered,
		                    .whose = f->n > 1 ? f->v[i].name : NULL};
		int stage;

		if (f->v[i].why[0])
			continue;
		stage = step(f->v[i].cfg, name, b->answered, go, &own);
		if (stage < 0) {
			fleet_lost(&f->v[i], stage);
			continue;
		}
		if (stage == WAITS || !b->status[0])
			*b = own;
		if ((enum stage)stage < least)
			least = (enum stage)stage;
	}
	return least;
}

int ready_fleet(struct fleet *f, const struct config *cfg, const char *name, uint64_t wait_ms,
                ready_pass *pass, void *arg)
{
	uint64_t until = now_ms() + wait_ms, ask_at = 0;
	struct block b = {0};
	bool go = false;
	int rc;

	for (;;) {
		enum stage stage;

		if (!b.answered && now_ms() >= ask_at) {
			int told = tell(cfg, name, &rc);

			if (told < 0)
				return rc;
			b.answered = told;
			ask_at = now_ms() + ASK_AGAIN_MS;
		}
		locks_keep();
		stage = step_all(f, name, go, &b);
		rc = fleet_any(f);
		if (rc)
			return rc;
		/* Written first: a reload in between must not bring the drain back. */
		if (stage != WAITS && !go) {
			rc = pass ? pass(arg, f) : EXIT_OK;
			if (rc)
				return rc;
			go = true;
		}
		if (stage == UP)
			return EXIT_OK;
		if (stage == PASSED)
			continue;
		if (now_ms() >= until)
			break;
		if (pause_ms(POLL_MS) || interrupted())
			return EXIT_INTERRUPTED;
	}
	return too_late(cfg, name, &b, wait_ms);
}

int ready_server(const struct config *view, const char *name, uint64_t wait_ms)
{
	struct config copy = *view;
	struct balancer one = {
		.name = view->haproxy.balancer, .cfg = &copy, .here = !view->haproxy.reach};
	struct fleet f = {&one, 1};

	return ready_fleet(&f, view, name, wait_ms, NULL, NULL);
}
