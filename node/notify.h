/*
 * notify: sd_notify(3)'s datagrams, without libsystemd: READY, RELOADING, STOPPING, STATUS,
 * WATCHDOG. Does nothing outside systemd.
 */
#ifndef WSNODE_NOTIFY_H
#define WSNODE_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_reloading(void);
/* It may take so long until the process ends, whatever TimeoutStopSec says. */
void notify_stopping(uint64_t window_ms);
/*
 * STATUS from health, when it changed. WATCHDOG when systemd asked for it: this loop turns, and
 * what speaks with Redis goes on (bus_alive). Once a second.
 */
void notify_tick(void);

#endif
