/*
 * config_check: what the keys say about each other, once all are read: limits that contradict,
 * ports taken twice, defaults that follow from other keys. Must know neither YAML nor any single
 * key's form.
 */
#include "config_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "errs.h"

/* sun_path holds 108; HAProxy binds at PATH.PID.tmp first. */
enum { BIND_PATH_MAX = 96 };

void *config_or_abort(void *p)
{
	if (!p)
		abort();
	return p;
}

/* Where the key's value stands; the row must exist. */
static struct pos given(const struct load *l, const char *parent, const char *name)
{
	return l->given[config_key(parent, name) - config_keys];
}

/* An error about two keys stands at the one that the file gives, the second if both. */
__attribute__((format(printf, 4, 5))) static void both(struct load *l, struct pos a, struct pos b,
                                                       const char *fmt, ...)
{
	char text[256];
	struct pos p = b.line ? b : a;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	errs_add(l->errs, p.line, p.col, "%s", text);
}

static void not_below(struct load *l, const char *small, uint64_t low, const char *large,
                      uint64_t high)
{
	char a[24], b[24];
	if (high < low)
		both(l, given(l, "node", small), given(l, "node", large),
		     "%s (%s) is less than %s (%s)", large, num_size_str(high, a), small,
		     num_size_str(low, b));
}

static void not_same(struct load *l, const char *a_name, const struct endpoint *a, struct pos a_pos,
                     const char *b_name, const struct endpoint *b, struct pos b_pos)
{
	char text[ENDPOINT_STR];
	bool any = !*a->host || !*b->host || strcmp(a->host, "0.0.0.0") == 0 ||
	           strcmp(b->host, "0.0.0.0") == 0;
	if (a->port == b->port && (any || endpoint_equal(a, b)))
		both(l, a_pos, b_pos, "%s (%s) takes the port of %s", b_name, endpoint_str(b, text),
		     a_name);
}

/* What stands in somebody else's haproxy.cfg then. */
static void without_effect(struct load *l)
{
	static const char *const keys[][2] = {
		{"haproxy", "bind"},           {"haproxy", "tls"},
		{"haproxy", "stats"},          {"haproxy", "maxconn"},
		{"haproxy", "user"},           {"haproxy", "group"},
		{"haproxy", "socket_group"},   {"haproxy", "hard_stop_after"},
		{"haproxy.extra", "global"},   {"haproxy.extra", "defaults"},
		{"haproxy.extra", "frontend"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (given(l, keys[i][0], keys[i][1]).line)
			buf_printf(&b, "%s%s.%s", b.len ? ", " : "", keys[i][0], keys[i][1]);
	if (b.len)
		l->c->haproxy.without_effect = config_or_abort(buf_take(&b));
}

/* "localhost" is what most people mean by 127.0.0.1, and the other way round. */
static bool same_server(const struct endpoint *a, const struct endpoint *b)
{
	const char *x = strcmp(a->host, "localhost") ? a->host : "127.0.0.1";
	const char *y = strcmp(b->host, "localhost") ? b->host : "127.0.0.1";

	return !a->is_unix && a->port == b->port && strcmp(x, y) == 0;
}

/* With servers, url is an address of HAProxy's own. */
static void url_bound(struct load *l)
{
	const struct config *c = l->c;
	const struct endpoint *url = &c->redis.url.at;
	struct pos pos = given(l, "redis", "url");
	static const char *const sockets[] = {"socket", "master"};

	for (size_t i = 0; i < c->redis.n_servers; i++)
		if (same_server(url, &c->redis.servers[i].at))
			errs_add(l->errs, c->redis.servers[i].pos.line, c->redis.servers[i].pos.col,
			         "redis.url is this server itself: with servers it must be another "
			         "address, which HAProxy binds, such as redis://127.0.0.1:6380");
	for (size_t i = 0; i < c->n_nodes; i++)
		if (same_server(url, &c->nodes[i].at))
			both(l, c->nodes[i].pos, pos,
			     "%s has redis.url's address, which HAProxy binds for redis.servers",
			     c->nodes[i].name);
	if (url->is_unix) {
		const char *const paths[] = {c->haproxy.socket, c->haproxy.master};
		if (strlen(url->path) > BIND_PATH_MAX)
			errs_add(l->errs, pos.line, pos.col,
			         "redis.url's path is longer than the %d bytes that HAProxy can "
			         "bind",
			         BIND_PATH_MAX);
		for (size_t i = 0; i < 2; i++)
			if (strcmp(url->path, paths[i]) == 0)
				both(l, pos, given(l, "haproxy", sockets[i]),
				     "haproxy.%s is the same path as redis.url", sockets[i]);
	} else if (c->haproxy.own == OWN_ALL) {
		not_same(l, "bind", &c->haproxy.bind, given(l, "haproxy", "bind"), "redis.url", url,
		         pos);
		not_same(l, "stats", &c->haproxy.stats, given(l, "haproxy", "stats"), "redis.url",
		         url, pos);
		if (c->haproxy.tls)
			not_same(l, "tls.bind", &c->haproxy.tls_bind,
			         given(l, "haproxy.tls", "bind"), "redis.url", url, pos);
	}
}

void config_check(struct load *l)
{
	struct config *c = l->c;
	char a[24], b[24];
	not_below(l, "max_message", c->node.max_message, "max_queue", c->node.max_queue);
	not_below(l, "max_queue", c->node.max_queue, "max_queue_total", c->node.max_queue_total);
	if (c->node.drain.deadline_ms <= c->node.drain.grace_ms)
		both(l, given(l, "node.drain", "grace"), given(l, "node.drain", "deadline"),
		     "drain.deadline (%s) is not longer than drain.grace (%s)",
		     num_duration_str(c->node.drain.deadline_ms, a),
		     num_duration_str(c->node.drain.grace_ms, b));

	struct pos bind = given(l, "haproxy", "bind"), stats = given(l, "haproxy", "stats"),
		   tls = given(l, "haproxy", "tls"), tls_bind = given(l, "haproxy.tls", "bind"),
		   socket = given(l, "haproxy", "socket"), master = given(l, "haproxy", "master");
	not_same(l, "bind", &c->haproxy.bind, bind, "stats", &c->haproxy.stats, stats);
	if (tls.line) {
		c->haproxy.tls = true;
		not_same(l, "bind", &c->haproxy.bind, bind, "tls.bind", &c->haproxy.tls_bind,
		         tls_bind);
		not_same(l, "stats", &c->haproxy.stats, stats, "tls.bind", &c->haproxy.tls_bind,
		         tls_bind);
		if (!given(l, "haproxy.tls", "cert").line)
			errs_add(l->errs, tls.line, tls.col, "tls needs \"cert\"");
	}
	if (c->haproxy.own == OWN_BACKEND)
		without_effect(l);
	if (strcmp(c->haproxy.socket, c->haproxy.master) == 0)
		both(l, socket, master, "master is the same path as socket");
	if (c->redis.n_servers)
		url_bound(l);

	c->redis.password_pos = given(l, "redis", "password_file");
	c->auth.token_pos = given(l, "auth", "token_file");
	c->auth.jwt_key_pos = given(l, "auth", "jwt_key_file");
	if (c->redis.user && !c->redis.password_pos.line) {
		struct pos user = given(l, "redis", "user");
		errs_add(l->errs, user.line, user.col, "user needs password_file");
	}
	if (c->auth.token_file && c->auth.jwt_key_file &&
	    strcmp(c->auth.token_file, c->auth.jwt_key_file) == 0)
		both(l, c->auth.token_pos, c->auth.jwt_key_pos,
		     "jwt_key_file is token_file: whoever has the token could sign others");
}

/* Defaults that follow from other keys. */
void config_fill(struct config *c)
{
	if (!c->haproxy.file)
		c->haproxy.file = config_or_abort(
			strdup(c->haproxy.own == OWN_ALL ? "/etc/haproxy/haproxy.cfg"
		                                         : "/etc/haproxy/conf.d/wscale.cfg"));
	if (!c->haproxy.backend && asprintf(&c->haproxy.backend, "wscale_%s", c->cluster) < 0)
		abort();
	if (!c->haproxy.n_balancers) {
		/* There may be a list in which none was understood. */
		if (!c->haproxy.balancers)
			c->haproxy.balancers = config_or_abort(
				calloc(1, sizeof *c->haproxy.balancers));
		c->haproxy.balancers[0].name = config_or_abort(strdup("local"));
		c->haproxy.n_balancers = 1;
	}
	for (size_t i = 0; i < c->haproxy.n_balancers; i++)
		if (!c->haproxy.balancers[i].ssh)
			c->haproxy.balancer = c->haproxy.balancers[i].name;
}
