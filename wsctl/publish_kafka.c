/*
 * publish_kafka: kcat's output into histories. The source is TOPIC/PARTITION and the number Kafka's
 * offset, so what is read twice, after a restart say, is there once. What can't be told apart byte
 * by byte isn't guessed: the input ends there.
 */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/num.h"
#include "cmd.h"
#include "ctl.h"
#include "feed.h"
#include "kafka.h"
#include "publish.h"

static const uint64_t TTL_MS = 30 * 24 * 3600 * UINT64_C(1000);

struct kafka_source {
	struct kafka_source *next;
	struct source s;
	uint32_t partition;
	size_t topic_len; /* s.name begins with it */
	bool has_past;    /* Redis had every offset up to `past` when this run began */
	uint64_t past;
};

/* A restart reads a lot again: what Redis has already it isn't asked about one by one. */
static void ask_past(const struct feed *f, struct kafka_source *k)
{
	struct redisContext *c = ctl_redis(f->p->r->cfg, true);
	char key[REDIS_NAME_MAX + SOURCE_MAX];
	size_t n = channel_source(f->p->r->cfg->cluster, k->s.channel, key);
	redisReply *reply;

	if (!c)
		return;
	snprintf(key + n, sizeof key - n, "%s", k->s.name);
	reply = redisCommand(c, "GET %s", key);
	k->has_past = reply && reply->type == REDIS_REPLY_STRING &&
	              !num_u64(reply->str, 0, UINT64_MAX, &k->past);
	if (reply)
		freeReplyObject(reply);
	redisFree(c);
}

static int channel_bad(const struct feed *f, const char *channel)
{
	if (!channel_valid(channel, strlen(channel))) {
		say_error("topic %s can't be a channel's name: name one, as in wsctl publish "
		          "--from kafka CHANNEL -",
		          channel);
		return EXIT_FAILED;
	}
	return publish_keeps(f->p->r, channel) ? EXIT_OK : EXIT_CONFIG;
}

/* NULL: printed, and *rc says with what to end. */
static struct kafka_source *source_new(struct feed *f, const struct kafka_head *h, int *rc)
{
	struct kafka_source *k = calloc(1, sizeof *k);
	const struct config_rule *rule;
	const char *channel;

	if (!k) {
		say_error("out of memory");
		*rc = EXIT_FAILED;
		return NULL;
	}
	k->partition = h->partition;
	k->topic_len = h->topic_len;
	snprintf(k->s.name, sizeof k->s.name, "%.*s", (int)h->topic_len, h->topic);
	channel = f->p->channel ? f->p->channel : k->s.name;
	*rc = channel_bad(f, channel);
	if (*rc) {
		free(k);
		return NULL;
	}
	snprintf(k->s.channel, sizeof k->s.channel, "%.*s", CHANNEL_MAX, channel);
	rule = config_rule(f->p->r->cfg, channel);
	k->s.keep = (struct keep){rule->history_size, rule->history_ttl_ms};
	k->s.ttl_ms = TTL_MS;
	snprintf(k->s.name + h->topic_len, sizeof k->s.name - h->topic_len, "/%u", h->partition);
	snprintf(k->s.label, sizeof k->s.label, "%s offset ", k->s.name);
	ask_past(f, k);
	return k;
}

/* The latest stands first: kcat prints what came in one answer of a broker together. */
static struct kafka_source *source_of(struct feed *f, const struct kafka_head *h, int *rc)
{
	struct kafka_source **at = &f->kafka, *k;

	while (*at && ((*at)->partition != h->partition || (*at)->topic_len != h->topic_len ||
	               memcmp((*at)->s.name, h->topic, h->topic_len) != 0))
		at = &(*at)->next;
	k = *at;
	if (k)
		*at = k->next;
	else
		k = source_new(f, h, rc);
	if (k) {
		k->next = f->kafka;
		f->kafka = k;
	}
	return k;
}

static void malformed(struct feed *f, const char *why)
{
	say_error("standard input, byte %" PRIu64 " (message %" PRIu64 "): %s; it must be what "
	          "kcat -C -f '%%t %%p %%o %%S\\n%%s\\n' prints",
	          f->before + f->at, f->taken + 1, why);
	feed_end(f, EXIT_FAILED);
}

/* It ends, but not behind a message: kcat was killed. What there is of the last isn't published. */
static void cut(struct feed *f)
{
	say_error("standard input ends in the middle of message %" PRIu64 ", at byte %" PRIu64,
	          f->taken + 1, f->before + f->in.len);
	feed_end(f, EXIT_FAILED);
}

/* It is too large for the nodes. To skip it is the operator's decision: it is a loss. */
static void too_large(struct feed *f, const struct kafka_head *h, size_t size)
{
	const struct opts *o = &f->p->r->opts;
	char limit[24];

	say_error("%.*s/%u offset %" PRIu64 ": %zu bytes are above node.max_message (%s)%s",
	          (int)h->topic_len, h->topic, h->partition, h->offset, h->len,
	          num_size_str(f->p->r->cfg->node.max_message, limit),
	          o->skip_large ? "; skipped" : "; raise it, or skip such ones with --skip-large");
	if (!o->skip_large) {
		feed_end(f, EXIT_FAILED);
		return;
	}
	f->p->large++;
	f->taken++;
	f->skip = size;
}

/* One message of which all bytes are there. */
static int message(struct feed *f, const struct kafka_head *h, const char *payload)
{
	struct kafka_source *k;
	int rc = EXIT_OK;

	if (h->null) {
		f->p->nulls++;
		return EXIT_OK;
	}
	k = source_of(f, h, &rc);
	if (!k) {
		feed_end(f, rc);
		return EXIT_OK;
	}
	if (k->has_past && h->offset <= k->past) {
		f->p->seen++;
		return EXIT_OK;
	}
	return window_add(f->w, &k->s, h->offset, payload, h->len);
}

/* Drops what is still to come of a skipped one; true: there may be more behind it. */
static bool skipped(struct feed *f)
{
	size_t left = f->in.len - f->at, n = f->skip < left ? (size_t)f->skip : left;

	f->at += n;
	f->skip -= n;
	return !f->skip;
}

int feed_kafka(struct feed *f)
{
	int rc = EXIT_OK;

	while (!rc && !f->end && skipped(f) && f->at < f->in.len && !window_full(f->w)) {
		const char *p = f->in.p + f->at, *why;
		size_t left = f->in.len - f->at, size;
		struct kafka_head h;
		ssize_t n = kafka_head(p, left, &h, &why);

		if (n < 0) {
			malformed(f, why);
			break;
		}
		size = (size_t)n + h.len + 1;
		if (n && h.len > f->p->r->cfg->node.max_message) {
			too_large(f, &h, size);
			continue;
		}
		if (!n || left < size) {
			if (f->eof)
				cut(f);
			break;
		}
		if (p[size - 1] != '\n') {
			malformed(f, "a payload doesn't end where its length says");
			break;
		}
		rc = message(f, &h, p + n);
		if (!f->end) {
			f->taken++;
			f->at += size;
		}
	}
	if (f->skip && f->eof && !f->end)
		cut(f);
	return rc;
}

void feed_kafka_free(struct feed *f)
{
	while (f->kafka) {
		struct kafka_source *k = f->kafka;

		f->kafka = k->next;
		free(k);
	}
}
