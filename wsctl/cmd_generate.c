/*
 * cmd_generate: prints what the configuration renders to, byte for byte, or writes it to a file; or
 * the part of the YAML that one node's host needs. Asks nobody: not HAProxy, not the network.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/errs.h"
#include "cmd.h"
#include "members.h"
#include "node_yaml.h"
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

/* Secrets go by themselves: the YAML only names them. */
static void say_secrets(struct run *r)
{
	const char *const files[] = {r->cfg->redis.password_file, r->cfg->auth.token_file,
	                             r->cfg->auth.jwt_key_file};
	const struct endpoint *redis = &r->cfg->redis.url.at;

	for (size_t i = 0; i < 3; i++)
		if (files[i])
			say(r,
			    "note: copy the secret %s there too, beside the YAML, for its user "
			    "alone",
			    files[i]);
	if (redis->is_unix || !strncmp(redis->host, "127.", 4) ||
	    !strcmp(redis->host, "localhost") || !strcmp(redis->host, "::1"))
		say(r,
		    "note: redis.url is of this host alone; from another one it is another Redis");
}

/* To stdout, or as a whole to a file that isn't somebody's configuration already. */
static int put_node(struct run *r, const char *text)
{
	struct file_text old;
	int rc = EXIT_FAILED;

	if (!r->opts.output) {
		fputs(text, stdout);
		return EXIT_OK;
	}
	if (persist_read(r->opts.output, true, &old))
		return EXIT_FAILED;
	if (old.exists && old.len && strcmp(old.p, text) != 0 && !r->opts.overwrite)
		say_error("%s: there is a file already; discard it: --overwrite", r->opts.output);
	else if (!persist_write(r->opts.output, text, strlen(text), &old, 0644))
		rc = EXIT_OK;
	persist_text_free(&old);
	return rc;
}

static int generate_node(struct run *r)
{
	const char *name = r->opts.nodes.n ? r->opts.nodes.v[0] : NULL, *why;
	struct endpoint listen;
	struct file_text yaml;
	struct errs errs = {0};
	char *text;
	int rc;

	if (r->opts.nodes.n != 1 || !r->opts.listen) {
		say_error("generate for a node takes one --node NAME and --listen ADDRESS");
		return EXIT_USAGE;
	}
	rc = member_name_check(name);
	if (rc)
		return rc;
	if (endpoint_parse(r->opts.listen, true, &listen, &why)) {
		say_error("--listen \"%.60s\" %s; such as :8081", r->opts.listen, why);
		return EXIT_USAGE;
	}
	if (persist_read(r->cfg->path, false, &yaml))
		return EXIT_FAILED;
	text = node_yaml(r->cfg, yaml.p, name, &listen, &errs);
	if (!text)
		say_errs(&errs, r->cfg->path);
	errs_free(&errs);
	persist_text_free(&yaml);
	rc = text ? put_node(r, text) : EXIT_FAILED;
	free(text);
	if (!rc)
		say_secrets(r);
	return rc;
}

int cmd_generate(struct run *r)
{
	if (r->opts.nodes.n || r->opts.listen) {
		int node_rc = generate_node(r);

		if (!node_rc && r->opts.output && r->opts.json)
			say_json(json_pack("{s:s}", "file", r->opts.output));
		return node_rc;
	}
	const char *file = r->opts.output;
	bool live = file && strcmp(file, r->cfg->haproxy.file) == 0;
	int rc = live ? generate_live(r) : generate(r);
	if (file && r->opts.json && !rc)
		say_json(json_pack("{s:s}", "file", file));
	return rc;
}
