/*
 * ready: brings one server back into service: the node is told, its check passes, then HAProxy
 * sends clients, then it is seen UP. Shared by `ready` and `add`.
 */
#ifndef WSCTL_READY_H
#define WSCTL_READY_H

#include <stdint.h>

struct config;
struct run;

/*
 * cfg: the configuration that has the node. EXIT_OK when UP; EXIT_LATER when it didn't pass within
 * wait_ms, with the cause printed and the server left in drain; other codes printed.
 */
int ready_server(const struct config *cfg, const char *name, uint64_t wait_ms);
/* All that `wsctl ready` does, and says; for roll, apply and others. */
int ready_node(struct run *, const char *name, uint64_t wait_ms);

#endif
