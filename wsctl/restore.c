/*
 * restore: the notes of the state file against HAProxy's servers. A look costs two questions, and
 * none where no node is out of service. Source of the loss: HAProxy's src/server_state.c, which
 * keys the rows by 64 bits and looks for them by an unsigned long.
 */
#include "restore.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"
#include "hap.h"
#include "members.h"
#include "persist.h"
#include "statefile.h"

/*
 * After `systemctl reload haproxy` the old worker may answer for a moment longer. Nobody types it
 * again: the lock is waited for as long as there is any sense in it.
 */
enum { LOCK_MS = 30000, POLL_MS = 200, QUIET_MS = 3000, MOST_MS = 30000 };

struct job {
	const struct run *r;
	const struct config *locks; /* on which balancers the lock is taken */
	const struct config *view;
	json_t *names; /* of those that were brought back; NULL: nobody asks */
	bool noted;    /* the state file says that a node is out of service */
	bool changed;
};

static int server(struct job *j, const struct statefile_note *n)
{
	int result = j->r->opts.dry_run ? HAP_OK : hap_set_drain(j->view, n->node);

	if (result != HAP_OK)
		return result;
	j->changed = true;
	if (j->names)
		json_array_append_new(j->names, json_string(n->node));
	if (!j->r->opts.dry_run)
		audit("restore", n->node, "ready", node_state_str(n->note.state));
	say(j->r, "%s %s no new clients: %s by %s", n->node,
	    j->r->opts.dry_run ? "would get" : "gets", node_state_str(n->note.state),
	    n->note.by[0] ? n->note.by : "someone");
	return HAP_OK;
}

static bool out_of_service(const struct statefile *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].note.state != STATE_READY)
			return true;
	return false;
}

static int compare(struct job *j, const struct statefile *f)
{
	struct hap_servers servers;
	int result = hap_servers(j->view, &servers);

	if (result != HAP_OK)
		return result;
	for (size_t i = 0; i < f->n && result == HAP_OK; i++) {
		const struct hap_server *s = hap_server(&servers, f->v[i].node);

		if (f->v[i].note.state != STATE_READY && s && !member_drain(s) && !member_maint(s))
			result = server(j, &f->v[i]);
	}
	hap_servers_free(&servers);
	return result;
}

/* EXIT_OK; EXIT_AWAY, with hap_why() for the caller to print; or another exit code, printed. */
static int look(struct job *j)
{
	struct statefile f;
	struct lock lock = {.fd = -1};
	int rc, result;

	if (statefile_load(j->view, &f))
		return EXIT_FAILED;
	j->noted = out_of_service(&f);
	statefile_free(&f);
	if (!j->noted)
		return EXIT_OK;
	/* Whoever changes a state holds it from the note to the word to HAProxy. */
	rc = j->r->opts.dry_run ? EXIT_OK
	                        : lock_take(j->locks, "edit", "apply --state", LOCK_MS, &lock);
	if (rc)
		return rc;
	rc = EXIT_FAILED;
	if (!statefile_load(j->view, &f)) {
		result = compare(j, &f);
		rc = result == HAP_AWAY ? EXIT_AWAY : hap_exit(result);
		statefile_free(&f);
	}
	lock_drop(&lock);
	return rc;
}

int restore(const struct run *r, const struct config *view)
{
	struct job j = {.r = r, .locks = r->cfg, .view = view};
	int rc = look(&j);

	return rc == EXIT_AWAY ? hap_exit(HAP_AWAY) : rc;
}

/* A master that begins anew, or is about to, has no new worker yet. */
static bool reloading(const struct config *view)
{
	char *reply;

	if (access(view->haproxy.master, F_OK) != 0)
		return false;
	if (hap_ask(view, HAP_MASTER, &reply, "show proc") != HAP_OK)
		return true;
	free(reply);
	return false;
}

static int watch(struct job *j)
{
	uint64_t until = now_ms() + MOST_MS, quiet = now_ms();

	for (;;) {
		int rc = look(j);

		if (interrupted())
			return EXIT_INTERRUPTED;
		if (!j->noted || (rc && rc != EXIT_AWAY))
			return rc;
		if (rc == EXIT_OK && j->r->opts.dry_run)
			return rc;
		if (rc == EXIT_OK && reloading(j->view))
			quiet = now_ms();
		if (now_ms() >= until || now_ms() - quiet >= QUIET_MS)
			return rc == EXIT_AWAY ? hap_exit(HAP_AWAY) : rc;
		if (pause_ms(POLL_MS))
			return EXIT_INTERRUPTED;
	}
}

int restore_here(struct run *r)
{
	struct config_balancer local = {0};
	struct config view = *r->cfg;
	struct job j = {.r = r, .locks = &view, .view = &view};
	int rc;

	if (!view.haproxy.balancer) {
		say_error("none of haproxy.balancers is local: --state is for a balancer's own "
		          "host");
		return EXIT_FAILED;
	}
	/* It runs while this host boots: the others are neither waited for nor locked. */
	for (size_t i = 0; i < view.haproxy.n_balancers; i++)
		if (!view.haproxy.balancers[i].ssh)
			local = view.haproxy.balancers[i];
	view.haproxy.balancers = &local;
	view.haproxy.n_balancers = 1;
	j.names = r->opts.json ? json_array() : NULL;
	rc = watch(&j);
	if (!rc && !j.changed)
		say(r, "nothing to do");
	if (!rc && r->opts.json)
		say_json(json_pack("{s:b, s:O}", "dry_run", r->opts.dry_run, "drained", j.names));
	json_decref(j.names);
	return rc;
}
