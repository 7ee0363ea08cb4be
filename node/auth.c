/* auth: see auth.h. */
#include "auth.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/config.h"
#include "../lib/errs.h"
#include "../lib/jwt.h"
#include "../lib/secret.h"

struct secret {
	char *p;
	size_t len;
};

static struct secret shared, key;

static void replace(struct secret *old, struct secret new)
{
	secret_free(old->p, old->len);
	*old = new;
}

int auth_load(const struct config *c, struct errs *errs)
{
	struct secret new_shared = {NULL, 0}, new_key = {NULL, 0};
	size_t before = errs->n;

	if (c->auth.token_file)
		new_shared.p = secret_read(c->path, c->auth.token_file, &new_shared.len, errs,
		                           c->auth.token_pos.line, c->auth.token_pos.col);
	if (c->auth.jwt_key_file) {
		new_key.p = secret_read(c->path, c->auth.jwt_key_file, &new_key.len, errs,
		                        c->auth.jwt_key_pos.line, c->auth.jwt_key_pos.col);
		if (new_key.p && new_key.len < JWT_KEY_MIN)
			errs_add(errs, c->auth.jwt_key_pos.line, c->auth.jwt_key_pos.col,
			         "jwt_key_file holds %zu bytes; HS256 needs at least %d",
			         new_key.len, JWT_KEY_MIN);
	}
	if (errs->n > before) {
		replace(&new_shared, (struct secret){NULL, 0});
		replace(&new_key, (struct secret){NULL, 0});
		return -1;
	}
	replace(&shared, new_shared);
	replace(&key, new_key);
	return 0;
}

void auth_free(void)
{
	replace(&shared, (struct secret){NULL, 0});
	replace(&key, (struct secret){NULL, 0});
}

bool auth_required(void)
{
	return shared.p || key.p;
}

struct grants *auth_check(const char *token, size_t len, const char **why)
{
	struct grants *g = calloc(1, sizeof *g);

	if (!g) {
		*why = "out of memory";
		return NULL;
	}
	if (shared.p && len == shared.len && !CRYPTO_memcmp(token, shared.p, len)) {
		g->all = true;
		return g;
	}
	*why = "wrong token";
	if (key.p && !jwt_verify(token, len, (const uint8_t *)key.p, key.len, time(NULL), g, why))
		return g;
	free(g);
	return NULL;
}
