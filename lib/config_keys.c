/*
 * config_keys: the table of keys, and what to say about one that isn't in it. Must not know YAML
 * nor how values are parsed; what a text may hold is decided by where it goes (haproxy.cfg, a file
 * name).
 */
#include "config_keys.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "errs.h"
#include "near.h"

enum { PATH_TEXT_MAX = 1023, LABEL_MAX = 64 };
#define MS(s) ((uint64_t)(s)*1000)
#define HOUR MS(3600)
#define DAY MS(86400)
#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static bool alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Of one word: bytes of [A-Za-z0-9] and extra. */
static bool word(const char *s, size_t max, const char *extra)
{
	size_t n = 0;
	for (; s[n]; n++) {
		if (n == max || (!alnum(s[n]) && !strchr(extra, s[n])))
			return false;
	}
	return n > 0;
}

/* What haproxy.cfg takes as one word, unquoted, and `bind` doesn't split at a comma. */
static bool path_valid(const char *s)
{
	return s[0] == '/' && s[1] && word(s, PATH_TEXT_MAX, "/._-+@:=~%");
}

/* sun_path holds 108; HAProxy binds at PATH.PID.tmp first. */
static bool socket_valid(const char *s)
{
	return path_valid(s) && strlen(s) <= 96 && s[strlen(s) - 1] != '/';
}

/* Never leaves this program, so only what no file name has on purpose is refused. */
static bool file_valid(const char *s)
{
	size_t n = strlen(s);
	return n > 0 && n <= PATH_TEXT_MAX && s[n - 1] != '/';
}

/* HAProxy: proxy names are [A-Za-z0-9_:.-]; it becomes a file's name too, so no dot in front. */
static bool backend_valid(const char *s)
{
	return s[0] != '.' && word(s, LABEL_MAX, "_:.-");
}

static bool account_valid(const char *s)
{
	return s[0] != '-' && word(s, 32, "_.-");
}

static bool redis_user_valid(const char *s)
{
	size_t n = 0;
	for (; s[n]; n++) {
		if (n == 128 || s[n] <= ' ' || s[n] > '~')
			return false;
	}
	return n > 0;
}

static bool default_channel_valid(const char *s)
{
	return channel_valid(s, strlen(s));
}

static const char a_path[] = "an absolute path, without blanks, quotes or commas";
static const char a_socket[] =
	"an absolute path of at most 96 bytes; on TCP whoever reaches it controls HAProxy";
static const char a_file[] = "a file's name";
static const char an_account[] = "a name of 1 to 32 letters, digits, _ . -";

#define AT(f) .at = offsetof(struct config, f)
#define NODE(f) .at = offsetof(struct config_node, f)
#define RULE(f) .at = offsetof(struct config_rule, f)
#define TEXT(v, a) .valid = (v), .arg = (a)

/* A section's row stands before its keys. */
const struct key config_keys[] = {
	{"cluster", KEY_CLUSTER, "wscale", AT(cluster)},

	{"redis", .type = KEY_MAP},
	{"redis.url", KEY_REDIS, "redis://127.0.0.1:6379", AT(redis.url)},
	{"redis.user", KEY_TEXT, AT(redis.user),
         TEXT(redis_user_valid, "1 to 128 printable bytes without blanks")},
	{"redis.password_file", KEY_TEXT, AT(redis.password_file), TEXT(file_valid, a_file)},
	{"redis.servers", .type = KEY_SERVERS},

	{"haproxy", .type = KEY_MAP},
	{"haproxy.own", KEY_ENUM, "all", AT(haproxy.own), .arg = "all backend"},
	{"haproxy.file", KEY_TEXT, AT(haproxy.file), TEXT(path_valid, a_path)},
	{"haproxy.backend", KEY_TEXT, AT(haproxy.backend),
         TEXT(backend_valid, "1 to 64 letters, digits, _ : . -, not beginning with a dot")},
	{"haproxy.bind", KEY_BIND, ":80", AT(haproxy.bind)},
	{"haproxy.tls", .type = KEY_MAP},
	{"haproxy.tls.bind", KEY_BIND, ":443", AT(haproxy.tls_bind)},
	{"haproxy.tls.cert", KEY_TEXT, AT(haproxy.tls_cert), TEXT(path_valid, a_path)},
	{"haproxy.socket", KEY_TEXT, "/run/haproxy/admin.sock", AT(haproxy.socket),
         TEXT(socket_valid, a_socket)},
	{"haproxy.master", KEY_TEXT, "/run/haproxy-master.sock", AT(haproxy.master),
         TEXT(socket_valid, a_socket)},
	{"haproxy.state_dir", KEY_TEXT, "/var/lib/wscale", AT(haproxy.state_dir),
         TEXT(path_valid, a_path)},
	{"haproxy.stats", KEY_BIND, "127.0.0.1:8404", AT(haproxy.stats)},
	{"haproxy.maxconn", KEY_U32, "8000", AT(haproxy.maxconn), 1, 10000000},
	{"haproxy.user", KEY_TEXT, AT(haproxy.user), TEXT(account_valid, an_account)},
	{"haproxy.group", KEY_TEXT, AT(haproxy.group), TEXT(account_valid, an_account)},
	{"haproxy.socket_group", KEY_TEXT, AT(haproxy.socket_group),
         TEXT(account_valid, an_account)},
	{"haproxy.chroot", KEY_TEXT, AT(haproxy.chroot), TEXT(path_valid, a_path)},
	{"haproxy.hard_stop_after", KEY_DURATION, AT(haproxy.hard_stop_after_ms), MS(1), 24 * DAY},
	{"haproxy.per_source", .type = KEY_MAP},
	{"haproxy.per_source.connections", KEY_U32, AT(haproxy.per_source_connections), 1,
         10000000},
	{"haproxy.per_source.rate", KEY_RATE, AT(haproxy.per_source_rate)},
	{"haproxy.balancers", .type = KEY_BALANCERS},
	{"haproxy.extra", .type = KEY_MAP},
	{"haproxy.extra.global", KEY_VERBATIM, "", AT(haproxy.extra_global)},
	{"haproxy.extra.defaults", KEY_VERBATIM, "", AT(haproxy.extra_defaults)},
	{"haproxy.extra.frontend", KEY_VERBATIM, "", AT(haproxy.extra_frontend)},
	{"haproxy.extra.backend", KEY_VERBATIM, "", AT(haproxy.extra_backend)},
	{"haproxy.edit", KEY_BOOL, "true", AT(haproxy.edit)},

	{"node", .type = KEY_MAP},
	{"node.max_clients", KEY_U32, "20000", AT(node.max_clients), 1, 10000000},
	{"node.ping", KEY_DURATION, "25s", AT(node.ping_ms), MS(1), HOUR},
	{"node.max_message", KEY_SIZE, "64KiB", AT(node.max_message), 1, 64 * MIB},
	{"node.max_queue", KEY_SIZE, "1MiB", AT(node.max_queue), 1, GIB},
	{"node.max_queue_total", KEY_SIZE, "256MiB", AT(node.max_queue_total), 1, 1024 * GIB},
	{"node.max_cache", KEY_SIZE, "256MiB", AT(node.max_cache), MIB, 1024 * GIB},
	{"node.message_rate", KEY_RATE, "100/s", AT(node.message_rate)},
	{"node.drain", .type = KEY_MAP},
	{"node.drain.rate", KEY_RATE, "200/s", AT(node.drain.rate)},
	{"node.drain.grace", KEY_DURATION, "5s", AT(node.drain.grace_ms), 0, HOUR},
	{"node.drain.deadline", KEY_DURATION, "2m", AT(node.drain.deadline_ms), MS(1), DAY},

	{"auth", .type = KEY_MAP},
	{"auth.token_file", KEY_TEXT, AT(auth.token_file), TEXT(file_valid, a_file)},
	{"auth.jwt_key_file", KEY_TEXT, AT(auth.jwt_key_file), TEXT(file_valid, a_file)},
	{"auth.origins", .type = KEY_ORIGINS},

	{"channels", .type = KEY_MAP},
	{"channels.default", KEY_TEXT, "wsGlobal", AT(channels.dflt),
         TEXT(default_channel_valid, "1 to 128 letters, digits, _ : . -")},
	{"channels.rules", .type = KEY_RULES},
	{"channels.rules[].match", KEY_TEXT, RULE(match),
         TEXT(channel_pattern_valid, "1 to 128 letters, digits, _ : . - and *")},
	{"channels.rules[].slow", KEY_ENUM, RULE(slow), .arg = "close drop"},
	{"channels.rules[].publish", KEY_ENUM, RULE(publish), .arg = "anyone token nobody"},
	{"channels.rules[].history", .type = KEY_MAP, .arg = "{ size: 100, ttl: 1h }"},
	{"channels.rules[].history.size", KEY_U32, RULE(history_size), 1, 100000},
	{"channels.rules[].history.ttl", KEY_DURATION, RULE(history_ttl_ms), MS(1), 30 * DAY},
	{"channels.rules[].cache", KEY_WORD, RULE(cache_last), .arg = "last"},

	{"nodes", .type = KEY_NODES},
	{"nodes.*.address", KEY_ADDRESS, NODE(at)},
	{"nodes.*.weight", KEY_U32, NODE(weight), 0, 256},
	{"nodes.*.maxconn", KEY_U32, NODE(maxconn), 1, 10000000},
	{.path = NULL},
};

/* The last word of the row's path when the row is a direct key of parent; else NULL. */
static const char *child(const struct key *k, const char *parent)
{
	size_t n = strlen(parent);
	const char *name = k->path;
	if (n) {
		if (strncmp(name, parent, n) != 0 || name[n] != '.')
			return NULL;
		name += n + 1;
	}
	return strchr(name, '.') ? NULL : name;
}

const struct key *config_key(const char *parent, const char *name)
{
	for (const struct key *k = config_keys; k->path; k++) {
		const char *c = child(k, parent);
		if (c && strcmp(c, name) == 0)
			return k;
	}
	return NULL;
}

bool config_key_single(const struct key *k)
{
	return !strstr(k->path, "*.") && !strstr(k->path, "[].");
}

const char *config_key_label(const struct key *k)
{
	const char *many = strstr(k->path, "*."), *list = strstr(k->path, "[].");
	if (many)
		return many + 2;
	if (list)
		return list + 3;
	const char *dot = strchr(k->path, '.');
	return dot ? dot + 1 : k->path;
}

/* A key beside it that is spelled much alike, or that it abbreviates. */
static const char *nearest(const char *parent, const char *name)
{
	const char *best = NULL;
	size_t n = strlen(name), limit = n < 4 ? 1 : n < 8 ? 2 : 3, best_d = limit + 1;
	for (const struct key *k = config_keys; k->path; k++) {
		const char *c = child(k, parent);
		if (!c)
			continue;
		size_t d = n >= 3 && strncmp(c, name, n) == 0 ? 1 : near_distance(name, c);
		if (d < best_d) {
			best = c;
			best_d = d;
		}
	}
	return best;
}

/* The one key of that name in another section; NULL: none or several. */
static const struct key *elsewhere(const char *name)
{
	const struct key *found = NULL;
	for (const struct key *k = config_keys; k->path; k++) {
		const char *dot = strrchr(k->path, '.');
		if (strcmp(dot ? dot + 1 : k->path, name) != 0 || !config_key_single(k))
			continue;
		if (found)
			return NULL;
		found = k;
	}
	return found;
}

/* "address, weight, maxconn": a few at most, else the line says nothing. */
static bool list_keys(const char *parent, char *out, size_t size)
{
	size_t count = 0, len = 0;
	for (const struct key *k = config_keys; k->path; k++) {
		const char *c = child(k, parent);
		if (!c)
			continue;
		int n = snprintf(out + len, size - len, "%s%s", len ? ", " : "", c);
		if (n < 0 || (size_t)n >= size - len || ++count > 8)
			return false;
		len += (size_t)n;
	}
	return count > 0;
}

void config_unknown(struct errs *errs, int line, int col, const char *parent, const char *name)
{
	char keys[256];
	const char *near = nearest(parent, name);
	const struct key *other = near ? NULL : elsewhere(name);
	if (near)
		errs_add(errs, line, col, "unknown key \"%.80s\", did you mean \"%s\"?", name,
		         near);
	else if (other)
		errs_add(errs, line, col, "unknown key \"%.80s\" here, did you mean \"%s\"?", name,
		         other->path);
	else if (list_keys(parent, keys, sizeof keys))
		errs_add(errs, line, col, "unknown key \"%.80s\"; keys here: %s", name, keys);
	else
		errs_add(errs, line, col, "unknown key \"%.80s\"", name);
}
