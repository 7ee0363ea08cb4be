/*
 * cmd_check: everything that can be known to be wrong before a change: the YAML, the secret files,
 * names that don't resolve, and what HAProxy says of the rendering. Limits that may hurt later are
 * warnings. Changes nothing.
 */
#include <errno.h>
#include <jansson.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/errs.h"
#include "../lib/jwt.h"
#include "../lib/secret.h"
#include "cmd.h"
#include "fleet.h"
#include "render.h"
#include "render_int.h"
#include "validate.h"

/* The source ports of one address pair: 32768-60999 (ip_local_port_range). */
enum { PORTS = 28000, FDS_BESIDE = 100 };

static void secrets(const struct config *cfg, struct errs *errs)
{
	const struct {
		const char *file;
		struct pos pos;
		size_t min;
	} all[] = {
		{cfg->redis.password_file, cfg->redis.password_pos, 1},
		{cfg->auth.token_file, cfg->auth.token_pos, 1},
		{cfg->auth.jwt_key_file, cfg->auth.jwt_key_pos, JWT_KEY_MIN},
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		size_t len = 0;
		if (!all[i].file)
			continue;
		char *s = secret_read(cfg->path, all[i].file, &len, errs, all[i].pos.line,
		                      all[i].pos.col);
		if (s && len < all[i].min)
			errs_add(errs, all[i].pos.line, all[i].pos.col,
			         "the key in %s has %zu bytes, HS256 needs at least %zu: openssl "
			         "rand -hex 32",
			         all[i].file, len, all[i].min);
		secret_free(s, len);
	}
}

static void nodes(const struct config *cfg, struct errs *errs)
{
	for (size_t i = 0; i < cfg->n_nodes; i++) {
		const struct config_node *n = &cfg->nodes[i];
		struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
		if (n->at.is_unix) {
			if (!render_inside_chroot(cfg, n->at.path))
				errs_add(errs, n->pos.line, n->pos.col,
				         "%s: HAProxy in its chroot %s can't reach %s", n->name,
				         cfg->haproxy.chroot, n->at.path);
			continue;
		}
		int err = getaddrinfo(n->at.host, NULL, &hints, &found);
		if (err)
			errs_add(errs, n->pos.line, n->pos.col, "%s: host %s does not resolve: %s",
			         n->name, n->at.host, gai_strerror(err));
		else
			freeaddrinfo(found);
	}
}

/* Said at once; kept for --json. */
static void warn(struct run *r, json_t *list, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void warn(struct run *r, json_t *list, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	say(r, "warning: %s", text);
	json_array_append_new(list, json_string(text));
	free(text);
}

/* Names that redis.servers gives; HAProxy starts without them, and never asks again. */
static void servers(const struct config *cfg, struct errs *errs)
{
	for (size_t i = 0; i < cfg->redis.n_servers; i++) {
		const struct config_server *s = &cfg->redis.servers[i];
		struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
		int err = getaddrinfo(s->at.host, NULL, &hints, &found);
		if (err)
			errs_add(errs, s->pos.line, s->pos.col, "host %s does not resolve: %s",
			         s->at.host, gai_strerror(err));
		else
			freeaddrinfo(found);
	}
}

/* Whether a socket of this host may have that address; any port, so that a running HAProxy is no
 * matter. */
static bool binds(const struct endpoint *at)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *a = NULL;
	bool yes = true;

	if (getaddrinfo(at->host, "0", &hints, &a))
		return false;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		yes = !bind(fd, a->ai_addr, a->ai_addrlen) || errno != EADDRNOTAVAIL;
		close(fd);
	}
	freeaddrinfo(a);
	return yes;
}

/* What haproxy -c doesn't try: where it can't bind, HAProxy doesn't start. */
static void url_bound(struct run *r, const struct config *cfg, json_t *warnings)
{
	const struct endpoint *at = &cfg->redis.url.at;
	char s[ENDPOINT_STR];

	if (!cfg->redis.n_servers || !cfg->haproxy.balancer)
		return;
	if (at->is_unix) {
		snprintf(s, sizeof s, "%.*s", (int)(strrchr(at->path, '/') - at->path), at->path);
		if (*s && access(s, F_OK))
			warn(r, warnings,
			     "redis.url: there is no %s here, so HAProxy would not start: "
			     "tmpfiles.d(5) makes it at each boot",
			     s);
	} else if (!binds(at)) {
		warn(r, warnings,
		     "redis.url: %s is no address of this host, so HAProxy would not start here; "
		     "for one that moves: sysctl net.ipv4.ip_nonlocal_bind=1",
		     at->host);
	}
}

/* This host's haproxy; where it is no balancer, the first one's that is reached. -1: out of memory.
 */
static int ask_haproxy(const struct config *cfg, const char *text, struct verdict *out)
{
	const struct config *view = cfg;
	struct fleet f = {0};
	int rc;

	if (!cfg->haproxy.balancer && fleet_open(cfg, &f))
		return -1;
	for (size_t i = 0; i < f.n && view == cfg; i++)
		if (!f.v[i].why[0])
			view = f.v[i].cfg;
	rc = validate(view, text, out);
	fleet_close(&f);
	return rc;
}

static void haproxy(struct run *r, const struct config *cfg, struct errs *errs, json_t *warnings)
{
	struct verdict v = {0};
	char *text = render(cfg);
	if (!text || ask_haproxy(cfg, text, &v)) {
		errs_add(errs, 0, 0, "out of memory");
		goto out;
	}
	for (const char *p = v.ok ? "" : v.said; *p;) {
		size_t len = strcspn(p, "\n");
		if (len)
			errs_add(errs, 0, 0, "haproxy -c: %.*s", (int)len, p);
		p += len + (p[len] == '\n');
	}
	if (v.ok && v.master && !v.loaded)
		warn(r, warnings, "the running HAProxy does not read %s; give it -f %s too",
		     cfg->haproxy.file, cfg->haproxy.file);
out:
	free(text);
	verdict_free(&v);
}

static void limits(struct run *r, const struct config *cfg, json_t *warnings)
{
	struct rlimit lim;
	unsigned long long need = 2 * render_maxconn(cfg) + FDS_BESIDE;
	if (cfg->haproxy.own == OWN_ALL && getrlimit(RLIMIT_NOFILE, &lim) == 0 &&
	    lim.rlim_max != RLIM_INFINITY && need > lim.rlim_max)
		warn(r, warnings,
		     "haproxy.maxconn %u needs %llu file descriptors and this shell may "
		     "open %llu: "
		     "HAProxy would not start with that limit (LimitNOFILE=)",
		     cfg->haproxy.maxconn, need, (unsigned long long)lim.rlim_max);
	for (size_t i = 0; i < cfg->n_nodes; i++) {
		const struct config_node *n = &cfg->nodes[i];
		unsigned most = n->maxconn ? n->maxconn : cfg->node.max_clients;
		if (cfg->haproxy.own == OWN_ALL && most > cfg->haproxy.maxconn)
			most = cfg->haproxy.maxconn;
		if (!n->at.is_unix && most > PORTS)
			warn(r, warnings,
			     "%s may get %u tunnels, but one TCP address has source ports "
			     "for about %d: "
			     "more nodes, or a Unix socket",
			     n->name, most, PORTS);
	}
}

/* First match wins: a rule whose pattern an earlier one matches as a whole is never asked. */
static void shadowed(struct run *r, const struct config *cfg, json_t *warnings)
{
	for (size_t i = 0; i < cfg->channels.n_rules; i++) {
		const struct config_rule *rule = &cfg->channels.rules[i],
					 *first = config_rule(cfg, rule->match);

		if (first && first != rule)
			warn(r, warnings,
			     "%s:%d: the rule \"%s\" never applies: \"%s\" comes first and "
			     "matches all of it",
			     cfg->path, rule->pos.line, rule->match, first->match);
	}
}

static int report(struct run *r, const char *path, struct errs *errs)
{
	json_t *list = json_array();
	errs_sort(errs);
	say_errs(errs, path);
	if (errs->n > 1)
		say(r, "wsctl: %zu errors, nothing changed", errs->n);
	for (size_t i = 0; i < errs->n; i++)
		json_array_append_new(list,
		                      json_pack("{s:i, s:i, s:s}", "line", errs->v[i].line, "col",
		                                errs->v[i].col, "message", errs->v[i].msg));
	if (r->opts.json)
		say_json(json_pack("{s:b, s:s, s:O}", "ok", 0, "file", path, "errors", list));
	json_decref(list);
	return EXIT_CONFIG;
}

int cmd_check(struct run *r)
{
	struct errs errs = {0};
	const char *path = config_path(r->opts.config);
	json_t *warnings = json_array();
	int rc = EXIT_OK;

	/* Loaded here and not in main.c: --json tells every error. */
	if (!r->cfg)
		r->cfg = config_load(path, &errs);
	if (r->cfg) {
		secrets(r->cfg, &errs);
		nodes(r->cfg, &errs);
		servers(r->cfg, &errs);
		/* A name that doesn't resolve would only be said twice. */
		if (!errs.n)
			haproxy(r, r->cfg, &errs, warnings);
	}
	if (errs.n || !r->cfg) {
		rc = report(r, path, &errs);
		goto out;
	}
	limits(r, r->cfg, warnings);
	shadowed(r, r->cfg, warnings);
	url_bound(r, r->cfg, warnings);
	if (r->cfg->haproxy.without_effect)
		warn(r, warnings,
		     "with own: backend these do nothing here: %s; write them into your own "
		     "haproxy.cfg",
		     r->cfg->haproxy.without_effect);
	if (r->opts.json)
		say_json(json_pack("{s:b, s:s, s:i, s:O}", "ok", 1, "file", path, "nodes",
		                   (int)r->cfg->n_nodes, "warnings", warnings));
	else
		printf("%s: %zu node%s, ok\n", path, r->cfg->n_nodes,
		       r->cfg->n_nodes == 1 ? "" : "s");
out:
	json_decref(warnings);
	errs_free(&errs);
	return rc;
}
