/*
 * wsctl token: signs a JSON Web Token that wsnode accepts, with the key that the configuration
 * names. The token is the one line on stdout; the key is wiped after use.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/channel.h"
#include "../lib/errs.h"
#include "../lib/jwt.h"
#include "../lib/secret.h"
#include "cmd.h"

enum { EXPIRES_MS = 3600 * 1000 };

/* "a,b:*" as an array of patterns; NULL after a message. */
static json_t *patterns(const char *option, const char *list)
{
	json_t *a = json_array();

	for (const char *s = list; a;) {
		size_t len = strcspn(s, ",");
		char *one = strndup(s, len);

		if (!one || !channel_pattern_valid(one)) {
			say_error("%s: \"%.140s\" is not a channel or a pattern such as news:*",
			          option, one ? one : "");
			free(one);
			json_decref(a);
			return NULL;
		}
		json_array_append_new(a, json_string(one));
		free(one);
		if (!s[len])
			break;
		s += len + 1;
	}
	return a;
}

static int claims(const struct run *r, json_int_t expires, json_t *o)
{
	const struct opts *opts = &r->opts;
	json_t *list;

	if (opts->sub && json_object_set_new(o, "sub", json_string(opts->sub))) {
		say_error("--sub must be UTF-8");
		return EXIT_USAGE;
	}
	json_object_set_new(o, "iat", json_integer((json_int_t)time(NULL)));
	json_object_set_new(o, "exp", json_integer(expires));
	if (opts->subscribe) {
		list = patterns("--subscribe", opts->subscribe);
		if (!list)
			return EXIT_USAGE;
		json_object_set_new(o, "subscribe", list);
	}
	if (opts->publish) {
		list = patterns("--publish", opts->publish);
		if (!list)
			return EXIT_USAGE;
		json_object_set_new(o, "publish", list);
	}
	return EXIT_OK;
}

static char *read_key(const struct run *r, size_t *len)
{
	const struct config *cfg = r->cfg;
	struct errs errs = {0};
	char *key = secret_read(cfg->path, cfg->auth.jwt_key_file, len, &errs,
	                        cfg->auth.jwt_key_pos.line, cfg->auth.jwt_key_pos.col);

	if (!key)
		say_errs(&errs, cfg->path);
	errs_free(&errs);
	if (key && *len < JWT_KEY_MIN) {
		say_error("%s: the key has %zu bytes, HS256 needs at least %d",
		          cfg->auth.jwt_key_file, *len, JWT_KEY_MIN);
		secret_free(key, *len);
		return NULL;
	}
	return key;
}

int cmd_token(struct run *r)
{
	uint64_t life = r->opts.expires_ms ? r->opts.expires_ms : EXPIRES_MS;
	json_int_t expires = (json_int_t)time(NULL) + (json_int_t)((life + 999) / 1000);
	char *key = NULL, *text = NULL, *token = NULL;
	size_t len = 0;
	json_t *o;
	int rc;

	if (!r->cfg->auth.jwt_key_file) {
		say_error("%s: auth.jwt_key_file is not set; nodes would accept no such token",
		          r->cfg->path);
		return EXIT_CONFIG;
	}
	o = json_object();
	rc = claims(r, expires, o);
	if (rc)
		goto out;
	rc = EXIT_CONFIG;
	key = read_key(r, &len);
	if (!key)
		goto out;
	rc = EXIT_FAILED;
	text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	token = text ? jwt_sign(text, (const uint8_t *)key, len) : NULL;
	if (!token) {
		say_error("can't sign: out of memory");
		goto out;
	}
	if (strlen(token) > JWT_MAX) {
		say_error("the token would have %zu bytes, nodes take %d", strlen(token), JWT_MAX);
		goto out;
	}
	if (r->opts.json)
		say_json(json_pack("{s:s, s:I}", "token", token, "expires", expires));
	else
		puts(token);
	rc = EXIT_OK;
out:
	secret_free(key, len);
	free(token);
	free(text);
	json_decref(o);
	return rc;
}
