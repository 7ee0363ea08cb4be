/*
 * reload: HAProxy reads its files anew, by its master's socket. Its tunnels stay on the old worker.
 */
#ifndef WSCTL_RELOAD_H
#define WSCTL_RELOAD_H

#include <stdint.h>

#include "../lib/config.h"

/*
 * On the balancer that cfg is the view of. HAP_OK: a new worker answers. HAP_REFUSED: HAProxy keeps
 * the old one; hap_why() has its words. HAP_AWAY: no master, or nothing within wait_ms.
 */
int reload(const struct config *, uint64_t wait_ms);

#endif
