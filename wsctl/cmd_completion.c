/*
 * wsctl completion: the script for bash, and the words that it asks for while somebody types: names
 * of nodes from the YAML, and of channels that are listened to, from Redis, or that a rule names.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "../lib/channel.h"
#include "../lib/errs.h"
#include "cmd.h"
#include "completion.h"
#include "ctl.h"

enum { NAMES_MAX = 500 }; /* nobody reads more */

static int print_script(void)
{
	struct buf b = {0};

	completion_bash(&b);
	if (b.oom) {
		say_error("out of memory");
		buf_free(&b);
		return EXIT_FAILED;
	}
	fputs(b.p, stdout);
	buf_free(&b);
	return EXIT_OK;
}

static void nodes(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->n_nodes; i++)
		puts(cfg->nodes[i].name);
}

/* Those of Redis that begin so. A beginning that no channel has could be a pattern of Redis's. */
static int channels(const struct config *cfg, const char *prefix)
{
	char glob[REDIS_NAME_MAX + CHANNEL_MAX];
	size_t skip = strlen(cfg->cluster) + 1, printed = 0;
	redisContext *c;
	redisReply *reply;

	if (*prefix && !channel_valid(prefix, strlen(prefix)))
		return EXIT_OK;
	for (size_t i = 0; i < cfg->channels.n_rules; i++)
		if (!strchr(cfg->channels.rules[i].match, '*'))
			puts(cfg->channels.rules[i].match);
	c = ctl_redis(cfg, false);
	if (!c)
		return EXIT_AWAY;
	snprintf(glob, sizeof glob, "%s:%s*", cfg->cluster, prefix);
	reply = redisCommand(c, "PUBSUB CHANNELS %s", glob);
	for (size_t i = 0; reply && i < reply->elements && printed < NAMES_MAX; i++) {
		const redisReply *e = reply->element[i];

		if (e->type != REDIS_REPLY_STRING || e->len <= skip ||
		    !channel_valid(e->str + skip, e->len - skip))
			continue;
		puts(e->str + skip);
		printed++;
	}
	if (reply)
		freeReplyObject(reply);
	redisFree(c);
	return EXIT_OK;
}

int cmd_completion(struct run *r)
{
	const char *what = r->argv[0], *prefix = r->argc > 1 ? r->argv[1] : "";
	const char *path = config_path(r->opts.config);
	struct errs errs = {0};
	bool of_nodes = !strcmp(what, "nodes");

	if (!strcmp(what, "bash"))
		return print_script();
	if (!of_nodes && strcmp(what, "channels") != 0) {
		say_error("completion %.60s: there is bash, nodes and channels", what);
		return EXIT_USAGE;
	}
	/* The script alone needs no file, so main.c doesn't load it. */
	r->cfg = config_load(path, &errs);
	say_errs(&errs, path);
	errs_free(&errs);
	if (!r->cfg)
		return EXIT_CONFIG;
	if (!of_nodes)
		return channels(r->cfg, prefix);
	nodes(r->cfg);
	return EXIT_OK;
}
