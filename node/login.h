/* login: where Redis is and as whom, read from the configuration. Holds a secret. */
#ifndef WSNODE_LOGIN_H
#define WSNODE_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "../lib/endpoint.h"

struct login {
	struct redis_url url;
	char *user, *password; /* owned; NULL: none */
	size_t password_len;
	char where[ENDPOINT_STR]; /* url for people, without the secret */
};

/* From node.cfg into a zeroed one. -1: the password can't be read, logged; the rest is there. */
int login_read(struct login *);
bool login_same(const struct login *, const struct login *);
void login_free(struct login *);

#endif
