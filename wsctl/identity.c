/*
 * identity: asks the address over HTTP who it is, then asks that name over Redis, and compares
 * start ids. A wrong port, a copied unit, another Redis or two processes of one name are all seen
 * here, before any client is sent there.
 */
#include "identity.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/control.h"
#include "cmd.h"
#include "ctl.h"
#include "members.h"

enum { HTTP_MS = 3000, ASK_MS = 2000 };

/* What /healthz says fits what was asked for. */
static int check_health(const struct run *r, const char *name, const char *at, const json_t *health)
{
	const char *node = reply_str(health, "node"), *cluster = reply_str(health, "cluster");

	if (!*node || !*reply_str(health, "start_id")) {
		say_error("%s is not a wsnode", at);
		return EXIT_FAILED;
	}
	if (strcmp(node, name) != 0) {
		say_error("%s is %s, not %s", at, node, name);
		return EXIT_FAILED;
	}
	if (strcmp(cluster, r->cfg->cluster) != 0) {
		say_error("%s at %s is of cluster \"%s\", not \"%s\"", name, at, cluster,
		          r->cfg->cluster);
		return EXIT_FAILED;
	}
	if (!strcmp(reply_str(health, "state"), CONTROL_STOPPING)) {
		say_error("%s at %s is stopping", name, at);
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

static int check_report(const struct run *r, const char *name, const char *at, const json_t *health,
                        const struct ctl_replies *replies)
{
	const char *start = reply_str(health, "start_id"), *theirs = reply_str(health, "redis");
	const json_t *o, *same = NULL;
	char ours[ENDPOINT_STR], hash[CONFIG_HASH];
	size_t i;

	json_array_foreach(replies->v, i, o)
	{
		if (!strcmp(reply_str(o, "start_id"), start))
			same = o;
	}
	redis_url_str(&r->cfg->redis.url, ours);
	if (!same && !strcmp(theirs, ours) && *reply_str(health, "reason")) {
		say_error("%s at %s does not answer over redis: %s", name, at,
		          reply_str(health, "reason"));
		return EXIT_FAILED;
	}
	if (!same) {
		say_error("%s at %s is not on redis %s (uses %s)", name, at, ours,
		          *theirs ? theirs : "none");
		if (json_array_size(replies->v))
			say_error("another process is %s on that redis, at %s", name,
			          reply_str(json_array_get(replies->v, 0), "listen"));
		return EXIT_FAILED;
	}
	if (json_array_size(replies->v) > 1) {
		say_error("%zu processes are named %s; stop all but one",
		          json_array_size(replies->v), name);
		return EXIT_FAILED;
	}
	config_hash(r->cfg, hash);
	if (*reply_str(same, "config") && strcmp(reply_str(same, "config"), hash) != 0)
		say(r, "note: %s runs with other redis, auth or channels keys than %s has", name,
		    r->cfg->path);
	return EXIT_OK;
}

int identity_check(const struct run *r, const char *name, const struct endpoint *where)
{
	struct ctl_replies replies;
	char at[ENDPOINT_STR], *why = NULL;
	json_t *health = NULL;
	int status, rc;

	endpoint_str(where, at);
	if (healthz_get(where, HTTP_MS, &status, &health, &why)) {
		say_error("%s at %s: %s; start it there: systemctl enable --now wsnode@%s", name,
		          at, why ? why : "out of memory", name);
		free(why);
		return interrupted() ? EXIT_INTERRUPTED : EXIT_FAILED;
	}
	rc = check_health(r, name, at, health);
	if (!rc && ctl_ask(r->cfg, name, request_new("report"), ASK_MS, &replies)) {
		rc = ctl_exit();
	} else if (!rc) {
		rc = check_report(r, name, at, health, &replies);
		ctl_replies_free(&replies);
	}
	json_decref(health);
	return rc;
}
