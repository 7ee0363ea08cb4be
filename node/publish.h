/* publish: a client's message on its way to Redis: bare, wrapped, or through its channel's history.
 */
#ifndef WSNODE_PUBLISH_H
#define WSNODE_PUBLISH_H

#include "bus.h"

/*
 * done (NULL: errors are only counted) follows, also when standalone: an integer, or what
 * lib/lua/publish.lua returns, or an error, or NULL: lost on the way, perhaps. 0; -1: refused and
 * counted (Redis away, too much unsent), done won't be called.
 */
int publish_message(struct channel *, const struct message *, bus_done *, void *arg);

#endif
