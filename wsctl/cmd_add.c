/*
 * wsctl add: takes a running node into the cluster: who it is, the YAML and what is rendered from
 * it, HAProxy, a passed check, then clients. What was done is undone in reverse when a step fails;
 * what an interrupted run left is finished by the next.
 */
#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "commit.h"
#include "edit.h"
#include "identity.h"
#include "members.h"
#include "persist.h"
#include "ready.h"

enum { CHECK_MS = 10000, DEL_MS = 5000 };

struct add {
	struct run *r;
	struct config_node node; /* as asked for; name and strings borrowed */
	char at[ENDPOINT_STR];
	const struct config_node *known; /* in the YAML already */
	struct members ms;
	struct node_note note;
	bool same; /* every state file has that note */
	struct commit commit;
	bool added[BALANCERS_MAX]; /* by this run */
};

static int parse(struct run *r, struct add *a)
{
	const char *why;
	int rc = member_name_check(r->argv[0]);

	memset(a, 0, sizeof *a);
	a->r = r;
	if (rc)
		return rc;
	a->node.name = r->argv[0];
	a->node.weight = r->opts.has_weight ? r->opts.weight : 100;
	a->node.maxconn = r->opts.has_maxconn ? r->opts.maxconn : 0;
	if (endpoint_parse(r->argv[1], false, &a->node.at, &why)) {
		say_error("address \"%s\" %s; HOST:PORT or unix:/PATH", r->argv[1], why);
		return EXIT_USAGE;
	}
	endpoint_str(&a->node.at, a->at);
	return EXIT_OK;
}

/* HAProxy takes a name it can't resolve without a word, and never resolves it. */
static int resolve(const struct add *a)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
	int rc;

	if (a->node.at.is_unix)
		return EXIT_OK;
	rc = getaddrinfo(a->node.at.host, NULL, &hints, &list);
	if (rc) {
		say_error("%s: %s", a->at, gai_strerror(rc));
		return EXIT_FAILED;
	}
	freeaddrinfo(list);
	return EXIT_OK;
}

/* What is there already. Conflicts are printed. */
static int compare(struct add *a)
{
	const struct config *cfg = a->r->cfg;
	char other[ENDPOINT_STR];

	a->known = config_node(cfg, a->node.name);
	if (a->known && !endpoint_equal(&a->known->at, &a->node.at)) {
		say_error("%s is at %s already; first: wsctl remove %s", a->node.name,
		          endpoint_str(&a->known->at, other), a->node.name);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < cfg->n_nodes; i++) {
		const struct config_node *n = &cfg->nodes[i];

		if (n != a->known && endpoint_equal(&n->at, &a->node.at)) {
			say_error("%s is the address of %s already", a->at, n->name);
			return EXIT_FAILED;
		}
	}
	return EXIT_OK;
}

static bool in_service(const struct hap_server *s)
{
	return !member_drain(s) && !member_maint(s);
}

static int look(struct add *a)
{
	int rc = members_open(a->r->cfg, &a->ms);

	if (rc)
		return rc;
	for (size_t i = 0; i < a->ms.f.n; i++) {
		const struct hap_server *s = member_at(&a->ms, i, a->node.name);
		char was[HAP_ADDRESS];

		if (!s || a->known || hap_server_at(s, &a->node.at))
			continue;
		say_error("%s has %s at %s already; first: wsctl remove %s",
		          a->ms.f.n > 1 ? a->ms.f.v[i].name : "HAProxy", a->node.name,
		          hap_server_address(s, was), a->node.name);
		return EXIT_FAILED;
	}
	return fleet_note(&a->ms.f, a->node.name, &a->note, &a->same) ? EXIT_FAILED : EXIT_OK;
}

/* In reverse. The node itself is left as it is: it only serves whom HAProxy sends. */
static void undo(struct add *a)
{
	bool left = false;

	for (size_t i = 0; i < a->ms.f.n; i++) {
		struct balancer *b = &a->ms.f.v[i];

		if (!a->added[i] || (hap_set_maint(b->cfg, a->node.name) == HAP_OK &&
		                     hap_del(b->cfg, a->node.name, DEL_MS) == HAP_OK))
			continue;
		left = true;
		say_error("can't take %s out of HAProxy again: %s", a->node.name, hap_why());
	}
	if (commit_undo(a->r, &a->commit))
		say_error("%s still has %s; remove it: wsctl remove %s", a->r->cfg->path,
		          a->node.name, a->node.name);
	else
		say(a->r, "%s was not added%s", a->node.name, left ? "" : ", nothing changed");
}

static int dry_run(struct add *a)
{
	char *line = edit_line(&a->node);

	if (!a->known && !a->r->opts.runtime && line)
		say(a->r, "would write \"%s\" to %s and render %s", line, a->r->cfg->path,
		    a->r->cfg->haproxy.file);
	for (size_t i = 0; i < a->ms.f.n; i++)
		if (!a->ms.f.v[i].why[0] && !member_at(&a->ms, i, a->node.name))
			say(a->r, "would add %s to %s", a->node.name,
			    a->ms.f.n > 1 ? a->ms.f.v[i].name : "HAProxy");
	say(a->r, "would wait for its check and send clients; nothing changed");
	free(line);
	return EXIT_OK;
}

/*
 * On every balancer that is reached. One that goes away meanwhile is left to `apply`; a refusal is
 * about the node, and so ends the add.
 */
static int add_each(struct add *a)
{
	for (size_t i = 0; i < a->ms.f.n; i++) {
		struct balancer *b = &a->ms.f.v[i];
		const struct hap_server *s = member_at(&a->ms, i, a->node.name);
		int result;

		/* Also one that is there already: a killed run may have left it with its checks
		 * off. */
		if (b->why[0] || (s && in_service(s)))
			continue;
		result = hap_add(b->cfg, a->node.name);
		if (result == HAP_REFUSED)
			return hap_exit(result);
		if (result == HAP_OK)
			a->added[i] = !s;
		else
			fleet_lost(b, result);
	}
	return fleet_any(&a->ms.f);
}

/* Before clients come: a state that an earlier node of this name left must not hold it back. */
static int write_state(void *arg, struct fleet *f)
{
	struct add *a = arg;

	if (a->r->opts.runtime)
		return EXIT_OK;
	return commit_note(a->r->cfg, f, a->node.name, "add", STATE_READY, whoami());
}

static int run(struct add *a)
{
	const struct config *cfg = a->r->cfg;
	struct fleet *f = &a->ms.f;
	char done[96];
	int rc = EXIT_OK;

	if (!a->known) {
		rc = commit_make(a->r, COMMIT_ADD, &a->node, &a->commit);
		if (rc)
			return rc;
		cfg = a->commit.cfg;
		fleet_look(f);
	} else if ((rc = commit_finish(a->r))) {
		return rc;
	}
	if (a->r->opts.dry_run)
		return dry_run(a);
	rc = fleet_follow(f, cfg);
	if (!rc)
		rc = add_each(a);
	if (!rc)
		rc = interrupted() ? EXIT_INTERRUPTED
		                   : ready_fleet(f, cfg, a->node.name, CHECK_MS, write_state, a);
	if (rc) {
		undo(a);
		return rc;
	}
	commit_keep(a->r);
	audit("add", a->node.name, a->known ? "in the YAML" : "unknown", a->at);
	say(a->r, "%s at %s is up and takes clients%s", a->node.name, a->at,
	    a->r->opts.runtime && !a->known ? "; until HAProxy's next reload" : "");
	snprintf(done, sizeof done, "%s is up", a->node.name);
	return fleet_rest(f, done);
}

/* Already in, as far as the operator is concerned. */
static bool nothing_to_do(const struct add *a)
{
	const struct run *r = a->r;
	bool serves = true;

	if (!a->known && !r->opts.runtime)
		return false;
	for (size_t i = 0; i < a->ms.f.n; i++) {
		const struct hap_server *s = member_at(&a->ms, i, a->node.name);

		if (!s && !a->ms.f.v[i].why[0])
			return false;
		serves = serves && (!s || in_service(s));
	}
	if (a->note.state != STATE_READY) {
		say(r, "%s is in already, %s; back to work: wsctl ready %s", a->node.name,
		    node_state_str(a->note.state), a->node.name);
		return true;
	}
	if (!serves)
		return false;
	say(r, "%s at %s is in already; nothing to do", a->node.name, a->at);
	if (a->known && r->opts.has_weight && r->opts.weight != a->known->weight)
		say(r, "its weight stays %u; change it: wsctl weight %s %u", a->known->weight,
		    a->node.name, r->opts.weight);
	if (a->known && r->opts.has_maxconn && r->opts.maxconn != a->known->maxconn)
		say(r, "its maxconn stays as %s has it", r->cfg->path);
	return true;
}

/* May it be written, and whose file is the rendered one? */
static int refused(struct add *a)
{
	struct run *r = a->r;
	struct fleet *f = &a->ms.f;

	if (a->known || r->opts.runtime)
		return EXIT_OK;
	if (commit_refused(r, COMMIT_ADD, &a->node))
		return EXIT_FAILED;
	for (size_t i = 0; i < f->n; i++)
		if (!f->v[i].why[0] && persist_rendered_check(f->v[i].cfg, false) &&
		    (!fleet_look(f) || !f->v[i].why[0]))
			return EXIT_FAILED;
	return fleet_any(f);
}

static int locked(struct add *a)
{
	struct run *r = a->r;
	struct lock lock = {.fd = -1};
	char lock_name[64], doing[64];
	int rc;

	snprintf(lock_name, sizeof lock_name, "node-%s", a->node.name);
	snprintf(doing, sizeof doing, "add %s", a->node.name);
	rc = r->opts.dry_run ? EXIT_OK : lock_take(r->cfg, lock_name, doing, 0, &lock);
	if (rc)
		return rc;
	rc = identity_check(r, a->node.name, &a->node.at);
	if (!rc)
		rc = run(a);
	if (!r->opts.dry_run)
		lock_drop(&lock);
	return rc;
}

int cmd_add(struct run *r)
{
	struct add a;
	int rc = parse(r, &a);

	if (rc || (rc = compare(&a)) || (rc = resolve(&a)) || (rc = look(&a)))
		goto out;
	if (nothing_to_do(&a)) {
		char done[96];

		snprintf(done, sizeof done, "%s is in", a.node.name);
		rc = fleet_rest(&a.ms.f, done);
	} else {
		rc = refused(&a);
		if (!rc)
			rc = locked(&a);
	}
	if (!rc && !r->opts.dry_run && r->opts.json)
		say_json(json_pack("{s:s, s:s, s:s}", "node", a.node.name, "address", a.at, "state",
		                   node_state_str(a.note.state)));
out:
	members_close(&a.ms);
	commit_free(&a.commit);
	return rc;
}
