/*
 * cache: a channel's history in this node, on Redis: asks for fills and tops through bus, hands
 * what comes to history, what history has to hub. All rings of the node together are bounded
 * (node.max_cache): idle channels give theirs up first, the one longest unused before others.
 */
#ifndef WSNODE_CACHE_H
#define WSNODE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history.h"

struct cache_ask;
struct channel;
struct config_rule;
struct message;

struct cache {
	struct history h;
	struct channel *c;
	struct cache *prev, *next;           /* by use, the one used longest ago first */
	struct cache *walk_prev, *walk_next; /* a circle of all */
	struct cache *paused_next;           /* while `paused` */
	bool paused;
	struct cache_ask *fill, *check; /* under way; NULL: none */
	bool whole;                     /* the last fill was for all that is kept */
	uint64_t check_due_ms;
	uint64_t stale; /* of h.stale, what is in node.count */
};

/* NULL: out of memory. */
struct cache *cache_new(struct channel *, const struct config_rule *);
void cache_free(struct cache *); /* NULL is fine */
/* The rule has another size or ttl. */
void cache_apply(struct cache *, const struct config_rule *);
/* A message from Redis. */
void cache_message(struct cache *, const struct message *);
/* A reader attached, served from memory: its ring is in use. */
void cache_used(struct cache *);
/* Standalone: no Redis; takes the message as the next one. */
void cache_publish(struct cache *, const struct message *);
/* About every 100 ms: retries, checks of tops (each about every 15 s), the bound. */
void cache_tick(void);
size_t cache_bytes(void);

#endif
