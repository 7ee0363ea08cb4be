/*
 * hap_workers: what workers that a reload left behind still hold. They are reached through the
 * master only. There `show stat` and `show sess` work, but each command about a server answers
 * "Proxy is disabled.", so tunnels are ended one session at a time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/config.h"
#include "hap_int.h"

enum { GONE = 1 }; /* the worker ended between two questions */
enum { REDIS_SECTION = 80 };

bool hap_worker_gone(const char *reply)
{
	return !*reply || strstr(reply, "Can't find the target") ||
	       strstr(reply, "Can't connect to the target CLI");
}

/* The section that follows Redis's master. */
static void redis_section(const struct config *cfg, char out[static REDIS_SECTION])
{
	snprintf(out, REDIS_SECTION, "%s_redis", cfg->haproxy.backend);
}

/* Calls each for every matching session of the worker; its result other than 0 ends the walk. */
static int each_session(const struct config *cfg, long pid, const char *proxy, const char *server,
                        uint64_t *count,
                        int (*each)(const struct config *, long, const char *id, int id_len))
{
	char *reply;
	int result = hap_ask_worker(cfg, pid, &reply, "show sess");
	if (result != HAP_OK)
		return result;
	if (hap_worker_gone(reply)) {
		free(reply);
		return GONE;
	}
	for (const char *p = reply; *p && result == HAP_OK;) {
		struct hap_sess s;
		size_t len = strcspn(p, "\n");
		if (hap_sess_parse(p, len, &s) == 0 && hap_sess_is(&s, proxy, server)) {
			if (each)
				result = each(cfg, pid, s.id, (int)s.id_len);
			if (result == HAP_OK)
				++*count;
		}
		p += len + (p[len] == '\n');
	}
	free(reply);
	return result;
}

/* 286 bytes where the list of sessions is 274 kB for 1,000 tunnels. */
static int count_tunnels(const struct config *cfg, long pid, const char *proxy, const char *server,
                         uint64_t *count)
{
	struct hap_table t;
	char *reply;
	bool seen = false;
	int result = hap_ask_worker(cfg, pid, &reply, "show stat %s 4 -1", proxy);
	if (result != HAP_OK)
		return result;
	if (hap_worker_gone(reply)) {
		free(reply);
		return GONE;
	}
	*count = 0;
	if (hap_table_open(&t, reply, ',') == 0) {
		while (hap_table_next(&t)) {
			seen = true;
			if (!server || strcmp(hap_table_get(&t, "svname"), server) == 0)
				*count += (uint64_t)hap_table_int(&t, "scur", 0);
		}
		hap_table_close(&t);
	} else {
		free(reply);
	}
	return seen ? HAP_OK : each_session(cfg, pid, proxy, server, count, NULL);
}

static int list_old(const struct config *cfg, struct hap_workers *out)
{
	char *reply;
	bool old = false, master = false;
	*out = (struct hap_workers){0};
	int result = hap_ask(cfg, HAP_MASTER, &reply, "show proc");
	if (result != HAP_OK)
		return result;
	for (const char *p = reply; *p;) {
		struct hap_worker w;
		size_t len = strcspn(p, "\n");
		int kind = hap_proc_parse(p, len, &old, &w);
		p += len + (p[len] == '\n');
		master = master || kind == 2;
		if (kind != 1 || !old)
			continue;
		struct hap_worker *v = realloc(out->v, (out->n + 1) * sizeof(*v));
		if (!v) {
			result = hap_fail(HAP_AWAY, "out of memory");
			break;
		}
		out->v = v;
		v[out->n++] = w;
	}
	if (result == HAP_OK && !master)
		result = hap_fail(HAP_REFUSED,
		                  "%s is not the socket of a HAProxy master (haproxy -W -S)",
		                  cfg->haproxy.master);
	free(reply);
	if (result != HAP_OK)
		hap_workers_free(out);
	return result;
}

int hap_old_workers(const struct config *cfg, const char *server, struct hap_workers *out)
{
	int result = list_old(cfg, out);
	char redis[REDIS_SECTION];
	size_t kept = 0;

	redis_section(cfg, redis);
	for (size_t i = 0; result == HAP_OK && i < out->n; i++) {
		struct hap_worker w = out->v[i];
		result = count_tunnels(cfg, w.pid, cfg->haproxy.backend, server, &w.tunnels);
		if (result == HAP_OK && !server && cfg->redis.n_servers)
			result = count_tunnels(cfg, w.pid, redis, NULL, &w.redis);
		if (result == GONE) {
			result = HAP_OK;
			continue;
		}
		out->tunnels += w.tunnels;
		out->v[kept++] = w;
	}
	if (result != HAP_OK)
		hap_workers_free(out);
	else
		out->n = kept;
	return result;
}

void hap_workers_free(struct hap_workers *w)
{
	free(w->v);
	*w = (struct hap_workers){0};
}

static int end_session(const struct config *cfg, long pid, const char *id, int id_len)
{
	char *reply;
	int result = hap_ask_worker(cfg, pid, &reply, "shutdown session %.*s", id_len, id);
	/* "No such session": it ended by itself, which is what was asked for. */
	if (result == HAP_OK && *reply && !strstr(reply, "No such session") &&
	    !hap_worker_gone(reply))
		result = hap_fail(HAP_REFUSED, "old worker %ld: %.200s", pid, reply);
	if (result == HAP_OK || result == HAP_REFUSED)
		free(reply);
	return result;
}

int64_t hap_kill_tunnels(const struct config *cfg, const char *server)
{
	struct hap_servers servers;
	struct hap_workers old;
	uint64_t killed = 0;
	char *reply;

	int result = hap_servers(cfg, &servers);
	if (result != HAP_OK)
		return result;
	const struct hap_server *s = hap_server(&servers, server);
	if (s)
		killed = s->scur;
	hap_servers_free(&servers);
	if (s) {
		result = hap_ask(cfg, HAP_ADMIN, &reply, "shutdown sessions server %s/%s",
		                 cfg->haproxy.backend, server);
		if (result != HAP_OK)
			return result;
		if (*reply)
			result = hap_fail(HAP_REFUSED, "%s: %.200s", server, reply);
		free(reply);
		if (result != HAP_OK)
			return result;
	}

	/* Without a master socket there is nothing more to be reached; drain has said so before. */
	if (list_old(cfg, &old) != HAP_OK)
		return (int64_t)killed;
	for (size_t i = 0; i < old.n; i++) {
		uint64_t n = 0;
		int r = each_session(cfg, old.v[i].pid, cfg->haproxy.backend, server, &n,
		                     end_session);
		killed += n;
		if (r < 0)
			result = r;
	}
	hap_workers_free(&old);
	return result < 0 ? result : (int64_t)killed;
}

int64_t hap_end_redis(const struct config *cfg, long pid)
{
	char redis[REDIS_SECTION];
	uint64_t n = 0;

	redis_section(cfg, redis);
	int result = each_session(cfg, pid, redis, NULL, &n, end_session);
	return result < 0 ? result : (int64_t)n;
}
