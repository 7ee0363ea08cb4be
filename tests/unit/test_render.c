/*
 * test_render: the rendering is a pure function with a hash by which an edit by hand shows, and an
 * identity that changes with everything but the servers. The golden files are render.bats's.
 */
#include <stdlib.h>

#include "../../lib/buf.h"
#include "../../lib/errs.h"
#include "../../wsctl/render.h"
#include "../../wsctl/render_int.h"
#include "tap.h"

static struct config *config(const char *yaml)
{
	struct errs errs = {0};
	struct config *cfg = config_parse(yaml, strlen(yaml), "t.yaml", &errs);
	errs_print(&errs, stdout, "# test", "t.yaml");
	errs_free(&errs);
	return cfg;
}

static char *rendered(const char *yaml)
{
	struct config *cfg = config(yaml);
	char *text = cfg ? render(cfg) : NULL;
	config_free(cfg);
	return text ? text : strdup("");
}

static bool has(const char *yaml, const char *want)
{
	char *text = rendered(yaml);
	bool found = strstr(text, want) != NULL;
	if (!found)
		tap_show("rendered", text);
	free(text);
	return found;
}

static bool lacks(const char *yaml, const char *what)
{
	char *text = rendered(yaml);
	bool found = strstr(text, what) != NULL;
	free(text);
	return !found;
}

static char *identity(const char *yaml)
{
	char *text = rendered(yaml);
	const char *line = strstr(text, "\tdescription ");
	char *id = line ? strndup(line, strcspn(line, "\n")) : strdup("(none)");
	free(text);
	return id;
}

static bool same_identity(const char *a, const char *b)
{
	char *x = identity(a), *y = identity(b);
	bool same = strcmp(x, y) == 0 && strcmp(x, "(none)") != 0;
	free(x);
	free(y);
	return same;
}

#define NODE "nodes: { ws1: 10.0.0.1:80 }\n"

static void test_verify(void)
{
	char *text = rendered(NODE), *twice = rendered(NODE);
	size_t len = strlen(text);
	ok(len && strcmp(text, twice) == 0, "the same YAML, the same bytes");
	ok(render_verify(text, len) == RENDERED_OURS, "ours");
	text[len - 2] ^= 1;
	ok(render_verify(text, len) == RENDERED_EDITED, "one bit: edited");
	text[len - 2] ^= 1;
	ok(render_verify(text, len - 1) == RENDERED_EDITED, "a lost line end: edited");
	ok(render_verify(text, 60) == RENDERED_FOREIGN, "half of the first line: not ours");
	char *nl = strchr(text, '\n');
	*nl = ' ';
	ok(render_verify(text, len) == RENDERED_EDITED, "the first line continued: edited");
	ok(render_verify("global\n", 7) == RENDERED_FOREIGN, "somebody's own");
	ok(render_verify("", 0) == RENDERED_FOREIGN, "nothing");
	free(text);
	free(twice);
}

static void test_identity(void)
{
	ok(same_identity(NODE,
	                 "nodes: { ws1: 10.0.0.1:80, ws2: { address: 10.0.0.2:80, weight: 3 } }\n"),
	   "servers don't change the identity: they come over the socket");
	ok(!same_identity(NODE, "haproxy: { bind: \":8080\" }\n" NODE), "a bind does");
	ok(!same_identity(NODE, "node: { ping: 10s }\n" NODE), "a timeout does");
}

static void test_lines(void)
{
	ok(has(NODE, "\ttimeout tunnel 75s\n"), "a tunnel may be silent for three pings");
	ok(has("node: { ping: 1h }\n" NODE, "\ttimeout tunnel 3h\n"), "also long ones");
	ok(has(NODE,
	       "\tserver ws1 10.0.0.1:80 check inter 2s fastinter 500ms downinter 1s fall 3 rise 2 "
	       "weight 100 maxconn 20000\n"),
	   "a server says every keyword");
	ok(has("nodes: { a: { address: \"[::1]:80\", weight: 7, maxconn: 9 } }\n",
	       "server a [::1]:80 check"),
	   "IPv6");
	ok(has("nodes: { a: { address: \"h:80\", weight: 7, maxconn: 9 } }\n",
	       " weight 7 maxconn 9\n"),
	   "its own weight and maxconn");
	ok(has("nodes: { a: unix:/run/a.sock }\n", "server a unix@/run/a.sock check"),
	   "a Unix socket");
	ok(has("haproxy: { chroot: /var/lib/haproxy/ }\nnodes: { a: unix:/var/lib/haproxy/a.sock "
	       "}\n",
	       "server a unix@/a.sock check"),
	   "inside the chroot, as HAProxy sees it");
	ok(has("haproxy: { bind: \"[::]:80\" }\n" NODE, "\tbind [::]:80 v4v6\n"),
	   ":: is both families");
	ok(has("haproxy: { tls: { cert: /etc/a.pem } }\n" NODE,
	       "\tbind :443 ssl crt /etc/a.pem alpn h2,http/1.1\n"),
	   "TLS with HTTP/2");
	ok(has("haproxy: { socket_group: adm }\n" NODE, " mode 660 group adm level admin "),
	   "the socket's group");
	ok(has("haproxy: { hard_stop_after: 1h }\n" NODE, "\thard-stop-after 1h\n"),
	   "only if it is asked for");
	ok(lacks(NODE, "hard-stop-after"), "and else not: it cuts tunnels");
	ok(has("haproxy: { per_source: { connections: 5, rate: 500/10s } }\n" NODE,
	       "store conn_cur,conn_rate(10s)\n"),
	   "limits per source");
	ok(lacks(NODE, "stick-table"), "are off by default");
	ok(has("haproxy: { extra: { backend: \"\tfullconn 9\" } }\n" NODE,
	       "# haproxy.extra.backend\n\tfullconn 9\n"),
	   "extra lines, verbatim, ended");
}

static void test_fragment(void)
{
	char *text = rendered("haproxy: { own: backend }\n" NODE);
	ok(render_verify(text, strlen(text)) == RENDERED_OURS, "a fragment verifies");
	ok(!strstr(text, "\nglobal") && !strstr(text, "\ndefaults") && !strstr(text, "\nfrontend"),
	   "it has a backend and nothing that would leak into the others");
	ok(strstr(text, "\tuse_backend wscale_wscale if ") != NULL, "and the line to paste");
	ok(strstr(text, "\tserver-state-file-name /var/lib/wscale/wscale_wscale.state\n") != NULL,
	   "and its own state file");
	free(text);
}

#define TWO "redis: { url: \"redis://127.0.0.1:6380\", servers: [\"10.0.0.5:6379\", \"[::1]:6379\"]"
#define FOLLOWED TWO " }\n" NODE

/* Of the section alone. */
static bool followed(const char *yaml, const char *want)
{
	char *text = rendered(yaml), *at = strstr(text, "\nlisten wscale_wscale_redis\n");
	bool found = at && strstr(at, want);
	if (!found)
		tap_show("rendered", at ? at : text);
	free(text);
	return found;
}

static int64_t id(const char *yaml)
{
	struct config *cfg = config(yaml);
	struct render_ident ident = {0};
	ok(cfg && !render_ident(cfg, &ident), "it has an identity");
	config_free(cfg);
	return ident.id;
}

static void test_redis(void)
{
	ok(lacks(NODE, "\nlisten "), "without servers url is Redis's own");
	ok(followed(FOLLOWED, "\tmode tcp\n\tbind 127.0.0.1:6380\n"), "it is bound at url");
	ok(followed("redis: { url: \"unix:///run/r/a.sock\", servers: [a:1] }\n" NODE,
	            "\tbind unix@/run/r/a.sock mode 666\n"),
	   "also on a Unix socket, which nodes can open");
	ok(followed(FOLLOWED, "\tserver redis1 10.0.0.5:6379 check inter 1s ") &&
	           followed(FOLLOWED, "\tserver redis2 [::1]:6379 check inter 1s "),
	   "each server is there");
	ok(followed(FOLLOWED,
	            "\ttcp-check expect min-recv 16 string *3\\r\\n$6\\r\\nmaster\\r\\n "),
	   "the master is who says so");
	ok(lacks(FOLLOWED, "AUTH"), "without a password none is needed");
	ok(followed(TWO ", password_file: redis.password }\n" NODE,
	            "\ttcp-check send AUTH\\ wscale-check\\ nopass\\r\\n\n") &&
	           lacks(TWO ", password_file: redis.password }\n" NODE, "redis.password"),
	   "with one, the check has a user of its own, and no secret");
	ok(has(FOLLOWED, "\tmaxconn 9100\n"), "its connections are beside the clients");
	ok(!same_identity(NODE, FOLLOWED) &&
	           !same_identity(FOLLOWED, TWO ", user: a, password_file: b }\n" NODE) &&
	           !same_identity("redis: { servers: [a:1] }\n" NODE,
	                          "redis: { servers: [a:1, a:2] }\n" NODE) &&
	           !same_identity("redis: { servers: [a:1, a:2] }\n" NODE,
	                          "redis: { servers: [a:1, a:3] }\n" NODE),
	   "another server needs a reload, and is seen");
	ok(id("haproxy: { own: backend }\nredis: { servers: [a:1] }\n" NODE) !=
	           id("haproxy: { own: backend }\nredis: { servers: [a:2] }\n" NODE),
	   "in a fragment too");
	ok(followed("haproxy: { own: backend }\n" FOLLOWED, "\ttimeout client 24h\n") &&
	           lacks("haproxy: { own: backend }\n" FOLLOWED, "\ndefaults"),
	   "which has its own timeouts");
}

static void test_word(void)
{
	struct buf b = {0};
	render_word(&b, "/a b#c\\d'e\"f$g\nh");
	is(b.p, "/a\\ b\\#c\\\\d\\'e\\\"f\\$g\\x0ah", "a word stays one word of haproxy.cfg");
	buf_free(&b);
}

int main(void)
{
	test_verify();
	test_identity();
	test_lines();
	test_fragment();
	test_redis();
	test_word();
	return tap_done();
}
