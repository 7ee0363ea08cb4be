/*
 * hap_servers: the servers of our backend as HAProxy has them, and its version. Two tables make one
 * row: `show servers state` has the configured weight and the admin bits (the status text loses a
 * drain when a check fails), `show stat` has the status, the check and the counts.
 * Changes nothing.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../lib/config.h"
#include "../lib/grow.h"
#include "hap_int.h"

#define UNIX "unix"

static void copy(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);
	if (n >= size)
		n = size - 1;
	memcpy(to, from, n);
	to[n] = '\0';
}

static int odd(const char *command, const char *reply)
{
	return hap_fail(HAP_REFUSED, "HAProxy's answer to `%s` is not understood: %.200s", command,
	                *reply ? reply : "(nothing)");
}

static int read_state(const struct config *cfg, struct hap_servers *out, int64_t *be_id)
{
	const char *be = cfg->haproxy.backend;
	struct hap_table t;
	char *reply;
	int result = hap_ask(cfg, HAP_ADMIN, &reply, "show servers state %s", be);
	if (result != HAP_OK)
		return result;
	if (strncmp(reply, "Can't find backend", 18) == 0) {
		free(reply);
		return hap_fail(HAP_REFUSED, "HAProxy has no backend %s; run wsctl apply", be);
	}
	if (hap_table_open(&t, reply, ' ')) {
		odd("show servers state", reply);
		free(reply);
		return HAP_REFUSED;
	}
	while (hap_table_next(&t)) {
		struct hap_server *v = grow(out->v, out->n, sizeof(*v));
		if (!v) {
			hap_table_close(&t);
			return hap_fail(HAP_AWAY, "out of memory");
		}
		out->v = v;
		struct hap_server *s = &v[out->n++];
		*s = (struct hap_server){0};
		copy(s->name, sizeof(s->name), hap_table_get(&t, "srv_name"));
		copy(s->addr, sizeof(s->addr), hap_table_get(&t, "srv_addr"));
		s->port = (int)hap_table_int(&t, "srv_port", 0);
		/* How a Unix socket is shown here; a name without an address has its port. */
		if (strcmp(s->addr, "-") == 0 && !s->port)
			copy(s->addr, sizeof(s->addr), UNIX);
		s->admin = (unsigned)hap_table_int(&t, "srv_admin_state", 0);
		s->op = (unsigned)hap_table_int(&t, "srv_op_state", 0);
		s->uweight = (unsigned)hap_table_int(&t, "srv_uweight", 0);
		s->lastchg_s = hap_table_int(&t, "srv_time_since_last_change", 0);
		*be_id = hap_table_int(&t, "be_id", -1);
	}
	hap_table_close(&t);
	return HAP_OK;
}

bool hap_server_at(const struct hap_server *s, const struct endpoint *at)
{
	unsigned char want[16], have[16];
	int family = strchr(at->host, ':') ? AF_INET6 : AF_INET;

	if (at->is_unix)
		return strcmp(s->addr, UNIX) == 0;
	if (s->port != at->port)
		return false;
	if (inet_pton(family, at->host, want) != 1)
		return true;
	return inet_pton(family, s->addr, have) == 1 &&
	       memcmp(want, have, family == AF_INET ? 4 : 16) == 0;
}

const char *hap_server_address(const struct hap_server *s, char out[static HAP_ADDRESS])
{
	if (strcmp(s->addr, UNIX) == 0)
		snprintf(out, HAP_ADDRESS, UNIX);
	else
		snprintf(out, HAP_ADDRESS, strchr(s->addr, ':') ? "[%s]:%d" : "%s:%d", s->addr,
		         s->port);
	return out;
}

static struct hap_server *find(const struct hap_servers *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].name, name) == 0)
			return &s->v[i];
	return NULL;
}

/* By number: a frontend of somebody's may have the backend's name. */
static int read_stat(const struct config *cfg, struct hap_servers *out, int64_t be_id)
{
	struct hap_table t;
	char *reply;
	int result = hap_ask(cfg, HAP_ADMIN, &reply, "show stat %lld 4 -1", (long long)be_id);
	if (result != HAP_OK)
		return result;
	if (hap_table_open(&t, reply, ',')) {
		odd("show stat", reply);
		free(reply);
		return HAP_REFUSED;
	}
	/* Both tables have them in one order, nearly always. */
	for (size_t at = 0; hap_table_next(&t);) {
		const char *name = hap_table_get(&t, "svname");
		struct hap_server *s = at < out->n && !strcmp(out->v[at].name, name) ? &out->v[at]
		                       : *name ? find(out, name)
		                               : NULL;
		if (s)
			at = (size_t)(s - out->v) + 1;
		if (!s || strcmp(hap_table_get(&t, "pxname"), cfg->haproxy.backend) != 0)
			continue;
		copy(s->status, sizeof(s->status), hap_table_get(&t, "status"));
		copy(s->check, sizeof(s->check), hap_table_get(&t, "check_status"));
		s->lastchg_s = hap_table_int(&t, "lastchg", s->lastchg_s);
		s->scur = (uint64_t)hap_table_int(&t, "scur", 0);
		s->maxconn = (uint64_t)hap_table_int(&t, "slim", 0);
		s->stot = (uint64_t)hap_table_int(&t, "stot", 0);
	}
	hap_table_close(&t);
	return HAP_OK;
}

static const struct hap_server *uncounted(const struct hap_servers *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].status[0])
			return &s->v[i];
	return NULL;
}

/*
 * The two tables are two questions: a reload or a removal between them leaves a server without its
 * counts, and that one isn't empty.
 */
int hap_servers(const struct config *cfg, struct hap_servers *out)
{
	for (int tries = 3;; tries--) {
		*out = (struct hap_servers){.be_id = -1};
		int result = read_state(cfg, out, &out->be_id);
		if (result == HAP_OK && out->n)
			result = read_stat(cfg, out, out->be_id);
		const struct hap_server *odd_one = result == HAP_OK ? uncounted(out) : NULL;
		if (odd_one && tries == 1)
			result = hap_fail(HAP_AWAY, "HAProxy's `show stat` lacks %s",
			                  odd_one->name);
		if (result != HAP_OK)
			hap_servers_free(out);
		if (result != HAP_OK || !odd_one)
			return result;
		hap_servers_free(out);
		rest_ms(100);
	}
}

const struct hap_server *hap_server(const struct hap_servers *s, const char *name)
{
	return find(s, name);
}

void hap_servers_free(struct hap_servers *s)
{
	free(s->v);
	*s = (struct hap_servers){0};
}

int hap_info(const struct config *cfg, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);
	char *reply;
	int result = hap_ask(cfg, HAP_ADMIN, &reply, "show info");

	if (result != HAP_OK)
		return result;
	copy(out, size, "");
	/* "Name: value" or "name: value": the case differs between lines. */
	for (const char *p = reply; *p;) {
		size_t line = strcspn(p, "\n");

		if (line > len + 2 && !strncasecmp(p, name, len) && p[len] == ':') {
			size_t n = line - len - 2;

			if (n >= size)
				n = size - 1;
			memcpy(out, p + len + 2, n);
			out[n] = '\0';
			break;
		}
		p += line + (p[line] == '\n');
	}
	free(reply);
	return HAP_OK;
}

char *hap_version(const struct config *cfg)
{
	char text[64];

	if (hap_info(cfg, "Version", text, sizeof text) != HAP_OK)
		return NULL;
	if (!*text) {
		odd("show info", "");
		return NULL;
	}
	return strndup(text, strspn(text, "0123456789."));
}
