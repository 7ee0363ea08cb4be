/*
 * render: haproxy.cfg from the configuration. Pure: the same YAML gives the same bytes on every
 * host, so a reload loses nothing and an edit by hand shows as a wrong hash. Why each line is there
 * stands in the rendered file itself where an operator would ask. Knows no file, no socket, no
 * clock, and not what HAProxy has loaded.
 */
#include "render.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "render_int.h"

/* Timers are 32-bit milliseconds of which HAProxy uses half: 24 days are the most. */
#define TIMER_MAX_MS (24ULL * 86400 * 1000)

enum { HEX = 65, STATS_MAXCONN = 100 };

#define HEAD "# rendered by wsctl; sha256 of what follows this line: "

static int sha256_hex(const char *text, size_t len, char out[static HEX])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (!EVP_Digest(text, len, md, &n, EVP_sha256(), NULL) || n != 32)
		return -1;
	for (unsigned i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
	return 0;
}

void render_word(struct buf *b, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\x%02x", c);
		else if (strchr(" #\\'\"$", c))
			buf_printf(b, "\\%c", c);
		else
			buf_add(b, s, 1);
	}
}

static void timer(struct buf *b, const char *what, uint64_t ms)
{
	char s[24];
	if (ms > TIMER_MAX_MS)
		ms = TIMER_MAX_MS;
	buf_printf(b, "\t%s %s\n", what, num_duration_str(ms, s));
}

void render_address(struct buf *b, const struct endpoint *at)
{
	char s[ENDPOINT_STR];
	if (at->is_unix) {
		buf_str(b, "unix@");
		render_word(b, at->path);
	} else {
		render_word(b, endpoint_str(at, s));
	}
}

/* HAProxy opens a Unix socket after its chroot: the path it needs is the one inside. */
const char *render_inside_chroot(const struct config *cfg, const char *path)
{
	const char *root = cfg->haproxy.chroot;
	if (!root)
		return path;
	size_t n = strlen(root);
	while (n > 0 && root[n - 1] == '/')
		n--;
	return strncmp(path, root, n) == 0 && path[n] == '/' ? path + n : NULL;
}

char *render_server(const struct config *cfg, const struct config_node *node)
{
	struct buf b = {0};
	struct endpoint at = node->at;
	if (at.is_unix) {
		const char *inside = render_inside_chroot(cfg, at.path);
		if (inside && inside != at.path)
			memmove(at.path, inside, strlen(inside) + 1);
	}
	render_address(&b, &at);
	buf_printf(
		&b,
		" check inter 2s fastinter 500ms downinter 1s fall %d rise %d weight %u maxconn %u",
		RENDER_FALL, RENDER_RISE, node->weight,
		node->maxconn ? node->maxconn : cfg->node.max_clients);
	return buf_take(&b);
}

char *render_state_path(const struct config *cfg)
{
	struct buf b = {0};
	buf_printf(&b, "%s/%s.state", cfg->haproxy.state_dir, cfg->haproxy.backend);
	return buf_take(&b);
}

static void state_path(struct buf *b, const char *keyword, const struct config *cfg)
{
	buf_printf(b, "\t%s ", keyword);
	render_word(b, cfg->haproxy.state_dir);
	buf_printf(b, "/%s.state\n", cfg->haproxy.backend);
}

static void option(struct buf *b, const char *keyword, const char *value)
{
	if (!value)
		return;
	buf_printf(b, "\t%s ", keyword);
	render_word(b, value);
	buf_str(b, "\n");
}

static void extra(struct buf *b, const char *section, const char *lines)
{
	if (!*lines)
		return;
	buf_printf(b, "\t# haproxy.extra.%s\n%s", section, lines);
	if (lines[strlen(lines) - 1] != '\n')
		buf_str(b, "\n");
}

static void bind_line(struct buf *b, const struct endpoint *at, const char *cert)
{
	buf_str(b, "\tbind ");
	render_address(b, at);
	if (!at->is_unix && strcmp(at->host, "::") == 0)
		buf_str(b, " v4v6");
	if (cert) {
		buf_str(b, " ssl crt ");
		render_word(b, cert);
		buf_str(b, " alpn h2,http/1.1");
	}
	buf_str(b, "\n");
}

static void global_section(struct buf *b, const struct config *cfg, const char *ident)
{
	buf_str(b, "\nglobal\n");
	buf_printf(b, "\tdescription wscale %s %s\n", cfg->cluster, ident);
	buf_str(b, "\tlog /dev/log local0\n");
	buf_str(b, "\tstats socket ");
	render_word(b, cfg->haproxy.socket);
	buf_str(b, " mode 660");
	if (cfg->haproxy.socket_group) {
		buf_str(b, " group ");
		render_word(b, cfg->haproxy.socket_group);
	}
	buf_str(b, " level admin expose-fd listeners\n");
	buf_str(b, "\tstats timeout 60s\n\tstats maxconn 50\n");
	state_path(b, "server-state-file", cfg);
	buf_printf(
		b,
		"\t# clients, and %d more so that the stats page answers when they are all here\n",
		STATS_MAXCONN);
	if (cfg->redis.n_servers)
		buf_printf(b, "\t# and %d to Redis\n", RENDER_REDIS_MAXCONN);
	buf_printf(b, "\tmaxconn %lu\n", (unsigned long)render_maxconn(cfg));
	option(b, "user", cfg->haproxy.user);
	option(b, "group", cfg->haproxy.group);
	option(b, "chroot", cfg->haproxy.chroot);
	if (cfg->haproxy.hard_stop_after_ms)
		timer(b, "hard-stop-after", cfg->haproxy.hard_stop_after_ms);
	extra(b, "global", cfg->haproxy.extra_global);
}

uint64_t render_maxconn(const struct config *cfg)
{
	return (uint64_t)cfg->haproxy.maxconn + STATS_MAXCONN +
	       (cfg->redis.n_servers ? RENDER_REDIS_MAXCONN : 0);
}

/* %HPO is the path without the query, where tokens travel. */
#define LOG_FORMAT                                                                               \
	"\"%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq " \
	"%HM %HPO %HV\""

static void defaults_section(struct buf *b, const struct config *cfg)
{
	buf_str(b, "\ndefaults\n"
	           "\tmode http\n"
	           "\tlog global\n"
	           "\t# no query string: tokens travel there\n"
	           "\tlog-format " LOG_FORMAT "\n"
	           "\toption dontlognull\n"
	           "\ttimeout http-request 10s\n"
	           "\ttimeout http-keep-alive 10s\n"
	           "\ttimeout client 30s\n"
	           "\ttimeout client-fin 10s\n"
	           "\ttimeout connect 2s\n"
	           "\ttimeout server 15s\n");
	extra(b, "defaults", cfg->haproxy.extra_defaults);
}

static void frontend_section(struct buf *b, const struct config *cfg)
{
	const char *name = cfg->haproxy.backend;
	buf_printf(b, "\nfrontend %s_in\n", name);
	bind_line(b, &cfg->haproxy.bind, NULL);
	if (cfg->haproxy.tls)
		bind_line(b, &cfg->haproxy.tls_bind, cfg->haproxy.tls_cert);
	buf_printf(b, "\tmaxconn %u\n", cfg->haproxy.maxconn);
	extra(b, "frontend", cfg->haproxy.extra_frontend);
	buf_printf(b, "\tdefault_backend %s\n", name);

	buf_printf(b, "\nfrontend %s_stats\n", name);
	bind_line(b, &cfg->haproxy.stats, NULL);
	buf_printf(b,
	           "\tmaxconn %d\n"
	           "\toption dontlog-normal\n"
	           "\thttp-request use-service prometheus-exporter if { path /metrics }\n"
	           "\tstats enable\n"
	           "\tstats uri /\n"
	           "\tstats refresh 10s\n",
	           STATS_MAXCONN);
}

/* Counted per request, not per connection: with HTTP/2 one connection carries many tunnels. */
static void per_source(struct buf *b, const struct config *cfg)
{
	uint32_t most = cfg->haproxy.per_source_connections;
	struct rate rate = cfg->haproxy.per_source_rate;
	if (!most && !rate.count)
		return;
	char expire[24], period[24];
	num_duration_str(rate.per_ms > 60000 ? rate.per_ms : 60000, expire);
	num_duration_str(rate.per_ms, period);
	buf_printf(b, "\tstick-table type ipv6 size 100k expire %s store ", expire);
	if (most)
		buf_str(b, "conn_cur");
	if (rate.count)
		buf_printf(b, "%sconn_rate(%s)", most ? "," : "", period);
	buf_str(b, "\n\thttp-request track-sc2 src\n");
	if (most)
		buf_printf(b, "\thttp-request deny deny_status 429 if { sc2_conn_cur gt %u }\n",
		           most);
	if (rate.count)
		buf_printf(b, "\thttp-request deny deny_status 429 if { sc2_conn_rate gt %u }\n",
		           rate.count);
}

static void backend_section(struct buf *b, const struct config *cfg, int64_t id, bool servers)
{
	bool all = cfg->haproxy.own == OWN_ALL;
	buf_printf(b, "\nbackend %s\n\tmode http\n\tbalance leastconn\n", cfg->haproxy.backend);
	if (!all && id)
		buf_printf(b,
		           "\t# by this wsctl sees which fragment HAProxy has loaded\n\tid %lld\n",
		           (long long)id);
	if (all) {
		buf_str(b, "\tload-server-state-from-file global\n");
	} else {
		buf_str(b, "\tload-server-state-from-file local\n");
		state_path(b, "server-state-file-name", cfg);
		buf_str(b, "\ttimeout connect 2s\n\ttimeout server 15s\n");
	}
	buf_str(b, "\ttimeout queue 5s\n"
	           "\ttimeout check 2s\n"
	           "\ttimeout server-fin 10s\n"
	           "\t# 3 times the node's ping: a node that vanished doesn't hold its clients\n");
	timer(b, "timeout tunnel", 3 * cfg->node.ping_ms);
	buf_str(b, "\toption srvtcpka\n"
	           "\tsrvtcpka-idle 15s\n"
	           "\tsrvtcpka-intvl 5s\n"
	           "\tsrvtcpka-cnt 3\n"
	           "\t# an upgrade that a node can't take goes to another one\n"
	           "\tretries 3\n"
	           "\toption redispatch 1\n"
	           "\tretry-on conn-failure empty-response 503\n"
	           "\t# 404 is a node that drains: its tunnels stay, new ones go elsewhere\n"
	           "\toption httpchk\n");
	buf_printf(b, "\thttp-check send meth GET uri /healthz ver HTTP/1.1 hdr Host %s\n",
	           cfg->cluster);
	buf_str(b, "\thttp-check disable-on-404\n"
	           "\thttp-request deny if { path,url_dec -i -m reg ^/+(healthz|metrics)(/|$) }\n");
	per_source(b, cfg);
	buf_str(b, "\toption forwardfor\n"
	           "\thttp-request set-header X-Forwarded-Proto https if { ssl_fc }\n"
	           "\thttp-request set-header X-LB %H-%pid\n");
	extra(b, "backend", cfg->haproxy.extra_backend);
	/* Else one name that DNS doesn't know keeps HAProxy from starting at all. */
	buf_str(b, "\tdefault-server init-addr libc,none\n");
	for (size_t i = 0; servers && i < cfg->n_nodes; i++) {
		char *line = render_server(cfg, &cfg->nodes[i]);
		buf_printf(b, "\tserver %s %s\n", cfg->nodes[i].name, line ? line : "");
		b->oom = b->oom || !line;
		free(line);
	}
}

static void body(struct buf *b, const struct config *cfg, const struct render_ident *ident,
                 bool servers)
{
	const char *name = cfg->haproxy.backend;
	buf_printf(b,
	           "# Cluster %s. Change wscale.yaml instead of this file: an edit here is seen "
	           "and refused.\n",
	           cfg->cluster);
	if (cfg->haproxy.own == OWN_ALL) {
		global_section(b, cfg, ident->hash);
		defaults_section(b, cfg);
		frontend_section(b, cfg);
	} else {
		buf_printf(b,
		           "# Paste one of these into your frontend:\n"
		           "#	use_backend %s if { req.hdr(Upgrade) -i websocket }\n"
		           "#	use_backend %s if { req.hdr(Host) -i ws.example.org }\n"
		           "# and keep tokens, which travel in the query string, out of its log:\n"
		           "#	log-format "
		           "%s"
		           "\n"
		           "# The `stats socket` in your global section needs `level admin`.\n",
		           name, name, LOG_FORMAT);
	}
	backend_section(b, cfg, ident->id, servers);
	render_redis(b, cfg);
}

int render_ident(const struct config *cfg, struct render_ident *out)
{
	struct buf b = {0};
	char hash[HEX];
	int rc = -1;

	*out = (struct render_ident){0};
	/* What a change over the socket can't bring about: everything but the servers. */
	body(&b, cfg, out, false);
	if (!b.oom && sha256_hex(b.p, b.len, hash) == 0) {
		memcpy(out->hash, hash, sizeof out->hash - 1);
		hash[8] = '\0';
		/* 31 bits are a proxy's id; the highest is set, so that none is small. */
		out->id = (int64_t)(strtoul(hash, NULL, 16) & 0x3fffffffu) | 0x40000000;
		rc = 0;
	}
	buf_free(&b);
	return rc;
}

char *render(const struct config *cfg)
{
	struct render_ident ident;
	struct buf b = {0}, out = {0};
	char hash[HEX];

	if (render_ident(cfg, &ident))
		return NULL;
	body(&b, cfg, &ident, true);
	if (b.oom || sha256_hex(b.p, b.len, hash)) {
		buf_free(&b);
		return NULL;
	}
	buf_printf(&out, HEAD "%s\n", hash);
	buf_add(&out, b.p, b.len);
	buf_free(&b);
	return buf_take(&out);
}

enum rendered render_verify(const char *text, size_t len)
{
	size_t head = strlen(HEAD), line = head + HEX - 1;
	char hash[HEX];
	if (len <= line || memcmp(text, HEAD, head) != 0)
		return RENDERED_FOREIGN;
	if (text[line] != '\n' || sha256_hex(text + line + 1, len - line - 1, hash))
		return RENDERED_EDITED;
	return memcmp(text + head, hash, HEX - 1) == 0 ? RENDERED_OURS : RENDERED_EDITED;
}
