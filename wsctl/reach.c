/*
 * reach: requests and replies, a line each, to one relay or to several at once. A request is
 * answered before the next is sent; what comes otherwise than expected ends the connection.
 */
#include "reach.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/version.h"
#include "cmd.h"
#include "hap.h"
#include "reach_ssh.h"
#include "relay_parse.h"

enum {
	OPEN_MS = 10000,         /* ssh has 5 s of these to connect */
	RETRY_MS = 5000,         /* before a dead one is tried again */
	END_MS = 500,            /* for a process to end by itself */
	GREETING_MAX = 64 << 10, /* what a login there may print before the relay speaks */
};

struct reach {
	struct reach *next;
	char name[NODE_NAME_MAX + 1];
	char *target; /* "ssh://root@lb2"; owned */
	struct ssh ssh;
	struct buf to, from;
	size_t sent;
	bool dead, greeted, waiting;
	uint64_t dead_at;
	char why[800], version[32];
	char *yaml; /* as greeted with; owned */
	int64_t n;  /* of the last request */
	json_t *reply;
};

static struct reach *all;

struct reach *reach_get(const struct config *cfg, size_t i)
{
	const struct config_balancer *b = &cfg->haproxy.balancers[i];
	struct reach *r;

	for (r = all; r; r = r->next)
		if (!strcmp(r->name, b->name) && !strcmp(r->target, b->ssh))
			return r;
	r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	ssh_init(&r->ssh);
	r->target = strdup(b->ssh);
	if (!r->target) {
		free(r);
		return NULL;
	}
	snprintf(r->name, sizeof r->name, "%s", b->name);
	r->next = all;
	all = r;
	return r;
}

const char *reach_why(const struct reach *r)
{
	return r->dead ? r->why : NULL;
}

const char *reach_version(const struct reach *r)
{
	return r->version;
}

const char *reach_name(const struct reach *r)
{
	return r->name;
}

static void die(struct reach *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* fmt NULL: it ended by itself, and ssh says why. */
static void die(struct reach *r, const char *fmt, ...)
{
	int status = ssh_end(&r->ssh, fmt != NULL, END_MS);
	const char *words = ssh_words(&r->ssh);
	char cause[400] = "";
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(cause, sizeof cause, fmt, ap);
		va_end(ap);
	}
	/* 255 is ssh's own failure; others are the far shell's and the relay's. */
	if (!fmt)
		snprintf(cause, sizeof cause, "%.350s%s",
		         words           ? words
		         : status == 127 ? "command not found"
		                         : "the connection ended",
		         status == 127 && !(words && strstr(words, "not installed"))
		                 ? "; install wsctl there"
		                 : "");
	else if (words)
		snprintf(cause + strlen(cause), sizeof cause - strlen(cause), "; it said: %s",
		         words);
	snprintf(r->why, sizeof r->why, "%s: ssh %s: %s", r->name, r->target + strlen("ssh://"),
	         cause);
	tame(r->why);
	r->dead = true;
	r->dead_at = now_ms();
	r->waiting = r->greeted = false;
	json_decref(r->reply);
	r->reply = NULL;
	buf_reset(&r->to);
	buf_reset(&r->from);
	r->sent = 0;
}

/* Puts the request on its way. Dead afterwards when there is no memory for it. */
static void post(struct reach *r, const char *verb, json_t *o)
{
	char *line = NULL;
	size_t len = 0;

	if (!o)
		o = json_object();
	json_object_set_new(o, "do", json_string(verb));
	json_object_set_new(o, "n", json_integer(++r->n));
	line = relay_close(o, &len);
	buf_reset(&r->to);
	r->sent = 0;
	if (line)
		buf_add(&r->to, line, len);
	free(line);
	json_decref(r->reply);
	r->reply = NULL;
	r->waiting = true;
	if (!line || r->to.oom)
		die(r, "out of memory");
}

static void write_some(struct reach *r)
{
	ssize_t n = write(r->ssh.in, r->to.p + r->sent, r->to.len - r->sent);

	if (n > 0)
		r->sent += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		/* Its end is read from out, with what ssh says of it. */
		r->sent = r->to.len;
}

static void take_line(struct reach *r, const char *line, size_t len)
{
	json_t *o;

	/* A login may greet before the relay does. */
	if (!r->greeted && (!len || line[0] != '{')) {
		ssh_hear(&r->ssh, line, len);
		ssh_hear(&r->ssh, "\n", 1);
		return;
	}
	o = relay_open(line, len);
	if (!o || relay_int(o, "n", -1) != r->n) {
		json_decref(o);
		die(r, "what answers there is no wsctl relay");
		return;
	}
	r->reply = o;
	r->waiting = false;
}

static void read_out(struct reach *r)
{
	char chunk[65536];
	ssize_t n = read(r->ssh.out, chunk, sizeof chunk);
	size_t from = r->from.len, used = 0;

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		die(r, NULL);
		return;
	}
	if (n < 0)
		return;
	buf_add(&r->from, chunk, (size_t)n);
	if (r->from.oom) {
		die(r, "out of memory");
		return;
	}
	while (r->waiting && from < r->from.len) {
		const char *end = memchr(r->from.p + from, '\n', r->from.len - from);

		if (!end)
			break;
		from = (size_t)(end - r->from.p) + 1;
		take_line(r, r->from.p + used, from - 1 - used);
		used = from;
	}
	if (r->dead)
		return;
	memmove(r->from.p, r->from.p + used, r->from.len - used);
	r->from.len -= used;
	if (r->from.len > (r->greeted ? (size_t)RELAY_LINE_MAX : (size_t)GREETING_MAX))
		die(r, "it answers without an end");
}

static void serve(struct reach *r, const struct pollfd p[3])
{
	if (p[2].revents)
		ssh_listen(&r->ssh);
	if (p[0].revents && r->sent < r->to.len)
		write_some(r);
	if (p[1].revents)
		read_out(r);
}

/* Until nobody is waited for; who is late is dead. */
static void pump(struct reach *const *v, size_t n, uint64_t wait_ms, bool may_stop)
{
	struct pollfd p[3 * BALANCERS_MAX];
	uint64_t until = now_ms() + wait_ms;

	for (;;) {
		uint64_t now = now_ms();
		bool late = now >= until, stop = may_stop && interrupted();
		size_t pending = 0;

		for (size_t i = 0; i < n; i++) {
			struct reach *r = v[i];

			if (r->waiting && stop)
				die(r, "interrupted");
			else if (r->waiting && late)
				die(r, "no answer within %d s", (int)(wait_ms / 1000));
			pending += r->waiting;
			p[3 * i] = (struct pollfd){
				.fd = r->waiting && r->sent < r->to.len ? r->ssh.in : -1,
				.events = POLLOUT};
			p[3 * i + 1] = (struct pollfd){.fd = r->waiting ? r->ssh.out : -1,
			                               .events = POLLIN};
			p[3 * i + 2] = (struct pollfd){.fd = r->waiting ? r->ssh.err : -1,
			                               .events = POLLIN};
		}
		if (!pending)
			return;
		if (poll(p, 3 * n, (int)(until - now)) <= 0)
			continue;
		for (size_t i = 0; i < n; i++)
			if (v[i]->waiting)
				serve(v[i], p + 3 * i);
	}
}

/*
 * What the relay must know of the YAML, and no more: an older wsctl reads it too, and no name of a
 * secret leaves this host. Paths are words of [A-Za-z0-9/._-+@:=~%].
 */
static char *essence(const struct config *cfg)
{
	struct buf b = {0};

	buf_printf(&b,
	           "cluster: %s\nhaproxy:\n  own: %s\n  backend: \"%s\"\n  file: \"%s\"\n"
	           "  socket: \"%s\"\n  master: \"%s\"\n  state_dir: \"%s\"\n",
	           cfg->cluster, cfg->haproxy.own == OWN_ALL ? "all" : "backend",
	           cfg->haproxy.backend, cfg->haproxy.file, cfg->haproxy.socket,
	           cfg->haproxy.master, cfg->haproxy.state_dir);
	if (cfg->haproxy.tls)
		buf_printf(&b, "  tls: { cert: \"%s\" }\n", cfg->haproxy.tls_cert);
	return buf_take(&b);
}

static void greet(struct reach *r, const char *yaml)
{
	post(r, "hello",
	     json_pack("{s:i, s:s, s:s, s:s}", "relay", RELAY_PROTOCOL, "version", WSCALE_VERSION,
	               "balancer", r->name, "yaml", yaml));
	free(r->yaml);
	r->yaml = strdup(yaml);
}

static void greeted(struct reach *r)
{
	const char *error = json_string_value(
		json_array_get(json_object_get(r->reply, "errors"), 0));
	int64_t protocol = relay_int(r->reply, "relay", -1);

	snprintf(r->version, sizeof r->version, "%.31s", relay_str(r->reply, "version"));
	tame(r->version);
	if (protocol != RELAY_PROTOCOL && protocol >= 0)
		die(r, "wsctl %s there relays in another way than %s here; install the same",
		    r->version, WSCALE_VERSION);
	else if (!relay_true(r->reply, "ok"))
		die(r, "wsctl there refuses: %.200s", error ? error : "it doesn't say why");
	else
		r->greeted = true;
}

void reach_open(struct reach *const *v, size_t n, const struct config *cfg)
{
	char *yaml = essence(cfg);

	for (size_t i = 0; i < n; i++) {
		struct reach *r = v[i];

		if (r->dead && now_ms() - r->dead_at < RETRY_MS)
			continue;
		if (r->greeted && yaml && r->yaml && !strcmp(r->yaml, yaml))
			continue;
		if (!r->ssh.pid) {
			r->dead = false;
			if (ssh_start(&r->ssh, r->target))
				die(r, "%s", strerror(errno));
		}
		if (!r->dead && yaml)
			greet(r, yaml);
		else if (!r->dead)
			die(r, "out of memory");
	}
	pump(v, n, OPEN_MS, true);
	for (size_t i = 0; i < n; i++) {
		if (!v[i]->dead && v[i]->reply)
			greeted(v[i]);
		json_decref(v[i]->reply);
		v[i]->reply = NULL;
	}
	free(yaml);
}

json_t *reach_call(struct reach *r, const char *verb, json_t *o, uint64_t wait_ms)
{
	json_t *reply;

	if (r->dead || !r->ssh.pid) {
		json_decref(o);
		return NULL;
	}
	post(r, verb, o);
	pump(&r, 1, wait_ms, false);
	reply = r->reply;
	r->reply = NULL;
	return reply;
}

void reach_end(void)
{
	/* All at once: an end of input is what they wait for. */
	for (struct reach *r = all; r; r = r->next)
		ssh_leave(&r->ssh);
	while (all) {
		struct reach *r = all;

		ssh_end(&r->ssh, 0, END_MS);
		json_decref(r->reply);
		buf_free(&r->to);
		buf_free(&r->from);
		free(r->yaml);
		free(r->target);
		all = r->next;
		free(r);
	}
}
