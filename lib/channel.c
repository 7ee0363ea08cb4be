/*
 * channel: what is a name, what a pattern reaches, and how names look in Redis. Pure.
 * Every Redis name of the tree is made here; nothing else may paste one together.
 */
#include "channel.h"

#include <stdio.h>
#include <string.h>

static bool alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool channel_byte(char c)
{
	return alnum(c) || c == '_' || c == ':' || c == '.' || c == '-';
}

bool channel_valid(const char *s, size_t len)
{
	if (len < 1 || len > CHANNEL_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!channel_byte(s[i]))
			return false;
	}
	return true;
}

bool cluster_valid(const char *s)
{
	size_t n = 0;
	for (; s[n]; n++) {
		if (n == CLUSTER_MAX ||
		    (!(s[n] >= 'a' && s[n] <= 'z') && !(s[n] >= '0' && s[n] <= '9') && s[n] != '-'))
			return false;
	}
	return n > 0;
}

bool node_name_valid(const char *s)
{
	size_t n = 0;
	for (; s[n]; n++) {
		if (n == NODE_NAME_MAX || (!alnum(s[n]) && s[n] != '_' && s[n] != '-'))
			return false;
	}
	return n > 0;
}

bool channel_pattern_valid(const char *s)
{
	size_t n = 0;
	for (; s[n]; n++) {
		if (n == CHANNEL_MAX || (s[n] != '*' && !channel_byte(s[n])))
			return false;
	}
	return n > 0;
}

/* Only the last '*' is ever tried again, so the cost is at most pattern times name. */
bool channel_match(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL;
	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			retry = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static size_t join(char out[static REDIS_NAME_MAX], const char *cluster, const char *sep,
                   const char *name)
{
	int n = snprintf(out, REDIS_NAME_MAX, "%s%s%s", cluster, sep, name);
	if (n < 0)
		return 0;
	return n < REDIS_NAME_MAX ? (size_t)n : REDIS_NAME_MAX - 1;
}

size_t channel_redis(const char *cluster, const char *name, char out[static REDIS_NAME_MAX])
{
	return join(out, cluster, ":", name);
}

size_t channel_ctl(const char *cluster, const char *node, char out[static REDIS_NAME_MAX])
{
	return node ? join(out, cluster, ".ctl.", node) : join(out, cluster, ".ctl", "");
}

size_t channel_canary(const char *cluster, const char *node, char out[static REDIS_NAME_MAX])
{
	return join(out, cluster, ".canary.", node);
}

size_t channel_reply(const char *cluster, const char *id, char out[static REDIS_NAME_MAX])
{
	return join(out, cluster, ".reply.", id);
}

size_t channel_meta(const char *cluster, const char *name, char out[static REDIS_NAME_MAX])
{
	return join(out, cluster, ".h:m:", name);
}

size_t channel_stream(const char *cluster, const char *name, char out[static REDIS_NAME_MAX])
{
	return join(out, cluster, ".h:s:", name);
}

size_t channel_source(const char *cluster, const char *name, char out[static REDIS_NAME_MAX])
{
	size_t n = join(out, cluster, ".h:q:", name);
	if (n + 1 < REDIS_NAME_MAX) {
		out[n++] = '/';
		out[n] = '\0';
	}
	return n;
}
