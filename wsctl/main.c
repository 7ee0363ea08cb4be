/*
 * main: from argv to one command and its exit status. The only file that exits.
 * A write to stdout that failed (full disk) is a failure of the command; a reader that went away
 * (SIGPIPE) is one without words.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/errs.h"
#include "cmd.h"
#include "opts.h"
#include "reach.h"

static int usage(const struct command *c)
{
	usage_print(stderr, c);
	return EXIT_USAGE;
}

static int unknown_command(const char *name)
{
	const char *names[64] = {0};
	const char *near;
	size_t n = 0;

	for (const struct command *c = commands; c->name && n < 63; c++)
		names[n++] = c->name;
	near = opts_nearest(name, names);
	if (near)
		say_error("unknown command \"%s\", did you mean \"%s\"?", name, near);
	else
		say_error("unknown command \"%s\"; wsctl help lists them", name);
	return EXIT_USAGE;
}

static int load(struct run *r)
{
	struct errs errs = {0};
	const char *path = config_path(r->opts.config);

	r->cfg = config_load(path, &errs);
	if (!r->cfg) {
		errs_sort(&errs);
		say_errs(&errs, path);
		if (access(path, F_OK) && errno == ENOENT)
			say(r, "a first one is written by: wsctl init");
		if (errs.n > 1)
			fprintf(stderr, "wsctl: %zu errors, nothing changed\n", errs.n);
	}
	errs_free(&errs);
	return r->cfg ? EXIT_OK : EXIT_CONFIG;
}

static int dispatch(struct run *r, const struct parsed *p)
{
	const struct command *c;
	const char *bad;
	int rc;

	if (p->version)
		return cmd_version(r);
	if (!p->argc) {
		if (r->opts.help)
			return cmd_help(r);
		say_error("which command? wsctl help lists them");
		return EXIT_USAGE;
	}
	c = command_find(p->argv[0]);
	if (!c)
		return unknown_command(p->argv[0]);
	if (r->opts.help) {
		r->argc = 1;
		r->argv = p->argv;
		return cmd_help(r);
	}
	r->argc = p->argc - 1;
	r->argv = p->argv + 1;
	bad = opts_refused(p, c->options, c->mutates);
	if (bad) {
		say_error("%s takes no %s", c->name, bad);
		return usage(c);
	}
	if (r->argc < c->min_args || r->argc > c->max_args) {
		if (r->argc < c->min_args)
			say_error("%s needs %s", c->name, c->args);
		else
			say_error("%s: one argument too many: \"%s\"", c->name,
			          r->argv[c->max_args]);
		return usage(c);
	}
	if (c->needs_config && (rc = load(r)))
		return rc;
	return c->run(r);
}

/* A failed command under --json still gives its reader one object. */
static void json_failure(int rc)
{
	const char *why;

	if (!said_error(&why))
		why = rc == EXIT_INTERRUPTED ? "interrupted" : "failed";
	say_json(json_pack("{s:b, s:s, s:i}", "ok", 0, "error", why, "exit", rc));
}

/* Of an error amid the output stdio forgets the cause; a pipe without a reader still shows it. */
static bool reader_left(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

static int flush(int rc)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fflush(stdout))
		failed = true;
	if (!failed)
		return rc;
	if (errno != EPIPE && !reader_left())
		say_error("can't write the output: %s", strerror(errno ? errno : EIO));
	return rc ? rc : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct run r = {0};
	struct parsed p;
	int rc;

	interrupts_catch();
	if (opts_parse(argc > 0 ? argc - 1 : 0, argv + 1, &r.opts, &p)) {
		say_error("%s", p.why);
		rc = EXIT_USAGE;
	} else {
		rc = dispatch(&r, &p);
	}
	if (r.opts.json && rc && !said_json())
		json_failure(rc);
	if (r.opts.json && !rc && r.opts.dry_run && !said_json())
		say_json(json_pack("{s:b}", "dry_run", 1));
	rc = flush(rc);
	reach_end();
	config_free(r.cfg);
	opts_free(&p);
	return rc;
}
