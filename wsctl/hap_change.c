/*
 * hap_change: the changes to HAProxy's running state. Each is read back: a silent reply is no
 * proof. The order in hap_add is the lesson of HAProxy's own bugs: a new server gets no traffic
 * before its first check has passed. What must be true of the node and of the files is the caller's
 * business.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/config.h"
#include "hap_int.h"
#include "render.h"
#include "render_int.h"

enum { ADMIN_FMAINT = 0x01, ADMIN_FDRAIN = 0x08 };

/* Names become words of a command. */
static int name_ok(const char *server)
{
	size_t n = strspn(server,
	                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:");
	if (n && !server[n])
		return HAP_OK;
	return hap_fail(HAP_REFUSED, "\"%s\" can't be a server's name", server);
}

/* A command that is silent when it worked: VERB BACKEND/SERVER, and what follows. */
static int silent(const struct config *cfg, const char *server, const char *verb, const char *after)
{
	char *reply;
	hap_about(cfg);
	int result = name_ok(server);
	if (result != HAP_OK)
		return result;
	result = hap_ask(cfg, HAP_ADMIN, &reply, "%s %s/%s %s", verb, cfg->haproxy.backend, server,
	                 after);
	if (result != HAP_OK)
		return result;
	if (strncmp(reply, "No such server", 14) == 0)
		result = hap_fail(HAP_REFUSED, "HAProxy has no server %s in backend %s", server,
		                  cfg->haproxy.backend);
	else if (strncmp(reply, "No such backend", 15) == 0 ||
	         strncmp(reply, "Can't find backend", 18) == 0)
		result = hap_fail(HAP_REFUSED, "HAProxy has no backend %s; run wsctl apply",
		                  cfg->haproxy.backend);
	else if (*reply)
		result = hap_fail(HAP_REFUSED, "%s: HAProxy answered: %.200s", server, reply);
	free(reply);
	return result;
}

/* HAP_OK with *found false when HAProxy lacks the server. */
static int look(const struct config *cfg, const char *server, bool *found, struct hap_server *out)
{
	struct hap_servers all;
	int result = hap_servers(cfg, &all);
	if (result != HAP_OK)
		return result;
	const struct hap_server *s = hap_server(&all, server);
	*found = s != NULL;
	if (s)
		*out = *s;
	hap_servers_free(&all);
	return HAP_OK;
}

static int set_state(const struct config *cfg, const char *server, const char *state, unsigned set,
                     unsigned clear)
{
	struct hap_server now;
	bool found;
	char after[32];
	snprintf(after, sizeof(after), "state %s", state);
	int result = silent(cfg, server, "set server", after);
	if (result == HAP_OK)
		result = look(cfg, server, &found, &now);
	if (result != HAP_OK)
		return result;
	if (!found)
		return hap_fail(HAP_REFUSED, "%s vanished from HAProxy while its state was set",
		                server);
	if ((now.admin & set) != set || (now.admin & clear))
		return hap_fail(HAP_REFUSED,
		                "%s: HAProxy took `state %s`, but shows admin state 0x%x", server,
		                state, now.admin);
	return HAP_OK;
}

int hap_set_ready(const struct config *cfg, const char *server)
{
	return set_state(cfg, server, "ready", 0, ADMIN_FMAINT | ADMIN_FDRAIN);
}

int hap_set_drain(const struct config *cfg, const char *server)
{
	return set_state(cfg, server, "drain", ADMIN_FDRAIN, ADMIN_FMAINT);
}

int hap_checks_on(const struct config *cfg, const char *server)
{
	return silent(cfg, server, "enable health", "");
}

int hap_set_maint(const struct config *cfg, const char *server)
{
	return set_state(cfg, server, "maint", ADMIN_FMAINT, 0);
}

int hap_set_weight(const struct config *cfg, const char *server, unsigned weight)
{
	struct hap_server now;
	bool found;
	char after[32];
	snprintf(after, sizeof(after), "weight %u", weight);
	int result = silent(cfg, server, "set server", after);
	if (result == HAP_OK)
		result = look(cfg, server, &found, &now);
	if (result != HAP_OK)
		return result;
	if (!found || now.uweight != weight)
		return hap_fail(HAP_REFUSED, "%s: HAProxy took weight %u, but shows %u", server,
		                weight, found ? now.uweight : 0);
	return HAP_OK;
}

int hap_set_maxconn(const struct config *cfg, const char *server, unsigned maxconn)
{
	struct hap_server now;
	bool found;
	char *reply;
	int result = name_ok(server);

	if (result == HAP_OK)
		result = hap_ask(cfg, HAP_ADMIN, &reply, "set maxconn server %s/%s %u",
		                 cfg->haproxy.backend, server, maxconn);
	if (result != HAP_OK)
		return result;
	if (*reply)
		result = hap_fail(HAP_REFUSED, "%s: HAProxy answered: %.200s", server, reply);
	free(reply);
	if (result == HAP_OK)
		result = look(cfg, server, &found, &now);
	if (result == HAP_OK && (!found || now.maxconn != maxconn))
		result = hap_fail(HAP_REFUSED, "%s: HAProxy took maxconn %u, but shows %llu",
		                  server, maxconn, found ? (unsigned long long)now.maxconn : 0);
	return result;
}

/* `add server` takes a name without a word and never resolves it, so the address is found here. */
static int resolve(const struct config_node *node, struct endpoint *at)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG},
			*found = NULL;
	*at = node->at;
	if (at->is_unix)
		return HAP_OK;
	unsigned char raw[sizeof(struct in6_addr)];
	if (inet_pton(AF_INET, at->host, raw) == 1 || inet_pton(AF_INET6, at->host, raw) == 1)
		return HAP_OK;
	int err = getaddrinfo(at->host, NULL, &hints, &found);
	if (!err)
		err = getnameinfo(found->ai_addr, found->ai_addrlen, at->host, sizeof(at->host),
		                  NULL, 0, NI_NUMERICHOST);
	if (found)
		freeaddrinfo(found);
	if (err)
		return hap_fail(HAP_REFUSED, "%s: host %s does not resolve: %s", node->name,
		                node->at.host, gai_strerror(err));
	return HAP_OK;
}

static int register_server(const struct config *cfg, const struct config_node *node)
{
	char *reply, *words = render_server(cfg, node);
	if (!words)
		return hap_fail(HAP_AWAY, "out of memory");
	int result = hap_ask(cfg, HAP_ADMIN, &reply, "add server %s/%s %s", cfg->haproxy.backend,
	                     node->name, words);
	free(words);
	if (result != HAP_OK)
		return result;
	if (strstr(reply, "No such backend"))
		result = hap_fail(HAP_REFUSED, "HAProxy has no backend %s; run wsctl apply",
		                  cfg->haproxy.backend);
	else if (!strstr(reply, "New server registered."))
		result = hap_fail(HAP_REFUSED, "HAProxy refused to add %s: %.300s", node->name,
		                  *reply ? reply : "(nothing)");
	free(reply);
	return result;
}

int hap_add(const struct config *cfg, const char *server)
{
	const struct config_node *node = config_node(cfg, server);
	struct config_node copy;
	struct hap_server now;
	bool found;

	hap_about(cfg);
	if (!node)
		return hap_fail(HAP_REFUSED, "%s is not among the nodes of %s", server, cfg->path);
	char was[HAP_ADDRESS];
	int result = name_ok(server);
	copy = *node;
	if (result == HAP_OK)
		result = resolve(node, &copy.at);
	if (result == HAP_OK && copy.at.is_unix && !render_inside_chroot(cfg, copy.at.path))
		result = hap_fail(HAP_REFUSED, "%s: HAProxy in its chroot %s can't reach %s",
		                  server, cfg->haproxy.chroot, copy.at.path);
	if (result == HAP_OK)
		result = look(cfg, server, &found, &now);
	if (result != HAP_OK)
		return result;

	if (found && !hap_server_at(&now, &copy.at))
		return hap_fail(HAP_REFUSED, "HAProxy has %s at %s already", server,
		                hap_server_address(&now, was));
	if (found && !(now.admin & (HAP_ADMIN_MAINT | HAP_ADMIN_DRAIN)))
		return HAP_OK; /* in service, and stays so */
	if (!found && (result = register_server(cfg, &copy)) != HAP_OK)
		return result;

	/* Added servers have their checks off and are in maint; `drain` lets checks run, and no
	 * traffic in. */
	result = hap_checks_on(cfg, server);
	if (result == HAP_OK)
		result = hap_set_drain(cfg, server);
	if (result == HAP_OK && found && now.uweight != node->weight)
		result = hap_set_weight(cfg, server, node->weight);
	if (result != HAP_OK && !found) {
		char why[512];
		strncpy(why, hap_why(), sizeof(why) - 1);
		why[sizeof(why) - 1] = '\0';
		hap_del(cfg, server, 0);
		hap_fail(result, "%s", why);
	}
	return result;
}

/* Connections that HAProxy has to the server, health checks included; -1: it can't be told. */
static int64_t in_use(const struct config *cfg, const char *server)
{
	struct hap_table t;
	char *reply, want[192];
	int64_t used = -1;
	if (hap_ask(cfg, HAP_ADMIN, &reply, "show servers conn %s", cfg->haproxy.backend) != HAP_OK)
		return -1;
	if (hap_table_open(&t, reply, ' ')) {
		free(reply);
		return -1;
	}
	snprintf(want, sizeof(want), "%s/%s", cfg->haproxy.backend, server);
	while (used < 0 && hap_table_next(&t))
		if (strcmp(hap_table_get(&t, "bkname/svname"), want) == 0)
			used = hap_table_int(&t, "used_cur", -1);
	hap_table_close(&t);
	return used;
}

/* 1: deleted; 0: still in use; else a hap_result. */
static int try_del(const struct config *cfg, const char *server)
{
	char *reply;
	int result = hap_ask(cfg, HAP_ADMIN, &reply, "del server %s/%s", cfg->haproxy.backend,
	                     server);
	if (result != HAP_OK)
		return result;
	if (strstr(reply, "Server deleted.") || strstr(reply, "No such server"))
		result = 1;
	else if (strstr(reply, "still has connections"))
		result = 0;
	else
		result = hap_fail(HAP_REFUSED,
		                  "%s: HAProxy keeps it in maint until its next reload: %.200s",
		                  server, *reply ? reply : "(no answer)");
	free(reply);
	return result;
}

int hap_del(const struct config *cfg, const char *server, uint64_t deadline_ms)
{
	struct hap_server now;
	/* Whoever was interrupted before takes back what is half done. */
	bool found, risky = true, cleaning_up = interrupted();
	unsigned v[3];
	int64_t used = -1;
	uint64_t quiet_since = 0;

	int result = look(cfg, server, &found, &now);
	if (result != HAP_OK || !found)
		return result;
	if ((result = hap_set_maint(cfg, server)) != HAP_OK)
		return result;
	char *version = hap_version(cfg);
	if (version && hap_version_parse(version, v) == 0)
		risky = hap_version_del_risky(v);
	free(version);

	/* Seen idle twice, a second apart: earlier versions free what a dying stream still uses. */
	uint64_t least = risky ? 1500 : 500,
		 until = now_ms() + (deadline_ms > least ? deadline_ms : least);
	for (;;) {
		used = in_use(cfg, server);
		uint64_t t = now_ms();
		if (used != 0)
			quiet_since = 0;
		else if (!quiet_since)
			quiet_since = t;
		if (quiet_since && (!risky || t - quiet_since >= 1000)) {
			result = try_del(cfg, server);
			if (result != 0)
				return result == 1 ? HAP_OK : result;
		}
		if (t >= until)
			break;
		rest_ms(100);
		if (!cleaning_up && interrupted())
			return hap_fail(HAP_REFUSED, "interrupted; HAProxy keeps %s in maint",
			                server);
	}
	return hap_fail(
		HAP_REFUSED,
		"%s: %lld connections are left; HAProxy keeps it in maint until its next reload",
		server, (long long)(used < 0 ? 0 : used));
}
