/*
 * health: the one place that says what state this node is in, for /healthz, control and systemd.
 */
#ifndef WSNODE_HEALTH_H
#define WSNODE_HEALTH_H

#include <jansson.h>

/* One of lib/control.h's words. */
const char *health_state(void);
/* Why it isn't ready; "" when it is. */
const char *health_reason(void);
/* What /healthz and report have in common: a new object, NULL when out of memory. */
json_t *health_object(void);
/* /healthz's body with a line end, malloc'd; *status 200, 404 or 503. NULL: out of memory. */
char *health_json(int *status);

#endif
