/* setup: see setup.h. */
#include "setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "../lib/errs.h"
#include "../lib/log.h"
#include "../lib/secret.h"
#include "auth.h"
#include "bus.h"
#include "hub.h"
#include "node.h"
#include "notify.h"
#include "options.h"

/* Beside the clients: connections before their upgrade; Redis, epoll, lws, log, sd_notify. */
enum { FRONTS = 1024, FRONTS_MIN = 16, OWN_FDS = 64, OTHER_FDS = FRONTS + OWN_FDS };

static const struct options *given;

static int complain(struct errs *errs, const char *file)
{
	errs_print(errs, stderr, "wsnode", file);
	errs_free(errs);
	return -1;
}

static struct config *load(struct errs *errs)
{
	const char *path = config_path(given->config), *why;
	struct config *c;

	/* A quick start needs no file; one that was named, also by the environment, must be there.
	 */
	node.from_file = given->config || getenv("WSCALE_CONFIG") ||
	                 !(given->listen && (given->redis || given->standalone));
	c = node.from_file ? config_load(path, errs) : config_default();
	if (c && given->redis)
		redis_url_parse(given->redis, &c->redis.url, &why); /* options.c tried it */
	if (!c && !errs->n)
		errs_add(errs, 0, 0, "out of memory");
	return c;
}

static int address(const struct config *c, struct endpoint *at, struct errs *errs)
{
	const struct config_node *own = config_node(c, given->name);
	const char *why;

	if (given->listen) {
		if (!endpoint_parse(given->listen, true, at, &why))
			return 0;
		errs_add(errs, 0, 0, "--listen %s %s", given->listen, why);
	} else if (own) {
		*at = own->at;
		return 0;
	} else {
		errs_add(errs, 0, 0,
		         "no node \"%s\" under nodes:; add it, or give --listen ADDRESS",
		         given->name);
	}
	return -1;
}

/* max_clients needs descriptors: asks for them, and takes fewer clients when the limit is lower. */
static uint32_t limit_clients(uint32_t wanted)
{
	struct rlimit l;
	rlim_t need = (rlim_t)wanted + OTHER_FDS;

	node.max_fronts = FRONTS;
	if (getrlimit(RLIMIT_NOFILE, &l))
		return wanted;
	if (l.rlim_max != RLIM_INFINITY && l.rlim_max < need) {
		rlim_t rest = l.rlim_max > 2 * OTHER_FDS ? l.rlim_max - OTHER_FDS : l.rlim_max / 2;

		log_msg(LOG_NOTICE,
		        "nofile %llu allows %llu clients of node.max_clients %u; raise LimitNOFILE "
		        "to %llu",
		        (unsigned long long)l.rlim_max, (unsigned long long)rest, wanted,
		        (unsigned long long)need);
		need = l.rlim_max;
		wanted = (uint32_t)rest;
		/* Silent connections must leave the node its own, or it could not even reach Redis.
		 */
		rest = need - rest;
		if (rest < OTHER_FDS)
			node.max_fronts = rest > OWN_FDS + FRONTS_MIN ? (uint32_t)rest - OWN_FDS
			                                              : FRONTS_MIN;
	}
	/* lws keeps 16 bytes a descriptor that could be: no more than needed. */
	l.rlim_cur = need;
	if (setrlimit(RLIMIT_NOFILE, &l))
		log_msg(LOG_WARNING, "setrlimit nofile: %s", strerror(errno));
	return wanted;
}

int setup_node(const struct options *o)
{
	struct errs errs = {0};
	uint64_t id;

	given = o;
	node.name = o->name;
	node.standalone = o->standalone;
	node.demo = o->demo;
	node.cfg = load(&errs);
	if (!node.cfg)
		return complain(&errs, node.from_file ? config_path(o->config) : NULL);
	if (address(node.cfg, &node.listen, &errs) || auth_load(node.cfg, &errs))
		return complain(&errs, node.cfg->path);
	if (getrandom(&id, sizeof id, 0) != sizeof id)
		return -1;
	srand((unsigned)id);
	snprintf(node.start_id, sizeof node.start_id, "%016llx", (unsigned long long)id);
	config_hash(node.cfg, node.config_hash);
	node.max_clients = limit_clients(node.cfg->node.max_clients);
	wheel_init(&node.wheel, node_now_ms());
	wheel_init(&node.resume_wheel, node_now_ms());
	wheel_init(&node.front_wheel, node_now_ms());
	wheel_init(&node.cf_wheel, node_now_ms());
	return 0;
}

static void tell(const struct errs *errs, const char *path)
{
	for (size_t i = 0; i < errs->n; i++)
		log_msg(LOG_ERR, "%s:%d:%d: %s", path, errs->v[i].line, errs->v[i].col,
		        errs->v[i].msg);
}

/* Redis' password must be readable too, or the connection would be given up for one without. */
static int redis_password(const struct config *c, struct errs *errs)
{
	size_t len;
	char *p;

	if (node.standalone || !c->redis.password_file)
		return 0;
	p = secret_read(c->path, c->redis.password_file, &len, errs, c->redis.password_pos.line,
	                c->redis.password_pos.col);
	if (!p)
		return -1;
	secret_free(p, len);
	return 0;
}

void setup_reload(void)
{
	struct errs errs = {0};
	struct config *c, *old = node.cfg;
	struct endpoint at;

	if (!node.from_file) {
		log_msg(LOG_NOTICE, "SIGHUP: there is no file to read again");
		return;
	}
	notify_reloading();
	c = load(&errs);
	if (!c || address(c, &at, &errs) || redis_password(c, &errs) || auth_load(c, &errs)) {
		tell(&errs, config_path(given->config));
		log_msg(LOG_ERR, "SIGHUP: the file has errors; everything stays as it was");
		errs_free(&errs);
		config_free(c);
		notify_ready();
		return;
	}
	if (!endpoint_equal(&at, &node.listen))
		log_msg(LOG_WARNING, "SIGHUP: another address needs a restart");
	if (strcmp(c->cluster, old->cluster) != 0) {
		log_msg(LOG_WARNING, "SIGHUP: another cluster name needs a restart");
		memcpy(c->cluster, old->cluster, sizeof c->cluster);
	}
	node.cfg = c;
	config_hash(c, node.config_hash);
	if (c->node.max_clients != old->node.max_clients) {
		if (c->node.max_clients > node.max_clients)
			log_msg(LOG_WARNING, "SIGHUP: a higher node.max_clients needs a restart");
		else
			node.max_clients = c->node.max_clients;
	}
	bus_load_scripts();
	hub_apply_rules();
	bus_reload();
	config_free(old);
	log_msg(LOG_NOTICE, "SIGHUP: %s read again", c->path);
	notify_ready();
}
