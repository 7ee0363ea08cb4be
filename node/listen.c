/*
 * listen: see listen.h. SO_REUSEADDR only: with SO_REUSEPORT a second start of the same node would
 * silently share its clients. A spare descriptor keeps EMFILE from turning into a busy loop.
 */
#include "listen.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../lib/log.h"
#include "../lib/num.h"
#include "front.h"
#include "node.h"

enum { BACKLOG = 4096, ACCEPTS = 64, FIRST_INHERITED = 3 };
static const double PAUSE_S = 0.05;

static int fd = -1, spare = -1;
static bool is_unix, inherited;
static char unix_path[108];
static ev_io io;
static ev_timer pause_timer;

/* systemd.socket(5) has the address a second time: the one that isn't the file's is no health
 * check's. */
static bool is_at(const struct endpoint *at, const struct sockaddr_storage *ss)
{
	if (at->is_unix)
		return ss->ss_family == AF_UNIX &&
		       !strcmp(((const struct sockaddr_un *)ss)->sun_path, at->path);
	if (ss->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)ss)->sin_port) == at->port;
	return ss->ss_family == AF_INET6 &&
	       ntohs(((const struct sockaddr_in6 *)ss)->sin6_port) == at->port;
}

static void check_inherited(const struct endpoint *at)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof ss - 1; /* a path may fill sun_path without its NUL */
	char text[ENDPOINT_STR];

	if (!getsockname(FIRST_INHERITED, (struct sockaddr *)&ss, &len) && !is_at(at, &ss))
		log_msg(LOG_WARNING,
		        "the socket inherited from systemd has another address than %s; make "
		        "ListenStream= of wsnode@%s.socket the file's",
		        endpoint_str(at, text), node.name);
}

static int inherit(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t n;

	if (!pid || !fds || num_u64(pid, 1, INT32_MAX, &n) || n != (uint64_t)getpid() ||
	    num_u64(fds, 1, 1, &n))
		return -1;
	inherited = true;
	fcntl(FIRST_INHERITED, F_SETFD, FD_CLOEXEC);
	fcntl(FIRST_INHERITED, F_SETFL, fcntl(FIRST_INHERITED, F_GETFL) | O_NONBLOCK);
	return FIRST_INHERITED;
}

/* A socket file that nobody answers on is left from a crash. */
static bool is_stale(const struct sockaddr_un *un)
{
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool stale = probe >= 0 && connect(probe, (const struct sockaddr *)un, sizeof *un) &&
	             errno == ECONNREFUSED;

	if (probe >= 0)
		close(probe);
	return stale;
}

static int open_unix(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

	memcpy(un.sun_path, path, strlen(path));
	if (s < 0)
		return -1;
	err = bind(s, (struct sockaddr *)&un, sizeof un);
	if (err && errno == EADDRINUSE && is_stale(&un)) {
		unlink(path);
		err = bind(s, (struct sockaddr *)&un, sizeof un);
	}
	/* HAProxy runs as another user; who may reach the node is up to the directory's mode. */
	if (err || chmod(path, 0666)) {
		err = errno;
		close(s);
		errno = err;
		return -1;
	}
	memcpy(unix_path, path, sizeof unix_path);
	return s;
}

static int open_tcp(const struct endpoint *at, const char **why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
	char port[8];
	int s = -1, one = 1, zero = 0, err;

	snprintf(port, sizeof port, "%d", at->port);
	if (!at->host[0])
		hints.ai_family = AF_INET6; /* both families on one socket */
	err = getaddrinfo(at->host[0] ? at->host : NULL, port, &hints, &list);
	if (err) {
		*why = gai_strerror(err);
		return -1;
	}
	s = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s < 0 && errno == EAFNOSUPPORT && !at->host[0]) {
		freeaddrinfo(list);
		hints.ai_family = AF_INET;
		if (getaddrinfo(NULL, port, &hints, &list))
			return -1;
		s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (s >= 0) {
		setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (list->ai_family == AF_INET6)
			setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, at->host[0] ? &one : &zero,
			           sizeof one);
		if (bind(s, list->ai_addr, list->ai_addrlen)) {
			*why = strerror(errno);
			close(s);
			s = -1;
		}
	} else {
		*why = strerror(errno);
	}
	freeaddrinfo(list);
	return s;
}

int listen_open(const struct endpoint *at)
{
	char text[ENDPOINT_STR];
	const char *why = NULL;

	is_unix = at->is_unix;
	fd = inherit();
	if (inherited)
		check_inherited(at);
	if (fd < 0)
		fd = is_unix ? open_unix(at->path) : open_tcp(at, &why);
	if (fd < 0 || (!inherited && listen(fd, BACKLOG))) {
		log_msg(LOG_ERR, "cannot listen at %s: %s", endpoint_str(at, text),
		        why ? why : strerror(errno));
		return -1;
	}
	spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return 0;
}

void listen_pause(void)
{
	ev_io_stop(node.loop, &io);
	ev_timer_again(node.loop, &pause_timer);
}

static void on_resume(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)events;
	ev_timer_stop(loop, t);
	ev_io_start(loop, &io);
}

/* Out of descriptors: takes the connection with the spare one, so that the client isn't left
 * hanging. */
static void turn_away(void)
{
	static bool told;
	int s;

	if (!told)
		log_msg(LOG_ERR,
		        "out of file descriptors; raise LimitNOFILE or lower node.max_clients");
	told = true;
	if (spare >= 0)
		close(spare);
	s = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (s >= 0)
		close(s);
	spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	listen_pause();
}

static void on_accept(struct ev_loop *loop, ev_io *w, int events)
{
	int one = 1;

	(void)loop;
	(void)events;
	for (int i = 0; i < ACCEPTS && ev_is_active(w); i++) {
		int s = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (s < 0 && (errno == EMFILE || errno == ENFILE)) {
			turn_away();
			return;
		}
		if (s < 0 && errno == ECONNABORTED)
			continue;
		if (s < 0) {
			/* Out of memory: the next try would fail as well, at once. */
			if (errno != EAGAIN && errno != EINTR)
				listen_pause();
			return;
		}
		if (!is_unix)
			setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		node.count.accepted++;
		front_open(s);
	}
}

void listen_start(void)
{
	ev_timer_init(&pause_timer, on_resume, PAUSE_S, PAUSE_S);
	ev_io_init(&io, on_accept, fd, EV_READ);
	ev_io_start(node.loop, &io);
}

void listen_close(void)
{
	if (fd >= 0)
		close(fd);
	if (spare >= 0)
		close(spare);
	if (is_unix && !inherited && unix_path[0])
		unlink(unix_path);
	fd = spare = -1;
}
