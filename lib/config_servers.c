/*
 * config_servers: the list of Redis servers among which HAProxy looks for the master. What it says
 * together with redis.url is config_check's.
 */
#include <stdlib.h>
#include <string.h>

#include "config_check.h"
#include "errs.h"
#include "yaml_doc.h"

static const struct config_server *known(const struct config *c, const struct endpoint *at)
{
	for (size_t i = 0; i < c->redis.n_servers; i++)
		if (endpoint_equal(&c->redis.servers[i].at, at))
			return &c->redis.servers[i];
	return NULL;
}

static void read_server(struct load *l, const struct ynode *v)
{
	struct config *c = l->c;
	struct config_server s = {.pos = {v->line, v->col}};
	const struct config_server *first;
	const char *why;

	if (v->kind != Y_SCALAR)
		errs_add(l->errs, v->line, v->col, "a server must be text, not %s", ynode_kind(v));
	else if (strlen(v->text) != v->len)
		errs_add(l->errs, v->line, v->col, "a server holds a control character");
	else if (endpoint_parse(v->text, false, &s.at, &why))
		errs_add(l->errs, v->line, v->col, "server \"%.60s\" %s", v->text, why);
	else if (s.at.is_unix)
		errs_add(l->errs, v->line, v->col,
		         "server \"%.60s\" must be HOST:PORT: a Unix socket has no replica",
		         v->text);
	else if ((first = known(c, &s.at)))
		errs_add(l->errs, v->line, v->col,
		         "server \"%.60s\" stands here twice, first on line %d", v->text,
		         first->pos.line);
	else
		c->redis.servers[c->redis.n_servers++] = s;
}

void config_servers(struct load *l, const struct ynode *n)
{
	struct config *c = l->c;

	if (c->redis.servers) /* the key stands twice, which is an error already */
		return;
	if (n->kind != Y_LIST)
		errs_add(l->errs, n->line, n->col, "servers must be a list, not %s", ynode_kind(n));
	else if (!n->n_items)
		errs_add(l->errs, n->line, n->col,
		         "servers is empty: leave it out when url is Redis itself");
	else if (n->n_items > REDIS_SERVERS_MAX)
		errs_add(l->errs, n->line, n->col, "servers holds more than %d", REDIS_SERVERS_MAX);
	else
		c->redis.servers = config_or_abort(calloc(n->n_items, sizeof *c->redis.servers));
	for (size_t i = 0; c->redis.servers && i < n->n_items; i++)
		read_server(l, n->items[i].value);
}
