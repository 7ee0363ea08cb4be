/*
 * test_doctor: each thing that is wrong is found, with why and what mends it; what is fine isn't;
 * what can't be seen is said. Facts go in, findings come out.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../../lib/errs.h"
#include "../../wsctl/doctor.h"
#include "tap.h"

static const char yaml_plain[] = "nodes:\n  ws1: 10.0.0.11:8081\n  ws2: 10.0.0.12:8081\n";
static const char yaml_keeps[] = "channels:\n  rules:\n    - { match: \"a:*\", history: {} }\n"
				 "nodes:\n  ws1: 10.0.0.11:8081\n  ws2: 10.0.0.12:8081\n";
static const char yaml_unix[] = "node: { max_clients: 100000 }\nhaproxy: { maxconn: 200000 }\n"
				"nodes:\n  ws1: unix:/run/ws1.sock\n";
static const char yaml_many[] = "node: { max_clients: 40000 }\nhaproxy: { maxconn: 100000 }\n"
				"nodes:\n  ws1: 10.0.0.11:8081\n  ws2: 10.0.0.12:8081\n";
static const char yaml_backend[] = "haproxy: { own: backend }\nnodes:\n  ws1: 10.0.0.11:8081\n";

static const char info[] = "Name: HAProxy\nVersion: 3.0.11-1\nNbthread: 4\nPid: 7\n"
			   "Ulimit-n: 16300\nMaxsock: 16300\nMaxconn: 8100\n"
			   "description: wscale wscale abc\n";
static const char redis[] = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n"
			    "tcp_port:6379\r\nused_memory:1000\r\nmaxmemory:0\r\n"
			    "maxmemory_policy:noeviction\r\nrdb_last_bgsave_status:ok\r\n"
			    "aof_enabled:1\r\naof_last_write_status:ok\r\nrole:master\r\n";

static struct config *cfg;
static struct doctor_facts f;
static struct doctor_node nodes[8];
static struct doctor_file files[8];
static json_t *reports;
static struct findings l;

/* Facts of a cluster where all is well. */
static void healthy(const char *yaml)
{
	struct errs errs = {0};

	config_free(cfg);
	cfg = config_parse(yaml, strlen(yaml), "t.yaml", &errs);
	errs_print(&errs, stdout, "# test", "t.yaml");
	errs_free(&errs);
	json_decref(reports);
	reports = json_array();
	memset(nodes, 0, sizeof nodes);
	f = (struct doctor_facts){
		.cfg = cfg,
		.port_low = 32768,
		.port_high = 60999,
		.somaxconn = 4096,
		.conntrack_max = 262144,
		.cpus = 4,
		.conntrack = true,
		.files = files,
		.hap_nofile = 1 << 20,
		.redis_ok = true,
		.has_time = true,
		.nodes = nodes,
		.n_nodes = cfg->n_nodes,
		.hap_info = strdup(info),
		.redis_info = strdup(redis),
		.bind = strdup("127.0.0.1 -::1"),
		.protected_mode = strdup("yes"),
		.buffers = strdup("normal 0 0 0 slave 1 1 1 pubsub 33554432 8388608 60"),
		.save = strdup("3600 1"),
		.appendfsync = strdup("everysec"),
		.file = strdup("global\n\tdescription wscale wscale abc\nbackend wscale_wscale\n"
	                       "\ttimeout tunnel 75s\n"),
		.rendered = strdup("global\n\tdescription wscale wscale abc\n"),
	};
	for (size_t i = 0; i < cfg->n_nodes; i++) {
		char hash[CONFIG_HASH];
		json_t *o;

		config_hash(cfg, hash);
		o = json_pack("{s:I, s:s, s:s, s:I}", "max_clients",
		              (json_int_t)cfg->node.max_clients, "config", hash, "version", "0.2.0",
		              "time_ms", (json_int_t)1);
		json_array_append_new(reports, o);
		nodes[i] = (struct doctor_node){.name = cfg->nodes[i].name, .report = o};
	}
}

static void fini(void)
{
	f.files = NULL;
	f.n_files = 0;
	f.nodes = NULL;
	f.n_nodes = 0;
	memset(&f.servers, 0, sizeof f.servers); /* borrowed below */
	doctor_free(&f);
	findings_free(&l);
}

static void set(char **field, const char *text)
{
	free(*field);
	*field = text ? strdup(text) : NULL;
}

static void file(enum doctor_kind kind, const char *path, unsigned mode, int error)
{
	static char paths[8][64];
	char *p = paths[f.n_files];

	snprintf(p, 64, "%s", path);
	files[f.n_files++] = (struct doctor_file){
		.kind = kind, .path = p, .mode = mode | (error ? 0 : S_IFREG), .error = error};
}

/* The worst finding of a check, the first of its level; NULL: it said nothing. */
static const struct finding *judge(const char *check)
{
	const struct finding *x = NULL;

	findings_free(&l);
	doctor_judge(&f, &l);
	for (size_t i = 0; i < l.n; i++)
		if (!strcmp(l.v[i].check, check) && (!x || l.v[i].level > x->level))
			x = &l.v[i];
	return x;
}

static void gives(const char *check, enum doctor_level level, const char *what, const char *title)
{
	const struct finding *x = judge(check);
	bool good = x && x->level == level && strstr(x->what, what);

	if (!ok(good, title)) {
		printf("# level %d, want %d\n", x ? (int)x->level : -1, (int)level);
		tap_show("what", x ? x->what : NULL);
	}
	/* Whatever is wrong has its cause and its cure. */
	if (x && level >= DOCTOR_WARN && !(x->why && x->mend))
		ok(false, "... with why and what mends it");
}

static void mends(const char *check, const char *text, const char *title)
{
	const struct finding *x = judge(check);

	if (!ok(x && x->mend && strstr(x->mend, text), title))
		tap_show("mend", x ? x->mend : NULL);
}

static void nothing(void)
{
	bool fine = true;

	healthy(yaml_keeps);
	judge("");
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].level != DOCTOR_OK) {
			tap_show(l.v[i].check, l.v[i].what);
			fine = false;
		}
	ok(fine && l.n >= 20, "where all is well nothing is found");
	fini();
}

static void haproxy(void)
{
	healthy(yaml_plain);
	f.hap_nofile = 1024;
	gives("haproxy-nofile", DOCTOR_FAIL, "haproxy nofile 1,024; maxconn 8,100 needs 16,300",
	      "a HAProxy that would not start again");
	mends("haproxy-nofile", "LimitNOFILE=16300", "... and the limit it needs");
	f.hap_nofile = -1;
	gives("haproxy-nofile", DOCTOR_UNCHECKED, "can't be read", "a limit that isn't visible");
	set(&f.hap_info, "Version: 2.6.12\nNbthread: 1\nUlimit-n: 1000\nMaxsock: 1100\n"
	                 "Maxconn: 500\n");
	gives("haproxy-nofile", DOCTOR_FAIL, "nofile 1,000; its maxconn 500 needs 1,100",
	      "a HAProxy that runs with too few");
	gives("haproxy-version", DOCTOR_WARN, "haproxy 2.6.12: del server may crash",
	      "a version with a fault that matters");
	gives("haproxy-threads", DOCTOR_WARN, "1 thread on 4 CPUs", "one thread on many cores");
	gives("haproxy-loaded", DOCTOR_WARN, "another file than",
	      "a file that was written and not loaded");
	set(&f.hap_info, "Version: 2.4.1\nNbthread: 8\n");
	gives("haproxy-version", DOCTOR_FAIL, "older than 2.6", "a version that is too old");
	gives("haproxy-threads", DOCTOR_WARN, "8 threads on 4 CPUs", "more threads than cores");
	gives("haproxy-nofile", DOCTOR_UNCHECKED, "show info", "a show info without the limits");
	set(&f.rendered, "global\n\tdescription wscale wscale def\n");
	gives("haproxy-loaded", DOCTOR_WARN, "is not what t.yaml renders",
	      "a file that is older than the YAML");
	set(&f.file, NULL);
	f.file_error = ENOENT;
	gives("haproxy-loaded", DOCTOR_FAIL, "no such file", "a file that isn't there");
	f.file_error = EACCES;
	gives("haproxy-loaded", DOCTOR_UNCHECKED, "permission denied", "... or can't be read");
	ok(!judge("ping"), "what it would say of pings is left to that");
	set(&f.hap_info, NULL);
	snprintf(f.hap_why, sizeof f.hap_why, "a.sock: nobody listens");
	gives("haproxy", DOCTOR_FAIL, "nobody listens", "a HAProxy that is away");
	f.hap_denied = true;
	gives("haproxy", DOCTOR_UNCHECKED, "nobody listens", "rights that we lack are no fault");
	fini();

	healthy(yaml_plain);
	snprintf(f.backend_why, sizeof f.backend_why, "HAProxy has no backend x");
	gives("haproxy", DOCTOR_FAIL, "no backend x", "a HAProxy without the backend");
	fini();

	healthy(yaml_backend);
	gives("haproxy-nofile", DOCTOR_WARN,
	      "takes 8,100 connections in all, one node alone up to "
	      "20,000",
	      "own: backend: a maxconn below one node's");
	set(&f.rendered, f.file);
	gives("haproxy-loaded", DOCTOR_WARN, "HAProxy runs with another file",
	      "own: backend: the backend's id says what is loaded");
	f.servers.be_id = -1;
	gives("haproxy-loaded", DOCTOR_UNCHECKED, "whether HAProxy has loaded",
	      "own: backend: without servers HAProxy doesn't tell the id");
	f.servers.be_id = 0;
	fini();
}

static void ping(void)
{
	healthy(yaml_plain);
	set(&f.file, "backend wscale_wscale\n\ttimeout tunnel 20s\n");
	gives("ping", DOCTOR_FAIL, "timeout tunnel 20s, node.ping 25s", "a tunnel below the ping");
	set(&f.file, "backend wscale_wscale\n\ttimeout tunnel 30000\n");
	gives("ping", DOCTOR_WARN, "timeout tunnel 30s", "a bare number is milliseconds");
	set(&f.file, "backend wscale_wscale\nmode http\n");
	gives("ping", DOCTOR_UNCHECKED, "no `timeout tunnel`", "none at all");
	fini();
	ok(doctor_tunnel_ms("defaults\n timeout tunnel 1h\nbackend other\n timeout tunnel 2h\n"
	                    "backend b\n  timeout   tunnel\t75s # x\n timeout tunnel-x 1s\n"
	                    "backend bb\n timeout tunnel 3h\n",
	                    "b") == 75000,
	   "the backend's own is read");
	ok(doctor_tunnel_ms("backend b\n timeout tunnel 1s\n timeout tunnel 2s", "b") == 2000,
	   "the last one counts");
	ok(doctor_tunnel_ms("backend b\n timeout tunnel soon\n", "b") == -1, "words are no time");
	ok(doctor_tunnel_ms("", "b") == -1 && doctor_tunnel_ms("timeout", "b") == -1, "no text");
}

static void host(void)
{
	struct hap_server busy = {.name = "ws2", .scur = 27000};

	healthy(yaml_many);
	gives("ports", DOCTOR_WARN, "ws1, ws2: up to 40,000 tunnels, but 28,232 source ports",
	      "more tunnels than ports");
	mends("ports", "ip_local_port_range=\"10240 65535\"", "... a wider range is enough");
	f.servers = (struct hap_servers){&busy, 1, -1};
	gives("ports", DOCTOR_FAIL, "ws2: 27,000 tunnels, and 28,232 source ports",
	      "ports that are nearly used up");
	f.servers = (struct hap_servers){0};
	f.port_low = 1024;
	f.port_high = 65535;
	gives("ports", DOCTOR_OK, "64,512 source ports", "a wide range");
	f.port_low = -1;
	gives("ports", DOCTOR_UNCHECKED, "can't be read", "a range that can't be read");
	f.conntrack_max = 65536;
	gives("conntrack", DOCTOR_WARN, "at most 65,536 connections, maxconn may need 200,200",
	      "a conntrack table below what maxconn needs");
	mends("conntrack", "nf_conntrack_max=250250", "... and its size");
	f.conntrack_count = 60000;
	gives("conntrack", DOCTOR_FAIL, "60,000 of 65,536", "one that is nearly full");
	f.conntrack_count = -1;
	gives("conntrack", DOCTOR_UNCHECKED, "can't be read", "one that can't be read");
	f.conntrack = false;
	gives("conntrack", DOCTOR_OK, "aren't tracked", "no conntrack");
	f.somaxconn = 128;
	gives("somaxconn", DOCTOR_WARN, "somaxconn 128", "a short queue");
	f.somaxconn = 4096;
	nodes[1].far = true;
	gives("somaxconn", DOCTOR_UNCHECKED, "the hosts of ws2", "other hosts aren't seen");
	fini();

	healthy(yaml_unix);
	gives("ports", DOCTOR_OK, "source ports", "Unix sockets need no ports");
	fini();
}

static void modes(void)
{
	healthy(yaml_plain);
	file(DOCTOR_SECRET, "/etc/wscale/it's key", 0640, 0);
	gives("secrets", DOCTOR_OK, "1 secret", "a secret for its group");
	files[0].mode = S_IFREG | 0644;
	gives("secrets", DOCTOR_FAIL, "everybody on this host may read", "a secret for everybody");
	mends("secrets", "chmod o-rwx '/etc/wscale/it'\\''s key'", "... quoted for a shell");
	files[0].regroup = true;
	mends("secrets", "chgrp wscale '/etc", "... and so that nodes can still read it");
	files[0].shut = true;
	gives("secrets", DOCTOR_OK, "1 secret", "a directory above that keeps others out");
	files[0].error = EACCES;
	gives("secrets", DOCTOR_UNCHECKED, "permission denied", "one that can't be looked at");
	files[0].error = ENOENT;
	gives("secrets", DOCTOR_FAIL, "no such file", "one that isn't there");
	files[0] = (struct doctor_file){DOCTOR_SECRET,  files[0].path, 0,
	                                S_IFDIR | 0755, false,         false};
	gives("secrets", DOCTOR_UNCHECKED, "the files in it", "a directory of certificates");
	f.n_files = 0;

	file(DOCTOR_ADMIN, "/run/admin.sock", 0660, 0);
	file(DOCTOR_MASTER, "/run/master.sock", 0, ENOENT);
	file(DOCTOR_STATE, "/var/lib/wscale", 0755, 0);
	file(DOCTOR_FILE, "/etc/wscale/wscale.yaml", 0644, 0);
	gives("sockets", DOCTOR_WARN, "no master socket", "no master socket");
	files[1].error = 0;
	gives("sockets", DOCTOR_OK, "administrators only", "modes as they should be");
	files[0].mode |= S_IWOTH;
	gives("sockets", DOCTOR_FAIL, "/run/admin.sock: everybody", "an admin socket for all");
	files[0].mode = 0;
	files[2].mode |= S_IWOTH;
	gives("sockets", DOCTOR_FAIL, "/var/lib/wscale: everybody", "a state_dir for all");
	files[2].error = ENOENT;
	gives("sockets", DOCTOR_WARN, "/var/lib/wscale: no such", "no state_dir");
	files[2].error = 0;
	files[2].mode = 0755;
	set(&f.hap_sockets, "# socket lvl processes\nunix@/a admin all\nipv4@127.0.0.1:99 admin "
	                    "all\nipv4@0.0.0.0:98 operator all\nipv6@[::1]:97 admin all\n");
	gives("sockets", DOCTOR_OK, "administrators", "admin on loopback, less on the network");
	set(&f.hap_sockets, "ipv4@0.0.0.0:9999 admin all\n");
	gives("sockets", DOCTOR_FAIL, "listens at 0.0.0.0:9999", "admin on the network");
	gives("files", DOCTOR_OK, "owners only", "a YAML that its owner writes");
	files[3].mode |= S_IWOTH;
	gives("files", DOCTOR_FAIL, "wscale.yaml: everybody", "a YAML for all");
	fini();
}

static void redis_settings(void)
{
	healthy(yaml_keeps);
	set(&f.redis_info, "redis_version:4.0.9\r\nrole:slave\r\nmaster_host:10.0.0.6\r\n"
	                   "master_port:6379\r\ntcp_port:6379\r\n");
	gives("redis", DOCTOR_FAIL, "redis 4.0.9 is older than 5", "a Redis without streams");
	set(&f.redis_info, "redis_version:6.2.1\r\nrole:slave\r\nmaster_host:10.0.0.6\r\n"
	                   "master_port:6379\r\n");
	gives("redis", DOCTOR_FAIL, "replica of 10.0.0.6", "a replica");
	mends("redis", "redis://10.0.0.6:6379", "... and its master");
	set(&f.redis_info, "redis_version:8.0.1\r\nredis_mode:cluster\r\n");
	gives("redis", DOCTOR_FAIL, "cluster mode", "Redis Cluster");
	set(&f.redis_info, "redis_version:6.2.1\r\n");
	gives("redis", DOCTOR_WARN, "older than 7", "one that isn't tested");

	set(&f.redis_info, "maxmemory:104857600\r\nmaxmemory_policy:volatile-lru\r\n"
	                   "used_memory:1\r\n");
	gives("redis-memory", DOCTOR_FAIL, "volatile-lru", "a policy that throws histories away");
	mends("redis-memory", "redis-cli -h 127.0.0.1 -p 6379 CONFIG SET maxmemory-policy",
	      "... with the command");
	set(&f.redis_info, "maxmemory:100\r\nmaxmemory_policy:noeviction\r\nused_memory:95\r\n");
	gives("redis-memory", DOCTOR_WARN, "uses 95B of its maxmemory 100B", "nearly full");

	set(&f.redis_info, "aof_enabled:0\r\n");
	gives("redis-disk", DOCTOR_WARN, "only takes snapshots, save 3600 1", "snapshots only");
	set(&f.save, "");
	gives("redis-disk", DOCTOR_WARN, "keeps nothing on disk", "nothing on disk");
	set(&f.redis_info, "aof_enabled:1\r\nrdb_last_bgsave_status:err\r\n");
	gives("redis-disk", DOCTOR_FAIL, "could not write its last snapshot", "a failed snapshot");
	set(&f.redis_info, "aof_enabled:1\r\naof_last_write_status:err\r\n");
	gives("redis-disk", DOCTOR_FAIL, "append-only file", "a failed write");
	set(&f.redis_info, "aof_enabled:1\r\n");
	set(&f.appendfsync, "no");
	gives("redis-disk", DOCTOR_WARN, "appendfsync no", "a disk that is never waited for");
	set(&f.appendfsync, NULL);
	gives("redis-disk", DOCTOR_UNCHECKED, "CONFIG is refused", "a setting that isn't shown");

	set(&f.buffers, "pubsub 8388608 8388608 60");
	gives("redis-buffers", DOCTOR_WARN, "8MiB, 8MiB for 60s is small", "a small buffer");
	set(&f.buffers, "pubsub 0 0 0");
	gives("redis-buffers", DOCTOR_WARN, "unlimited", "one without a limit");
	set(&f.buffers, "normal 0 0 0");
	gives("redis-buffers", DOCTOR_UNCHECKED, "can't be seen", "an answer without it");
	fini();

	healthy(yaml_plain);
	set(&f.redis_info, "aof_enabled:0\r\nmaxmemory:10\r\nmaxmemory_policy:allkeys-lru\r\n");
	gives("redis-disk", DOCTOR_OK, "no rule keeps", "without histories disks don't matter");
	gives("redis-memory", DOCTOR_OK, "redis uses", "... nor does eviction");
	set(&f.redis_info, NULL);
	snprintf(f.config_why, sizeof f.config_why, "NOPERM");
	gives("redis", DOCTOR_UNCHECKED, "NOPERM", "INFO may be refused");
	f.redis_ok = false;
	snprintf(f.redis_why, sizeof f.redis_why, "redis x: connection refused");
	gives("redis", DOCTOR_FAIL, "connection refused", "a Redis that is away");
	ok(!judge("redis-access") && !judge("clock") && !judge("nodes"),
	   "what it would say is left to that");
	fini();
}

static void redis_access(void)
{
	static const char check[] = "redis-access";

	healthy(yaml_plain);
	gives(check, DOCTOR_OK, "wants a password", "a password");
	f.open = -1;
	gives(check, DOCTOR_UNCHECKED, "without a password", "not known");
	f.open = 1;
	gives(check, DOCTOR_OK, "nobody from other hosts", "open, on loopback");
	f.far = true;
	gives(check, DOCTOR_FAIL, "answers anyone", "open, and on a network");
	f.far = false;
	set(&f.bind, "* -::*");
	gives(check, DOCTOR_OK, "nobody from other hosts", "protected-mode");
	set(&f.protected_mode, "no");
	gives(check, DOCTOR_FAIL, "without a password (bind * -::*)", "without it");
	set(&f.bind, "127.0.0.1 10.0.0.5");
	gives(check, DOCTOR_FAIL, "bind 127.0.0.1 10.0.0.5", "one address beside loopback");
	set(&f.bind, "");
	gives(check, DOCTOR_FAIL, "(bind *)", "an empty bind is all addresses");
	set(&f.redis_info, "tcp_port:0\r\n");
	gives(check, DOCTOR_OK, "no port", "a Unix socket only");
	set(&f.redis_info, redis);
	set(&f.bind, NULL);
	gives(check, DOCTOR_UNCHECKED, "who else reaches it", "a setting that isn't shown");
	set(&f.bind, "127.0.0.1 -::1");
	nodes[1].far = true;
	gives(check, DOCTOR_OK, "nobody from other hosts", "a node on another host that answers");
	nodes[1].report = NULL;
	gives(check, DOCTOR_FAIL, "listens on 127.0.0.1 -::1 only: ws2 can't reach it",
	      "a silent one, and a Redis on loopback");
	set(&f.bind, "*");
	set(&f.protected_mode, "yes");
	gives(check, DOCTOR_FAIL, "protected-mode", "... or in protected mode");
	f.open = 0;
	gives(check, DOCTOR_OK, "wants a password", "a password lets it in");
	fini();
}

static void node_reports(void)
{
	json_t *first;

	healthy(yaml_plain);
	first = json_array_get(reports, 0);
	json_object_set_new(first, "max_clients", json_integer(900));
	gives("nodes-nofile", DOCTOR_WARN, "ws1: 900 clients of node.max_clients 20,000",
	      "a node that takes fewer");
	mends("nodes-nofile", "wsnode@ws1   # [Service] LimitNOFILE=21088", "... and its limit");
	ok(strstr(judge("nodes-nofile")->why, "HAProxy sends it up to 8,000") != NULL,
	   "... and that HAProxy sends more");
	json_object_set_new(first, "max_clients", json_integer(30000));
	gives("nodes-nofile", DOCTOR_WARN, "ws1: more clients", "a node that takes more");
	json_object_set_new(first, "max_clients", json_string("x"));
	gives("nodes-nofile", DOCTOR_OK, "20,000", "an answer that isn't one");
	json_object_set_new(first, "config", json_string("beef"));
	gives("nodes-config", DOCTOR_WARN, "ws1: other redis, auth or channels keys than t.yaml",
	      "a node with other keys");
	json_object_set_new(first, "version", json_string("0.1.0"));
	gives("nodes-version", DOCTOR_WARN, "2 versions: wsnode 0.1.0 (ws1), wsnode 0.2.0 (ws2)",
	      "two versions");
	nodes[0].skew_ms = -61000;
	gives("clock", DOCTOR_WARN, "the clock of ws1 is 61s behind", "a node's clock");
	nodes[0].skew_ms = 500;
	f.skew_ms = 9000;
	gives("clock", DOCTOR_WARN, "the clock of redis is 9s ahead", "Redis's clock");
	f.skew_ms = 0;
	json_object_del(first, "time_ms");
	gives("clock", DOCTOR_UNCHECKED, "ws1: the clock", "a node that doesn't tell");
	f.has_time = false;
	json_object_set_new(first, "time_ms", json_integer(1));
	gives("clock", DOCTOR_UNCHECKED, "redis doesn't tell", "a Redis that doesn't tell");
	nodes[0].report = NULL;
	gives("nodes", DOCTOR_UNCHECKED, "ws1: no answer", "a silent node");
	fini();
}

static void redis_servers(void)
{
	static const char yaml[] = "redis: { url: \"redis://127.0.0.1:6380\", servers: "
				   "[10.0.0.5:6379, \"[::1]:6379\"], password_file: p }\n"
				   "nodes: { ws1: 10.0.0.11:8081 }\n";
	struct doctor_server *s = f.servers_of_redis;

	healthy(yaml_plain);
	ok(!judge("redis-servers"), "without servers there is nothing to say");
	fini();
	healthy(yaml);
	s[0] = (struct doctor_server){.answered = true, .master = true, .replicas = 1};
	s[1] = (struct doctor_server){.answered = true};
	gives("redis-servers", DOCTOR_OK, "redis 10.0.0.5:6379 is the master", "one master");
	s[0].replicas = 0;
	gives("redis-servers", DOCTOR_WARN, "10.0.0.5:6379 has no replica", "nobody to take over");
	mends("redis-servers", "REPLICAOF 10.0.0.5 6379", "... and how");
	s[1].master = true;
	gives("redis-servers", DOCTOR_FAIL, "10.0.0.5:6379, [::1]:6379 all say", "two masters");
	s[0].master = s[1].master = false;
	gives("redis-servers", DOCTOR_FAIL, "none of redis.servers is a master", "no master");
	s[0] = (struct doctor_server){.answered = true, .master = true, .replicas = 1};
	s[1] = (struct doctor_server){.no_user = true, .why = "WRONGPASS"};
	gives("redis-servers", DOCTOR_FAIL, "redis [::1]:6379 knows no user wscale-check",
	      "a server that the check can't ask");
	mends("redis-servers",
	      "redis-cli -h ::1 -p 6379 --askpass ACL SETUSER wscale-check on nopass -@all +role",
	      "... and what lets it");
	s[1] = (struct doctor_server){.why = "Connection refused"};
	gives("redis-servers", DOCTOR_WARN, "redis [::1]:6379 of redis.servers: Connection refused",
	      "a server that is away");
	s[0].master = false;
	gives("redis-servers", DOCTOR_FAIL, "none of redis.servers that answered is a master",
	      "no master but perhaps the one that is away");
	mends("redis-servers", "wsctl doctor", "... which nobody is promoted beside");
	fini();
}

static void helpers(void)
{
	struct doctor_names n = {0};
	char s[DOCTOR_FIELD];
	char *word = doctor_word("");

	for (int i = 0; i < 9; i++)
		names_add(&n, "ws");
	is(names_str(&n), "ws, ws, ws, ws, ws and 4 more", "a thousand names are few words");
	names_free(&n);
	is(doctor_field("Ab: 1\nA: 2 3\r\nB:4", "A", s), "2 3", "a field is a whole key");
	is(doctor_field("A", "A", s), "", "... with a colon");
	is(doctor_field(NULL, "A", s), "", "no text, no field");
	ok(doctor_number("n:-1\n", "n") == -1 && doctor_number("n:x", "n") == -1,
	   "what is no number is none");
	is(word, "''", "an empty word is one");
	free(word);
}

/* A made-up /proc. */
static void sysctls(void)
{
	char root[] = "/tmp/doctor.XXXXXX", cmd[512];
	struct doctor_facts h = {0};

	healthy(yaml_plain);
	if (!mkdtemp(root))
		return;
	snprintf(cmd, sizeof cmd,
	         "cd %s && mkdir -p proc/sys/net/ipv4 proc/sys/net/core && printf '1000\\t2000\\n' "
	         ">proc/sys/net/ipv4/ip_local_port_range && echo 77 >proc/sys/net/core/somaxconn",
	         root);
	ok(!system(cmd) && !doctor_host(cfg, root, &h), "the host is looked at");
	ok(h.port_low == 1000 && h.port_high == 2000 && h.somaxconn == 77, "sysctls are read");
	ok(!h.conntrack && h.conntrack_max == -1, "no conntrack there");
	ok(h.n_nodes == 2 && h.nodes[0].far, "10.0.0.11 is another host");
	doctor_free(&h);
	snprintf(cmd, sizeof cmd, "rm -r %s", root);
	if (system(cmd))
		printf("# %s stays\n", root);
	fini();
}

int main(void)
{
	nothing();
	haproxy();
	ping();
	host();
	modes();
	redis_settings();
	redis_access();
	redis_servers();
	node_reports();
	helpers();
	sysctls();
	config_free(cfg);
	json_decref(reports);
	return tap_done();
}
