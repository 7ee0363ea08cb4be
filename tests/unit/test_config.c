/* test_config: what the file says arrives typed and whole, and what it doesn't say has its default.
 */
#include <stdlib.h>
#include <unistd.h>

#include "../../lib/config.h"
#include "../../lib/errs.h"
#include "tap.h"

static struct config *parse(const char *yaml)
{
	struct errs e = {0};
	struct config *c = config_parse(yaml, strlen(yaml), "/etc/wscale/wscale.yaml", &e);
	errs_print(&e, stdout, "#", NULL);
	errs_free(&e);
	return c;
}

static void defaults(struct config *c, const char *what)
{
	char t[ENDPOINT_STR], name[64];
	if (!ok(c != NULL, what))
		return;
	snprintf(name, sizeof name, "%s: strings", what);
	ok(!strcmp(c->cluster, "wscale") &&
	           !strcmp(redis_url_str(&c->redis.url, t), "127.0.0.1:6379") && !c->redis.user &&
	           !c->redis.password_file &&
	           !strcmp(c->haproxy.file, "/etc/haproxy/haproxy.cfg") &&
	           !strcmp(c->haproxy.backend, "wscale_wscale") &&
	           !strcmp(c->haproxy.socket, "/run/haproxy/admin.sock") &&
	           !strcmp(c->haproxy.master, "/run/haproxy-master.sock") &&
	           !strcmp(c->haproxy.state_dir, "/var/lib/wscale") &&
	           !strcmp(c->haproxy.balancer, "local") && !strcmp(c->channels.dflt, "wsGlobal"),
	   name);
	snprintf(name, sizeof name, "%s: addresses", what);
	ok(!strcmp(endpoint_str(&c->haproxy.bind, t), ":80") && !c->haproxy.tls &&
	           !c->haproxy.tls_cert &&
	           !strcmp(endpoint_str(&c->haproxy.stats, t), "127.0.0.1:8404"),
	   name);
	snprintf(name, sizeof name, "%s: haproxy", what);
	ok(c->haproxy.own == OWN_ALL && c->haproxy.maxconn == 8000 && c->haproxy.edit &&
	           !c->haproxy.user && !c->haproxy.group && !c->haproxy.socket_group &&
	           !c->haproxy.chroot && !c->haproxy.hard_stop_after_ms &&
	           !c->haproxy.per_source_connections && !c->haproxy.per_source_rate.count &&
	           !*c->haproxy.extra_global && !*c->haproxy.extra_defaults &&
	           !*c->haproxy.extra_frontend && !*c->haproxy.extra_backend,
	   name);
	snprintf(name, sizeof name, "%s: node", what);
	ok(c->node.max_clients == 20000 && c->node.ping_ms == 25000 &&
	           c->node.max_message == 65536 && c->node.max_queue == 1048576 &&
	           c->node.max_queue_total == 268435456 && c->node.max_cache == 268435456 &&
	           c->node.message_rate.count == 100 && c->node.message_rate.per_ms == 1000 &&
	           c->node.drain.rate.count == 200 && c->node.drain.grace_ms == 5000 &&
	           c->node.drain.deadline_ms == 120000,
	   name);
	snprintf(name, sizeof name, "%s: the rest", what);
	ok(!c->auth.token_file && !c->auth.jwt_key_file && !c->auth.origins &&
	           !c->channels.n_rules && !c->n_nodes && !config_node(c, "ws1") &&
	           config_rule(c, "x")->slow == SLOW_CLOSE &&
	           config_rule(c, "x")->publish == PUBLISH_ANYONE,
	   name);
	config_free(c);
}

static const char full[] = "cluster: chat\n"
			   "redis:\n"
			   "  url: redis://10.0.0.5:6380/3\n"
			   "  user: wscale\n"
			   "  password_file: redis.password\n"
			   "haproxy:\n"
			   "  own: backend\n"
			   "  bind: \"[::]:8080\"\n"
			   "  tls: { bind: \":8443\", cert: /etc/haproxy/site.pem }\n"
			   "  socket: /run/haproxy/a.sock\n"
			   "  master: /run/m.sock\n"
			   "  state_dir: /srv/wscale\n"
			   "  stats: :8405\n"
			   "  maxconn: 9000\n"
			   "  user: haproxy\n"
			   "  group: hagroup\n"
			   "  socket_group: adm\n"
			   "  chroot: /var/lib/haproxy\n"
			   "  hard_stop_after: 1h\n"
			   "  per_source: { connections: 1000, rate: 500/10s }\n"
			   "  balancers: { lb1: local }\n"
			   "  extra:\n"
			   "    global: |\n"
			   "      nbthread 2\n"
			   "      log \"a\"\n"
			   "    defaults: d\n"
			   "    frontend: f\n"
			   "    backend: \"\"\n"
			   "  edit: false\n"
			   "node:\n"
			   "  max_clients: 1\n"
			   "  ping: 1m\n"
			   "  max_message: 1KiB\n"
			   "  max_queue: 2KiB\n"
			   "  max_queue_total: 4KiB\n"
			   "  max_cache: 8MiB\n"
			   "  message_rate: 7/m\n"
			   "  drain: { rate: 3/10s, grace: 0s, deadline: 1s }\n"
			   "auth:\n"
			   "  token_file: shared.token\n"
			   "  jwt_key_file: /etc/k\n"
			   "  origins: [\"https://Example.com\", \"http://[::1]:3000\"]\n"
			   "channels:\n"
			   "  default: lobby\n"
			   "  rules:\n"
			   "    - { match: \"news:*\", slow: close, publish: token,\n"
			   "        history: { size: 20, ttl: 10m } }\n"
			   "    - { match: \"ticker:*\", slow: drop, publish: nobody,\n"
			   "        cache: last }\n"
			   "    - { match: \"*\", slow: drop }\n"
			   "nodes:\n"
			   "  ws1: 10.0.0.11:8081\n"
			   "  ws2: { address: 10.0.0.12:8081, weight: 0, maxconn: 5000 }\n"
			   "  ws3: unix:/run/wscale/ws3.sock\n";

static void whole(void)
{
	char t[ENDPOINT_STR];
	struct config *c = parse(full);
	if (!ok(c != NULL, "every key at once"))
		return;
	is(c->cluster, "chat", "cluster");
	is(c->path, "/etc/wscale/wscale.yaml", "path");
	is(redis_url_str(&c->redis.url, t), "10.0.0.5:6380/3", "redis.url");
	is(c->redis.user, "wscale", "redis.user");
	is(c->redis.password_file, "redis.password", "redis.password_file");
	ok(c->redis.password_pos.line == 5 && c->redis.password_pos.col == 18,
	   "and where it stands");
	ok(c->haproxy.own == OWN_BACKEND, "own");
	is(c->haproxy.file, "/etc/haproxy/conf.d/wscale.cfg", "own: backend has another file");
	is(c->haproxy.backend, "wscale_chat", "backend follows cluster");
	is(endpoint_str(&c->haproxy.bind, t), "[::]:8080", "bind");
	ok(c->haproxy.tls, "tls");
	is(endpoint_str(&c->haproxy.tls_bind, t), ":8443", "tls.bind");
	is(c->haproxy.tls_cert, "/etc/haproxy/site.pem", "tls.cert");
	is(c->haproxy.socket, "/run/haproxy/a.sock", "socket");
	is(c->haproxy.master, "/run/m.sock", "master");
	is(c->haproxy.state_dir, "/srv/wscale", "state_dir");
	is(endpoint_str(&c->haproxy.stats, t), ":8405", "stats");
	is(c->haproxy.user, "haproxy", "user");
	is(c->haproxy.group, "hagroup", "group");
	is(c->haproxy.socket_group, "adm", "socket_group");
	is(c->haproxy.chroot, "/var/lib/haproxy", "chroot");
	ok(c->haproxy.maxconn == 9000 && c->haproxy.hard_stop_after_ms == 3600000 &&
	           !c->haproxy.edit,
	   "maxconn, hard_stop_after, edit");
	ok(c->haproxy.per_source_connections == 1000 && c->haproxy.per_source_rate.count == 500 &&
	           c->haproxy.per_source_rate.per_ms == 10000,
	   "per_source");
	is(c->haproxy.balancer, "lb1", "balancer");
	is(c->haproxy.extra_global, "nbthread 2\nlog \"a\"\n", "extra is verbatim");
	is(c->haproxy.extra_frontend, "f", "extra.frontend");
	ok(c->node.max_clients == 1 && c->node.ping_ms == 60000 && c->node.max_message == 1024 &&
	           c->node.max_queue == 2048 && c->node.max_queue_total == 4096 &&
	           c->node.max_cache == 8388608 && c->node.message_rate.count == 7 &&
	           c->node.message_rate.per_ms == 60000 && c->node.drain.rate.count == 3 &&
	           c->node.drain.rate.per_ms == 10000 && c->node.drain.grace_ms == 0 &&
	           c->node.drain.deadline_ms == 1000,
	   "node");
	is(c->auth.token_file, "shared.token", "token_file");
	is(c->auth.jwt_key_file, "/etc/k", "jwt_key_file");
	ok(c->auth.token_pos.line == 40 && c->auth.jwt_key_pos.line == 41, "and where they stand");
	is(c->auth.origins[0], "https://example.com", "an origin in lower case");
	is(c->auth.origins[1], "http://[::1]:3000", "an IPv6 origin");
	ok(!c->auth.origins[2], "two of them");
	is(c->channels.dflt, "lobby", "default channel");

	const struct config_rule *r = config_rule(c, "news:uk");
	ok(r == &c->channels.rules[0] && r->slow == SLOW_CLOSE && r->publish == PUBLISH_TOKEN &&
	           r->history_size == 20 && r->history_ttl_ms == 600000 && !r->cache_last &&
	           r->pos.line == 46,
	   "the first rule that matches");
	r = config_rule(c, "ticker:a");
	ok(r->slow == SLOW_DROP && r->publish == PUBLISH_NOBODY && r->cache_last &&
	           r->history_size == 1 && r->history_ttl_ms == 0,
	   "the second");
	r = config_rule(c, "other");
	ok(r == &c->channels.rules[2] && r->publish == PUBLISH_ANYONE && !r->cache_last &&
	           r->history_size == 0 && r->history_ttl_ms == 0,
	   "a rule's own defaults");

	ok(c->n_nodes == 3 && !strcmp(c->nodes[0].name, "ws1") && !strcmp(c->nodes[2].name, "ws3"),
	   "nodes in the file's order");
	const struct config_node *n = config_node(c, "ws1");
	ok(n->weight == 100 && n->maxconn == 0 && n->pos.line == 52 && n->pos.col == 3,
	   "a node's defaults");
	is(endpoint_str(&n->at, t), "10.0.0.11:8081", "its address");
	n = config_node(c, "ws2");
	ok(n->weight == 0 && n->maxconn == 5000, "weight and maxconn");
	is(endpoint_str(&n->at, t), "10.0.0.12:8081", "address");
	is(endpoint_str(&config_node(c, "ws3")->at, t), "unix:/run/wscale/ws3.sock", "a socket");
	ok(!config_node(c, "ws4") && !config_node(c, ""), "no other node");
	config_free(c);
}

static void forms(void)
{
	struct config *c = parse("\xef\xbb\xbfnodes:\r\n  ws1: 'h:1'\r\n");
	ok(c && c->n_nodes == 1, "a BOM and CR LF");
	config_free(c);
	c = parse("node: { drain: {} }\nhaproxy: { per_source: {}, extra: {} }\nredis: "
	          "{}\nchannels: { rules: [] }\n");
	ok(c && c->node.ping_ms == 25000 && !c->haproxy.per_source_connections, "empty sections");
	config_free(c);
	c = parse("nodes:\n  a: &x { address: 'h:1', weight: 7 }\n");
	ok(c && c->nodes[0].weight == 7, "an anchor");
	config_free(c);
	c = parse("node: { ping: &p 10s, drain: { grace: *p } }\n");
	ok(c && c->node.drain.grace_ms == 10000, "an alias");
	config_free(c);
	c = parse("haproxy: { per_source: { connections: 5 } }\n");
	ok(c && c->haproxy.per_source_connections == 5 && !c->haproxy.per_source_rate.count,
	   "half of per_source");
	config_free(c);
	c = parse("cluster: 5\nhaproxy: { tls: { cert: /c } }\n");
	ok(c && !strcmp(c->cluster, "5") && c->haproxy.tls && c->haproxy.tls_bind.port == 443,
	   "a number as a name; tls has a default address");
	config_free(c);
	c = parse("auth: { origins: ['https://a'] }\n");
	ok(c && c->auth.origins && !c->auth.token_file, "origins alone");
	config_free(c);
}

static void keeps(const char *rule, uint32_t size, uint64_t ttl_ms, bool last)
{
	char yaml[256];
	snprintf(yaml, sizeof yaml, "channels: { rules: [ { match: a, %s } ] }\n", rule);
	struct config *c = parse(yaml);
	const struct config_rule *r = c ? config_rule(c, "a") : NULL;
	ok(r && r->history_size == size && r->history_ttl_ms == ttl_ms && r->cache_last == last,
	   rule);
	config_free(c);
}

static void history(void)
{
	keeps("publish: anyone", 0, 0, false);
	keeps("history: {}", 100, 3600000, false);
	keeps("history: { size: 1 }", 1, 3600000, false);
	keeps("history: { ttl: 1s }", 100, 1000, false);
	keeps("history: { ttl: 30d, size: 100000 }, slow: close", 100000, UINT64_C(2592000000),
	      false);
	keeps("cache: last", 1, 0, true);
	keeps("cache: \"last\", slow: drop", 1, 0, true);
}

static void loading(void)
{
	char path[] = "/tmp/wscale-config.XXXXXX";
	struct errs e = {0};
	int fd = mkstemp(path);
	ok(write(fd, full, sizeof full - 1) == sizeof full - 1, "a file");
	close(fd);
	struct config *c = config_load(path, &e);
	ok(c && c->n_nodes == 3, "is loaded");
	is(c ? c->path : "", path, "and knows its path");
	config_free(c);
	unlink(path);

	unsetenv("WSCALE_CONFIG");
	is(config_path(NULL), "/etc/wscale/wscale.yaml", "the usual place");
	setenv("WSCALE_CONFIG", "", 1);
	is(config_path(NULL), "/etc/wscale/wscale.yaml", "also with an empty variable");
	setenv("WSCALE_CONFIG", "/x", 1);
	is(config_path(NULL), "/x", "the variable");
	is(config_path("/y"), "/y", "the option comes first");
}

int main(void)
{
	defaults(config_default(), "without a file");
	defaults(parse(""), "an empty file");
	defaults(parse("# nothing\n"), "only comments");
	defaults(parse("---\n"), "an empty document");
	defaults(parse("nodes:\n"), "nodes alone");
	defaults(parse("nodes: {}\n"), "no nodes");
	whole();
	forms();
	history();
	loading();
	config_free(NULL);
	return tap_done();
}
