/*
 * ctl_http: one GET /healthz to a node, over TCP or a Unix socket, with a deadline over everything.
 * Understands what wsnode answers (a length, or the end of the connection) and no more of HTTP.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/num.h"
#include "ctl.h"
#include "hap.h"

enum { ANSWER_MAX = 64 * 1024 };

static int fail(char **why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(char **why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(why, fmt, ap) < 0)
		*why = NULL;
	va_end(ap);
	if (*why && isupper((unsigned char)(*why)[0]) && islower((unsigned char)(*why)[1]))
		(*why)[0] = (char)tolower((unsigned char)(*why)[0]);
	return -1;
}

/* Waits for the event until the deadline. 0, or -1 with errno. */
static int wait_for(int fd, short events, uint64_t until)
{
	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = events};
		uint64_t now = now_ms();
		int n = poll(&pfd, 1, now < until ? (int)(until - now) : 0);

		if (n > 0)
			return 0;
		if (n < 0)
			return -1;
		if (now >= until) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

static int connect_one(int family, const struct sockaddr *sa, socklen_t len, uint64_t until)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;
	socklen_t err_len = sizeof err;

	if (fd < 0)
		return -1;
	if (!connect(fd, sa, len))
		return fd;
	if (errno == EINPROGRESS && !wait_for(fd, POLLOUT, until) &&
	    !getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_len)) {
		if (!err)
			return fd;
		errno = err;
	}
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static int connect_to(const struct endpoint *at, uint64_t until, char **why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *ai;
	char port[8];
	int fd = -1, rc;

	if (at->is_unix) {
		struct sockaddr_un un = {.sun_family = AF_UNIX};

		memcpy(un.sun_path, at->path, sizeof un.sun_path);
		fd = connect_one(AF_UNIX, (struct sockaddr *)&un, sizeof un, until);
		return fd < 0 ? fail(why, "%s", strerror(errno)) : fd;
	}
	snprintf(port, sizeof port, "%d", at->port);
	rc = getaddrinfo(*at->host ? at->host : "localhost", port, &hints, &list);
	if (rc)
		return fail(why, "%s", gai_strerror(rc));
	for (ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = connect_one(ai->ai_family, ai->ai_addr, ai->ai_addrlen, until);
	if (fd < 0)
		fail(why, "%s", strerror(errno));
	freeaddrinfo(list);
	return fd;
}

/* Where the body begins, 0 while the head isn't whole. *length is SIZE_MAX without Content-Length.
 */
static size_t head_end(const struct buf *b, size_t *length)
{
	const char *end = b->p ? strstr(b->p, "\r\n\r\n") : NULL;

	*length = SIZE_MAX;
	if (!end)
		return 0;
	for (const char *l = strstr(b->p, "\r\n"); l && l < end; l = strstr(l + 2, "\r\n")) {
		char digits[16] = {0};
		uint64_t n;
		size_t i = 0;

		if (strncasecmp(l + 2, "content-length:", 15) != 0)
			continue;
		l += 17;
		while (*l == ' ')
			l++;
		while (i < sizeof digits - 1 && l[i] >= '0' && l[i] <= '9') {
			digits[i] = l[i];
			i++;
		}
		if (!num_u64(digits, 0, ANSWER_MAX, &n))
			*length = n;
		break;
	}
	return (size_t)(end - b->p) + 4;
}

static int exchange(int fd, const char *request, uint64_t until, struct buf *in, char **why)
{
	size_t sent = 0, len = strlen(request), length, body;

	while (sent < len) {
		ssize_t n = send(fd, request + sent, len - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if ((errno != EAGAIN && errno != EINTR) || wait_for(fd, POLLOUT, until))
			return fail(why, "%s", strerror(errno));
	}
	for (;;) {
		char chunk[4096];
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);

		if (n > 0) {
			buf_add(in, chunk, (size_t)n);
			if (in->oom || in->len > ANSWER_MAX)
				return fail(why, "answers too much to be a wsnode");
			body = head_end(in, &length);
			if (body && length != SIZE_MAX && in->len - body >= length)
				return 0;
		} else if (!n) {
			return 0;
		} else if ((errno != EAGAIN && errno != EINTR) || wait_for(fd, POLLIN, until)) {
			return fail(why, "%s", errno == ETIMEDOUT ? "no answer" : strerror(errno));
		}
	}
}

int healthz_get(const struct endpoint *at, uint64_t deadline_ms, int *status, json_t **body,
                char **why)
{
	uint64_t until = now_ms() + deadline_ms;
	char request[400], digits[4] = {0};
	struct buf in = {0};
	size_t length, head;
	uint32_t code;
	int fd, rc = -1;

	*why = NULL;
	*body = NULL;
	fd = connect_to(at, until, why);
	if (fd < 0)
		return -1;
	snprintf(request, sizeof request,
	         "GET /healthz HTTP/1.1\r\nHost: %s\r\nUser-Agent: wsctl\r\nConnection: "
	         "close\r\n\r\n",
	         at->is_unix || !*at->host ? "localhost" : at->host);
	if (exchange(fd, request, until, &in, why))
		goto out;
	head = head_end(&in, &length);
	if (!head || !in.p || strncmp(in.p, "HTTP/1.", 7) != 0 || in.len < 12) {
		fail(why, "doesn't speak HTTP");
		goto out;
	}
	memcpy(digits, in.p + 9, 3);
	if (num_u32(digits, 100, 599, &code)) {
		fail(why, "doesn't speak HTTP");
		goto out;
	}
	*status = (int)code;
	if (length > in.len - head)
		length = in.len - head;
	*body = json_loadb(in.p + head, length, 0, NULL);
	if (!json_is_object(*body)) {
		json_decref(*body);
		*body = NULL;
		fail(why, "is not a wsnode (/healthz answers %d without JSON)", *status);
		goto out;
	}
	rc = 0;
out:
	close(fd);
	buf_free(&in);
	return rc;
}
