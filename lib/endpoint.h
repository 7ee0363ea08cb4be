/*
 * endpoint: where something listens: host:port or a Unix socket. Parses and prints, resolves
 * nothing.
 */
#ifndef WSCALE_ENDPOINT_H
#define WSCALE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

struct endpoint {
	bool is_unix;
	char host[254]; /* name or address without brackets; "" means all addresses (":8081") */
	int port;       /* 1..65535 */
	char path[108]; /* is_unix: absolute path, sun_path's size */
};

enum { ENDPOINT_STR = 300 };

/*
 * "HOST:PORT", "[V6]:PORT", ":PORT" (only with allow_any), "unix:/PATH".
 * 0, or -1 with *why (static text such as "has no port").
 */
int endpoint_parse(const char *, bool allow_any, struct endpoint *, const char **why);
/* The same text back, normalised. */
const char *endpoint_str(const struct endpoint *, char out[static ENDPOINT_STR]);
bool endpoint_equal(const struct endpoint *, const struct endpoint *);

/* "redis://HOST[:PORT][/DB]" or "unix:///PATH"; no user or password inside (design: they have
 * keys). */
struct redis_url {
	struct endpoint at;
	int db;
};
int redis_url_parse(const char *, struct redis_url *, const char **why);
/* "10.0.0.5:6379", "10.0.0.5:6379/2" or "unix:/run/redis.sock": for messages, holds no secret. */
const char *redis_url_str(const struct redis_url *, char out[static ENDPOINT_STR]);

#endif
