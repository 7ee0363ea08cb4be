/*
 * reach: the way to a balancer that isn't this host: one ssh process with `wsctl relay` at its
 * other end, kept for the command's life, whoever opens a fleet meanwhile. Moves requests and
 * replies (relay_parse.h); what they mean is reach_verbs'. Each wait has a deadline; one that is
 * missed, or a line that isn't understood, ends the process, and what comes after is refused at
 * once.
 */
#ifndef WSCTL_REACH_H
#define WSCTL_REACH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/config.h"

struct reach;

/*
 * The way to the i-th balancer of the configuration, which has an ssh. The same one each time it is
 * asked for; owned here, until reach_end. NULL: out of memory.
 */
struct reach *reach_get(const struct config *, size_t i);
/* Starts what isn't running and greets all at once; returns when each answered or is dead. */
void reach_open(struct reach *const *, size_t n, const struct config *);
/* "lb2: ssh root@lb2: ..."; NULL: it is alive. Borrowed until the next reach_open. */
const char *reach_why(const struct reach *);
/* The version of the wsctl there. Borrowed. */
const char *reach_version(const struct reach *);
const char *reach_name(const struct reach *);

/*
 * A request of the verb, with its fields in o (taken over; NULL: none). The reply, a new reference;
 * NULL: dead, reach_why says why. Ctrl-C doesn't end the wait: what was sent will be done.
 */
json_t *reach_call(struct reach *, const char *verb, json_t *o, uint64_t wait_ms);
/* Ends every ssh process, and waits for them a moment. */
void reach_end(void);

#endif
