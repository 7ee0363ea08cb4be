/* rconn: see rconn.h. */
#include "rconn.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "node.h"

enum { READ_SIZE = 65536 };
static const double CONNECT_S = 3.0, RESOLVE_POLL_S = 0.02;
/* Which of a name's addresses is tried; common to all connections, so that they reach the same
 * server. */
static unsigned choice;

/* A name being looked up by glibc's resolver thread; the strings must outlive it. */
struct resolve {
	struct gaicb cb;
	struct addrinfo hints;
	char host[256], port[8];
};

static void resolve_end(struct rconn *c)
{
	struct resolve *r = c->resolve;

	c->resolve = NULL;
	/* One that can't be cancelled is still written to: it is left to its thread. */
	if (!r || (gai_error(&r->cb) == EAI_INPROGRESS && gai_cancel(&r->cb) != EAI_CANCELED))
		return;
	if (r->cb.ar_result)
		freeaddrinfo(r->cb.ar_result);
	free(r);
}

static void shut(struct rconn *c)
{
	resolve_end(c);
	ev_timer_stop(node.loop, &c->timer);
	if (c->fd >= 0 && c->state >= RCONN_CONNECTING) {
		ev_io_stop(node.loop, &c->readable);
		ev_io_stop(node.loop, &c->writable);
		close(c->fd);
	}
	c->fd = -1;
	if (c->reader && !c->in_reply) {
		redisReaderFree(c->reader);
		c->reader = NULL;
	}
	buf_free(&c->out);
	c->out_at = 0;
	c->dead = true;
	c->state = RCONN_OFF;
}

void rconn_close(struct rconn *c)
{
	if (c->state != RCONN_OFF)
		shut(c);
}

static void fail(struct rconn *c, const char *why)
{
	char copy[200];

	if (c->state == RCONN_CONNECTING)
		choice++;
	/* why may lie in what shut() frees */
	snprintf(copy, sizeof copy, "%s", why);
	shut(c);
	c->on_down(c, copy);
}

size_t rconn_unsent(const struct rconn *c)
{
	return c->out.len - c->out_at;
}

/* Takes what was sent out of the buffer, now and then: it may never be empty while Redis is busy.
 */
static void compact(struct rconn *c)
{
	if (c->out_at < READ_SIZE || c->out_at < c->out.len / 2)
		return;
	memmove(c->out.p, c->out.p + c->out_at, c->out.len - c->out_at);
	c->out.len -= c->out_at;
	c->out_at = 0;
}

void rconn_flush(struct rconn *c)
{
	if (c->state < RCONN_GREETING)
		return;
	while (c->out_at < c->out.len) {
		ssize_t n = send(c->fd, c->out.p + c->out_at, c->out.len - c->out_at,
		                 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			compact(c);
			ev_io_start(node.loop, &c->writable);
			return;
		}
		if (n < 0) {
			fail(c, strerror(errno));
			return;
		}
		c->out_at += (size_t)n;
	}
	ev_io_stop(node.loop, &c->writable);
	c->out_at = 0;
	if (c->out.cap > READ_SIZE)
		buf_free(&c->out);
	else
		buf_reset(&c->out);
}

static int append(struct rconn *c, int argc, const char **argv, const size_t *len)
{
	size_t before = c->out.len;

	/* RESP2, as redisFormatCommandArgv would, but straight into the buffer. */
	buf_printf(&c->out, "*%d\r\n", argc);
	for (int i = 0; i < argc; i++) {
		buf_printf(&c->out, "$%zu\r\n", len ? len[i] : strlen(argv[i]));
		buf_add(&c->out, argv[i], len ? len[i] : strlen(argv[i]));
		buf_add(&c->out, "\r\n", 2);
	}
	if (!c->out.oom)
		return 0;
	/* A command in part would make the next ones its arguments. */
	c->out.len = before;
	c->out.oom = false;
	return -1;
}

int rconn_command(struct rconn *c, int argc, const char **argv, const size_t *len)
{
	if (c->state != RCONN_UP)
		return -1;
	return append(c, argc, argv, len);
}

static void greet(struct rconn *c)
{
	char db[12];

	c->state = RCONN_GREETING;
	c->greetings = 0;
	if (c->password && c->user) {
		append(c, 3, (const char *[]){"AUTH", c->user, c->password}, NULL);
		c->greetings++;
	} else if (c->password) {
		append(c, 2, (const char *[]){"AUTH", c->password}, NULL);
		c->greetings++;
	}
	if (c->url->db) {
		snprintf(db, sizeof db, "%d", c->url->db);
		append(c, 2, (const char *[]){"SELECT", db}, NULL);
		c->greetings++;
	}
	append(c, 2, (const char *[]){"INFO", "server"}, NULL);
	c->greetings++;
	rconn_flush(c);
}

static void greeting_reply(struct rconn *c, const redisReply *r)
{
	const char *at;
	char why[160];

	if (r->type == REDIS_REPLY_ERROR) {
		/* "unknown command 'AUTH', with args beginning with: 'PASSWORD'" */
		at = strstr(r->str, ", with args");
		snprintf(why, sizeof why, "redis says: %.*s",
		         at && at - r->str < 120 ? (int)(at - r->str) : 120, r->str);
		if (c->password && strstr(why, c->password))
			snprintf(why, sizeof why, "redis repeats the password in its answer");
		fail(c, why);
		return;
	}
	if (--c->greetings)
		return;
	c->run_id[0] = 0;
	at = r->type == REDIS_REPLY_STRING ? strstr(r->str, "\nrun_id:") : NULL;
	if (at)
		snprintf(c->run_id, sizeof c->run_id, "%.*s", (int)strcspn(at + 8, "\r\n"), at + 8);
	if (!c->run_id[0]) {
		fail(c, "redis tells no run_id");
		return;
	}
	ev_timer_stop(node.loop, &c->timer);
	c->state = RCONN_UP;
	c->on_up(c);
}

static void replies(struct rconn *c)
{
	void *reply;

	while (!c->dead && redisReaderGetReply(c->reader, &reply) == REDIS_OK && reply) {
		c->in_reply = true;
		if (c->state == RCONN_GREETING)
			greeting_reply(c, reply);
		else
			c->on_reply(c, reply);
		c->in_reply = false;
		freeReplyObject(reply);
	}
	if (c->dead) {
		redisReaderFree(c->reader);
		c->reader = NULL;
	} else if (c->reader->err) {
		fail(c, c->reader->errstr);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	static char chunk[READ_SIZE];
	struct rconn *c = io->data;
	size_t most = node.cfg->node.max_queue / 4, got = 0;

	(void)loop;
	(void)events;
	/* All that is there, but no more in one tick than a client's queue could take. */
	do {
		ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			fail(c, n ? strerror(errno) : "redis closed the connection");
			return;
		}
		if (redisReaderFeed(c->reader, chunk, (size_t)n) != REDIS_OK) {
			fail(c, c->reader->errstr);
			return;
		}
		replies(c);
		got += (size_t)n;
	} while (!c->dead && got < most);
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
	struct rconn *c = io->data;
	int err = 0;
	socklen_t len = sizeof err;

	(void)loop;
	(void)events;
	if (c->state != RCONN_CONNECTING) {
		rconn_flush(c);
		return;
	}
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) || err) {
		fail(c, strerror(err ? err : errno));
		return;
	}
	ev_io_stop(node.loop, &c->writable);
	ev_io_start(node.loop, &c->readable);
	greet(c);
}

static void connect_to(struct rconn *c, const struct sockaddr *addr, socklen_t len)
{
	int one = 1;

	c->fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		fail(c, strerror(errno));
		return;
	}
	c->state = RCONN_CONNECTING;
	ev_io_init(&c->readable, on_readable, c->fd, EV_READ);
	ev_io_init(&c->writable, on_writable, c->fd, EV_WRITE);
	c->readable.data = c->writable.data = c;
	if (addr->sa_family != AF_UNIX)
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(c->fd, addr, len) && errno != EINPROGRESS) {
		fail(c, strerror(errno));
		return;
	}
	ev_io_start(node.loop, &c->writable);
}

static void connect_resolved(struct rconn *c, const struct addrinfo *a)
{
	struct sockaddr_storage addr;
	socklen_t len;
	unsigned n = 1, skip;

	for (const struct addrinfo *i = a->ai_next; i; i = i->ai_next)
		n++;
	for (skip = choice % n; skip; skip--)
		a = a->ai_next;
	len = a->ai_addrlen;
	memcpy(&addr, a->ai_addr, len);
	ev_timer_set(&c->timer, CONNECT_S, 0);
	ev_timer_start(node.loop, &c->timer);
	connect_to(c, (struct sockaddr *)&addr, len);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct rconn *c = t->data;
	int err;

	(void)loop;
	(void)events;
	if (c->state != RCONN_RESOLVING) {
		fail(c, c->state == RCONN_CONNECTING ? "connecting took too long"
		                                     : "redis did not answer in time");
		return;
	}
	err = gai_error(&c->resolve->cb);
	if (err == EAI_INPROGRESS)
		return;
	ev_timer_stop(node.loop, &c->timer);
	if (err) {
		fail(c, gai_strerror(err));
		return;
	}
	connect_resolved(c, c->resolve->cb.ar_result);
	resolve_end(c);
}

static void resolve(struct rconn *c, const struct endpoint *at)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *a;
	struct resolve *r;
	struct gaicb *list[1];
	char port[8];

	snprintf(port, sizeof port, "%d", at->port);
	if (!getaddrinfo(at->host, port, &hints, &a)) {
		connect_resolved(c, a);
		freeaddrinfo(a);
		return;
	}
	r = calloc(1, sizeof *r);
	if (!r) {
		fail(c, "out of memory");
		return;
	}
	r->hints.ai_socktype = SOCK_STREAM;
	r->hints.ai_flags = AI_ADDRCONFIG;
	memcpy(r->host, at->host, sizeof at->host);
	memcpy(r->port, port, sizeof port);
	r->cb.ar_name = r->host;
	r->cb.ar_service = r->port;
	r->cb.ar_request = &r->hints;
	c->resolve = r;
	c->state = RCONN_RESOLVING;
	ev_timer_set(&c->timer, RESOLVE_POLL_S, RESOLVE_POLL_S);
	ev_timer_start(node.loop, &c->timer);
	list[0] = &r->cb;
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL))
		fail(c, "the resolver could not start");
}

void rconn_connect(struct rconn *c)
{
	const struct endpoint *at = &c->url->at;

	rconn_close(c);
	c->fd = -1;
	c->dead = false;
	c->run_id[0] = 0;
	c->reader = redisReaderCreate();
	c->state = RCONN_CONNECTING;
	ev_timer_init(&c->timer, on_timer, CONNECT_S, 0);
	c->timer.data = c;
	if (!c->reader) {
		fail(c, "out of memory");
		return;
	}
	if (at->is_unix) {
		struct sockaddr_un un = {.sun_family = AF_UNIX};

		memcpy(un.sun_path, at->path, sizeof un.sun_path);
		ev_timer_start(node.loop, &c->timer);
		connect_to(c, (struct sockaddr *)&un, sizeof un);
		return;
	}
	resolve(c, at);
}
