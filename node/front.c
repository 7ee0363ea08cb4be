/* front: see front.h. */
#include "front.h"

#include <errno.h>
#include <ev.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/jwt.h"
#include "bus.h"
#include "drain.h"
#include "hub.h"
#include "listen.h"
#include "node.h"
#include "respond.h"
#include "session.h"
#include "upgrade.h"
#include "ws.h"

enum {
	HEAD_MS = 10000,      /* for the whole head */
	SUBSCRIBED_MS = 5000, /* for the acknowledgement */
	ANSWER_MS = 5000,
	LINGER_MS = 1000,
	EVICT_AFTER_MS = 1000,
	WAITS_MAX = 3, /* subscribed, filled, filled with all that is kept */
};

enum front_state {
	FRONT_READING,
	FRONT_WAITING, /* for its channel */
	FRONT_ANSWERING,
	FRONT_LINGERING, /* all sent; the peer's end is awaited, so that no reset eats the answer */
};

struct front {
	struct wheel_entry timer;
	ev_io io;
	int fd;
	enum front_state state;
	struct front *next, *prev; /* all, oldest first */
	uint64_t since_ms;
	struct buf in, out;
	size_t out_at;
	struct upgrade up;
	char ws_key[25];
	struct waiter waiter;
	unsigned waits;
};

static struct front *oldest, *newest;
static uint32_t n_fronts;
static uint64_t responses[600];

static void release(struct front *f, bool keep_fd)
{
	ev_io_stop(node.loop, &f->io);
	wheel_stop(&f->timer);
	*(f->prev ? &f->prev->next : &oldest) = f->next;
	*(f->next ? &f->next->prev : &newest) = f->prev;
	n_fronts--;
	hub_unwait(&f->waiter);
	if (f->up.grants) {
		grants_free(f->up.grants);
		free(f->up.grants);
	}
	if (!keep_fd)
		close(f->fd);
	buf_free(&f->in);
	buf_free(&f->out);
	free(f);
}

static void watch(struct front *f, int events)
{
	ev_io_stop(node.loop, &f->io);
	ev_io_set(&f->io, f->fd, events);
	if (events)
		ev_io_start(node.loop, &f->io);
}

static void send_answer(struct front *f)
{
	while (f->out_at < f->out.len) {
		ssize_t n = send(f->fd, f->out.p + f->out_at, f->out.len - f->out_at,
		                 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			watch(f, EV_WRITE);
			return;
		}
		if (n < 0) {
			release(f, false);
			return;
		}
		f->out_at += (size_t)n;
	}
	shutdown(f->fd, SHUT_WR);
	f->state = FRONT_LINGERING;
	wheel_set(&node.front_wheel, &f->timer, LINGER_MS);
	watch(f, EV_READ);
}

static void begin_answer(struct front *f, int status)
{
	responses[status]++;
	if (f->out.oom) {
		release(f, false);
		return;
	}
	f->state = FRONT_ANSWERING;
	wheel_set(&node.front_wheel, &f->timer, ANSWER_MS);
	send_answer(f);
}

static void refuse(struct front *f, int status, const char *why)
{
	respond_status(&f->out, status, why, false);
	begin_answer(f, status);
}

/* Takes the connection over to lws; afterwards f is gone. */
static void hand_on(struct front *f, struct channel *c)
{
	struct ws_handshake h = {
		.fd = f->fd,
		.began_ms = (uint32_t)f->since_ms,
		.key = f->ws_key,
		.up = &f->up,
		.channel = c,
	};

	ev_io_stop(node.loop, &f->io);
	ws_adopt(&h);
	release(f, true);
}

static const char *unavailable(void)
{
	if (drain_active())
		return "this node is draining";
	if (!bus_ready())
		return bus_reason();
	if (session_count() >= node.max_clients)
		return "this node is full";
	return NULL;
}

static void on_channel(struct waiter *w, bool ok);

static const struct position *resume_at(const struct front *f)
{
	return f->up.resume ? &f->up.since : NULL;
}

static void wait_for(struct front *f, struct channel *c)
{
	f->waits++;
	f->state = FRONT_WAITING;
	f->waiter.done = on_channel;
	wheel_set(&node.front_wheel, &f->timer, SUBSCRIBED_MS);
	watch(f, 0);
	/* Last: standalone it is done at once, and f gone. */
	hub_wait(c, &f->waiter, resume_at(f));
}

static void on_channel(struct waiter *w, bool ok)
{
	struct front *f = (struct front *)((char *)w - offsetof(struct front, waiter));
	const char *why = ok ? unavailable() : "redis is away";
	struct channel *c;

	if (why) {
		refuse(f, 503, why);
		return;
	}
	c = hub_find(f->up.channel, f->up.channel_len);
	if (f->waits < WAITS_MAX && !hub_ready(c, resume_at(f)))
		wait_for(f, c);
	else
		hand_on(f, c);
}

static void start_upgrade(struct front *f, const struct http_request *r)
{
	struct channel *c = NULL;
	const char *why = NULL;
	int status = upgrade_decide(r, &f->up, &why);

	if (status != 101) {
		refuse(f, status, why);
		return;
	}
	if ((why = unavailable())) {
		refuse(f, 503, why);
		return;
	}
	memcpy(f->ws_key, r->ws_key.p, 24);
	if (f->up.speak != SPEAK_CF) {
		c = hub_channel(f->up.channel, f->up.channel_len);
		if (!c) {
			refuse(f, 503, "out of memory");
			return;
		}
		if (!hub_ready(c, resume_at(f))) {
			wait_for(f, c);
			return;
		}
	}
	hand_on(f, c);
}

static void request(struct front *f, const struct http_request *r)
{
	bool plain = slice_is(r->path, "/healthz") || slice_is(r->path, "/metrics") ||
	             (slice_is(r->path, "/") && !r->upgrade_websocket);

	if (plain || !slice_is(r->method, "GET") || r->has_body)
		begin_answer(f, respond(&f->out, r));
	else
		start_upgrade(f, r);
}

/*
 * Looks at what came (MSG_PEEK) and takes only the head: what the client sent behind it stays in
 * the socket for lws.
 */
static void read_head(struct front *f)
{
	static char scratch[HTTP_HEAD_MAX + 1];
	struct http_request r;
	ssize_t n;
	int head;

	if (f->in.len)
		memcpy(scratch, f->in.p, f->in.len);
	n = recv(f->fd, scratch + f->in.len, HTTP_HEAD_MAX - f->in.len, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		release(f, false);
		return;
	}
	/* Bytes one by one cost a parse only at each line's end. */
	if (f->in.len && f->in.len + (size_t)n < HTTP_HEAD_MAX &&
	    !memchr(scratch + f->in.len, '\n', (size_t)n))
		head = 0;
	else
		head = http_parse(scratch, f->in.len + (size_t)n, &r);
	if (head > 0)
		n = head - (ssize_t)f->in.len;
	if (recv(f->fd, scratch + f->in.len, (size_t)n, MSG_DONTWAIT) != n) {
		release(f, false);
		return;
	}
	if (head > 0) {
		request(f, &r);
		return;
	}
	if (head < 0) {
		refuse(f, -head,
		       head == -431   ? "the request's head is above 16 KiB"
		       : head == -505 ? "HTTP/1.1 is spoken here"
		                      : "malformed request");
		return;
	}
	buf_add(&f->in, scratch + f->in.len, (size_t)n);
	if (f->in.oom)
		release(f, false);
}

static void discard(struct front *f)
{
	char drop[4096];
	ssize_t n = recv(f->fd, drop, sizeof drop, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		release(f, false);
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct front *f = io->data;

	(void)loop;
	(void)events;
	switch (f->state) {
	case FRONT_READING:
		read_head(f);
		break;
	case FRONT_WAITING:
		break;
	case FRONT_ANSWERING:
		send_answer(f);
		break;
	case FRONT_LINGERING:
		discard(f);
		break;
	}
}

void front_timer(struct wheel_entry *e)
{
	struct front *f = (struct front *)e; /* its first member */

	if (f->state == FRONT_WAITING) {
		hub_unwait(&f->waiter);
		refuse(f, 503, "redis did not answer for the channel in time");
	} else if (f->state == FRONT_READING && f->in.len) {
		refuse(f, 408, "the request's head took too long");
	} else {
		release(f, false);
	}
}

/* Gives up the oldest that didn't say what it wants yet; false: none has had its time. */
static bool evict(void)
{
	uint64_t now = node_now_ms();

	for (struct front *f = oldest; f && now - f->since_ms >= EVICT_AFTER_MS; f = f->next) {
		if (f->state != FRONT_READING)
			continue;
		node.count.evicted++;
		release(f, false);
		return true;
	}
	return false;
}

void front_open(int fd)
{
	struct front *f;

	if (n_fronts >= node.max_fronts && !evict())
		listen_pause();
	f = calloc(1, sizeof *f);
	if (!f) {
		close(fd);
		return;
	}
	f->fd = fd;
	f->since_ms = node_now_ms();
	f->prev = newest;
	*(newest ? &newest->next : &oldest) = f;
	newest = f;
	n_fronts++;
	wheel_set(&node.front_wheel, &f->timer, HEAD_MS);
	ev_io_init(&f->io, on_io, fd, EV_READ);
	f->io.data = f;
	ev_io_start(node.loop, &f->io);
}

uint32_t front_count(void)
{
	return n_fronts;
}

void front_responses(void (*f)(int status, uint64_t n, void *), void *arg)
{
	for (int i = 0; i < 600; i++)
		if (responses[i])
			f(i, responses[i], arg);
}

void front_close_all(void)
{
	while (oldest)
		release(oldest, false);
}
