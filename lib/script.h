/*
 * script: the Lua scripts that keep a channel's history in Redis, and the commands that call them.
 * The texts stand in lib/lua; each says at its top what it takes and returns. Keys of channel NAME:
 *
 *   CLUSTER.h:m:NAME         hash: e epoch, o top offset, t the top's microseconds, b base,
 *                            f former epochs, r run_id of the Redis process that began e
 *   CLUSTER.h:s:NAME         stream: OFFSET-MICROSECONDS, one field: kind (t, b, p) => payload
 *   CLUSTER.h:q:NAME/SOURCE  the highest SEQ taken from that source
 */
#ifndef WSCALE_SCRIPT_H
#define WSCALE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "envelope.h"

enum script {
	SCRIPT_PUBLISH, /* => [1 taken | 0 seen before | -1 refused, EPOCH, OFFSET, nodes that
	                   heard it] */
	SCRIPT_FILL,    /* => [EPOCH, TOP, MICROS, BASE, [[ID, [KIND, PAYLOAD]], ...], FORMER] */
	SCRIPT_CHECK,   /* => [EPOCH or "", TOP, MICROS] */
	SCRIPT_PURGE,   /* => [EPOCH or "", OFFSET, nodes that heard it] */
	SCRIPTS,
};

enum { SCRIPT_SHA = 41, SCRIPT_ARGC = 16, SOURCE_MAX = 280 };

/* A channel's rule. */
struct keep {
	uint32_t size;   /* messages; 0: no history */
	uint64_t ttl_ms; /* after the last message; 0: for good */
};

/* One command, ready for redisAppendCommandArgv or rconn_command. Owns its numbers and names,
 * borrows payload and source until it was formatted. Must not be copied: argv points into it. */
struct call {
	int argc;
	const char *argv[SCRIPT_ARGC];
	size_t len[SCRIPT_ARGC];
	char meta[REDIS_NAME_MAX], stream[REDIS_NAME_MAX], channel[REDIS_NAME_MAX];
	char source[REDIS_NAME_MAX + SOURCE_MAX];
	char number[6][24];
	char epoch[EPOCH_STR];
};

/* Text (NUL-terminated) and SHA-1 in hex, as EVALSHA wants it. */
const char *script_text(enum script, size_t *len);
const char *script_sha(enum script);

/* SCRIPT LOAD. */
void script_load(struct call *, enum script);
/* kind is text or binary. source NULL: not idempotent; else at most SOURCE_MAX - 1 bytes of
 * printable ASCII, seq below 2^53, kept source_ttl_ms after the last. run_id: of this connection's
 * Redis, as INFO says it: whoever knows it spares Redis the time; borrowed as the payload is. */
void script_publish(struct call *, const char *cluster, const char *channel, struct keep, enum kind,
                    const void *p, size_t len, const char *source, uint64_t seq,
                    uint64_t source_ttl_ms, const char *run_id);
/* Adds to a script_publish with a source: -1 unless the source's message `seq`, sent before this
 * one and not answered yet, was taken. */
void script_behind(struct call *, uint64_t seq);
/* known: what the asker holds (epoch 0: nothing) and the microseconds of known.offset; whole: all
 * that is kept is wanted, not only what follows known. */
void script_fill(struct call *, const char *cluster, const char *channel, struct keep,
                 struct position known, uint64_t known_micros, bool whole, const char *run_id);
void script_check(struct call *, const char *cluster, const char *channel, struct keep);
void script_purge(struct call *, const char *cluster, const char *channel, struct keep);

#endif
