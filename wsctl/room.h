/*
 * room: how many more clients the other nodes would take, each by the narrower of two limits: its
 * own max_clients, and HAProxy's maxconn for it. Pure but for what it is given.
 */
#ifndef WSCTL_ROOM_H
#define WSCTL_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "../lib/buf.h"
#include "members.h"

struct ctl_replies;

struct room {
	bool known; /* every serving node said what it has */
	uint64_t places;
	struct buf nodes; /* "ws1 12 (88 of 100 clients), ws3 0 (draining)" */
};

/* Of the nodes that serve, but for name. reports: of all nodes, v NULL: Redis is away. room_free.
 */
void room_count(const struct hap_servers *, const char *name, const struct ctl_replies *reports,
                struct room *out);
void room_free(struct room *);

#endif
