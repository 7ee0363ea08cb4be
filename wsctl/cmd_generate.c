/*
 * cmd_generate: prints what the configuration renders to, byte for byte, or writes it to a file.
 * Asks nobody: not HAProxy, not the network.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "persist.h"
#include "render.h"
#include "statefile.h"

enum { LOCK_MS = 5000 };

/* What HAProxy reads it must read anew; another file is looked at first. */
static int written(struct run *r, const char *path, bool changed)
{
	if (!changed)
		say(r, "%s is up to date", path);
	else if (!strcmp(path, r->cfg->haproxy.file))
		say(r, "%s written; next: systemctl reload haproxy", path);
	else if (r->cfg->haproxy.own == OWN_BACKEND)
		say(r, "%s written; next: give it to HAProxy with a -f of its own", path);
	else
		say(r, "%s written; next: haproxy -c -f %s", path, path);
	return EXIT_OK;
}

static int write_to(struct run *r, const char *path, const char *text)
{
	struct file_text old;
	size_t len = strlen(text);
	int rc = EXIT_FAILED;

	if (persist_read(path, true, &old))
		return EXIT_FAILED;
	enum rendered is = old.exists && old.len ? render_verify(old.p, old.len) : RENDERED_OURS;
	if (is == RENDERED_EDITED && !r->opts.overwrite)
		say_error("%s: edited by hand; keep it in haproxy.extra, or discard: --overwrite",
		          path);
	else if (is == RENDERED_FOREIGN && !r->opts.overwrite)
		say_error("%s: not written by wsctl; name another file, or discard: --overwrite",
		          path);
	else if (old.exists && old.len == len && memcmp(old.p, text, len) == 0)
		rc = written(r, path, false);
	else if (persist_write(path, text, len, &old, 0644) == 0)
		rc = written(r, path, true);
	persist_text_free(&old);
	return rc;
}

static int generate(struct run *r)
{
	char *text = render(r->cfg);
	int rc = EXIT_OK;
	if (!text) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	if (r->opts.output)
		rc = write_to(r, r->opts.output, text);
	else
		fputs(text, stdout); /* main.c sees to a full disk */
	free(text);
	return rc;
}

/* The file that HAProxy reads: not in the middle of another's edit, and from what that one wrote.
 */
static int generate_live(struct run *r)
{
	struct lock lock;
	int rc = lock_take(r->cfg, "edit", "generate", LOCK_MS, &lock);
	if (rc)
		return rc;
	struct config *now = config_reload(r->cfg);
	if (now) {
		config_free(r->cfg);
		r->cfg = now;
	}
	rc = generate(r);
	/* The next start reads both: a drained node's port comes from its row there. */
	if (rc == EXIT_OK && statefile_refresh(r->cfg))
		rc = EXIT_FAILED;
	lock_drop(&lock);
	return rc;
}

int cmd_generate(struct run *r)
{
	const char *file = r->opts.output;
	bool live = file && strcmp(file, r->cfg->haproxy.file) == 0;
	int rc = live ? generate_live(r) : generate(r);
	if (file && r->opts.json && !rc)
		say_json(json_pack("{s:s}", "file", file));
	return rc;
}
