/*
 * members: the questions about one node that several commands ask. Drain is read from the admin
 * bits, never from the status text, which a failing check overwrites.
 */
#include "members.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "cmd.h"
#include "ctl.h"

int hap_exit(int result)
{
	if (result == HAP_OK)
		return EXIT_OK;
	say_error("%s", hap_why());
	return result == HAP_AWAY ? EXIT_AWAY : EXIT_FAILED;
}

int ctl_exit(void)
{
	say_error("%s", ctl_why());
	return EXIT_AWAY;
}

/* A suggestion would be a guess among ws1, ws2, ws3: the names themselves say more. */
static int unknown(const struct config *cfg, const struct hap_servers *all, const char *name)
{
	enum { SHOWN = 8 };
	struct buf b = {0};
	size_t n = 0;

	for (size_t i = 0; i < cfg->n_nodes; i++, n++)
		if (n < SHOWN)
			buf_printf(&b, "%s%s", n ? ", " : "", cfg->nodes[i].name);
	for (size_t i = 0; i < all->n; i++)
		if (!config_node(cfg, all->v[i].name) && n++ < SHOWN)
			buf_printf(&b, "%s%s", n > 1 ? ", " : "", all->v[i].name);
	if (n && !b.oom)
		say_error("unknown node \"%s\"; there %s %s%s", name, n == 1 ? "is" : "are", b.p,
		          n > SHOWN ? ", ..." : "");
	else
		say_error("unknown node \"%s\"", name);
	buf_free(&b);
	return EXIT_FAILED;
}

int member_find(const struct config *cfg, const char *name, struct hap_servers *servers,
                struct member *out)
{
	int rc;

	*out = (struct member){.name = name};
	memset(servers, 0, sizeof *servers);
	rc = hap_exit(hap_servers(cfg, servers));
	if (rc)
		return rc;
	out->node = config_node(cfg, name);
	out->server = hap_server(servers, name);
	return out->node || out->server ? EXIT_OK : unknown(cfg, servers, name);
}

bool member_maint(const struct hap_server *s)
{
	return s->admin & HAP_ADMIN_MAINT;
}

bool member_drain(const struct hap_server *s)
{
	return s->admin & HAP_ADMIN_DRAIN;
}

bool member_serving(const struct hap_server *s)
{
	return !member_maint(s) && !member_drain(s) && s->uweight > 0 &&
	       (!strncmp(s->status, "UP", 2) || !strncmp(s->status, "no check", 8));
}

size_t member_others(const struct hap_servers *all, const char *name, char **names)
{
	struct buf b = {0};
	size_t n = 0, at = 0;

	for (size_t i = 0; i < all->n; i++)
		if (member_serving(&all->v[i]) && strcmp(all->v[i].name, name) != 0)
			n++;
	if (!names)
		return n;
	for (size_t i = 0; i < all->n; i++) {
		if (!member_serving(&all->v[i]) || !strcmp(all->v[i].name, name))
			continue;
		buf_printf(&b, "%s%s", !at ? "" : at + 1 == n ? " and " : ", ", all->v[i].name);
		at++;
	}
	*names = n ? buf_take(&b) : NULL;
	return n;
}

int64_t reply_int(const json_t *o, const char *key, int64_t def)
{
	/* What JSON carries exactly (RFC 8259 6); sums of a few thousand don't overflow either. */
	const double most = 9007199254740991.0;
	const json_t *v = json_object_get(o, key);
	double n = json_is_number(v) ? json_number_value(v) : -1;

	return n >= 0 && n <= most ? (int64_t)n : def;
}

const char *reply_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

json_t *request_new(const char *verb)
{
	return json_pack("{s:s}", "do", verb);
}

int member_name_check(const char *name)
{
	if (node_name_valid(name))
		return EXIT_OK;
	say_error("\"%.60s\" can't be a node's name: 1 to %d of A-Z a-z 0-9 _ -", name,
	          NODE_NAME_MAX);
	return EXIT_USAGE;
}
