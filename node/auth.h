/*
 * auth: the secrets of this node, and what a token grants.
 */
#ifndef WSNODE_AUTH_H
#define WSNODE_AUTH_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct errs;
struct grants;

/* Reads the secrets that the configuration names. On error the old ones stay. 0 or -1 with errors.
 */
int auth_load(const struct config *, struct errs *);
void auth_free(void);
/* Whether an upgrade needs a token. */
bool auth_required(void);
/* malloc'd grants, or NULL with *why. */
struct grants *auth_check(const char *token, size_t len, const char **why);

#endif
