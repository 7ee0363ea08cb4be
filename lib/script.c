/*
 * script: the texts of lib/lua, their SHA-1, and one function for each that puts its command
 * together. Does no I/O: who has a connection sends what stands in struct call.
 */
/* SHA1_Init and its like without EVP, whose providers would cost each node 2 MB of memory. */
#define OPENSSL_API_COMPAT 0x10101000L

#include "script.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* script_text.S */
extern const char script_publish_lua[], script_fill_lua[], script_check_lua[], script_purge_lua[];
extern const size_t script_publish_lua_len, script_fill_lua_len, script_check_lua_len,
	script_purge_lua_len;

/* The longest call: EVALSHA SHA 3, three keys, nine arguments. */
_Static_assert(3 + 3 + 9 <= SCRIPT_ARGC, "publish has more arguments than a call holds");
_Static_assert(REDIS_NAME_MAX >= CLUSTER_MAX + CHANNEL_MAX + sizeof ".h:q:/",
               "a source's key is cut");

const char *script_text(enum script which, size_t *len)
{
	switch (which) {
	case SCRIPT_PUBLISH:
		*len = script_publish_lua_len;
		return script_publish_lua;
	case SCRIPT_FILL:
		*len = script_fill_lua_len;
		return script_fill_lua;
	case SCRIPT_CHECK:
		*len = script_check_lua_len;
		return script_check_lua;
	case SCRIPT_PURGE:
		*len = script_purge_lua_len;
		return script_purge_lua;
	default:
		abort();
	}
}

const char *script_sha(enum script which)
{
	static char sha[SCRIPTS][SCRIPT_SHA];
	unsigned char sum[SHA_DIGEST_LENGTH];
	SHA_CTX sha1;
	size_t len;
	const char *text = script_text(which, &len);
	if (*sha[which])
		return sha[which];
	SHA1_Init(&sha1);
	SHA1_Update(&sha1, text, len);
	SHA1_Final(sum, &sha1);
	for (size_t i = 0; i < (SCRIPT_SHA - 1) / 2; i++) {
		static const char hex[] = "0123456789abcdef";
		sha[which][i * 2] = hex[sum[i] >> 4];
		sha[which][i * 2 + 1] = hex[sum[i] & 15];
	}
	return sha[which];
}

static void bytes(struct call *c, const void *p, size_t len)
{
	c->argv[c->argc] = p;
	c->len[c->argc++] = len;
}

static void text(struct call *c, const char *s)
{
	bytes(c, s, strlen(s));
}

/* n: which of the call's numbers. */
static void number(struct call *c, size_t n, uint64_t v)
{
	snprintf(c->number[n], sizeof c->number[n], "%" PRIu64, v);
	text(c, c->number[n]);
}

static void begin(struct call *c, enum script which, const char *keys, const char *cluster,
                  const char *channel)
{
	c->argc = 0;
	channel_redis(cluster, channel, c->channel);
	channel_meta(cluster, channel, c->meta);
	channel_stream(cluster, channel, c->stream);
	text(c, "EVALSHA");
	text(c, script_sha(which));
	text(c, keys);
	text(c, c->meta);
	text(c, c->stream);
}

void script_load(struct call *c, enum script which)
{
	size_t len;
	const char *lua = script_text(which, &len);
	c->argc = 0;
	text(c, "SCRIPT");
	text(c, "LOAD");
	bytes(c, lua, len);
}

void script_publish(struct call *c, const char *cluster, const char *channel, struct keep keep,
                    enum kind kind, const void *p, size_t len, const char *source, uint64_t seq,
                    uint64_t source_ttl_ms, const char *run_id)
{
	begin(c, SCRIPT_PUBLISH, source ? "3" : "2", cluster, channel);
	if (source) {
		size_t n = channel_source(cluster, channel, c->source);
		snprintf(c->source + n, sizeof c->source - n, "%s", source);
		text(c, c->source);
	}
	text(c, c->channel);
	number(c, 0, keep.size);
	number(c, 1, keep.ttl_ms);
	text(c, kind == KIND_TEXT ? "t" : "b");
	bytes(c, len ? p : "", len);
	if (source) {
		number(c, 2, seq);
		number(c, 3, source_ttl_ms);
	} else {
		text(c, "");
		text(c, "");
	}
	text(c, "");
	text(c, run_id);
}

void script_behind(struct call *c, uint64_t seq)
{
	const char *run_id = c->argv[c->argc - 1];

	c->argc -= 2;
	number(c, 4, seq);
	text(c, run_id);
}

void script_fill(struct call *c, const char *cluster, const char *channel, struct keep keep,
                 struct position known, uint64_t known_micros, bool whole, const char *run_id)
{
	begin(c, SCRIPT_FILL, "2", cluster, channel);
	number(c, 0, keep.size);
	number(c, 1, keep.ttl_ms);
	text(c, known.epoch ? epoch_str(known.epoch, c->epoch) : "");
	number(c, 2, known.offset);
	number(c, 3, known_micros);
	text(c, whole ? "1" : "0");
	text(c, run_id);
}

void script_check(struct call *c, const char *cluster, const char *channel, struct keep keep)
{
	begin(c, SCRIPT_CHECK, "2", cluster, channel);
	number(c, 0, keep.ttl_ms);
}

void script_purge(struct call *c, const char *cluster, const char *channel, struct keep keep)
{
	begin(c, SCRIPT_PURGE, "2", cluster, channel);
	text(c, c->channel);
	number(c, 0, keep.ttl_ms);
}
