/*
 * lock_far: SET NX PX, and comparing scripts for all that follows, so that what another took after
 * ours had ended is never touched.
 */
#include "lock_far.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "ctl.h"
#include "hap.h"

enum { POLL_MS = 100, RENEW_MS = LOCK_FAR_MS / 3 };

static struct lock *held; /* newest first */
static bool away;         /* Redis was: not asked again, and said once */

static const char drop_script[] =
	"if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end "
	"return 0";
static const char keep_script[] =
	"local v = redis.call('get', KEYS[1]) "
	"if v == false or v == ARGV[1] then "
	"redis.call('set', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1 end return 0";

static redisContext *redis(const struct config *cfg)
{
	redisContext *c = away ? NULL : ctl_redis(cfg, true);

	if (!c && !away)
		say(NULL, "note: %s; wsctl on another host isn't kept out", ctl_why());
	away = away || !c;
	return c;
}

/* Which file's lock it is, on this running machine: 16 hex digits. FNV-1a. */
static void place(int fd, char out[static 17])
{
	char boot[64] = "";
	struct stat st = {0};
	uint64_t h = UINT64_C(14695981039346656037), ids[2];
	int b = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (b >= 0 && read(b, boot, sizeof boot - 1) < 0)
		boot[0] = '\0';
	if (b >= 0)
		close(b);
	if (fstat(fd, &st) != 0)
		st.st_ino = (ino_t)getpid();
	ids[0] = (uint64_t)st.st_dev;
	ids[1] = (uint64_t)st.st_ino;
	for (size_t i = 0; i < sizeof boot; i++)
		h = (h ^ (unsigned char)boot[i]) * UINT64_C(1099511628211);
	for (size_t i = 0; i < 2; i++)
		for (int k = 0; k < 64; k += 8)
			h = (h ^ (ids[i] >> k & 255)) * UINT64_C(1099511628211);
	snprintf(out, 17, "%016" PRIx64, h);
}

/* 1, 0, or -1: Redis is away or refuses. */
static int script(redisContext *c, const char *text, const char *key, const char *was,
                  const char *now)
{
	redisReply *reply = redisCommand(c, "EVAL %s 1 %s %s %s %d", text, key, was, now,
	                                 (int)LOCK_FAR_MS);
	int rc = reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer != 0 : -1;

	if (reply)
		freeReplyObject(reply);
	return rc;
}

/* 1: ours; 0: *other, malloc'd, has it (NULL: it ended just now); -1: Redis is away. */
static int try(redisContext *c, struct lock *l, char **other)
{
	redisReply *reply = redisCommand(c, "SET %s %s NX PX %d", l->key, l->value,
	                                 (int)LOCK_FAR_MS);
	int rc = -1;

	*other = NULL;
	if (reply && reply->type == REDIS_REPLY_STATUS)
		rc = 1;
	else if (reply && reply->type == REDIS_REPLY_NIL)
		rc = 0;
	if (reply)
		freeReplyObject(reply);
	if (rc)
		return rc;
	reply = redisCommand(c, "GET %s", l->key);
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		rc = -1;
	else if (reply->type == REDIS_REPLY_STRING)
		*other = strdup(reply->str);
	if (reply)
		freeReplyObject(reply);
	return rc;
}

static void say_held(redisContext *c, const struct lock *l, char *other)
{
	redisReply *reply = redisCommand(c, "PTTL %s", l->key);
	long long ms = reply && reply->type == REDIS_REPLY_INTEGER && reply->integer > 0
	                       ? reply->integer
	                       : LOCK_FAR_MS;
	char *token = strrchr(other, ' ');

	if (token && token > other)
		*token = '\0';
	say_error("locked by %.200s; had that been killed, the lock would end within %lld s", other,
	          (ms + 999) / 1000);
	if (reply)
		freeReplyObject(reply);
}

static void keep(struct lock *l)
{
	l->renewed_ms = now_ms();
	l->next = held;
	held = l;
}

/* Left by a process that held this very file: it is dead, since it holds it no more. */
static bool left_behind(const char *other, const char *where)
{
	const char *theirs = strrchr(other, '.');

	return theirs && !strcmp(where, theirs + 1);
}

int lock_far_take(const struct config *cfg, const char *name, const char *holder, uint64_t until_ms,
                  struct lock *l)
{
	redisContext *c = redis(cfg);
	char where[17];
	uint64_t token = 0;
	int rc = EXIT_OK;

	l->key[0] = '\0';
	if (!c)
		return EXIT_OK;
	place(l->fd, where);
	if (getrandom(&token, sizeof token, 0) != (ssize_t)sizeof token)
		token = (uint64_t)getpid();
	snprintf(l->key, sizeof l->key, "%s.lock.%s", cfg->cluster, name);
	snprintf(l->value, sizeof l->value, "%.200s %016" PRIx64 ".%s", holder, token, where);
	for (;;) {
		char *other;
		int got = try(c, l, &other);

		if (got == 0 && other && left_behind(other, where))
			got = script(c, keep_script, l->key, other, l->value);
		if (got < 0) {
			say(NULL, "note: redis refuses the lock; wsctl on another host isn't kept "
			          "out");
			l->key[0] = '\0';
		} else if (got == 0 && now_ms() < until_ms) {
			free(other);
			if (!pause_ms(POLL_MS))
				continue;
			l->key[0] = '\0';
			rc = EXIT_INTERRUPTED;
			break;
		} else if (got == 0) {
			if (other)
				say_held(c, l, other);
			else
				say_error("locked by another wsctl");
			l->key[0] = '\0';
			rc = EXIT_LATER;
		} else {
			l->cfg = cfg;
			keep(l);
		}
		free(other);
		break;
	}
	redisFree(c);
	return rc;
}

bool lock_far_who(const struct config *cfg, const char *name, int fd, char who[static LOCK_WHO])
{
	redisContext *c = ctl_redis(cfg, true);
	redisReply *reply = NULL;
	char where[17] = "";
	bool is;

	if (!c)
		return false;
	if (fd >= 0)
		place(fd, where);
	reply = redisCommand(c, "GET %s.lock.%s", cfg->cluster, name);
	is = reply && reply->type == REDIS_REPLY_STRING && !left_behind(reply->str, where);
	if (is) {
		char *token = strrchr(reply->str, ' ');

		if (token)
			*token = '\0';
		snprintf(who, LOCK_WHO, "%.200s", reply->str);
		tame(who);
	}
	if (reply)
		freeReplyObject(reply);
	redisFree(c);
	return is;
}

void lock_far_drop(struct lock *l)
{
	redisContext *c;

	if (!l->key[0])
		return;
	for (struct lock **p = &held; *p; p = &(*p)->next)
		if (*p == l) {
			*p = l->next;
			break;
		}
	c = redis(l->cfg);
	if (c) {
		script(c, drop_script, l->key, l->value, "");
		redisFree(c);
	}
	l->key[0] = '\0';
}

void locks_keep(void)
{
	for (struct lock *l = held; l; l = l->next) {
		redisContext *c;

		if (now_ms() - l->renewed_ms < RENEW_MS)
			continue;
		l->renewed_ms = now_ms();
		c = redis(l->cfg);
		if (!c)
			return;
		if (script(c, keep_script, l->key, l->value, l->value) == 0 && !l->lost) {
			say(NULL,
			    "note: another wsctl holds %s now: this one was stopped for too "
			    "long",
			    l->key);
			l->lost = true;
		}
		redisFree(c);
	}
}
