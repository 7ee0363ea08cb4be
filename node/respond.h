/*
 * respond: the plain HTTP answers of the node, as bytes: /healthz, /metrics, the chat page, errors.
 * Does no I/O.
 */
#ifndef WSNODE_RESPOND_H
#define WSNODE_RESPOND_H

#include <stdbool.h>

#include "http.h"

struct buf;

/* An error or a status with one line of text. */
void respond_status(struct buf *, int status, const char *why, bool head_only);
/* What a request that is no upgrade gets; returns the status. */
int respond(struct buf *, const struct http_request *);

#endif
