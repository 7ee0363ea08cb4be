/* login: see login.h. */
#include "login.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/errs.h"
#include "../lib/log.h"
#include "../lib/secret.h"
#include "node.h"

int login_read(struct login *l)
{
	const struct config *cfg = node.cfg;
	struct errs errs = {0};

	l->url = cfg->redis.url;
	l->user = cfg->redis.user ? strdup(cfg->redis.user) : NULL;
	redis_url_str(&l->url, l->where);
	if (!cfg->redis.password_file)
		return 0;
	l->password = secret_read(cfg->path, cfg->redis.password_file, &l->password_len, &errs,
	                          cfg->redis.password_pos.line, cfg->redis.password_pos.col);
	for (size_t i = 0; i < errs.n; i++)
		log_msg(LOG_ERR, "%s:%d:%d: %s", cfg->path, errs.v[i].line, errs.v[i].col,
		        errs.v[i].msg);
	errs_free(&errs);
	return l->password ? 0 : -1;
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

bool login_same(const struct login *a, const struct login *b)
{
	return endpoint_equal(&a->url.at, &b->url.at) && a->url.db == b->url.db &&
	       same_text(a->user, b->user) && same_text(a->password, b->password);
}

void login_free(struct login *l)
{
	secret_free(l->password, l->password_len);
	free(l->user);
	*l = (struct login){0};
}
