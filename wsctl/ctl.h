/*
 * ctl: asks nodes over Redis. A request is JSON, published on CLUSTER.ctl or CLUSTER.ctl.NODE;
 * PUBLISH returns how many heard it, and so many replies are waited for on a private channel. See
 * docs in lib/control.h for the fields.
 */
#ifndef WSCTL_CTL_H
#define WSCTL_CTL_H

#include <jansson.h>
#include <stdint.h>

#include "../lib/config.h"

struct redisContext;

/* Connects, AUTHs, SELECTs, with deadlines. NULL and a message printed (ctl_why without printing).
 */
struct redisContext *ctl_redis(const struct config *, bool quiet);
const char *ctl_why(void);
/* An error of Redis's that isn't about the command: it may be done a little later, or elsewhere.
 * Those from inside a script have a "-" before the code in Redis 6. */
bool ctl_passing(const char *error);

struct ctl_replies {
	json_t *v; /* array of replies (objects) */
	int heard; /* PUBLISH's count: 0 nobody, above 1 on a node's channel: two nodes of one name
	            */
};
/*
 * request: a new reference to {"do":...}; id and reply channel are added here; taken over.
 * node NULL asks all. 0, also when not all replied within wait_ms; -1: Redis away (ctl_why).
 */
int ctl_ask(const struct config *, const char *node, json_t *request, uint64_t wait_ms,
            struct ctl_replies *out);
void ctl_replies_free(struct ctl_replies *);
/* The reply of one node, borrowed; NULL: none. For many: their index, {node: reply}, new. */
json_t *ctl_reply(const struct ctl_replies *, const char *node);
json_t *ctl_index(const struct ctl_replies *);

/* GET /healthz over TCP or the Unix socket. 0 and the parsed body (a new reference) with *status,
 * or -1 with *why (malloc'd). */
int healthz_get(const struct endpoint *, uint64_t deadline_ms, int *status, json_t **body,
                char **why);

#endif
