/*
 * members: the questions about one node that several commands ask. Drain is read from the admin
 * bits, never from the status text, which a failing check overwrites.
 */
#include "members.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "../lib/grow.h"
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

int member_find(const struct config *cfg, const struct members *m, const char *name,
                struct member *out)
{
	*out = (struct member){.name = name};
	out->node = config_node(cfg, name);
	out->server = hap_server(&m->all, name);
	return out->node || out->server ? EXIT_OK : unknown(cfg, &m->all, name);
}

const struct hap_server *member_at(const struct members *m, size_t i, const char *name)
{
	return hap_server(&m->each[i], name);
}

/* How much it keeps a server from serving. */
static int gravity(const struct hap_server *s)
{
	static const char *const states[] = {"UP", "no check", "DRAIN", "NOLB", "MAINT", "DOWN"};

	for (int i = 5; i > 0; i--)
		if (!strncmp(s->status, states[i], strlen(states[i])))
			return i;
	return 0;
}

static void add_up(struct hap_server *to, const struct hap_server *s)
{
	if (gravity(s) > gravity(to)) {
		memcpy(to->status, s->status, sizeof to->status);
		memcpy(to->check, s->check, sizeof to->check);
		to->lastchg_s = s->lastchg_s;
	}
	to->admin |= s->admin;
	to->scur += s->scur;
	to->stot += s->stot;
	to->maxconn = to->maxconn && s->maxconn ? to->maxconn + s->maxconn : 0;
	if (s->uweight < to->uweight)
		to->uweight = s->uweight;
}

/* -1: out of memory. */
static int merge(struct members *m)
{
	hap_servers_free(&m->all);
	for (size_t i = 0; i < m->f.n; i++) {
		const struct hap_servers *one = &m->each[i];
		/* Balancers list the same servers in the same order, nearly always. */
		size_t known = m->all.n, at = 0;

		for (size_t k = 0; k < one->n; k++) {
			const struct hap_server *s = &one->v[k];
			struct hap_server *to = NULL, *v;

			if (at < known && !strcmp(m->all.v[at].name, s->name))
				to = &m->all.v[at];
			for (size_t j = 0; !to && j < known; j++)
				if (!strcmp(m->all.v[j].name, s->name))
					to = &m->all.v[j];
			if (to) {
				at = (size_t)(to - m->all.v) + 1;
				add_up(to, s);
				continue;
			}
			v = grow(m->all.v, m->all.n, sizeof *v);
			if (!v)
				return -1;
			m->all.v = v;
			v[m->all.n++] = *s;
		}
	}
	return 0;
}

static int read_each(struct members *m)
{
	for (size_t i = 0; i < m->f.n; i++) {
		hap_servers_free(&m->each[i]);
		if (m->f.v[i].why[0])
			continue;
		int result = hap_servers(m->f.v[i].cfg, &m->each[i]);
		if (result != HAP_OK)
			fleet_lost(&m->f.v[i], result);
	}
	if (!merge(m))
		return EXIT_OK;
	say_error("out of memory");
	return EXIT_FAILED;
}

int members_look(const struct config *cfg, struct members *m)
{
	int rc;

	memset(m, 0, sizeof *m);
	rc = fleet_open(cfg, &m->f);
	if (rc)
		return rc;
	m->each = calloc(m->f.n, sizeof *m->each);
	if (m->each)
		return read_each(m);
	say_error("out of memory");
	return EXIT_FAILED;
}

int members_open(const struct config *cfg, struct members *m)
{
	int rc = members_look(cfg, m);

	return rc ? rc : fleet_any(&m->f);
}

int members_again(struct members *m)
{
	int rc = read_each(m);

	return rc ? rc : fleet_any(&m->f);
}

void members_close(struct members *m)
{
	for (size_t i = 0; m->each && i < m->f.n; i++)
		hap_servers_free(&m->each[i]);
	free(m->each);
	hap_servers_free(&m->all);
	fleet_close(&m->f);
	memset(m, 0, sizeof *m);
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
