/*
 * validate: what HAProxy itself says of a rendered text, before anything is written.
 */
#ifndef WSCTL_VALIDATE_H
#define WSCTL_VALIDATE_H

#include <stdbool.h>

#include "../lib/config.h"

struct verdict {
	bool ok;
	bool loaded; /* own: backend and a running master: it reads haproxy.file */
	bool master; /* a running master was found */
	char *said;  /* malloc'd: HAProxy's alerts, a line each, or why it couldn't be asked; NULL:
	                nothing */
};
/* 0; -1: out of memory. */
int validate(const struct config *, const char *text, struct verdict *out);
void verdict_free(struct verdict *);

#endif
