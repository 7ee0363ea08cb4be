/*
 * test_config_bad: everything that is wrong with a file is told, at its place, in words that help
 * to mend it. A row is a file and the exact lines that it gets.
 */
#include <stdlib.h>

#include "../../lib/config.h"
#include "../../lib/errs.h"
#include "tap.h"

struct row {
	const char *yaml, *want; /* want: "LINE:COL: MSG" a line */
};

static const struct row keys[] = {
	{"haproxy:\n  bindd: \":80\"\n", "2:3: unknown key \"bindd\", did you mean \"bind\"?\n"},
	{"node:\n  pnig: 25s\n", "2:3: unknown key \"pnig\", did you mean \"ping\"?\n"},
	{"ndoes: {}\n", "1:1: unknown key \"ndoes\", did you mean \"nodes\"?\n"},
	{"ping: 25s\n", "1:1: unknown key \"ping\" here, did you mean \"node.ping\"?\n"},
	{"node:\n  drain: { speed: 1/s }\n",
         "2:12: unknown key \"speed\"; keys here: rate, grace, deadline\n"},
	{"haproxy:\n  listen: 1\n", "2:3: unknown key \"listen\"\n"},
	{"zzz: 1\n", "1:1: unknown key \"zzz\"; keys here: cluster, redis, haproxy, node, auth, "
                     "channels, nodes\n"},
	{"nodes:\n  a: { addr: \"h:1\" }\n",
         "2:3: a has no address\n2:8: unknown key \"addr\", did you mean \"address\"?\n"},
	{"\"\": 1\n", "1:1: unknown key \"\"; keys here: cluster, redis, haproxy, node, auth, "
                      "channels, nodes\n"},
	{"<<: {}\n", "1:1: unknown key \"<<\"; keys here: cluster, redis, haproxy, node, auth, "
                     "channels, nodes\n"},
	{"node.ping: 25s\n", "1:1: unknown key \"node.ping\"; keys here: cluster, redis, haproxy, "
                             "node, auth, channels, nodes\n"},
	{"cluster: a\ncluster: b\n", "2:1: \"cluster\" stands here twice, first on line 1\n"},
	{"nodes:\n  a: \"h:1\"\n  a: \"h:2\"\n", "3:3: \"a\" stands here twice, first on line 2\n"},
	{"\"a\\nwsctl: forged\": 1\n", "1:1: unknown key \"a\\x0awsctl: forged\"; keys here: "
                                       "cluster, redis, haproxy, node, auth, channels, nodes\n"},
};

static const struct row values[] = {
	{"node:\n  ping: 25\n", "2:9: ping \"25\" needs a unit, such as \"25s\"\n"},
	{"node:\n  ping: soon\n", "2:9: ping \"soon\" is not a duration, such as \"25s\"\n"},
	{"node:\n  ping: 999ms\n", "2:9: ping \"999ms\" must be from 1s to 1h\n"},
	{"node:\n  ping: 61m\n", "2:9: ping \"61m\" must be from 1s to 1h\n"},
	{"node:\n  max_message: 64\n",
         "2:16: max_message \"64\" needs a unit, such as \"64KiB\"\n"},
	{"node:\n  max_message: 64KB\n",
         "2:16: max_message \"64KB\" is not a size, such as \"64KiB\"\n"},
	{"node:\n  max_message: 0B\n", "2:16: max_message \"0B\" must be from 1B to 64MiB\n"},
	{"node:\n  message_rate: 100\n",
         "2:17: message_rate \"100\" needs a unit, such as \"100/s\"\n"},
	{"node:\n  message_rate: 0/s\n",
         "2:17: message_rate \"0/s\" is not a rate, such as \"200/s\"\n"},
	{"node:\n  max_clients: 0\n",
         "2:16: max_clients \"0\" must be a whole number from 1 to 10000000\n"},
	{"node:\n  max_clients: 1e3\n",
         "2:16: max_clients \"1e3\" must be a whole number from 1 to 10000000\n"},
	{"node:\n  max_clients: 10000001\n",
         "2:16: max_clients \"10000001\" must be a whole number from 1 to 10000000\n"},
	{"node:\n  drain: { rate: 5 }\n", "2:18: drain.rate \"5\" needs a unit, such as \"5/s\"\n"},
	{"haproxy: { edit: yes }\n", "1:18: edit \"yes\" must be true or false\n"},
	{"haproxy: { own: both }\n", "1:17: own \"both\" must be all or backend\n"},
	{"channels: { rules: [ { match: a, publish: all } ] }\n",
         "1:43: publish \"all\" must be anyone, token or nobody\n"},
	{"channels: { rules: [ { match: a, slow: wait } ] }\n",
         "1:40: slow \"wait\" must be close or drop\n"},
	{"cluster: Chat\n", "1:10: cluster \"Chat\" must be 1 to 32 of a-z, 0-9 and -\n"},
	{"cluster: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
         "1:10: cluster \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" must be 1 to 32 of a-z, 0-9 and -\n"},
	{"cluster: \"\"\n", "1:10: cluster \"\" must be 1 to 32 of a-z, 0-9 and -\n"},
	{"haproxy: { backend: \"a b\" }\n", "1:21: backend \"a b\" must be 1 to 64 letters, "
                                            "digits, _ : . -, not beginning with a dot\n"},
	{"haproxy: { backend: ../x }\n", "1:21: backend \"../x\" must be 1 to 64 letters, digits, "
                                         "_ : . -, not beginning with a dot\n"},
	{"haproxy: { file: haproxy.cfg }\n",
         "1:18: file \"haproxy.cfg\" must be an absolute path, without blanks, quotes or commas\n"},
	{"haproxy: { tls: { cert: \"/a b.pem\" } }\n",
         "1:25: tls.cert \"/a b.pem\" must be an absolute path, without blanks, quotes or "
         "commas\n"},
	{"haproxy: { socket: \"0.0.0.0:9999\" }\n",
         "1:20: socket \"0.0.0.0:9999\" must be an absolute path of at most 96 bytes; on TCP "
         "whoever reaches it "
         "controls HAProxy\n"},
	{"haproxy: { user: \"a b\" }\n",
         "1:18: user \"a b\" must be a name of 1 to 32 letters, digits, _ . -\n"},
	{"haproxy: { bind: 80 }\n", "1:18: bind \"80\" needs a colon before the port: \":80\"\n"},
	{"haproxy: { bind: \"10.0.0.1\" }\n", "1:18: bind \"10.0.0.1\" has no port\n"},
	{"haproxy: { bind: \"unix:/run/x\" }\n",
         "1:18: bind \"unix:/run/x\" must be an address and a port, such as \":80\"\n"},
	{"haproxy: { hard_stop_after: 0s }\n",
         "1:29: hard_stop_after \"0s\" must be from 1s to 24d\n"},
	{"redis: { url: localhost }\n",
         "1:15: url \"localhost\" must begin with redis:// or unix://\n"},
	{"redis: { url: \"redis://u:p@h\" }\n",
         "1:15: url \"redis://u:p@h\" holds a user or password: use redis.user and "
         "redis.password_file\n"},
	{"redis: { password_file: \"\" }\n", "1:25: password_file \"\" must be a file's name\n"},
	{"channels: { default: \"a b\" }\n",
         "1:22: default \"a b\" must be 1 to 128 letters, digits, _ : . -\n"},
	{"auth: { origins: [example.com] }\n",
         "1:19: origin \"example.com\" must look like \"https://example.com\"\n"},
	{"auth: { origins: [\"https://a/b\", \"https://\", https://ok] }\n",
         "1:19: origin \"https://a/b\" must look like \"https://example.com\"\n"
         "1:34: origin \"https://\" must look like \"https://example.com\"\n"},
	{"auth: { origins: [] }\n", "1:18: origins is empty: leave it out to allow any\n"},
	{"nodes: { a: \"h:1\", \"b c\": \"h:2\" }\n",
         "1:20: node \"b c\" must be named with 1 to 32 letters, digits, _ -\n"},
	{"nodes: { a: 8081 }\n", "1:13: address \"8081\" has no port\n"},
	{"nodes: { a: \":8081\" }\n", "1:13: address \":8081\" has no host\n"},
	{"nodes: { a: { address: \"h:1\", weight: 257 } }\n",
         "1:39: weight \"257\" must be a whole number from 0 to 256\n"},
	{"nodes: { a: { address: \"h:1\", maxconn: 0 } }\n",
         "1:40: maxconn \"0\" must be a whole number from 1 to 10000000\n"},
};

static const struct row kinds[] = {
	{"[a]\n", "1:1: the file must be a mapping, not a list\n"},
	{"hello\n", "1:1: the file must be a mapping, not text\n"},
	{"redis: x\n", "1:8: redis must be a mapping, not text\n"},
	{"haproxy: [a]\n", "1:10: haproxy must be a mapping, not a list\n"},
	{"node: { ping: [25s] }\n", "1:15: ping must be text, not a list\n"},
	{"node: { ping: { a: 1 } }\n", "1:15: ping must be text, not a mapping\n"},
	{"nodes: [a]\n", "1:8: nodes must be a mapping, not a list\n"},
	{"nodes: { a: [] }\n", "1:13: address must be text, not a list\n"},
	{"channels: { rules: {} }\n", "1:20: rules must be a list, not a mapping\n"},
	{"channels: { rules: [a] }\n", "1:21: a rule must be a mapping, not text\n"},
	{"auth: { origins: \"https://a\" }\n", "1:18: origins must be a list, not text\n"},
	{"auth: { origins: [[a]] }\n", "1:19: an origin must be text, not a list\n"},
	{"redis:\n", "1:1: redis has no value\n"},
	{"node: { ping: ~ }\n", "1:9: ping has no value\n"},
	{"node:\n  drain:\n", "2:3: drain has no value\n"},
	{"nodes:\n  ws1:\n", "2:3: ws1 has no address\n"},
	{"nodes: { ws1: {} }\n", "1:10: ws1 has no address\n"},
	{"nodes: { ws1: { address: null } }\n", "1:17: address has no value\n"},
	{"cluster: \"a\\nb\"\n", "1:10: cluster holds a line break or control character\n"},
	{"haproxy: { file: \"/a\\0b\" }\n", "1:18: file holds a line break or control character\n"},
	{"haproxy: { extra: { global: \"a\\0b\" } }\n",
         "1:29: extra.global holds a control character\n"},
	{"haproxy: { extra: { global: [a] } }\n", "1:29: extra.global must be text, not a list\n"},
	{"a: 1\n---\nb: 1\n", "2:1: a second document begins here; one file holds one\n"},
	{"cluster: \xff\n", "1:10: not valid UTF-8\n"},
};

static const struct row across[] = {
	{"nodes:\n  ws1: 10.0.0.1:1\n  ws2: 10.0.0.2:1\n  ws3: 10.0.0.1:1\n",
         "4:8: ws3 has the address of ws1 (line 2)\n"},
	{"nodes:\n  ws1: h:1\n  ws2: { weight: 5, address: H:1 }\n",
         "3:30: ws2 has the address of ws1 (line 2)\n"},
	{"nodes:\n  ws1: unix:/a\n  ws2: unix:/a\n", "3:8: ws2 has the address of ws1 (line 2)\n"},
	{"nodes:\n  ws1: x\n  ws2: x\n",
         "2:8: address \"x\" has no port\n3:8: address \"x\" has no port\n"},
	{"node: { max_queue: 32KiB }\n",
         "1:20: max_queue (32KiB) is less than max_message (64KiB)\n"},
	{"node: { max_message: 2MiB }\n",
         "1:22: max_queue (1MiB) is less than max_message (2MiB)\n"},
	{"node: { max_queue: 1MiB, max_queue_total: 512KiB }\n",
         "1:43: max_queue_total (512KiB) is less than max_queue (1MiB)\n"},
	{"node: { drain: { grace: 2m } }\n",
         "1:25: drain.deadline (2m) is not longer than drain.grace (2m)\n"},
	{"haproxy: { tls: { bind: \":443\" } }\n", "1:17: tls needs \"cert\"\n"},
	{"haproxy: { tls: { bind: \":80\", cert: /a.pem } }\n",
         "1:25: tls.bind (:80) takes the port of bind\n"},
	{"haproxy: { bind: \"10.0.0.1:8404\", stats: \":8404\" }\n",
         "1:42: stats (:8404) takes the port of bind\n"},
	{"haproxy: { bind: \":8404\" }\n", "1:18: stats (127.0.0.1:8404) takes the port of bind\n"},
	{"haproxy: { socket: /run/a, master: /run/a }\n",
         "1:36: master is the same path as socket\n"},
	{"redis: { user: wscale }\n", "1:16: user needs password_file\n"},
	{"auth: {}\n", "1:7: auth names neither token_file, jwt_key_file nor origins\n"},
	{"auth: { token_file: a, jwt_key_file: a }\n",
         "1:38: jwt_key_file is token_file: whoever has the token could sign others\n"},
	{"channels: { rules: [ { slow: drop } ] }\n", "1:22: a rule needs \"match\"\n"},
	{"channels:\n  rules:\n    - { match: \"a*\" }\n    - { match: b }\n    - { match: \"a*\" "
         "}\n",
         "5:7: a rule for \"a*\" stands before this one (line 3), which never counts\n"},
	{"haproxy: { balancers: {} }\n", "1:23: balancers is empty\n"},
	{"haproxy: { balancers: { a: \"ssh://a\", b: local }, balancers: { c: \"ssh://c\" } }\n",
         "1:51: \"balancers\" stands here twice, first on line 1\n"},
	{"haproxy: { balancers: { a: [] } }\n", "1:28: a balancer must be text, not a list\n"},
	{"haproxy: { balancers: { a: remote } }\n",
         "1:28: balancer \"remote\" must be local or such as \"ssh://root@lb2\"\n"},
	{"haproxy: { balancers: { a: local, b: local } }\n",
         "1:38: only one balancer can be this host\n"},
	{"haproxy: { balancers: { a: \"ssh://-oProxyCommand=x\" } }\n",
         "1:28: balancer \"ssh://-oProxyCommand=x\" must be local or such as "
         "\"ssh://root@lb2\"\n"},
	{"haproxy: { balancers: { a b: local } }\n",
         "1:25: balancer \"a b\" must be 1 to 32 letters, digits, _ -\n"},
};

#define SERVERS(s) "redis: { url: \"redis://127.0.0.1:6380\", servers: " s " }\n"
#define SAME                                                                               \
	"redis.url is this server itself: with servers it must be another address, which " \
	"HAProxy binds, such as redis://127.0.0.1:6380\n"

static const struct row servers[] = {
	{SERVERS("[]"), "1:50: servers is empty: leave it out when url is Redis itself\n"},
	{SERVERS("~"), "1:41: servers has no value\n"},
	{SERVERS("a:1"), "1:50: servers must be a list, not text\n"},
	{SERVERS("{ a: 1 }"), "1:50: servers must be a list, not a mapping\n"},
	{SERVERS("[a:1, b]"), "1:56: server \"b\" has no port\n"},
	{SERVERS("[a:1, b:0]"), "1:56: server \"b:0\" has no valid port\n"},
	{SERVERS("[\"a:1\\0\", \"a\\n:1\"]"),
         "1:51: a server holds a control character\n1:60: server \"a\\x0a:1\" has no valid "
         "host\n"},
	{SERVERS("[a:1, [b:1]]"), "1:56: a server must be text, not a list\n"},
	{SERVERS("[a:1]") "nodes: { n: localhost:6380 }\n",
         "1:15: n has redis.url's address, which HAProxy binds for redis.servers\n"},
	{SERVERS("[\":6379\"]"), "1:51: server \":6379\" has no host\n"},
	{SERVERS("[\"redis://a:1\"]"),
         "1:51: server \"redis://a:1\" must be HOST:PORT, without a scheme\n"},
	{SERVERS("[a:1, unix:/run/r.sock]"),
         "1:56: server \"unix:/run/r.sock\" must be HOST:PORT: a Unix socket has no replica\n"},
	{SERVERS("[a:1, b:1, A:1]"), "1:61: server \"A:1\" stands here twice, first on line 1\n"},
	{SERVERS("[a:1, a:2, a:3, a:4, a:5, a:6, a:7, a:8, a:9, b:1, b:2, b:3, b:4, b:5, b:6, b:7, "
                 "b:8]"),
         "1:50: servers holds more than 16\n"},
	{SERVERS("[a:1], servers: [b:1]"),
         "1:57: \"servers\" stands here twice, first on line 1\n"},
	{SERVERS("[127.0.0.1:6379, 127.0.0.1:6380]"), "1:67: " SAME},
	{SERVERS("[localhost:6380, 127.0.0.1:6379]"), "1:51: " SAME},
	{"redis: { servers: [a:1, 127.0.0.1:6379] }\n", "1:25: " SAME},
	{"redis: { url: \"redis://127.0.0.1:8404\", servers: [a:1] }\n",
         "1:15: redis.url (127.0.0.1:8404) takes the port of stats\n"},
	{"redis: { url: \"redis://10.0.0.1:80\", servers: [a:1] }\n",
         "1:15: redis.url (10.0.0.1:80) takes the port of bind\n"},
	{"redis: { url: \"redis://a:443\", servers: [a:1] }\nhaproxy: { tls: { cert: /a.pem } }\n",
         "1:15: redis.url (a:443) takes the port of tls.bind\n"},
	{"redis: { url: \"unix:///run/a\", servers: [a:1] }\nhaproxy: { master: /run/a }\n",
         "2:20: haproxy.master is the same path as redis.url\n"},
	{"redis: { url: \"unix:///run/"
         "a1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
         "901"
         "\", servers: [a:1] }\n",
         "1:15: redis.url's path is longer than the 96 bytes that HAProxy can bind\n"},
};

#define RULE(r) "channels: { rules: [ { match: a, " r " } ] }\n"

static const struct row history[] = {
	{RULE("history: 100"), "1:43: history must be a mapping, such as { size: 100, ttl: 1h }\n"},
	{RULE("history: [100]"),
         "1:43: history must be a mapping, such as { size: 100, ttl: 1h }\n"},
	{RULE("history: ~"), "1:34: history has no value\n"},
	{RULE("history: { size: ~ }"), "1:45: history.size has no value\n"},
	{RULE("history: { size: 0 }"),
         "1:51: history.size \"0\" must be a whole number from 1 to 100000\n"},
	{RULE("history: { size: 100001 }"),
         "1:51: history.size \"100001\" must be a whole number from 1 to 100000\n"},
	{RULE("history: { ttl: 60 }"), "1:50: history.ttl \"60\" needs a unit, such as \"60s\"\n"},
	{RULE("history: { ttl: 0s }"), "1:50: history.ttl \"0s\" must be from 1s to 30d\n"},
	{RULE("history: { ttl: 31d }"), "1:50: history.ttl \"31d\" must be from 1s to 30d\n"},
	{RULE("history: { sizes: 5 }"), "1:45: unknown key \"sizes\", did you mean \"size\"?\n"},
	{RULE("history: { messages: 5 }"),
         "1:45: unknown key \"messages\"; keys here: size, ttl\n"},
	{RULE("cache: first"), "1:41: cache \"first\" must be \"last\"\n"},
	{RULE("cache: { size: 1 }"), "1:41: cache must be text, not a mapping\n"},
	{RULE("history: {}, cache: last"),
         "1:47: history and cache in one rule: cache keeps the newest message alone, history as "
         "many as its size\n"},
	{RULE("cache: last, history: {}"),
         "1:47: history and cache in one rule: cache keeps the newest message alone, history as "
         "many as its size\n"},
	{RULE("slow: drop, history: { size: 5 }"),
         "1:40: slow \"drop\" loses messages, which history is against: use \"close\", the client "
         "resumes; or cache: last\n"},
	{RULE("history: { size: 5, size: 6 }"),
         "1:54: \"size\" stands here twice, first on line 1\n"},
	{"node: { max_cache: 256 }\n",
         "1:20: max_cache \"256\" needs a unit, such as \"256KiB\"\n"},
	{"node: { max_cache: 512KiB }\n",
         "1:20: max_cache \"512KiB\" must be from 1MiB to 1024GiB\n"},
};

static const struct row many[] = {
	{"cluster: chat\n"
         "redis:\n"
         "  url: redis://10.0.0.5:6379\n"
         "\n"
         "haproxy:\n"
         "  own: all\n"
         "  bindd: \":80\"\n"
         "  maxconn: 8000\n"
         "\n"
         "node:\n"
         "  max_clients: 20000\n"
         "  ping: 25\n"
         "nodes:\n"
         "  ws1: 10.0.0.11:8081\n"
         "  ws2: 10.0.0.12:8081\n"
         "  ws3: 10.0.0.11:8081\n",
         "7:3: unknown key \"bindd\", did you mean \"bind\"?\n"
         "12:9: ping \"25\" needs a unit, such as \"25s\"\n"
         "16:8: ws3 has the address of ws1 (line 14)\n"},
	{"node: &n { ping: 1 }\nauth: *n\n",
         "1:12: unknown key \"ping\" here, did you mean \"node.ping\"?\n"
         "1:18: ping \"1\" needs a unit, such as \"1s\"\n"},
};

static void check(const struct row *r, const char *name)
{
	struct errs e = {0};
	char *text = NULL;
	size_t n;
	struct config *c = config_parse(r->yaml, strlen(r->yaml), "w", &e);
	FILE *f = open_memstream(&text, &n);
	for (size_t i = 0; i < e.n; i++)
		fprintf(f, "%d:%d: %s\n", e.v[i].line, e.v[i].col, e.v[i].msg);
	fclose(f);
	ok((c == NULL) == (e.n > 0), "a configuration or errors");
	if (!is(text, r->want, name))
		tap_show("yaml", r->yaml);
	free(text);
	config_free(c);
	errs_free(&e);
}

static void table(const char *what, const struct row *r, size_t n)
{
	char name[64];
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%s %zu", what, i + 1);
		check(&r[i], name);
	}
}

/* A list or map of n entries is too long. */
static void too_many(const char *head, const char *entry, int n, const char *want)
{
	char *yaml = NULL, line[128];
	size_t len;
	FILE *f = open_memstream(&yaml, &len);
	fputs(head, f);
	for (int i = 0; i < n; i++) {
		snprintf(line, sizeof line, "%d", i);
		fprintf(f, "%.*s%s%s\n", (int)strcspn(entry, "#"), entry, line,
		        strchr(entry, '#') + 1);
	}
	fclose(f);
	check(&(struct row){yaml, want}, "a list that is too long");
	free(yaml);
}

#define TABLE(t) table(#t, t, sizeof t / sizeof *t)

int main(void)
{
	TABLE(keys);
	TABLE(values);
	TABLE(kinds);
	TABLE(across);
	TABLE(servers);
	TABLE(history);
	TABLE(many);

	too_many("nodes:\n", "  n#: { address: \"h:1\" }", 4097,
	         "2:3: nodes holds more than 4096\n");
	too_many("channels:\n  rules:\n", "    - { match: a# }", 1025,
	         "3:5: rules holds more than 1024\n");
	too_many("auth:\n  origins:\n", "    - https://a#", 1025,
	         "3:5: origins holds more than 1024\n");
	char *yaml = malloc(70000);
	strcpy(yaml, "haproxy: { extra: { global: \"");
	memset(yaml + 29, 'x', 65537);
	strcpy(yaml + 29 + 65537, "\" } }\n");
	check(&(struct row){yaml, "1:29: extra.global is longer than 65536 bytes\n"},
	      "extra is bounded");
	free(yaml);

	struct errs e = {0};
	ok(!config_load("/nonexistent/w.yaml", &e) && e.n == 1, "a file that isn't there");
	is(e.n ? e.v[0].msg : "", "cannot open: no such file or directory", "is told so");
	errs_free(&e);
	ok(!config_load("/", &e) && e.n == 1, "a directory");
	is(e.n ? e.v[0].msg : "", "cannot read: is a directory", "is told so too");
	errs_free(&e);
	ok(!config_load("/dev/zero", &e) && e.n == 1, "a file without end");
	is(e.n ? e.v[0].msg : "", "larger than 1048576 bytes", "is read only so far");
	errs_free(&e);
	return tap_done();
}
