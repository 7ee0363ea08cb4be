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
		rc = EXIT_OK;
	else if (persist_write(path, text, len, &old, 0644) == 0)
		rc = EXIT_OK;
	persist_text_free(&old);
	/* The next start reads both: a drained node's port comes from its row there. */
	if (rc == EXIT_OK && strcmp(path, r->cfg->haproxy.file) == 0 && statefile_refresh(r->cfg))
		rc = EXIT_FAILED;
	return rc;
}

int cmd_generate(struct run *r)
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
	if (r->opts.output && r->opts.json && !rc)
		say_json(json_pack("{s:s}", "file", r->opts.output));
	free(text);
	return rc;
}
