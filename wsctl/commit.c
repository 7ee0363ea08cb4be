/*
 * commit: the YAML is the truth about membership, so a change begins there and the rendered file
 * follows in the same breath. What HAProxy refuses is never written.
 */
#include "commit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/errs.h"
#include "cmd.h"
#include "edit.h"
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

/* Edits, parses the result, and asks haproxy about what it renders to. */
static int prepare(const struct run *r, enum commit_kind kind, const struct config_node *n,
                   struct commit *c)
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
	if (!persist_validate(c->cfg, cfg_text))
		rc = EXIT_OK;
out:
	free(cfg_text);
	errs_free(&errs);
	return rc;
}

int commit_make(struct run *r, enum commit_kind kind, const struct config_node *n, struct commit *c)
{
	const char *path = r->cfg->path;
	struct lock lock;
	char doing[64];
	int rc;

	memset(c, 0, sizeof *c);
	c->name = n->name;
	snprintf(doing, sizeof doing, "%s %s", verb(kind), n->name);
	rc = lock_take(r->cfg, "edit", doing, LOCK_MS, &lock);
	if (rc)
		return rc;
	rc = EXIT_FAILED;
	if (persist_read(path, false, &c->yaml))
		goto out;
	if (!r->opts.runtime && (persist_read(r->cfg->haproxy.file, true, &c->rendered) ||
	                         persist_rendered_check(r->cfg, false)))
		goto out;
	rc = prepare(r, kind, n, c);
	if (rc || r->opts.dry_run || r->opts.runtime)
		goto out;
	rc = EXIT_FAILED;
	if (persist_write(path, c->text, strlen(c->text), &c->yaml, 0644))
		goto out;
	c->written = true;
	if (persist_rendered(c->cfg, false)) {
		persist_write(path, c->yaml.p, c->yaml.len, NULL, 0644);
		c->written = false;
		goto out;
	}
	rc = EXIT_OK;
out:
	lock_drop(&lock);
	return rc;
}

int commit_finish(struct run *r)
{
	struct config *now;
	struct lock lock;
	int rc;

	if (r->opts.dry_run || r->opts.runtime)
		return EXIT_OK;
	rc = lock_take(r->cfg, "edit", "finish", LOCK_MS, &lock);
	if (rc)
		return rc;
	/* Who held the lock until now may have changed the YAML. */
	now = config_reload(r->cfg);
	if (persist_rendered(now ? now : r->cfg, false))
		rc = EXIT_FAILED;
	config_free(now);
	lock_drop(&lock);
	return rc;
}

/* Others' edits came behind ours: only our own line goes, and the rendered file follows. */
static int undo_line(const struct run *r, const struct commit *c, const struct file_text *now)
{
	const char *path = r->cfg->path;
	struct errs errs = {0};
	struct config *old = config_parse(c->yaml.p, c->yaml.len, path, &errs), *cfg = NULL;
	const struct config_node *was = old ? config_node(old, c->name) : NULL;
	char *text = was ? edit_weight(now->p, path, c->name, was->weight, &errs)
	                 : edit_remove(now->p, path, c->name, &errs);
	int rc = -1;

	if (text)
		cfg = config_parse(text, strlen(text), path, &errs);
	if (!cfg)
		say_errs(&errs, path);
	else if (!persist_write(path, text, strlen(text), now, 0644) &&
	         !persist_rendered(cfg, false))
		rc = 0;
	free(text);
	config_free(cfg);
	config_free(old);
	errs_free(&errs);
	return rc;
}

int commit_undo(struct run *r, struct commit *c)
{
	const char *path = r->cfg->path, *file = c->cfg ? c->cfg->haproxy.file : NULL;
	struct file_text now;
	struct lock lock;
	int rc = -1;

	if (!c->written)
		return 0;
	if (lock_take(r->cfg, "edit", "undo", LOCK_MS, &lock))
		return -1;
	if (persist_read(path, false, &now))
		goto out;
	if (now.len != strlen(c->text) || memcmp(now.p, c->text, now.len) != 0) {
		rc = undo_line(r, c, &now);
	} else if (!persist_write(path, c->yaml.p, c->yaml.len, &now, 0644) &&
	           (!c->rendered.exists ||
	            !persist_write(file, c->rendered.p, c->rendered.len, NULL, 0644))) {
		rc = 0;
		if (!c->rendered.exists)
			remove(file);
	}
	persist_text_free(&now);
	c->written = false;
out:
	lock_drop(&lock);
	return rc;
}

int commit_state(const struct config *cfg, const char *node, const char *command,
                 enum node_state state)
{
	struct lock lock;
	char doing[64];
	int rc;

	snprintf(doing, sizeof doing, "%s %s", command, node);
	rc = lock_take(cfg, "edit", doing, LOCK_MS, &lock);
	if (rc)
		return rc;
	rc = state_write(cfg, node, state, whoami()) ? EXIT_FAILED : EXIT_OK;
	lock_drop(&lock);
	return rc;
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
