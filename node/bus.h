/*
 * bus: what carries messages between nodes: Redis Pub/Sub over one subscription and one command
 * connection, or, with --standalone, this process alone. Nothing is delivered locally before Redis.
 */
#ifndef WSNODE_BUS_H
#define WSNODE_BUS_H

#include <stdbool.h>
#include <stddef.h>

#include "../lib/envelope.h"

struct call;
struct channel;

int bus_start(void);
void bus_stop(void);
/* After SIGHUP: other address, user or password means connecting anew. */
void bus_reload(void);
/* After rules changed, before channels go by them. */
void bus_load_scripts(void);
/* Both connections on one Redis, everything subscribed, the canary heard. */
bool bus_ready(void);
/*
 * What the watchdog asks: within the last minute the canary was heard or a connection was given up
 * and begun anew, or a name is being looked up. True while Redis is away: a restart wouldn't bring
 * it back.
 */
bool bus_alive(void);
/* Why not; static or until the next change. "" when ready. */
const char *bus_reason(void);
/* Asks for the channel; hub_subscribed follows, at once when standalone. */
void bus_subscribe(struct channel *);
void bus_unsubscribe(const struct channel *);
struct redisReply;
/* What comes back of one command: borrowed; NULL when the connection was lost before. */
typedef void bus_done(void *arg, const struct redisReply *);
/* A command. done may be NULL: errors are only counted. 0; -1: not connected, done won't be called.
 */
int bus_call(const struct call *, bus_done *, void *arg);
/* Redis answered a publish with this error: counted, and told once. Called for those without done.
 */
void bus_refused(const char *why);
/* What it said the last time, and how long ago; "": never. */
const char *bus_refusal(uint64_t *ago_ms);
/* A control reply to a Redis channel by its full name. */
int bus_reply(const char *redis_channel, const char *, size_t);
/* Too much waits to be sent to take more from clients. */
bool bus_congested(void);
/* Sends what this tick collected for Redis. */
void bus_flush(void);
/* "10.0.0.5:6379" or "standalone"; no secret. */
const char *bus_where(void);
const char *bus_run_id(void);

#endif
