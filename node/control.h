/*
 * control: answers the requests of wsctl that come through Redis; lib/control.h has the fields.
 */
#ifndef WSNODE_CONTROL_H
#define WSNODE_CONTROL_H

#include <stddef.h>

/* What was published on CLUSTER.ctl or CLUSTER.ctl.NODE. Malformed requests are logged and dropped.
 */
void control_request(const char *, size_t);

#endif
