/*
 * hap_sock: one command to one of HAProxy's sockets and its whole reply, never longer than a
 * deadline: when its `stats maxconn` is full HAProxy leaves us waiting in the backlog. Knows
 * sockets and nothing of what the commands mean.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/config.h"
#include "hap_int.h"
#include "reach_verbs.h"

enum { REPLY_MAX = 256 << 20, IDLE_MS = 300, RELOAD_MS = 1500 };

static char why[1024];
static char whose[NODE_NAME_MAX + 1]; /* the balancer asked last, where there are several */

const char *hap_why(void)
{
	return why;
}

void hap_about(const struct config *cfg)
{
	const char *name = cfg->haproxy.n_balancers > 1 ? cfg->haproxy.balancer : NULL;
	snprintf(whose, sizeof(whose), "%s", name ? name : "");
}

int hap_fail(int result, const char *fmt, ...)
{
	char text[sizeof(why)]; /* the arguments may be what hap_why said before */
	size_t own = strlen(whose);
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		text[0] = '\0';
	if (own && !(strncmp(text, whose, own) == 0 && strncmp(text + own, ": ", 2) == 0))
		snprintf(why, sizeof(why), "%s: %.*s", whose, (int)(sizeof(why) - own - 3), text);
	else
		memcpy(why, text, sizeof(why));
	return result;
}

static int address(const char *path, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(out->sun_path))
		return hap_fail(HAP_AWAY,
		                "%s: the path is longer than a socket's may be (%zu bytes)", path,
		                sizeof(out->sun_path) - 1);
	memcpy(out->sun_path, path, strlen(path) + 1);
	return 0;
}

static int failed(const char *at)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		return hap_fail(HAP_AWAY, "%s: permission denied; use sudo", at);
	case ENOENT:
		return hap_fail(HAP_AWAY, "%s: no such socket; is HAProxy running?", at);
	case ECONNREFUSED:
		return hap_fail(HAP_AWAY, "%s: nobody listens; is HAProxy running?", at);
	case ETIMEDOUT:
		return hap_fail(HAP_AWAY,
		                "%s: no answer within %ds; too many others on it (stats maxconn), "
		                "or HAProxy hangs",
		                at, HAP_DEADLINE_MS / 1000);
	case EINTR:
		return hap_fail(HAP_AWAY, "%s: interrupted", at);
	default:
		return hap_fail(HAP_AWAY, "%s: %s", at, strerror(errno));
	}
}

/* 0, or -1 with errno. An interrupted wait goes on: a command that was sent must be read to its
 * end. */
static int wait_for(int fd, short events, uint64_t deadline)
{
	for (;;) {
		uint64_t now = now_ms();
		if (now >= deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		struct pollfd p = {.fd = fd, .events = events};
		int n = poll(&p, 1, (int)(deadline - now));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -1;
	}
}

/* Each reply ends with an empty line; a silent one is nothing else. */
static bool complete(const struct buf *b)
{
	return b->len && b->p[b->len - 1] == '\n' && (b->len == 1 || b->p[b->len - 2] == '\n');
}

static int dial(const char *path, uint64_t deadline)
{
	struct sockaddr_un sa;
	if (address(path, &sa))
		return -1;
	uint64_t reload = now_ms() + RELOAD_MS;
	for (;;) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0) {
			failed(path);
			return -1;
		}
		if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
			return fd;
		int err = errno;
		close(fd);
		/* EAGAIN: the backlog is full, and a Unix socket can't be waited for. ECONNREFUSED:
		 * gone, or the master that starts itself anew in a reload. */
		uint64_t now = now_ms();
		if ((err == EAGAIN && now < deadline) || (err == ECONNREFUSED && now < reload)) {
			rest_ms(20);
			continue;
		}
		errno = err == EAGAIN ? ETIMEDOUT : err;
		failed(path);
		return -1;
	}
}

static int send_all(int fd, const char *line, size_t len, uint64_t deadline)
{
	while (len) {
		ssize_t n = send(fd, line, len, MSG_NOSIGNAL);
		if (n >= 0) {
			line += n;
			len -= (size_t)n;
		} else if ((errno != EAGAIN && errno != EINTR) || wait_for(fd, POLLOUT, deadline)) {
			return -1;
		}
	}
	return 0;
}

/*
 * Reads to the end of the connection. The master of 2.6 ends it only after we have ended our half;
 * but 3.x takes that for our leaving while a command still runs. So our half ends when the reply
 * looks complete, or when it began and nothing more comes.
 */
static int read_all(int fd, uint64_t deadline, struct buf *reply)
{
	bool open = true;
	for (;;) {
		char chunk[65536];
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
		if (n == 0)
			return 0;
		if (n > 0) {
			buf_add(reply, chunk, (size_t)n);
			if (reply->len > REPLY_MAX) {
				errno = EMSGSIZE;
				return -1;
			}
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		uint64_t idle = now_ms() + IDLE_MS;
		bool done = complete(reply);
		if (open && !done && reply->len && idle < deadline) {
			if (wait_for(fd, POLLIN, idle) == 0)
				continue;
			done = true;
		}
		if (open && done) {
			shutdown(fd, SHUT_WR);
			open = false;
		}
		if (wait_for(fd, POLLIN, deadline))
			return -1;
	}
}

/* One connection, one command. HAP_OK also when it was closed without a byte: reply is empty then.
 */
static int exchange(const char *at, const struct buf *line, uint64_t deadline, struct buf *reply)
{
	int fd = dial(at, deadline);
	if (fd < 0)
		return HAP_AWAY;
	int result = HAP_OK;
	if (send_all(fd, line->p, line->len, deadline) || read_all(fd, deadline, reply)) {
		/* A worker that a reload has just replaced drops what still waits at its door. */
		if ((errno != ECONNRESET && errno != EPIPE) || reply->len)
			result = failed(at);
	}
	close(fd);
	return result;
}

/*
 * Is this all that HAProxy had to say? What is shown ends with an empty line, else it was cut, and
 * a cut table lacks servers that have clients. Only the master ends without one where it says that
 * the worker is gone.
 */
static bool whole(const struct buf *b, bool shows, bool may_end)
{
	if (!shows)
		return b->len || may_end;
	return complete(b) || (may_end && b->len && hap_worker_gone(b->p));
}

static int ask(const char *at, char **out, struct buf *line, const char *lines, bool may_end)
{
	uint64_t deadline = now_ms() + HAP_DEADLINE_MS;
	struct buf reply = {0};
	int result = HAP_AWAY;

	*out = NULL;
	buf_str(line, "\n");
	if (line->oom)
		return hap_fail(HAP_AWAY, "out of memory");
	/* One line is one command; a second one in it would be somebody's trick. */
	if (strcspn(line->p, "\n;") != line->len - 1)
		return hap_fail(HAP_REFUSED,
		                "a command to HAProxy can't hold a semicolon or a line end");

	if (lines && (strstr(lines, "\n\n") || *lines == '\n'))
		return hap_fail(HAP_REFUSED, "what follows a command can't hold an empty line");
	if (lines) {
		line->p[--line->len] = '\0';
		buf_printf(line, " <<\n%s\n", lines);
		if (line->oom)
			return hap_fail(HAP_AWAY, "out of memory");
	}

	/* Asking again is harmless; doing again is not. */
	const char *verb = line->p[0] == '@' ? line->p + strcspn(line->p, " ") + 1 : line->p;
	bool shows = strncmp(verb, "show ", 5) == 0;
	int tries = shows ? 3 : 1;
	for (;;) {
		result = exchange(at, line, deadline, &reply);
		if (result != HAP_OK || reply.oom || whole(&reply, shows, may_end))
			break;
		if (--tries == 0) {
			result = hap_fail(HAP_AWAY, "%s: HAProxy closed %s", at,
			                  reply.len ? "in the middle of its answer"
			                            : "without an answer");
			break;
		}
		buf_reset(&reply);
		rest_ms(100);
	}
	if (result == HAP_OK && reply.oom)
		result = hap_fail(HAP_AWAY, "out of memory");
	if (result != HAP_OK)
		goto out;
	while (reply.len && strchr("\r\n ", reply.p[reply.len - 1]))
		reply.p[--reply.len] = '\0';
	if (reply.len && strncmp(reply.p, "Permission denied", 17) == 0) {
		result = hap_fail(
			HAP_REFUSED,
			"%s: HAProxy refuses: its `stats socket` line lacks `level admin`", at);
		goto out;
	}
	*out = buf_take(&reply);
	if (!*out)
		result = hap_fail(HAP_AWAY, "out of memory");
out:
	buf_free(&reply);
	return result;
}

__attribute__((format(printf, 2, 0))) static void vprint(struct buf *b, const char *fmt, va_list ap)
{
	char *s = NULL;
	if (vasprintf(&s, fmt, ap) < 0) {
		b->oom = true;
		return;
	}
	buf_str(b, s);
	free(s);
}

static const char *path(const struct config *cfg, enum hap_socket which)
{
	return which == HAP_ADMIN ? cfg->haproxy.socket : cfg->haproxy.master;
}

/* Here, or at the other end of its reach; the line is freed. lines: those that follow, or NULL. */
static int carry(const struct config *cfg, enum hap_socket which, long pid, char **reply,
                 struct buf *line, const char *lines)
{
	int result;
	char *said;

	hap_about(cfg);
	*reply = NULL;
	if (line->oom) {
		result = hap_fail(HAP_AWAY, "out of memory");
	} else if (cfg->haproxy.reach) {
		result = reach_ask(cfg->haproxy.reach, which, pid, line->p, lines, reply, &said);
		if (result != HAP_OK)
			hap_fail(result, "%s", said ? said : "out of memory");
		free(said);
	} else {
		if (pid) {
			struct buf whole_line = {0};
			buf_printf(&whole_line, "@!%ld %s", pid, line->p);
			buf_free(line);
			*line = whole_line;
		}
		/* An old worker may end meanwhile; so does a master of 2.6 that begins anew. */
		bool may_end = pid || strcmp(line->p, "reload") == 0;
		result = ask(path(cfg, which), reply, line, lines, may_end);
	}
	buf_free(line);
	return result;
}

int hap_ask(const struct config *cfg, enum hap_socket which, char **reply, const char *fmt, ...)
{
	struct buf line = {0};
	va_list ap;
	va_start(ap, fmt);
	vprint(&line, fmt, ap);
	va_end(ap);
	return carry(cfg, which, 0, reply, &line, NULL);
}

int hap_ask_with(const struct config *cfg, char **reply, const char *lines, const char *fmt, ...)
{
	struct buf line = {0};
	va_list ap;
	va_start(ap, fmt);
	vprint(&line, fmt, ap);
	va_end(ap);
	return carry(cfg, HAP_ADMIN, 0, reply, &line, lines);
}

int hap_ask_worker(const struct config *cfg, long pid, char **reply, const char *fmt, ...)
{
	struct buf line = {0};
	va_list ap;
	va_start(ap, fmt);
	vprint(&line, fmt, ap);
	va_end(ap);
	return carry(cfg, HAP_MASTER, pid, reply, &line, NULL);
}
