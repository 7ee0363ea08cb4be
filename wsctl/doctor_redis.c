/*
 * doctor_redis: judges Redis by its own words: version and role, who reaches it without a password,
 * the buffer of its subscribers, what its memory policy throws away, what a restart forgets. Pure.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/num.h"
#include "doctor.h"
#include "table.h"

/* Redis' own default for subscribers, below which nothing is gained. */
#define HARD_LEAST (32LL << 20)
#define SOFT_LEAST (8LL << 20)
enum { MESSAGES_LEAST = 64, FULL_PERCENT = 90, CLI = 700 };

/* How redis-cli is called for this Redis. */
static const char *cli(const struct config *cfg, char out[static CLI])
{
	const struct endpoint *at = &cfg->redis.url.at;
	const char *ask = cfg->redis.password_file ? " --askpass" : "";
	char *path = at->is_unix ? doctor_word(at->path) : NULL;

	if (path)
		snprintf(out, CLI, "redis-cli -s %s%s", path, ask);
	else
		snprintf(out, CLI, "redis-cli -h %s -p %d%s", at->host, at->port, ask);
	free(path);
	return out;
}

/* CONFIG is refused: says which settings that leaves out. */
static void unconfigured(const struct doctor_facts *f, struct findings *out, const char *what,
                         const char *setting)
{
	found(out, DOCTOR_UNCHECKED, "redis: %s can't be seen: %s", what,
	      f->config_why[0] ? f->config_why : "CONFIG is refused");
	found_mend(out, "on its host, as its administrator: redis-cli CONFIG GET %s", setting);
}

void check_redis(const struct doctor_facts *f, struct findings *out)
{
	char s[DOCTOR_FIELD], *end;
	unsigned long major;

	if (!f->redis_ok) {
		found(out, DOCTOR_FAIL, "%s", f->redis_why);
		found_why(out, "no node delivers; its settings, and the nodes' word, aren't "
		               "checked");
		found_mend(out, "systemctl start redis-server || journalctl -u redis-server");
		return;
	}
	if (!f->redis_info) {
		found(out, DOCTOR_UNCHECKED, "redis: version, role and memory: %s", f->config_why);
		found_mend(out, "on its host, as its administrator: redis-cli INFO");
		return;
	}
	major = strtoul(doctor_field(f->redis_info, "redis_version", s), &end, 10);
	if (major < 5) {
		found(out, DOCTOR_FAIL, "redis %s is older than 5", s);
		found_why(out, "histories need its streams");
		found_mend(out, "apt install redis-server");
	} else if (major < 7) {
		found(out, DOCTOR_WARN, "redis %s is older than 7", s);
		found_why(out, "nothing below 7.0 is tested with wscale");
		found_mend(out, "apt install redis-server");
	} else {
		found(out, DOCTOR_OK, "redis %s", s);
	}
	if (!strcmp(doctor_field(f->redis_info, "role", s), "slave")) {
		char host[DOCTOR_FIELD];

		found(out, DOCTOR_FAIL, "redis is a replica of %s",
		      doctor_field(f->redis_info, "master_host", host));
		found_why(out, "it takes no writes: no history, no canary; nodes stay at 503");
		found_mend(out, "redis.url: redis://%s:%s in %s", host,
		           doctor_field(f->redis_info, "master_port", s), f->cfg->path);
	}
	if (!strcmp(doctor_field(f->redis_info, "redis_mode", s), "cluster")) {
		found(out, doctor_keeps(f->cfg) ? DOCTOR_FAIL : DOCTOR_WARN,
		      "redis runs in cluster mode");
		found_why(out, "a channel's keys lie on several of its nodes: no history there");
		found_mend(out, "a Redis of its own with `cluster-enabled no`");
	}
}

static bool is_loopback(const char *word, size_t len)
{
	if (len && *word == '-') { /* fine when the host lacks that address */
		word++;
		len--;
	}
	return (len > 4 && !memcmp(word, "127.", 4)) || (len == 3 && !memcmp(word, "::1", 3)) ||
	       (len == 9 && !memcmp(word, "localhost", 9));
}

static bool only_loopback(const char *bind)
{
	bool any = false;

	for (const char *w = bind + strspn(bind, " "); *w; w += strspn(w, " ")) {
		size_t len = strcspn(w, " ");

		if (!is_loopback(w, len))
			return false;
		any = true;
		w += len;
	}
	return any;
}

/* Nodes on other hosts that aren't heard: those that a closed Redis keeps out. */
static void kept_out(const struct doctor_facts *f, struct doctor_names *names)
{
	for (size_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].far && !f->nodes[i].report)
			names_add(names, f->nodes[i].name);
}

static void password(const struct doctor_facts *f, struct findings *out)
{
	found_mend(out, "requirepass in redis.conf, the same in a redis.password_file of every %s",
	           f->cfg->path);
}

void check_redis_access(const struct doctor_facts *f, struct findings *out)
{
	char at[ENDPOINT_STR];
	struct doctor_names silent = {0};
	bool local, shut;

	if (!f->redis_ok)
		return;
	redis_url_str(&f->cfg->redis.url, at);
	if (f->open < 0) {
		found(out, DOCTOR_UNCHECKED, "redis %s: whether it answers without a password", at);
		found_mend(out, "on another host: redis-cli -h ADDRESS PING");
		return;
	}
	if (f->open && f->far) {
		found(out, DOCTOR_FAIL, "redis %s answers anyone without a password", at);
		found_why(out, "who reaches it reads and writes every channel");
		password(f, out);
		return;
	}
	kept_out(f, &silent);
	if (!f->open && !silent.n) {
		found(out, DOCTOR_OK, "redis %s wants a password", at);
		goto out;
	}
	if (!doctor_number(f->redis_info, "tcp_port")) {
		found(out, DOCTOR_OK, "redis listens on no port");
		goto out;
	}
	if (!f->bind || !f->protected_mode) {
		unconfigured(f, out, "who else reaches it", "bind");
		goto out;
	}
	local = only_loopback(f->bind);
	shut = local || (f->open && !strcmp(f->protected_mode, "yes"));
	if (local && silent.n) {
		found(out, DOCTOR_FAIL, "redis listens on %s only: %s can't reach it", f->bind,
		      names_str(&silent));
		found_why(out, "on other hosts, and silent");
		found_mend(out, "redis.conf: bind 127.0.0.1 ADDRESS, and a password; redis.url in "
		                "every file");
	} else if (shut && silent.n) {
		found(out, DOCTOR_FAIL,
		      "redis refuses other hosts (protected-mode): %s can't use it",
		      names_str(&silent));
		found_why(out, "on other hosts, and silent");
		password(f, out);
	} else if (!shut && f->open) {
		found(out, DOCTOR_FAIL, "redis takes other hosts without a password (bind %s)",
		      *f->bind ? f->bind : "*");
		found_why(out, "who reaches it reads and writes every channel");
		password(f, out);
	} else {
		found(out, DOCTOR_OK,
		      f->open ? "redis takes nobody from other hosts" : "redis wants a password");
	}
out:
	names_free(&silent);
}

/* "... pubsub HARD SOFT SECONDS ...": 0, or -1. */
static int pubsub_limits(const char *text, int64_t v[static 3])
{
	const char *at = strstr(text, "pubsub ");
	char *end;

	if (!at)
		return -1;
	at += 7;
	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)*at))
			return -1;
		v[i] = strtoll(at, &end, 10);
		at = end + (*end == ' ');
	}
	return 0;
}

void check_redis_buffers(const struct doctor_facts *f, struct findings *out)
{
	int64_t v[3], least = HARD_LEAST;
	char a[NUM_STR], b[NUM_STR], c[CLI];

	if (!f->redis_ok)
		return;
	if (!f->buffers || pubsub_limits(f->buffers, v)) {
		unconfigured(f, out, "the buffer of its subscribers", "client-output-buffer-limit");
		return;
	}
	if ((int64_t)f->cfg->node.max_message * MESSAGES_LEAST > least)
		least = (int64_t)f->cfg->node.max_message * MESSAGES_LEAST;
	if (!v[0] && !v[1]) {
		found(out, DOCTOR_WARN, "redis: client-output-buffer-limit pubsub is unlimited");
		found_why(out, "for one node that hangs Redis fills its memory");
	} else if ((v[0] && v[0] < least) || (v[1] && v[1] < SOFT_LEAST)) {
		found(out, DOCTOR_WARN,
		      "redis: client-output-buffer-limit pubsub %s, %s for %llds is small",
		      num_bytes((uint64_t)v[0], a), num_bytes((uint64_t)v[1], b), (long long)v[2]);
		found_why(out,
		          "after a burst Redis cuts the node off; what no history kept is lost");
	} else {
		found(out, DOCTOR_OK, "redis keeps %s for a node that is behind",
		      num_bytes((uint64_t)v[0], a));
		return;
	}
	found_mend(out,
	           "%s CONFIG SET client-output-buffer-limit \"pubsub %lld %lld 60\"   # and in "
	           "redis.conf",
	           cli(f->cfg, c), (long long)least, (long long)SOFT_LEAST);
}

void check_redis_memory(const struct doctor_facts *f, struct findings *out)
{
	int64_t max = doctor_number(f->redis_info, "maxmemory"),
		used = doctor_number(f->redis_info, "used_memory");
	char policy[DOCTOR_FIELD], a[NUM_STR], b[NUM_STR], c[CLI];

	if (!f->redis_info)
		return;
	doctor_field(f->redis_info, "maxmemory_policy", policy);
	if (max > 0 && doctor_keeps(f->cfg) && *policy && strcmp(policy, "noeviction") != 0) {
		found(out, DOCTOR_FAIL, "redis: maxmemory-policy %s", policy);
		found_why(out,
		          "at %s it throws histories away, and with them who sent what "
		          "already",
		          num_bytes((uint64_t)max, a));
		found_mend(out, "%s CONFIG SET maxmemory-policy noeviction   # and in redis.conf",
		           cli(f->cfg, c));
	} else if (max > 0 && used >= max / 100 * FULL_PERCENT) {
		found(out, DOCTOR_WARN, "redis uses %s of its maxmemory %s",
		      num_bytes((uint64_t)used, a), num_bytes((uint64_t)max, b));
		found_why(out, "when it is full it refuses messages, and nodes answer 503");
		found_mend(out, "%s CONFIG SET maxmemory %lld   # and in redis.conf",
		           cli(f->cfg, c), (long long)max * 2);
	} else {
		found(out, DOCTOR_OK, "redis uses %s of %s", num_bytes((uint64_t)used, a),
		      max > 0 ? num_bytes((uint64_t)max, b) : "what there is");
	}
}

static void append_only(const struct doctor_facts *f, struct findings *out)
{
	char c[CLI];

	cli(f->cfg, c);
	found_mend(out, "%s CONFIG SET appendonly yes   # and in redis.conf", c);
}

void check_redis_disk(const struct doctor_facts *f, struct findings *out)
{
	char s[DOCTOR_FIELD], t[DOCTOR_FIELD], c[CLI];
	bool bgsave, aof_write;

	if (!f->redis_info)
		return;
	bgsave = !strcmp(doctor_field(f->redis_info, "rdb_last_bgsave_status", s), "err");
	aof_write = !strcmp(doctor_field(f->redis_info, "aof_last_write_status", t), "err");
	if (bgsave || aof_write) {
		found(out, DOCTOR_FAIL, "redis could not write its %s",
		      aof_write ? "append-only file" : "last snapshot");
		found_why(out, "it refuses writes (MISCONF) until it can; nodes answer 503");
		found_mend(out, "on its host: df -h; journalctl -u redis-server");
	}
	if (!doctor_keeps(f->cfg)) {
		found(out, DOCTOR_OK, "no rule keeps messages in redis");
		return;
	}
	if (doctor_number(f->redis_info, "aof_enabled") == 1) {
		if (f->appendfsync && !strcmp(f->appendfsync, "no")) {
			found(out, DOCTOR_WARN, "redis: appendfsync no");
			found_why(out, "a power cut takes half a minute of every history");
			found_mend(out, "%s CONFIG SET appendfsync everysec   # and in redis.conf",
			           cli(f->cfg, c));
		} else if (f->appendfsync) {
			found(out, DOCTOR_OK, "redis writes histories to disk, appendfsync %s%s",
			      f->appendfsync,
			      strcmp(f->appendfsync, "always")
			              ? ": a power cut takes a second of them"
			              : "");
		} else {
			unconfigured(f, out, "how often it writes to disk", "appendfsync");
		}
		return;
	}
	if (f->save && !*f->save) {
		found(out, DOCTOR_WARN, "redis keeps nothing on disk, and rules keep histories");
		found_why(out, "when it restarts they are gone, and clients are told !lost");
	} else {
		found(out, DOCTOR_WARN, "redis only takes snapshots%s%s, and rules keep histories",
		      f->save ? ", save " : "", f->save ? f->save : "");
		found_why(out, "a crash takes what came since the last; clients are told !lost");
	}
	append_only(f, out);
}
