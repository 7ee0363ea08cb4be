/*
 * endpoint: addresses as text. Pure: no name is resolved here. What it accepts can stand in
 * haproxy.cfg and in a socket command as it is, so hosts and paths are held to a short list of
 * bytes.
 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "num.h"

enum { REDIS_PORT = 6379, REDIS_DB_MAX = 65535 };

static bool alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int fail(const char **why, const char *text)
{
	*why = text;
	return -1;
}

static int set_path(const char *s, struct endpoint *out, const char **why)
{
	size_t n = strlen(s);
	if (*s != '/')
		return fail(why, "needs an absolute path");
	if (n >= sizeof out->path)
		return fail(why, "is too long for a Unix socket (107 bytes)");
	if (s[n - 1] == '/')
		return fail(why, "names a directory");
	for (const char *p = s; *p; p++) {
		if (!alnum(*p) && !strchr("/._-+@:=~", *p))
			return fail(why, "has a byte that a socket path may not have here");
	}
	out->is_unix = true;
	memcpy(out->path, s, n + 1);
	return 0;
}

/* A name (RFC 1123, and '_', which private DNS uses) or an IPv4 address, n bytes. */
static int set_host(const char *s, size_t n, struct endpoint *out, const char **why)
{
	bool numeric = true;
	if (n >= sizeof out->host)
		return fail(why, "has a host that is too long");
	for (size_t i = 0; i < n; i++) {
		if (!alnum(s[i]) && s[i] != '.' && s[i] != '-' && s[i] != '_')
			return fail(why, "has no valid host");
		if ((s[i] < '0' || s[i] > '9') && s[i] != '.')
			numeric = false;
		out->host[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 'a' - 'A') : s[i];
	}
	out->host[n] = '\0';
	struct in_addr a;
	if (numeric && inet_pton(AF_INET, out->host, &a) != 1)
		return fail(why, "has no valid IPv4 address");
	if (s[0] == '-' || s[0] == '.' || strstr(out->host, ".."))
		return fail(why, "has no valid host");
	return 0;
}

static int set_v6(const char *s, size_t n, struct endpoint *out, const char **why)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;
	if (n >= sizeof text)
		return fail(why, "has no valid IPv6 address");
	memcpy(text, s, n);
	text[n] = '\0';
	if (inet_pton(AF_INET6, text, &a) != 1 ||
	    !inet_ntop(AF_INET6, &a, out->host, sizeof out->host))
		return fail(why, "has no valid IPv6 address");
	return 0;
}

/* HOST or [V6], and what follows it in *rest. */
static int set_name(const char *s, bool allow_any, struct endpoint *out, const char **rest,
                    const char **why)
{
	if (*s == '[') {
		const char *close = strchr(s, ']');
		if (!close)
			return fail(why, "lacks a ]");
		*rest = close + 1;
		return set_v6(s + 1, (size_t)(close - s - 1), out, why);
	}
	size_t n = strcspn(s, ":");
	if (strstr(s, "://"))
		return fail(why, "must be HOST:PORT, without a scheme");
	if (s[n] && strchr(s + n + 1, ':'))
		return fail(why, strspn(s, "0123456789abcdefABCDEF") == n
		                         ? "needs brackets around an IPv6 address"
		                         : "has more behind HOST:PORT");
	*rest = s + n;
	if (n)
		return set_host(s, n, out, why);
	if (!allow_any)
		return fail(why, "has no host");
	return 0;
}

static int set_port(const char *s, struct endpoint *out, const char **why)
{
	uint32_t port;
	if (num_u32(s, 1, 65535, &port))
		return fail(why, "has no valid port");
	out->port = (int)port;
	return 0;
}

int endpoint_parse(const char *s, bool allow_any, struct endpoint *out, const char **why)
{
	struct endpoint e = {0};
	const char *rest;
	if (!*s)
		return fail(why, "is empty");
	if (strncasecmp(s, "unix:", 5) ==
	    0) { /* "Unix:80" is no host either: it would print as a path */
		if (set_path(s + 5, &e, why))
			return -1;
	} else if (*s == '/') {
		return fail(why, "needs unix: before a path");
	} else if (!strchr(s, ':')) {
		return fail(why, "has no port");
	} else {
		if (set_name(s, allow_any, &e, &rest, why))
			return -1;
		if (*rest != ':')
			return fail(why, "has no port");
		if (set_port(rest + 1, &e, why))
			return -1;
	}
	*out = e;
	return 0;
}

const char *endpoint_str(const struct endpoint *e, char out[static ENDPOINT_STR])
{
	if (e->is_unix)
		snprintf(out, ENDPOINT_STR, "unix:%s", e->path);
	else
		snprintf(out, ENDPOINT_STR, strchr(e->host, ':') ? "[%s]:%d" : "%s:%d", e->host,
		         e->port);
	return out;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	if (a->is_unix != b->is_unix)
		return false;
	if (a->is_unix)
		return strcmp(a->path, b->path) == 0;
	return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

int redis_url_parse(const char *s, struct redis_url *out, const char **why)
{
	struct redis_url u = {0};
	if (strchr(s, '@'))
		return fail(why,
		            "holds a user or password: use redis.user and redis.password_file");
	if (strncmp(s, "unix://", 7) == 0) {
		if (set_path(s + 7, &u.at, why))
			return -1;
		*out = u;
		return 0;
	}
	if (strncmp(s, "rediss://", 9) == 0)
		return fail(why, "asks for TLS, which is not supported");
	if (strncmp(s, "redis://", 8) != 0)
		return fail(why, "must begin with redis:// or unix://");
	char text[512];
	size_t n = strlen(s + 8);
	if (n >= sizeof text)
		return fail(why, "is too long");
	memcpy(text, s + 8, n + 1);

	char *slash = strchr(text, '/');
	if (slash) {
		uint32_t db = 0;
		*slash = '\0';
		if (slash[1] && num_u32(slash + 1, 0, REDIS_DB_MAX, &db))
			return fail(why, "has no valid database number");
		u.db = (int)db;
	}
	const char *rest;
	if (set_name(text, false, &u.at, &rest, why))
		return -1;
	u.at.port = REDIS_PORT;
	if (*rest == ':' ? set_port(rest + 1, &u.at, why) : *rest && fail(why, "has no valid port"))
		return -1;
	*out = u;
	return 0;
}

const char *redis_url_str(const struct redis_url *u, char out[static ENDPOINT_STR])
{
	endpoint_str(&u->at, out);
	size_t n = strlen(out);
	if (u->db)
		snprintf(out + n, ENDPOINT_STR - n, "/%d", u->db);
	return out;
}
