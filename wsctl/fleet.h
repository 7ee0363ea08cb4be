/*
 * fleet: every balancer of the YAML, each as a view of the configuration: hap_*, persist_rendered*,
 * state_* and validate, given a view, speak to that balancer's HAProxy and files, here or through
 * ssh. What concerns the cluster and not one balancer (nodes, Redis) is the same in every view.
 */
#ifndef WSCTL_FLEET_H
#define WSCTL_FLEET_H

#include <stdbool.h>
#include <stddef.h>

#include "../lib/config.h"

struct balancer {
	const char *name;   /* borrowed of the configuration that the fleet was opened with */
	struct config *cfg; /* the view; owned by the fleet */
	bool here;          /* this host */
	char why[512];      /* it can't be reached: the cause; "" when it can */
};

struct fleet {
	struct balancer *v;
	size_t n; /* at least 1 */
};

/*
 * Reaches all of them at once, with one deadline. The configuration is borrowed for the fleet's
 * life. EXIT_OK, also when some or all can't be reached; EXIT_FAILED, printed: out of memory.
 */
int fleet_open(const struct config *, struct fleet *out);
void fleet_close(struct fleet *);
/* The views made anew from a changed configuration, over the same connections; borrowed from then
 * on. EXIT_OK, or EXIT_FAILED, printed. */
int fleet_follow(struct fleet *, const struct config *);
/* Sets every why anew: a balancer may have died since. */
void fleet_look(struct fleet *);
/* Tries those again that are dead for a while; takes up to the deadline of fleet_open. */
void fleet_retry(struct fleet *);
/* EXIT_OK when all are reached; else says which aren't and why, and returns EXIT_AWAY. */
int fleet_whole(const struct fleet *);

#endif
