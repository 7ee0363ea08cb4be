/*
 * ctl: asks nodes over Redis, synchronously and always with a deadline. Two connections: one
 * listens for the replies, one publishes. Replies come from outside: what isn't a JSON object with
 * our id is passed over. Knows no HAProxy and no command.
 */
#include "ctl.h"

#include <ctype.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>

#include "../lib/channel.h"
#include "../lib/errs.h"
#include "../lib/secret.h"
#include "cmd.h"
#include "hap.h"

enum { REDIS_MS = 2000 }; /* to connect, and for each answer */

static char why[512];

const char *ctl_why(void)
{
	return why;
}

static void set_why(const struct config *cfg, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void set_why(const struct config *cfg, const char *fmt, ...)
{
	char at[ENDPOINT_STR];
	int n = snprintf(why, sizeof why, "redis %s: ", redis_url_str(&cfg->redis.url, at));
	va_list ap;

	if (n < 0 || (size_t)n >= sizeof why - 2)
		n = 0;
	va_start(ap, fmt);
	vsnprintf(why + n, sizeof why - (size_t)n, fmt, ap);
	va_end(ap);
	/* hiredis begins as strerror does; Redis' own error words stay as they are. */
	if (isupper((unsigned char)why[n]) && islower((unsigned char)why[n + 1]))
		why[n] = (char)tolower((unsigned char)why[n]);
}

/* A reply that is an error, or none, becomes ctl_why. 0 when it is fine. */
static int reply_bad(const struct config *cfg, redisContext *c, const redisReply *reply)
{
	if (!reply) {
		if (c->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
			set_why(cfg, "no answer within %d ms", REDIS_MS);
		else
			set_why(cfg, "%s", c->errstr[0] ? c->errstr : "no answer");
		return -1;
	}
	if (reply->type == REDIS_REPLY_ERROR) {
		/* "unknown command 'AUTH', with args beginning with: 'PASSWORD'" */
		const char *args = strstr(reply->str, ", with args");
		size_t len = args ? (size_t)(args - reply->str) : strlen(reply->str);

		set_why(cfg, "%.*s%s", (int)len, reply->str,
		        !strncmp(reply->str, "NOAUTH", 6) ? "; set redis.password_file" : "");
		return -1;
	}
	return 0;
}

static int command(const struct config *cfg, redisContext *c, int argc, const char **argv,
                   const size_t *lens, long long *integer)
{
	redisReply *reply = redisCommandArgv(c, argc, argv, lens);
	int bad = reply_bad(cfg, c, reply);

	if (!bad && integer) {
		if (reply->type == REDIS_REPLY_INTEGER) {
			*integer = reply->integer;
		} else {
			set_why(cfg, "an answer of another kind than expected");
			bad = -1;
		}
	}
	if (reply)
		freeReplyObject(reply);
	return bad;
}

static int login(const struct config *cfg, redisContext *c)
{
	char db[16];
	const char *sel[2] = {"SELECT", db};

	if (cfg->redis.password_file) {
		struct errs errs = {0};
		size_t len = 0;
		char *password = secret_read(cfg->path, cfg->redis.password_file, &len, &errs,
		                             cfg->redis.password_pos.line,
		                             cfg->redis.password_pos.col);
		const char *argv[3] = {"AUTH"};
		size_t lens[3] = {4};
		int argc = 1, bad;

		if (!password) {
			set_why(cfg, "%s", errs.n ? errs.v[0].msg : "no password");
			errs_free(&errs);
			return -1;
		}
		if (cfg->redis.user) {
			lens[argc] = strlen(cfg->redis.user);
			argv[argc++] = cfg->redis.user;
		}
		lens[argc] = len;
		argv[argc++] = password;
		bad = command(cfg, c, argc, argv, lens, NULL);
		if (bad && strstr(why, password))
			set_why(cfg, "refuses AUTH, and repeats the password in its answer");
		secret_free(password, len);
		if (bad)
			return -1;
	}
	if (cfg->redis.url.db) {
		snprintf(db, sizeof db, "%d", cfg->redis.url.db);
		return command(cfg, c, 2, sel, NULL, NULL);
	}
	/* Something must be asked: a connect alone proves no Redis. */
	return command(cfg, c, 1, (const char *[]){"PING"}, NULL, NULL);
}

struct redisContext *ctl_redis(const struct config *cfg, bool quiet)
{
	struct timeval tv = {REDIS_MS / 1000, REDIS_MS % 1000 * 1000};
	const struct endpoint *at = &cfg->redis.url.at;
	redisContext *c = at->is_unix ? redisConnectUnixWithTimeout(at->path, tv)
	                              : redisConnectWithTimeout(at->host, at->port, tv);

	if (!c) {
		set_why(cfg, "out of memory");
		goto fail;
	}
	if (c->err) {
		set_why(cfg, "%s", c->errstr);
		goto fail;
	}
	if (redisSetTimeout(c, tv) != REDIS_OK) {
		set_why(cfg, "%s", c->errstr);
		goto fail;
	}
	if (login(cfg, c))
		goto fail;
	return c;
fail:
	if (c)
		redisFree(c);
	if (!quiet)
		say_error("%s", why);
	return NULL;
}

bool ctl_passing(const char *error)
{
	static const char *const codes[] = {"READONLY", "LOADING",    "MASTERDOWN",
	                                    "BUSY",     "NOREPLICAS", "NOSCRIPT"};

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		size_t len = strlen(codes[i]);
		const char *inside = strstr(error, codes[i]);

		if (inside && inside[len] == ' ' && (inside == error || inside[-1] == '-'))
			return true;
	}
	return false;
}

/* The payload of a message on our channel with our id; else NULL. */
static json_t *open_message(const redisReply *m, const char *id)
{
	const redisReply *payload;
	json_t *o;

	if (m->type != REDIS_REPLY_ARRAY || m->elements != 3)
		return NULL;
	for (size_t i = 0; i < 3; i++)
		if (m->element[i]->type != REDIS_REPLY_STRING)
			return NULL;
	if (strcmp(m->element[0]->str, "message") != 0)
		return NULL;
	payload = m->element[2];
	o = json_loadb(payload->str, (size_t)payload->len, 0, NULL);
	if (json_is_object(o)) {
		const char *theirs = json_string_value(json_object_get(o, "id"));
		const char *node = json_string_value(json_object_get(o, "node"));

		if (theirs && node && !strcmp(theirs, id))
			return o;
	}
	json_decref(o);
	return NULL;
}

/* Reads until out->heard replies are there, the time is over or Ctrl-C came. */
static int collect(const struct config *cfg, redisContext *sub, const char *id, uint64_t until,
                   struct ctl_replies *out)
{
	for (;;) {
		struct pollfd pfd = {.fd = sub->fd, .events = POLLIN};
		void *reply;
		uint64_t now;

		for (;;) {
			json_t *o;

			if (redisReaderGetReply(sub->reader, &reply) != REDIS_OK) {
				set_why(cfg, "%s", sub->reader->errstr);
				return -1;
			}
			if (!reply)
				break;
			o = open_message(reply, id);
			freeReplyObject(reply);
			if (o && json_array_append_new(out->v, o)) {
				set_why(cfg, "out of memory");
				return -1;
			}
		}
		now = now_ms();
		if (json_array_size(out->v) >= (size_t)out->heard || now >= until || interrupted())
			return 0;
		if (poll(&pfd, 1, (int)(until - now < 1000 ? until - now : 1000)) > 0 &&
		    redisBufferRead(sub) != REDIS_OK) {
			set_why(cfg, "%s", sub->errstr);
			return -1;
		}
	}
}

int ctl_ask(const struct config *cfg, const char *node, json_t *request, uint64_t wait_ms,
            struct ctl_replies *out)
{
	char channel[REDIS_NAME_MAX], reply_to[REDIS_NAME_MAX], id[33];
	unsigned char raw[16];
	redisContext *sub = NULL, *pub = NULL;
	char *text = NULL;
	long long heard = 0;
	int rc = -1;

	memset(out, 0, sizeof *out);
	out->v = json_array();
	if (!request || !out->v || getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
		set_why(cfg, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
	channel_ctl(cfg->cluster, node, channel);
	channel_reply(cfg->cluster, id, reply_to);
	json_object_set_new(request, "id", json_string(id));
	json_object_set_new(request, "reply", json_string(reply_to));
	text = json_dumps(request, JSON_COMPACT);
	if (!text) {
		set_why(cfg, "out of memory");
		goto out;
	}
	sub = ctl_redis(cfg, true);
	pub = sub ? ctl_redis(cfg, true) : NULL;
	if (!pub)
		goto out;
	if (command(cfg, sub, 2, (const char *[]){"SUBSCRIBE", reply_to}, NULL, NULL) ||
	    command(cfg, pub, 3, (const char *[]){"PUBLISH", channel, text}, NULL, &heard))
		goto out;
	out->heard = heard > 100000 ? 100000 : (int)heard;
	rc = collect(cfg, sub, id, now_ms() + wait_ms, out);
out:
	if (sub)
		redisFree(sub);
	if (pub)
		redisFree(pub);
	free(text);
	json_decref(request);
	if (rc)
		ctl_replies_free(out);
	return rc;
}

void ctl_replies_free(struct ctl_replies *r)
{
	json_decref(r->v);
	r->v = NULL;
	r->heard = 0;
}

json_t *ctl_reply(const struct ctl_replies *r, const char *node)
{
	size_t i;
	json_t *o;

	json_array_foreach(r->v, i, o)
	{
		const char *name = json_string_value(json_object_get(o, "node"));

		if (name && !strcmp(name, node))
			return o;
	}
	return NULL;
}

json_t *ctl_index(const struct ctl_replies *r)
{
	json_t *index = json_object(), *o;
	size_t i;

	json_array_foreach(r->v, i, o)
	{
		const char *name = json_string_value(json_object_get(o, "node"));

		/* As ctl_reply has it: the first of that name. */
		if (name && !json_object_get(index, name))
			json_object_set(index, name, o);
	}
	return index;
}
