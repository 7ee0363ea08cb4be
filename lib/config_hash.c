/*
 * config_hash: what every node of a cluster must share, as one short hash: redis, auth and
 * channels. Hashes values, never the file's layout, and no secret's content. Two nodes with
 * different file names for one secret differ, which is worth the warning.
 */
/* SHA256_Init and its like without EVP, whose providers would cost each node 2 MB of memory. */
#define OPENSSL_API_COMPAT 0x10101000L

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "config.h"

/* Name and length before each value: nothing that one value says can look like another. */
static void put(struct buf *b, const char *name, const char *value)
{
	if (value)
		buf_printf(b, "%s=%zu:%s\n", name, strlen(value), value);
	else
		buf_printf(b, "%s\n", name);
}

void config_hash(const struct config *c, char out[static CONFIG_HASH])
{
	struct buf b = {0};
	char url[ENDPOINT_STR];
	unsigned char sum[SHA256_DIGEST_LENGTH];
	SHA256_CTX sha;

	put(&b, "redis.url", redis_url_str(&c->redis.url, url));
	put(&b, "redis.user", c->redis.user);
	put(&b, "redis.password_file", c->redis.password_file);
	put(&b, "auth.token_file", c->auth.token_file);
	put(&b, "auth.jwt_key_file", c->auth.jwt_key_file);
	for (char **o = c->auth.origins; o && *o; o++)
		put(&b, "auth.origin", *o);
	put(&b, "channels.default", c->channels.dflt);
	for (size_t i = 0; i < c->channels.n_rules; i++) {
		const struct config_rule *r = &c->channels.rules[i];
		put(&b, "channels.match", r->match);
		buf_printf(&b, "slow=%d publish=%d\n", (int)r->slow, (int)r->publish);
		if (r->history_size)
			buf_printf(&b, "history=%" PRIu32 " ttl=%" PRIu64 " cache=%d\n",
			           r->history_size, r->history_ttl_ms, (int)r->cache_last);
	}
	if (b.oom)
		abort(); /* a few hundred bytes; a wrong hash would accuse other nodes */
	SHA256_Init(&sha);
	SHA256_Update(&sha, b.p, b.len);
	SHA256_Final(sum, &sha);
	buf_free(&b);
	for (size_t i = 0; i < (CONFIG_HASH - 1) / 2; i++) {
		static const char hex[] = "0123456789abcdef";
		out[i * 2] = hex[sum[i] >> 4];
		out[i * 2 + 1] = hex[sum[i] & 15];
	}
	out[CONFIG_HASH - 1] = '\0';
}
