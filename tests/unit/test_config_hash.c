/* test_config_hash: the hash differs exactly when nodes would behave differently to each other. */
#include <stdlib.h>

#include "../../lib/config.h"
#include "../../lib/errs.h"
#include "tap.h"

static void hash(const char *yaml, char out[static CONFIG_HASH])
{
	struct errs e = {0};
	struct config *c = config_parse(yaml, strlen(yaml), "w", &e);
	errs_print(&e, stdout, "#", NULL);
	errs_free(&e);
	strcpy(out, "(bad)");
	if (c)
		config_hash(c, out);
	config_free(c);
}

static void same(const char *a, const char *b, bool want, const char *name)
{
	char x[CONFIG_HASH], y[CONFIG_HASH];
	hash(a, x);
	hash(b, y);
	ok((strcmp(x, y) == 0) == want && *x != '(' && *y != '(', name);
}

#define RULES(r) "channels: { rules: [" r "] }\n"

int main(void)
{
	char h[CONFIG_HASH];
	hash("", h);
	ok(strlen(h) == 16 && h[strspn(h, "0123456789abcdef")] == '\0',
	   "sixteen hexadecimal digits");

	same("", "redis: { url: 'redis://127.0.0.1/0' }\n", true, "a default that is written out");
	same("redis:\n  url: redis://H\n", "# c\nredis: { url: \"redis://h:6379\" }\n", true,
	     "layout and spelling");
	same("", "nodes: { a: 'h:1' }\nnode: { ping: 9s }\nhaproxy: { bind: ':81' }\n", true,
	     "nodes, node and haproxy don't count");
	same(RULES("{ match: a }"), RULES("{ match: a, slow: close, publish: anyone }"), true,
	     "a rule's defaults");

	same("", "redis: { url: 'redis://h' }\n", false, "redis.url");
	same("", "redis: { url: 'redis://127.0.0.1/1' }\n", false, "the database");
	same("redis: { password_file: a }\n", "redis: { password_file: a, user: a }\n", false,
	     "redis.user");
	same("", "redis: { password_file: a }\n", false, "redis.password_file");
	same("", "auth: { token_file: a }\n", false, "auth");
	same("auth: { token_file: a }\n", "auth: { jwt_key_file: a }\n", false, "which secret");
	same("auth: { origins: ['https://a'] }\n", "auth: { origins: ['https://b'] }\n", false,
	     "an origin");
	same("", "channels: { default: a }\n", false, "the default channel");
	same(RULES("{ match: a }"), RULES("{ match: b }"), false, "a rule's pattern");
	same(RULES("{ match: a }"), RULES("{ match: a, slow: drop }"), false, "slow");
	same(RULES("{ match: a }"), RULES("{ match: a, publish: nobody }"), false, "publish");
	same(RULES("{ match: a }, { match: b }"), RULES("{ match: b }, { match: a }"), false,
	     "the order of rules");
	same(RULES("{ match: a }"), RULES("{ match: a, history: {} }"), false, "history");
	same(RULES("{ match: a, history: {} }"),
	     RULES("{ match: a, history: { size: 100, ttl: 60m } }"), true, "its defaults");
	same(RULES("{ match: a, history: {} }"), RULES("{ match: a, history: { size: 99 } }"),
	     false, "how many are kept");
	same(RULES("{ match: a, history: {} }"), RULES("{ match: a, history: { ttl: 2h } }"), false,
	     "how long");
	same(RULES("{ match: a }"), RULES("{ match: a, cache: last }"), false, "cache");
	same("", "node: { max_cache: 1GiB }\n", true, "what a node may hold doesn't count");
	return tap_done();
}
