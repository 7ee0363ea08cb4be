/*
 * config_check: what config.c leaves to others while it loads a file. Only they use it.
 */
#ifndef WSCALE_CONFIG_CHECK_H
#define WSCALE_CONFIG_CHECK_H

#include "config.h"
#include "config_keys.h"

struct load {
	struct config *c;
	struct errs *errs;
	struct pos given[CONFIG_KEYS_MAX]; /* by row: where its value stands, line 0: not in the
	                                      file */
};

struct ynode;
/* Reads redis.servers (config_servers.c). */
void config_servers(struct load *, const struct ynode *);
/* Cross checks; sets what follows from a section being there (tls). */
void config_check(struct load *);
/* Defaults that follow from other keys. */
void config_fill(struct config *);
/* As errs_add does: a file of at most 1 MiB, read before any client is served. */
void *config_or_abort(void *);

#endif
