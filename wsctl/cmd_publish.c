/*
 * wsctl publish: one message, or each line of standard input, or kcat's output, to a channel. Here
 * are the arguments, the choice between the two ways of sending (publish.h), and what the operator
 * and --json get to hear.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../lib/channel.h"
#include "cmd.h"
#include "publish.h"
#include "table.h"

bool publish_keeps(const struct run *r, const char *channel)
{
	if (config_rule(r->cfg, channel)->history_size)
		return true;
	say_error("channel %s keeps no history; give its rule in %s one: history: { size: 100, "
	          "ttl: 1h }",
	          channel, r->cfg->path);
	return false;
}

static const char *heard(const struct publish *p, char out[static 64])
{
	char n[NUM_STR];

	if (p->heard)
		snprintf(out, 64, "%s node%s heard", num_count(p->heard, n),
		         p->heard == 1 ? "" : "s");
	else
		snprintf(out, 64, "no node listens");
	return out;
}

/* "1 message", "9,102 messages" */
static const char *messages(uint64_t n, char out[static 64])
{
	char count[NUM_STR];

	snprintf(out, 64, "%s message%s", num_count(n, count), n == 1 ? "" : "s");
	return out;
}

static void report(const struct publish *p, bool kept)
{
	char m[64], h[64], seen[64] = "", nulls[64] = "", large[64] = "", n[NUM_STR];
	const char *last = p->heard ? " the last" : "";

	heard(p, h);
	if (p->message) {
		if (p->heard)
			say(p->r, "%s it", h);
		else
			say(p->r, "%s%s to %s", kept ? "kept; " : "", h, p->channel);
		return;
	}
	if (p->seen)
		snprintf(seen, sizeof seen, ", %s known already", num_count(p->seen, n));
	if (p->nulls)
		snprintf(nulls, sizeof nulls, ", %s null skipped", num_count(p->nulls, n));
	if (p->large)
		snprintf(large, sizeof large, ", %s too large skipped", num_count(p->large, n));
	if (!p->acked && !*seen && !*nulls && !*large)
		say(p->r, "no message on standard input");
	else if (!p->acked)
		say(p->r, "%s%s%s%s%s", messages(0, m), p->kafka ? " from Kafka" : "", seen, nulls,
		    large);
	else if (p->kafka)
		say(p->r, "%s from Kafka%s%s%s; %s%s", messages(p->acked, m), seen, nulls, large, h,
		    last);
	else
		say(p->r, "%s to %s; %s%s", messages(p->acked, m), p->channel, h, last);
}

/* After a failure: where it stands. */
static void report_failure(const struct publish *p, bool kept)
{
	char m[64], up_to[48] = "", unknown[96] = "", n[NUM_STR];

	if (!kept) {
		if (!p->message)
			say(p->r, "%s acknowledged", messages(p->acked, m));
		return;
	}
	if (p->message) {
		if (p->unknown)
			say(p->r, "the message may be in the history or not");
		return;
	}
	if (p->unknown)
		snprintf(unknown, sizeof unknown, "; the next %s may be in the history or not",
		         num_count(p->unknown, n));
	if (p->kafka) {
		if (p->seen)
			snprintf(up_to, sizeof up_to, ", %s known already", num_count(p->seen, n));
		say(p->r, "%s acknowledged%s; read again, each is still there once",
		    messages(p->acked, m), up_to);
		return;
	}
	if (p->acked)
		snprintf(up_to, sizeof up_to, ", up to line %llu", (unsigned long long)p->acked);
	say(p->r, "%s acknowledged%s%s", messages(p->acked, m), up_to, unknown);
}

static void print_json(const struct publish *p, bool kept, int rc)
{
	json_t *o = json_pack("{s:s?, s:I, s:I}", "channel", p->channel, "messages",
	                      (json_int_t)p->acked, "heard", (json_int_t)p->heard);
	const char *why;

	if (rc) {
		json_object_set_new(o, "ok", json_false());
		json_object_set_new(o, "exit", json_integer(rc));
		json_object_set_new(o, "error",
		                    json_string(said_error(&why)         ? why
		                                : rc == EXIT_INTERRUPTED ? "interrupted"
		                                                         : "failed"));
	}
	if (kept) {
		json_object_set_new(o, "unknown", json_integer((json_int_t)p->unknown));
		json_object_set_new(o, "seen", json_integer((json_int_t)p->seen));
	}
	if (p->kafka) {
		json_object_set_new(o, "nulls", json_integer((json_int_t)p->nulls));
		json_object_set_new(o, "large", json_integer((json_int_t)p->large));
	}
	say_json(o);
}

/* CHANNEL [MESSAGE|-], or with --from kafka [CHANNEL] -. EXIT_OK, or EXIT_USAGE, printed. */
static int arguments(struct run *r, struct publish *p)
{
	bool channel_given = true;

	if (r->opts.from) {
		if (strcmp(r->opts.from, "kafka") != 0) {
			say_error("--from %.60s: there is only --from kafka", r->opts.from);
			return EXIT_USAGE;
		}
		p->kafka = true;
		channel_given = r->argc > 1 || strcmp(r->argv[0], "-") != 0;
	} else if (r->opts.skip_large) {
		say_error("--skip-large is for --from kafka");
		return EXIT_USAGE;
	}
	if (channel_given) {
		p->channel = r->argv[0];
		if (r->argc > 1 && strcmp(r->argv[1], "-") != 0)
			p->message = r->argv[1];
	}
	if (p->kafka && p->message) {
		say_error("--from kafka reads standard input: wsctl publish --from kafka %.140s -",
		          p->channel);
		return EXIT_USAGE;
	}
	if (p->channel && !channel_valid(p->channel, strlen(p->channel))) {
		say_error("\"%.140s\" can't be a channel: 1 to %d of A-Z a-z 0-9 _ : . -",
		          p->channel, CHANNEL_MAX);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

int cmd_publish(struct run *r)
{
	struct publish p = {.r = r};
	int rc = arguments(r, &p);
	bool kept;

	if (rc)
		return rc;
	kept = p.kafka || config_rule(r->cfg, p.channel)->history_size;
	if (p.kafka && p.channel && !publish_keeps(r, p.channel))
		return EXIT_CONFIG;
	if (!kept && r->opts.deadline_ms) {
		say_error("--deadline is for channels that keep a history: what Redis takes of "
		          "others it doesn't remember, so nothing is sent again");
		return EXIT_USAGE;
	}
	rc = kept ? publish_kept(&p) : publish_plain(&p);
	if (!rc)
		report(&p, kept);
	else
		report_failure(&p, kept);
	if (r->opts.json && (!rc || kept))
		print_json(&p, kept, rc);
	return rc;
}
