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
#include "members.h"

enum { POLL_MS = 100, ASK_MS = 1000, ASK_AGAIN_MS = 1000, HTTP_MS = 1000 };

/* What is in the way, for the message at the end. */
struct block {
	bool answered;
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

static int look(const struct config *cfg, const char *name, struct hap_server *out)
{
	struct hap_servers all;
	const struct hap_server *s;
	int rc = hap_servers(cfg, &all);

	if (rc != HAP_OK)
		return hap_exit(rc);
	s = hap_server(&all, name);
	if (s)
		*out = *s;
	hap_servers_free(&all);
	if (s)
		return EXIT_OK;
	say_error("%s is not in HAProxy", name);
	return EXIT_FAILED;
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
		say_error("%s does not pass HAProxy's check: %s (%s) after %s%s", name,
		          b->check[0] ? b->check : "no result yet", b->status, t, word ? word : "");
	free(word);
	return EXIT_LATER;
}

int ready_server(const struct config *cfg, const char *name, uint64_t wait_ms)
{
	uint64_t until = now_ms() + wait_ms, ask_at = 0;
	struct block b = {0};
	struct hap_server s;
	int rc;

	for (;;) {
		if (!b.answered && now_ms() >= ask_at) {
			int told = tell(cfg, name, &rc);

			if (told < 0)
				return rc;
			b.answered = told;
			ask_at = now_ms() + ASK_AGAIN_MS;
		}
		rc = look(cfg, name, &s);
		if (rc)
			return rc;
		memcpy(b.check, s.check, sizeof b.check);
		memcpy(b.status, s.status, sizeof b.status);
		if (member_maint(&s)) {
			/* No checks run in maintenance; in drain they do, without clients. */
			rc = hap_checks_on(cfg, name);
			if (rc == HAP_OK)
				rc = hap_set_drain(cfg, name);
			if (rc != HAP_OK)
				return hap_exit(rc);
		} else if (b.answered && passed(&s) && member_drain(&s)) {
			rc = hap_set_ready(cfg, name);
			if (rc != HAP_OK)
				return hap_exit(rc);
		} else if (b.answered && passed(&s) && !strncmp(s.status, "UP", 2)) {
			return EXIT_OK;
		}
		if (now_ms() >= until)
			break;
		if (pause_ms(POLL_MS) || interrupted())
			return EXIT_INTERRUPTED;
	}
	return too_late(cfg, name, &b, wait_ms);
}
