/*
 * settle: brings a server that is in drain into service as a start of HAProxy would: with clients
 * if its check passes, and without as long as it doesn't. Unlike ready it doesn't insist: a node
 * that is down is a fact, not an obstacle.
 */
#ifndef WSCTL_SETTLE_H
#define WSCTL_SETTLE_H

#include <stdint.h>

#include "fleet.h"

/* On the balancers of `on` (bit i) that are reached. EXIT_OK, or an exit code, printed. */
int settle(const struct config *, struct fleet *, const char *name, uint32_t on, uint64_t wait_ms);
/* Tells the node to be ready; whoever doesn't hear it isn't draining either. */
void settle_tell(const struct config *, const char *name);

#endif
