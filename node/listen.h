/*
 * listen: the one socket that clients come in by: opened here or inherited from systemd
 * (LISTEN_FDS).
 */
#ifndef WSNODE_LISTEN_H
#define WSNODE_LISTEN_H

#include "../lib/endpoint.h"

/* 0, or -1 and the reason logged. */
int listen_open(const struct endpoint *);
/* Starts accepting on the loop. */
void listen_start(void);
/* No new connection for a moment: descriptors or pre-upgrade slots ran out. */
void listen_pause(void);
void listen_close(void);

#endif
