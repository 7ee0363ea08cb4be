/*
 * identity: proves that the process at an address is the node of that name, of our cluster and on
 * our Redis: what /healthz says there must be what answers on the control channel.
 */
#ifndef WSCTL_IDENTITY_H
#define WSCTL_IDENTITY_H

struct config;
struct endpoint;
struct run;

/* EXIT_OK, EXIT_FAILED or EXIT_AWAY, printed. A different configuration hash is only a note. */
int identity_check(const struct run *, const char *name, const struct endpoint *);

#endif
