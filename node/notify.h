/*
 * notify: sd_notify(3)'s datagrams, without libsystemd: READY, RELOADING, STOPPING, STATUS,
 * WATCHDOG. Does nothing outside systemd.
 */
#ifndef WSNODE_NOTIFY_H
#define WSNODE_NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/* STATUS from health, when it changed, and WATCHDOG when systemd asked for it. Once a second. */
void notify_tick(void);

#endif
