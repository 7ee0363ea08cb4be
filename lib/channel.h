/*
 * channel: names of channels, patterns over them, and every Redis name that follows from them.
 * A client names CHANNEL and reaches only CLUSTER:CHANNEL; what is ours begins with CLUSTER. or is
 * a key, so no spelling of a channel leads there.
 */
#ifndef WSCALE_CHANNEL_H
#define WSCALE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CHANNEL_MAX = 128, /* bytes in a name */
	CLUSTER_MAX = 32,  /* [a-z0-9-] */
	NODE_NAME_MAX =
		32, /* [A-Za-z0-9_-], what HAProxy takes as a server name and a URL as a segment */
	REDIS_NAME_MAX = CLUSTER_MAX + CHANNEL_MAX + 16,
};

bool channel_valid(const char *, size_t len); /* 1..128 bytes of [A-Za-z0-9_:.-] */
bool cluster_valid(const char *);
bool node_name_valid(const char *);
/* A pattern is a channel name that may also hold '*' (any run of bytes, also none). */
bool channel_pattern_valid(const char *);
bool channel_match(const char *pattern, const char *name);

/* Redis names; out is NUL-terminated; name/node must be valid. Return the length. */
size_t channel_redis(const char *cluster, const char *name, char out[static REDIS_NAME_MAX]);
size_t channel_ctl(const char *cluster, const char *node /* NULL: all */,
                   char out[static REDIS_NAME_MAX]);
size_t channel_canary(const char *cluster, const char *node, char out[static REDIS_NAME_MAX]);
/* Replies to one asker: CLUSTER.reply.ID */
size_t channel_reply(const char *cluster, const char *id, char out[static REDIS_NAME_MAX]);
/* Keys of a history: CLUSTER.h:m:NAME meta, CLUSTER.h:s:NAME stream. */
size_t channel_meta(const char *cluster, const char *name, char out[static REDIS_NAME_MAX]);
size_t channel_stream(const char *cluster, const char *name, char out[static REDIS_NAME_MAX]);
/* CLUSTER.h:q:NAME/, which a source's name ends */
size_t channel_source(const char *cluster, const char *name, char out[static REDIS_NAME_MAX]);

#endif
