/*
 * plan_gather: the questions behind a plan: files and state of each balancer, its servers, and what
 * it says that it has loaded. Changes nothing.
 */
#include "plan_gather.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "ctl.h"
#include "members.h"
#include "pristine.h"

/* Of a file that can't be read nothing is said but its cause, which persist has printed. */
static int files(struct balancer *b, struct plan_live *l, struct file_text *file,
                 struct file_text *notes)
{
	char *path = render_state_path(b->cfg);
	int rc = -1;

	if (!path) {
		say_error("out of memory");
		return -1;
	}
	if (persist_read_of(b->cfg, b->cfg->haproxy.file, true, file) ||
	    persist_read_of(b->cfg, path, true, notes))
		goto out;
	if (file->exists && file->len) {
		l->file = file->p;
		l->is = render_verify(file->p, file->len);
		l->pristine = b->here && pristine(b->cfg->haproxy.file, file->p, file->len);
	}
	if (statefile_parse(notes->p, &l->notes))
		say_error("out of memory");
	else
		rc = 0;
out:
	free(path);
	return rc;
}

/* Whether what runs was rendered from what today's YAML says, but for the servers. */
static int loaded(const struct config *view, struct plan_live *l)
{
	char text[256], *hash;
	struct render_ident ident;

	if (render_ident(view, &ident))
		return HAP_AWAY;
	if (view->haproxy.own == OWN_BACKEND) {
		l->loaded = l->servers.be_id < 0 || l->servers.be_id == ident.id;
		return HAP_OK;
	}
	int result = hap_info(view, "description", text, sizeof text);

	hash = strrchr(text, ' ');
	l->loaded = result == HAP_OK && hash && !strcmp(hash + 1, ident.hash);
	return result;
}

/* How many clients a server that goes has on old workers; none where these can't be seen. */
static void old(const struct config *view, struct plan_live *l)
{
	l->old = calloc(l->servers.n ? l->servers.n : 1, sizeof *l->old);
	for (size_t i = 0; l->old && i < l->servers.n; i++) {
		struct hap_workers w = {0};

		if (config_node(view, l->servers.v[i].name))
			continue;
		if (hap_old_workers(view, l->servers.v[i].name, &w) == HAP_OK)
			l->old[i] = w.tunnels;
		hap_workers_free(&w);
	}
}

static int live(struct balancer *b, struct plan_live *l)
{
	int result = hap_servers(b->cfg, &l->servers);

	/* It answers, and lacks our backend. */
	if (result == HAP_REFUSED && strstr(hap_why(), "has no backend")) {
		l->reached = true;
		return HAP_OK;
	}
	if (result == HAP_OK)
		result = loaded(b->cfg, l);
	l->reached = l->backend = result == HAP_OK;
	if (l->reached)
		old(b->cfg, l);
	return result;
}

/* The newest word on each node counts on every balancer. 0, or -1: out of memory. */
static int agree(const struct statefile *own, struct statefile *agreed)
{
	for (size_t i = 0; i < own->n; i++) {
		const struct statefile_note *n = &own->v[i];
		const struct node_note *was = statefile_get(agreed, n->node);

		if ((!was || n->note.since > was->since) &&
		    statefile_set(agreed, n->node, n->note.state, n->note.since, n->note.by))
			return -1;
	}
	return 0;
}

/* What is held of a balancer while all are compared. */
struct held {
	struct plan_live live;
	struct file_text file, notes;
	bool read;
};

static int gather(struct fleet *f, bool may_remove, struct held *v, struct statefile *agreed)
{
	for (size_t i = 0; i < f->n; i++) {
		struct balancer *b = &f->v[i];
		struct held *h = &v[i];
		int result;

		h->live = (struct plan_live){.i = i,
		                             .now = (int64_t)time(NULL),
		                             .agreed = agreed,
		                             .may_remove = may_remove};
		if (!fleet_files(b))
			continue;
		if (files(b, &h->live, &h->file, &h->notes)) {
			fleet_look(f);
			if (!b->why[0])
				return -1;
			b->said = true;
			continue;
		}
		h->read = true;
		if (agree(&h->live.notes, agreed)) {
			say_error("out of memory");
			return -1;
		}
		result = b->why[0] ? HAP_OK : live(b, &h->live);
		if (result != HAP_OK)
			fleet_lost(b, result);
	}
	return 0;
}

int plan_gather(const struct config *cfg, struct fleet *f, bool may_remove, struct plan *out)
{
	struct held *v = calloc(f->n, sizeof *v);
	struct statefile agreed = {0};
	char *want = render(cfg);
	int rc = EXIT_FAILED;

	*out = (struct plan){0};
	if (!want || !v)
		say_error("out of memory");
	else if (!gather(f, may_remove, v, &agreed))
		rc = EXIT_OK;
	for (size_t i = 0; v && i < f->n; i++) {
		if (!rc && v[i].read)
			plan_compare(cfg, want, &v[i].live, out);
		hap_servers_free(&v[i].live.servers);
		free(v[i].live.old);
		statefile_free(&v[i].live.notes);
		persist_text_free(&v[i].file);
		persist_text_free(&v[i].notes);
	}
	if (out->oom) {
		say_error("out of memory");
		rc = EXIT_FAILED;
	}
	statefile_free(&agreed);
	free(want);
	free(v);
	return rc;
}

void plan_notes(const struct run *r)
{
	struct ctl_replies replies;
	char hash[CONFIG_HASH];
	size_t i;
	json_t *o;

	if (ctl_ask(r->cfg, NULL, request_new("report"), 1000, &replies)) {
		say(r, "note: %s; the nodes' own configuration isn't compared", ctl_why());
		return;
	}
	config_hash(r->cfg, hash);
	json_array_foreach(replies.v, i, o)
	{
		const char *theirs = reply_str(o, "config"), *name = reply_str(o, "node");

		if (*theirs && strcmp(theirs, hash) != 0 && config_node(r->cfg, name))
			say(r,
			    "note: %s runs with other redis, auth or channels keys than %s has: "
			    "copy "
			    "it there, then systemctl reload wsnode@%s",
			    name, r->cfg->path, name);
	}
	ctl_replies_free(&replies);
}
