/*
 * apply: carries a plan out: files first, then the sockets, a reload where nothing less will do,
 * and a second plan that must be empty. Each step may be the last one that is done: what is left is
 * a difference again, and the next apply's work.
 */
#ifndef WSCTL_APPLY_H
#define WSCTL_APPLY_H

#include "fleet.h"
#include "plan.h"

struct run;

/*
 * May it be carried out? Nothing is changed. cfg is what the fleet's views are of. EXIT_OK, or
 * EXIT_FAILED with the cause printed: a node to be removed without --allow-remove, a file that is
 * somebody's work, or what haproxy -c refuses.
 */
int apply_allowed(const struct run *, const struct config *, struct fleet *, const struct plan *);
/* The steps, all but the YAML. EXIT_OK when each was done; else an exit code, the causes printed.
 */
int apply_plan(struct run *, const struct config *, struct fleet *, const struct plan *);

#endif
