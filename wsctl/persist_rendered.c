/*
 * persist_rendered: the rendered file on disk: replaced by what the configuration renders to, but
 * never over somebody's work. Whether a file is ours is render's answer; how a file is replaced is
 * persist's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "persist.h"
#include "pristine.h"
#include "reach_verbs.h"
#include "render.h"

/* ":41": the first line that isn't as it was written, if that can still be told; else "". */
static const char *edited_line(const struct config *cfg, const char *text, char out[static 24])
{
	char *was = render(cfg);
	size_t line = 1, i = 0;

	out[0] = '\0';
	/* Written from what the YAML says today: the hash in the first line is the same. */
	if (was && !strncmp(was, text, strcspn(was, "\n") + 1)) {
		for (; was[i] && was[i] == text[i]; i++)
			line += was[i] == '\n';
		snprintf(out, 24, ":%zu", line);
	}
	free(was);
	return out;
}

/* May the file as read be replaced? 0; -1 and a message printed. */
static int ours(const struct config *cfg, const struct file_text *old, bool overwrite)
{
	const char *file = cfg->haproxy.file;
	char line[24];
	/* An empty file holds nobody's work. */
	if (!old->exists || old->len == 0 || overwrite)
		return 0;
	switch (render_verify(old->p, old->len)) {
	case RENDERED_OURS:
		return 0;
	case RENDERED_EDITED:
		say_error("%s%s: edited by hand; keep it in haproxy.extra, or discard: "
		          "wsctl apply --overwrite",
		          file, edited_line(cfg, old->p, line));
		return -1;
	case RENDERED_FOREIGN:
		/* A package's own file that nobody touched holds nobody's work either. */
		if (pristine(file, old->p, old->len))
			return 0;
		break;
	}
	say_error("%s: not written by wsctl; keep it with haproxy.%s, or discard: "
	          "wsctl apply --overwrite",
	          file, cfg->haproxy.own == OWN_ALL ? "own: backend" : "file: another name");
	return -1;
}

int rendered_put(const struct config *cfg, const char *text, bool overwrite)
{
	struct file_text old;
	size_t len = text ? strlen(text) : 0;
	int rc;

	if (persist_read(cfg->haproxy.file, true, &old) != 0)
		return -1;
	rc = ours(cfg, &old, overwrite);
	if (!rc && text && !(old.exists && old.len == len && memcmp(old.p, text, len) == 0))
		rc = persist_write(cfg->haproxy.file, text, len, &old, 0644);
	persist_text_free(&old);
	return rc;
}

static int put_there(const struct config *cfg, const char *text, bool overwrite)
{
	return cfg->haproxy.reach ? reach_render(cfg->haproxy.reach, text, overwrite)
	                          : rendered_put(cfg, text, overwrite);
}

int persist_rendered_check(const struct config *cfg, bool overwrite)
{
	return put_there(cfg, NULL, overwrite);
}

int persist_rendered(const struct config *cfg, bool overwrite)
{
	char *text = render(cfg);
	int rc;

	if (!text) {
		say_error("out of memory");
		return -1;
	}
	rc = put_there(cfg, text, overwrite);
	free(text);
	return rc;
}
