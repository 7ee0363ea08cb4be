/*
 * wsctl init: a first wscale.yaml from a few flags, commented, and what to type next. Looks at
 * haproxy.cfg only to decide whether all of it can be ours. What it writes it has parsed before.
 */
#include <errno.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/buf.h"
#include "../lib/errs.h"
#include "cmd.h"
#include "persist.h"
#include "pristine.h"
#include "render.h"

#define HAPROXY_CFG "/etc/haproxy/haproxy.cfg"

struct init {
	struct run *r;
	const char *path;
	enum own own;
	const char *because; /* of own */
	struct buf text;
	struct buf wsctl; /* "wsctl", or with the -c that was given, as it can be typed */
};

/* How far an option's text is shown. */
#define SHOWN "%.80s"

/* Flags become words of a YAML: nothing in them may end one. */
static int plain(const char *option, const char *value)
{
	for (const char *p = value; p && *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"\\'#{},", *p)) {
			say_error("--%s \"%.60s\" holds what doesn't belong there", option, value);
			return EXIT_USAGE;
		}
	return EXIT_OK;
}

/* The i-th --node, by itself and beside those before it. 0; -1, printed. */
static int node(const struct texts *nodes, struct endpoint *at, size_t i)
{
	const char *own = nodes->v[i], *eq = strchr(own, '='), *why;
	size_t len = (size_t)(eq - own);
	char name[NODE_NAME_MAX + 1] = "";

	if (len <= NODE_NAME_MAX)
		memcpy(name, own, len);
	if (!len)
		say_error("--node " SHOWN ": a name is missing in front of the =", own);
	else if (!node_name_valid(name))
		say_error("--node " SHOWN ": \"%.*s\" can't be a node's name: 1 to %d of A-Z a-z "
		          "0-9 _ -",
		          own, (int)(len < 60 ? len : 60), own, NODE_NAME_MAX);
	else if (!eq[1])
		say_error("--node " SHOWN ": an address is missing behind the =", own);
	else if (endpoint_parse(eq + 1, false, &at[i], &why))
		say_error("--node " SHOWN ": address \"%.60s\" %s", own, eq + 1, why);
	else {
		for (size_t k = 0; k < i; k++) {
			const char *other = nodes->v[k];

			if (!strncmp(own, other, len + 1)) {
				say_error("--node " SHOWN ": %s is there already: --node " SHOWN,
				          own, name, other);
				return -1;
			}
			if ((at[k].port || at[k].is_unix) && endpoint_equal(&at[i], &at[k])) {
				say_error("--node " SHOWN ": the address of --node " SHOWN, own,
				          other);
				return -1;
			}
		}
		return 0;
	}
	return -1;
}

static int nodes(const struct texts *v)
{
	struct endpoint *at = calloc(v->n ? v->n : 1, sizeof *at);
	int rc = EXIT_OK;

	if (!at) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < v->n; i++)
		if (node(v, at, i))
			rc = EXIT_USAGE;
	free(at);
	return rc;
}

static int flags(const struct run *r)
{
	const struct opts *o = &r->opts;

	if (plain("cluster", o->cluster) || plain("redis", o->redis) || plain("bind", o->bind))
		return EXIT_USAGE;
	for (size_t i = 0; i < o->nodes.n; i++) {
		if (plain("node", o->nodes.v[i]))
			return EXIT_USAGE;
		if (!strchr(o->nodes.v[i], '=')) {
			say_error("--node %.60s must be NAME=ADDRESS, such as ws1=127.0.0.1:8081",
			          o->nodes.v[i]);
			return EXIT_USAGE;
		}
	}
	if (o->own && strcmp(o->own, "all") != 0 && strcmp(o->own, "backend") != 0) {
		say_error("--own %.60s must be all or backend", o->own);
		return EXIT_USAGE;
	}
	return nodes(&o->nodes);
}

/* 0, or -1: the file can't be read, printed. */
static int choose(struct init *in)
{
	const char *asked = in->r->opts.own;
	struct file_text cfg;

	if (asked) {
		in->own = strcmp(asked, "all") ? OWN_BACKEND : OWN_ALL;
		in->because = "as asked";
		return 0;
	}
	if (persist_read(HAPROXY_CFG, true, &cfg))
		return -1;
	in->own = OWN_ALL;
	if (!cfg.exists || !cfg.len)
		in->because = "since there is no " HAPROXY_CFG;
	else if (render_verify(cfg.p, cfg.len) != RENDERED_FOREIGN)
		in->because = "since wsctl wrote " HAPROXY_CFG;
	else if (pristine(HAPROXY_CFG, cfg.p, cfg.len))
		in->because = "since nobody has changed the package's " HAPROXY_CFG;
	else
		in->own = OWN_BACKEND, in->because = "since " HAPROXY_CFG " has sites of yours";
	persist_text_free(&cfg);
	return 0;
}

static void write_nodes(struct init *in)
{
	const struct texts *nodes = &in->r->opts.nodes;

	buf_str(&in->text,
	        "\n# NAME: ADDRESS, or { address, weight, maxconn }. wsctl add and remove "
	        "edit these lines.\nnodes:\n");
	if (!nodes->n)
		buf_str(&in->text, "  ws1: 127.0.0.1:8081\n");
	for (size_t i = 0; i < nodes->n; i++) {
		const char *eq = strchr(nodes->v[i], '=');
		bool quote = eq[1] == '[' || eq[1] == '*' || eq[1] == '&' || eq[1] == '!';

		buf_printf(&in->text, "  %.*s: %s%s%s\n", (int)(eq - nodes->v[i]), nodes->v[i],
		           quote ? "\"" : "", eq + 1, quote ? "\"" : "");
	}
}

static void write_text(struct init *in)
{
	const struct opts *o = &in->r->opts;
	struct buf *b = &in->text;
	bool all = in->own == OWN_ALL;

	buf_printf(
		b,
		"# One WebSocket cluster; wsctl and every wsnode read this. What stands behind a "
		"# is the\n"
		"# default, or a possibility: man wscale.yaml. After a change: wsctl apply\n"
		"cluster: %s                      # prefix of every Redis name\n\n"
		"redis:\n"
		"  url: %s\n"
		"  # password_file: redis.password  # a file beside this one\n\n"
		"haproxy:\n"
		"  own: %s\n",
		o->cluster ? o->cluster : "wscale", o->redis ? o->redis : "redis://127.0.0.1:6379",
		all ? "all                         # all of " HAPROXY_CFG
		    : "backend                     # a fragment beside sites of your own");
	if (all) {
		buf_printf(b,
		           "  bind: \"%s\"\n"
		           "  # tls: { bind: \":443\", cert: /etc/haproxy/site.pem }\n"
		           "  # maxconn: 8000                # clients in all\n",
		           o->bind ? o->bind : ":80");
		if (getpwnam("haproxy"))
			buf_str(b, "  user: haproxy\n  group: haproxy\n");
	} else {
		buf_str(b, "  # file: /etc/haproxy/conf.d/wscale.cfg\n");
	}
	buf_str(b, "\n"
	           "# node:\n"
	           "#   max_clients: 20000             # of one node\n"
	           "#   drain: { rate: 200/s, grace: 5s, deadline: 2m }\n\n"
	           "# auth:                             # with it, every client needs a token\n"
	           "#   token_file: shared.token\n\n"
	           "# channels:\n"
	           "#   rules:                          # the first match wins\n"
	           "#     - { match: \"news:*\", history: { size: 100, ttl: 1h } }\n");
	write_nodes(in);
}

/* Parses what would be written; the flags are what can be wrong. */
static struct config *parse(const struct init *in)
{
	struct errs errs = {0};
	struct config *cfg = config_parse(in->text.p, in->text.len, in->path, &errs);

	/* Lines and columns of a file that isn't there would say nothing. */
	if (!cfg)
		say_errs(&errs, NULL);
	errs_free(&errs);
	return cfg;
}

static int make_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash && slash != path ? strndup(path, (size_t)(slash - path)) : NULL;
	int rc = 0;

	if (dir && mkdir(dir, 0755) && errno != EEXIST) {
		say_error("%s: can't make the directory: %s%s", dir, strerror(errno),
		          errno == EACCES ? "; use sudo" : "");
		rc = -1;
	}
	free(dir);
	return rc;
}

/* What is typed next is about the same file. */
static void write_wsctl(struct init *in)
{
	const char *file = in->r->opts.config;
	bool quote = file &&
	             (!*file || strcspn(file, " \t\n'\"\\$*?;&|<>()[]{}#~!`") != strlen(file));

	buf_str(&in->wsctl, file ? "wsctl -c " : "wsctl");
	buf_str(&in->wsctl, quote ? "'" : "");
	for (const char *p = file; p && *p; p++)
		if (*p == '\'')
			buf_str(&in->wsctl, "'\\''");
		else
			buf_add(&in->wsctl, p, 1);
	buf_str(&in->wsctl, quote ? "'" : "");
}

/* On one line, which a file's name would make too long. */
static void steps(const struct run *r, const char *wsctl, const char *first, const char *then)
{
	if (!r->opts.config) {
		say(r, "  %s%swsctl %s && wsctl doctor", first, *first ? " && " : "", then);
		return;
	}
	if (*first)
		say(r, "  %s", first);
	say(r, "  %s %s", wsctl, then);
	say(r, "  %s doctor", wsctl);
}

static void next(const struct init *in, const struct config *cfg)
{
	const struct run *r = in->r;
	const char *wsctl = in->wsctl.p;
	const char *be = cfg->haproxy.backend, *file = cfg->haproxy.file;

	say(r, "next:");
	for (size_t i = 0; i < cfg->n_nodes; i++)
		say(r, "  systemctl enable --now wsnode@%s%s", cfg->nodes[i].name,
		    i ? "" : "      # on its host");
	if (cfg->haproxy.own == OWN_ALL) {
		steps(r, wsctl, "", "apply");
		return;
	}
	say(r, "  mkdir -p %.*s", (int)(strrchr(file, '/') - file), file);
	say(r, "  %s generate -o %s", wsctl, file);
	say(r, "  # in your frontend, in " HAPROXY_CFG ":");
	say(r, "  #   use_backend %s if { req.hdr(Upgrade) -i websocket }", be);
	say(r, "  # in /etc/default/haproxy:");
	say(r, "  #   EXTRAOPTS=\"-S %s -f %s\"", cfg->haproxy.master, file);
	steps(r, wsctl, "systemctl restart haproxy", "plan");
}

static int put(const struct init *in, const struct config *cfg)
{
	const struct run *r = in->r;
	struct file_text old;
	int rc = EXIT_FAILED;

	if (persist_read(in->path, true, &old))
		return EXIT_FAILED;
	if (old.exists && old.len && !r->opts.overwrite) {
		say_error("%s is there already; %s init --overwrite would replace it", in->path,
		          in->wsctl.p);
	} else if (r->opts.dry_run) {
		fwrite(in->text.p, 1, in->text.len, stdout);
		say(r, "would write this to %s; nothing changed", in->path);
		rc = EXIT_OK;
	} else if (!make_dir(in->path) &&
	           !persist_write(in->path, in->text.p, in->text.len, &old, 0644)) {
		say(r, "%s written: own: %s, %s", in->path, in->own == OWN_ALL ? "all" : "backend",
		    in->because);
		next(in, cfg);
		rc = EXIT_OK;
	}
	persist_text_free(&old);
	return rc;
}

int cmd_init(struct run *r)
{
	struct init in = {.r = r, .path = config_path(r->opts.config)};
	struct config *cfg = NULL;
	int rc = flags(r);

	if (rc)
		return rc;
	rc = EXIT_FAILED;
	if (choose(&in))
		goto out;
	write_text(&in);
	write_wsctl(&in);
	if (in.text.oom || in.wsctl.oom) {
		say_error("out of memory");
		goto out;
	}
	cfg = parse(&in);
	rc = cfg ? put(&in, cfg) : EXIT_USAGE;
	if (!rc && r->opts.json && !r->opts.dry_run)
		say_json(json_pack("{s:s, s:s}", "file", in.path, "own",
		                   in.own == OWN_ALL ? "all" : "backend"));
out:
	config_free(cfg);
	buf_free(&in.wsctl);
	buf_free(&in.text);
	return rc;
}
