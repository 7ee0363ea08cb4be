/*
 * doctor_ask: gathers what HAProxy, Redis and the nodes say of themselves. What is refused or away
 * is noted with its reason; each is asked once. Judges nothing, changes nothing.
 */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "doctor.h"
#include "members.h"
#include "render_int.h"

enum { ASK_MS = 1000 };

static int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The hard limit of open files of that process, if it is a HAProxy that we can see. */
static int64_t nofile_of(int64_t pid)
{
	char path[64], line[256] = "";
	long long soft, hard;
	int64_t found_at = -1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%lld/comm", (long long)pid);
	file = pid > 0 ? fopen(path, "re") : NULL;
	if (!file)
		return -1;
	if (!fgets(line, sizeof line, file) || strncmp(line, "haproxy", 7) != 0) {
		fclose(file);
		return -1;
	}
	fclose(file);
	snprintf(path, sizeof path, "/proc/%lld/limits", (long long)pid);
	file = fopen(path, "re");
	while (file && found_at < 0 && fgets(line, sizeof line, file))
		if (sscanf(line, "Max open files %lld %lld", &soft, &hard) == 2)
			found_at = hard;
	if (file)
		fclose(file);
	return found_at;
}

static void haproxy(const struct config *cfg, struct doctor_facts *f)
{
	f->hap_nofile = -1;
	if (hap_ask(cfg, HAP_ADMIN, &f->hap_info, "show info") != HAP_OK) {
		f->hap_info = NULL;
		snprintf(f->hap_why, sizeof f->hap_why, "%s", hap_why());
		f->hap_denied = access(cfg->haproxy.socket, W_OK) && errno == EACCES;
		return;
	}
	f->hap_nofile = nofile_of(doctor_number(f->hap_info, "Pid"));
	if (hap_ask(cfg, HAP_ADMIN, &f->hap_sockets, "show cli sockets") != HAP_OK)
		f->hap_sockets = NULL;
	if (hap_servers(cfg, &f->servers) != HAP_OK) {
		snprintf(f->backend_why, sizeof f->backend_why, "%s", hap_why());
		memset(&f->servers, 0, sizeof f->servers);
	}
}

/* The text of a reply, taken from it; NULL with config_why. */
static char *text_of(redisContext *c, redisReply *reply, const redisReply *at,
                     struct doctor_facts *f)
{
	char *out = NULL;

	if (!reply)
		snprintf(f->config_why, sizeof f->config_why, "%s", c->errstr);
	else if (reply->type == REDIS_REPLY_ERROR)
		snprintf(f->config_why, sizeof f->config_why, "%s", reply->str);
	else if (at && at->str)
		out = strdup(at->str);
	if (reply)
		freeReplyObject(reply);
	return out;
}

static char *setting(redisContext *c, const char *name, struct doctor_facts *f)
{
	redisReply *reply = redisCommand(c, "CONFIG GET %s", name);
	bool pair = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements >= 2;

	return text_of(c, reply, pair ? reply->element[1] : NULL, f);
}

static void ask_time(redisContext *c, struct doctor_facts *f)
{
	int64_t before = wall_ms(), after;
	redisReply *reply = redisCommand(c, "TIME");

	after = wall_ms();
	if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
	    reply->element[0]->str && reply->element[1]->str) {
		int64_t theirs = strtoll(reply->element[0]->str, NULL, 10) * 1000 +
		                 strtoll(reply->element[1]->str, NULL, 10) / 1000;

		f->has_time = true;
		f->skew_ms = theirs < before  ? theirs - before
		             : theirs > after ? theirs - after
		                              : 0;
	}
	if (reply)
		freeReplyObject(reply);
}

static bool on_network(int fd)
{
	struct sockaddr_storage at = {0};
	const struct sockaddr_in *v4 = (const void *)&at;
	const struct sockaddr_in6 *v6 = (const void *)&at;
	socklen_t len = sizeof at;

	if (getpeername(fd, (struct sockaddr *)&at, &len))
		return false;
	return (at.ss_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 != 127) ||
	       (at.ss_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr));
}

/* Once more, as somebody without the password. */
static int answers_anyone(const struct config *cfg)
{
	struct config stranger = *cfg;
	redisContext *c;

	if (!cfg->redis.password_file)
		return 1;
	stranger.redis.password_file = NULL;
	stranger.redis.user = NULL;
	stranger.redis.url.db = 0;
	c = ctl_redis(&stranger, true);
	if (c) {
		redisFree(c);
		return 1;
	}
	return strstr(ctl_why(), "NOAUTH") || strstr(ctl_why(), "DENIED") ||
	                       strstr(ctl_why(), "NOPERM")
	               ? 0
	               : -1;
}

static void redis(const struct config *cfg, struct doctor_facts *f)
{
	redisContext *c = ctl_redis(cfg, true);
	redisReply *reply;

	f->open = -1;
	f->redis_ok = c != NULL;
	if (!c) {
		snprintf(f->redis_why, sizeof f->redis_why, "%s", ctl_why());
		return;
	}
	f->far = on_network(c->fd);
	f->bind = setting(c, "bind", f);
	f->protected_mode = setting(c, "protected-mode", f);
	f->buffers = setting(c, "client-output-buffer-limit", f);
	f->save = setting(c, "save", f);
	f->appendfsync = setting(c, "appendfsync", f);
	ask_time(c, f);
	reply = redisCommand(c, "INFO");
	f->redis_info = text_of(c, reply, reply, f);
	redisFree(c);
	f->open = answers_anyone(cfg);
}

static void server(const struct config *cfg, const struct endpoint *at, struct doctor_server *s)
{
	struct timeval tv = {ASK_MS / 1000, ASK_MS % 1000 * 1000};
	redisContext *c = redisConnectWithTimeout(at->host, at->port, tv);
	redisReply *reply = NULL;

	if (!c || c->err || redisSetTimeout(c, tv) != REDIS_OK)
		goto out;
	if (cfg->redis.password_file) {
		reply = redisCommand(c, "AUTH " RENDER_CHECK_USER " nopass");
		s->no_user = reply && reply->type == REDIS_REPLY_ERROR;
		if (!reply || s->no_user)
			goto out;
		freeReplyObject(reply);
	}
	reply = redisCommand(c, "ROLE");
	s->answered = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements &&
	              reply->element[0]->type == REDIS_REPLY_STRING;
	s->master = s->answered && !strcmp(reply->element[0]->str, "master");
	if (s->master && reply->elements == 3 && reply->element[2]->type == REDIS_REPLY_ARRAY)
		s->replicas = reply->element[2]->elements;
out:
	if (!s->answered)
		snprintf(s->why, sizeof s->why, "%s",
		         reply && reply->type == REDIS_REPLY_ERROR ? reply->str
		         : c && c->err                             ? c->errstr
		                                                   : "no answer to ROLE");
	if (reply)
		freeReplyObject(reply);
	if (c)
		redisFree(c);
}

/* A report came somewhere between our question and the last answer. */
static void ask_nodes(const struct config *cfg, struct doctor_facts *f)
{
	int64_t before = wall_ms(), after;

	if (!f->redis_ok || ctl_ask(cfg, NULL, request_new("report"), ASK_MS, &f->replies))
		return;
	after = wall_ms();
	for (size_t i = 0; i < f->n_nodes; i++) {
		struct doctor_node *v = &f->nodes[i];
		int64_t theirs;

		v->report = ctl_reply(&f->replies, v->name);
		theirs = reply_int(v->report, "time_ms", -1);
		if (theirs >= 0)
			v->skew_ms = theirs < before  ? theirs - before
			             : theirs > after ? theirs - after
			                              : 0;
	}
}

int doctor_ask(const struct config *cfg, struct doctor_facts *f)
{
	haproxy(cfg, f);
	redis(cfg, f);
	for (size_t i = 0; i < cfg->redis.n_servers; i++)
		server(cfg, &cfg->redis.servers[i].at, &f->servers_of_redis[i]);
	ask_nodes(cfg, f);
	return 0;
}

int doctor_look(const struct config *cfg, struct doctor_facts *f)
{
	memset(f, 0, sizeof *f);
	f->cfg = cfg;
	return doctor_host(cfg, "", f) || doctor_ask(cfg, f) ? -1 : 0;
}

void doctor_free(struct doctor_facts *f)
{
	for (size_t i = 0; i < f->n_files; i++)
		free(f->files[i].path);
	free(f->files);
	free(f->hap_info);
	free(f->hap_sockets);
	free(f->file);
	free(f->rendered);
	free(f->redis_info);
	free(f->bind);
	free(f->protected_mode);
	free(f->buffers);
	free(f->save);
	free(f->appendfsync);
	free(f->nodes);
	hap_servers_free(&f->servers);
	if (f->replies.v)
		ctl_replies_free(&f->replies);
	memset(f, 0, sizeof *f);
}
