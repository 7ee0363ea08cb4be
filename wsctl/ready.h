/*
 * ready: brings one server back into service: the node is told, its check passes on every balancer,
 * then HAProxy sends clients, then it is seen UP. Shared by `ready` and `add`.
 */
#ifndef WSCTL_READY_H
#define WSCTL_READY_H

#include <stdint.h>

struct config;
struct fleet;
struct run;

/* Called once, when its check has passed everywhere and before HAProxy sends clients. EXIT_OK, or
 * an exit code, printed, and it stays in drain. */
typedef int ready_pass(void *arg, struct fleet *);

/*
 * cfg: the configuration that has the node. On every balancer of the fleet that has no why yet; one
 * that fails meanwhile is marked, and the others go on. EXIT_OK when UP on all that are left;
 * EXIT_LATER when it didn't pass within wait_ms, with the cause printed and the server left in
 * drain; other codes printed.
 */
int ready_fleet(struct fleet *, const struct config *cfg, const char *name, uint64_t wait_ms,
                ready_pass *, void *arg);
/* The same on one balancer. */
int ready_server(const struct config *view, const char *name, uint64_t wait_ms);
/* All that `wsctl ready` does, and says; for roll, apply and others. */
int ready_node(struct run *, const char *name, uint64_t wait_ms);

#endif
