/*
 * wsctl purge: takes a channel's history away, in Redis and, by a message in its order, in every
 * node. No lock: Redis does it in one moment or not at all.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../lib/channel.h"
#include "cmd.h"
#include "kept.h"
#include "table.h"

int cmd_purge(struct run *r)
{
	const char *channel = r->argv[0];
	char n[NUM_STR], h[NUM_STR], m[NUM_STR + 16];
	struct kept kept;
	int rc;

	if (!channel_valid(channel, strlen(channel))) {
		say_error("\"%.140s\" can't be a channel: 1 to %d of A-Z a-z 0-9 _ : . -", channel,
		          CHANNEL_MAX);
		return EXIT_USAGE;
	}
	if (!config_rule(r->cfg, channel)->history_size) {
		say_error("channel %s keeps no history by its rule in %s", channel, r->cfg->path);
		return EXIT_FAILED;
	}
	rc = r->opts.dry_run ? kept_read(r->cfg, channel, &kept)
	                     : kept_purge(r->cfg, channel, &kept);
	if (rc)
		return rc;
	snprintf(m, sizeof m, "%s message%s", num_count(kept.messages, n),
	         kept.messages == 1 ? "" : "s");
	num_count(kept.heard, h);
	if (!kept.top.epoch)
		say(r, "%s has no history yet; nothing to do", channel);
	else if (r->opts.dry_run)
		say(r, "would take %s away from %s; nothing changed", m, channel);
	else if (kept.heard)
		say(r, "%s taken away from %s; %s node%s heard it", m, channel, h,
		    kept.heard == 1 ? "" : "s");
	else
		say(r, "%s taken away from %s; no node listens", m, channel);
	if (r->opts.dry_run)
		return EXIT_OK;
	if (kept.top.epoch)
		audit("purge", channel, m, "none");
	if (r->opts.json)
		say_json(json_pack("{s:s, s:I, s:I}", "channel", channel, "messages",
		                   (json_int_t)kept.messages, "heard", (json_int_t)kept.heard));
	return EXIT_OK;
}
