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
	struct lock lock;
	int rc;

	if (r->opts.dry_run || r->opts.runtime)
		return EXIT_OK;
	rc = lock_take(r->cfg, "edit", "finish", LOCK_MS, &lock);
	if (rc)
		return rc;
	if (persist_rendered(r->cfg, false))
		rc = EXIT_FAILED;
	lock_drop(&lock);
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
	if (now.len != strlen(c->text) || memcmp(now.p, c->text, now.len) != 0)
		say_error("%s: changed by someone else meanwhile; undo the edit by hand", path);
	else if (!persist_write(path, c->yaml.p, c->yaml.len, &now, 0644) &&
	         (!c->rendered.exists ||
	          !persist_write(file, c->rendered.p, c->rendered.len, NULL, 0644)))
		rc = 0;
	if (!rc && !c->rendered.exists)
		remove(file);
	persist_text_free(&now);
	c->written = false;
out:
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
