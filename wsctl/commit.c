/*
 * commit: the YAML is the truth about membership, so a change begins there and the rendered files
 * follow in the same breath; that of a balancer which is away follows when it is back. What HAProxy
 * refuses is never written.
 */
#include "commit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/errs.h"
#include "cmd.h"
#include "edit.h"
#include "fleet.h"
#include "generation.h"
#include "render.h"

enum { LOCK_MS = 5000 };

static char *edit(enum commit_kind kind, const char *text, const char *path,
                  const struct config_node *n, struct errs *errs)
{
	switch (kind) {
	case COMMIT_ADD:
		return edit_add(text, path, n, errs);
	case COMMIT_REMOVE:
		return edit_remove(text, path, n->name, errs);
	case COMMIT_WEIGHT:
		return edit_weight(text, path, n->name, n->weight, errs);
	}
	return NULL;
}

static const char *verb(enum commit_kind kind)
{
	return kind == COMMIT_ADD ? "add" : kind == COMMIT_REMOVE ? "remove" : "weight";
}

/* What just failed there, and was printed, is that its connection has ended: others go on. */
static bool gone(struct fleet *f, size_t i)
{
	if (f->n == 1 || !fleet_look(f) || !f->v[i].why[0])
		return false;
	f->v[i].said = true;
	return true;
}

/* Edits, parses the result, and asks every balancer's haproxy about what it renders to. */
static int prepare(const struct run *r, enum commit_kind kind, const struct config_node *n,
                   struct fleet *f, struct commit *c)
{
	const char *path = r->cfg->path;
	struct errs errs = {0};
	char *cfg_text = NULL;
	int rc = EXIT_FAILED;

	c->text = edit(kind, c->yaml.p, path, n, &errs);
	if (c->text)
		c->cfg = config_parse(c->text, strlen(c->text), path, &errs);
	if (!c->cfg) {
		say_errs(&errs, path);
		goto out;
	}
	if (r->opts.runtime) {
		rc = EXIT_OK;
		goto out;
	}
	cfg_text = render(c->cfg);
	if (!cfg_text) {
		say_error("out of memory");
		goto out;
	}
	rc = fleet_follow(f, c->cfg);
	for (size_t i = 0; !rc && i < f->n; i++)
		if (!f->v[i].why[0] && persist_validate(f->v[i].cfg, cfg_text) && !gone(f, i))
			rc = EXIT_FAILED;
out:
	free(cfg_text);
	errs_free(&errs);
	return rc;
}

/* Are the files ours, and may they be replaced? Keeps this host's as it is. */
static int look(struct fleet *f, struct commit *c)
{
	for (size_t i = 0; i < f->n; i++) {
		struct balancer *b = &f->v[i];

		if (b->why[0])
			continue;
		if (b->here && persist_read(b->cfg->haproxy.file, true, &c->rendered))
			return EXIT_FAILED;
		if (persist_rendered_check(b->cfg, false) && !gone(f, i))
			return EXIT_FAILED;
	}
	return EXIT_OK;
}

/* Every balancer's file made to follow the configuration. */
static int render_all(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (!f->v[i].why[0] && persist_rendered(f->v[i].cfg, false) && !gone(f, i))
			return EXIT_FAILED;
	return EXIT_OK;
}

/* The same from the text of a YAML; best effort. -1: not all of it. */
static int render_back(struct fleet *f, const struct file_text *yaml, const char *path)
{
	struct errs errs = {0};
	struct config *old = config_parse(yaml->p, yaml->len, path, &errs);
	int rc = old && !fleet_follow(f, old) && !render_all(f) ? 0 : -1;

	/* The views must not outlive what they look at. */
	fleet_close(f);
	config_free(old);
	errs_free(&errs);
	return rc;
}

static int make(struct run *r, enum commit_kind kind, const struct config_node *n, struct fleet *f,
                struct commit *c)
{
	const char *path = r->cfg->path;
	int rc;

	if (persist_read(path, false, &c->yaml))
		return EXIT_FAILED;
	rc = r->opts.runtime ? EXIT_OK : look(f, c);
	if (!rc)
		rc = prepare(r, kind, n, f, c);
	if (rc || r->opts.dry_run || r->opts.runtime)
		return rc;
	if (persist_write(path, c->text, strlen(c->text), &c->yaml, 0644))
		return EXIT_FAILED;
	c->written = true;
	rc = render_all(f);
	if (rc) {
		persist_write(path, c->yaml.p, c->yaml.len, NULL, 0644);
		render_back(f, &c->yaml, path);
		c->written = false;
	}
	return rc;
}

int commit_make(struct run *r, enum commit_kind kind, const struct config_node *n, struct commit *c)
{
	struct fleet f;
	struct lock lock;
	char doing[64];
	int rc;

	memset(c, 0, sizeof *c);
	c->name = n->name;
	snprintf(doing, sizeof doing, "%s %s", verb(kind), n->name);
	rc = lock_take(r->cfg, "edit", doing, LOCK_MS, &lock);
	if (rc)
		return rc;
	rc = fleet_open(r->cfg, &f);
	if (!rc)
		rc = make(r, kind, n, &f, c);
	fleet_close(&f);
	lock_drop(&lock);
	return rc;
}

int commit_finish(struct run *r)
{
	struct config *now;
	struct fleet f;
	struct lock lock;
	int rc;

	if (r->opts.dry_run || r->opts.runtime)
		return EXIT_OK;
	rc = lock_take(r->cfg, "edit", "finish", LOCK_MS, &lock);
	if (rc)
		return rc;
	/* Who held the lock until now may have changed the YAML. */
	now = config_reload(r->cfg);
	rc = fleet_open(now ? now : r->cfg, &f);
	if (!rc)
		rc = render_all(&f);
	fleet_close(&f);
	config_free(now);
	lock_drop(&lock);
	return rc;
}

/* Others' edits came behind ours: only our own line goes. *yaml becomes the text without it. */
static int undo_line(const char *path, const struct commit *c, const struct file_text *now,
                     struct file_text *yaml)
{
	struct errs errs = {0};
	struct config *old = config_parse(c->yaml.p, c->yaml.len, path, &errs);
	const struct config_node *was = old ? config_node(old, c->name) : NULL;
	char *text = was ? edit_weight(now->p, path, c->name, was->weight, &errs)
	                 : edit_remove(now->p, path, c->name, &errs);
	int rc = -1;

	*yaml = (struct file_text){.p = text, .len = text ? strlen(text) : 0};
	if (!text)
		say_errs(&errs, path);
	else
		rc = persist_write(path, text, yaml->len, now, 0644);
	config_free(old);
	errs_free(&errs);
	return rc;
}

/* This host's file as it was, byte for byte; the others follow the YAML as it was. */
static int undo_all(const struct config *cfg, struct commit *c, const struct file_text *now,
                    struct fleet *f)
{
	const char *file = cfg->haproxy.file;

	if (persist_write(cfg->path, c->yaml.p, c->yaml.len, now, 0644))
		return -1;
	if (f->n > 1)
		return render_back(f, &c->yaml, cfg->path);
	if (c->rendered.exists)
		return persist_write(file, c->rendered.p, c->rendered.len, NULL, 0644);
	if (!f->v[0].here)
		return render_back(f, &c->yaml, cfg->path);
	remove(file);
	return 0;
}

int commit_undo(struct run *r, struct commit *c)
{
	struct file_text now, yaml = {0};
	struct fleet f = {0};
	struct lock lock;
	int rc = -1;

	if (!c->written)
		return 0;
	if (lock_take(r->cfg, "edit", "undo", LOCK_MS, &lock))
		return -1;
	if (persist_read(r->cfg->path, false, &now))
		goto out;
	if (fleet_open(c->cfg, &f))
		goto free_now;
	if (now.len == strlen(c->text) && !memcmp(now.p, c->text, now.len))
		rc = undo_all(c->cfg, c, &now, &f);
	else if (!undo_line(r->cfg->path, c, &now, &yaml))
		rc = render_back(&f, &yaml, r->cfg->path);
	c->written = false;
free_now:
	persist_text_free(&yaml);
	persist_text_free(&now);
out:
	fleet_close(&f);
	lock_drop(&lock);
	return rc;
}

int commit_note(const struct config *cfg, struct fleet *f, const char *node, const char *command,
                enum node_state state, const char *by)
{
	struct lock lock;
	char doing[64];
	int rc;

	snprintf(doing, sizeof doing, "%s %s", command, node);
	rc = lock_take(cfg, "edit", doing, LOCK_MS, &lock);
	if (rc)
		return rc;
	rc = fleet_state(f, node, state, by);
	lock_drop(&lock);
	return rc;
}

int commit_state(const struct config *cfg, const char *node, const char *command,
                 enum node_state state)
{
	struct fleet f;
	int rc = fleet_open(cfg, &f);

	if (!rc)
		rc = commit_note(cfg, &f, node, command, state, whoami());
	fleet_close(&f);
	return rc;
}

void commit_keep(const struct run *r)
{
	struct config *now;
	struct lock lock;

	if (r->opts.dry_run || r->opts.runtime || lock_take(r->cfg, "edit", "keep", LOCK_MS, &lock))
		return;
	now = config_reload(r->cfg);
	if (now)
		generation_keep(now);
	config_free(now);
	lock_drop(&lock);
}

void commit_free(struct commit *c)
{
	config_free(c->cfg);
	free(c->text);
	persist_text_free(&c->yaml);
	persist_text_free(&c->rendered);
	memset(c, 0, sizeof *c);
}

bool commit_refused(struct run *r, enum commit_kind kind, const struct config_node *n)
{
	char *line;

	if (r->cfg->haproxy.edit)
		return false;
	line = edit_line(n);
	if (line) {
		if (!r->opts.json)
			puts(line);
		say_error("haproxy.edit is false: %s the line \"%s\" %s nodes: where %s comes from",
		          kind == COMMIT_REMOVE ? "delete" : "write", line,
		          kind == COMMIT_REMOVE ? "from" : "under", r->cfg->path);
	} else {
		say_error("out of memory");
	}
	free(line);
	return true;
}
