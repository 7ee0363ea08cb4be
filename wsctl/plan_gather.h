/*
 * plan_gather: asks every balancer for what plan.h compares.
 */
#ifndef WSCTL_PLAN_GATHER_H
#define WSCTL_PLAN_GATHER_H

#include "fleet.h"
#include "plan.h"

struct run;

/*
 * The differences on all that are reached; the fleet's why says which aren't. files: those of every
 * balancer whose files can be read, also where HAProxy doesn't run. EXIT_OK, or EXIT_FAILED,
 * printed. may_remove: --allow-remove.
 */
int plan_gather(const struct config *, struct fleet *, bool may_remove, struct plan *out);
/* As `wsctl plan` prints it, and what it adds up to. "" for an empty one. */
void plan_print(const struct plan *, const struct fleet *);
/* "1 add, 1 change, 1 remove, 1 reload"; malloc'd, NULL: out of memory. */
char *plan_sum(const struct plan *);
/* {"differences": [...], "adds": ...} */
struct json_t;
struct json_t *plan_json(const struct plan *, const struct fleet *);
/* Says of each node that runs with other keys than the YAML has. */
void plan_notes(const struct run *);

#endif
