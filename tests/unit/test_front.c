/*
 * test_front: an upgrade that waits for its channel gets exactly one answer, and outlives its
 * channel. The rooms around it are stand-ins: a channel that never is subscribed by itself, and an
 * lws that counts.
 */
#include <ev.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../lib/buf.h"
#include "../../node/bus.h"
#include "../../node/drain.h"
#include "../../node/front.h"
#include "../../node/hub.h"
#include "../../node/listen.h"
#include "../../node/node.h"
#include "../../node/respond.h"
#include "../../node/session.h"
#include "../../node/upgrade.h"
#include "../../node/ws.h"
#include "tap.h"

struct node node;
static struct channel *channel;
static unsigned adopted, paused;
static uint64_t now;

uint64_t node_now_ms(void)
{
	return now;
}

struct channel *hub_channel(const char *name, size_t len)
{
	(void)name;
	(void)len;
	return channel;
}

struct channel *hub_find(const char *name, size_t len)
{
	return hub_channel(name, len);
}

bool hub_ready(struct channel *c, const struct position *since)
{
	(void)since;
	return c->state == CHANNEL_SUBSCRIBED;
}

void hub_wait(struct channel *c, struct waiter *w, const struct position *since)
{
	(void)since;
	c->state = CHANNEL_ASKED;
	w->c = c;
	w->next = c->waiters;
	c->waiters = w;
}

void hub_unwait(struct waiter *w)
{
	struct waiter **at;

	if (!w->c)
		return;
	/* A channel that is gone is seen by ASan and valgrind. */
	for (at = &w->c->waiters; *at && *at != w;)
		at = &(*at)->next;
	if (*at)
		*at = w->next;
	w->c = NULL;
}

static void wake(bool ok)
{
	struct waiter *w;

	while ((w = channel->waiters)) {
		channel->waiters = w->next;
		w->c = NULL;
		w->done(w, ok);
	}
}

bool bus_ready(void)
{
	return true;
}

const char *bus_reason(void)
{
	return "";
}

bool drain_active(void)
{
	return false;
}

void listen_pause(void)
{
	paused++;
}

uint32_t session_count(void)
{
	return 0;
}

int upgrade_decide(const struct http_request *r, struct upgrade *u, const char **why)
{
	(void)why;
	memset(u, 0, sizeof *u);
	return r->ws_key.p ? 101 : 400;
}

void ws_adopt(struct ws_handshake *h)
{
	adopted++;
	close(h->fd);
}

void respond_status(struct buf *b, int status, const char *why, bool head_only)
{
	(void)head_only;
	buf_printf(b, "%d %s\n", status, why ? why : "");
}

int respond(struct buf *b, const struct http_request *r)
{
	(void)r;
	buf_str(b, "200\n");
	return 200;
}

static void turns(void)
{
	for (int i = 0; i < 5; i++)
		ev_run(node.loop, EVRUN_NOWAIT);
}

static void pass(uint64_t ms)
{
	now += ms;
	wheel_turn(&node.front_wheel, now, front_timer);
	turns();
}

/* A client's end of a connection that waits for its channel. */
static int waiting(void)
{
	static const char head[] = "GET /ws/a HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
				   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) || write(fd[1], head, sizeof head - 1) < 0)
		abort();
	front_open(fd[0]);
	turns();
	return fd[1];
}

static const char *answer(int fd)
{
	static char text[500];
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static void new_channel(void)
{
	channel = calloc(1, sizeof *channel + 2);
	if (!channel)
		abort();
}

static void too_late(void)
{
	int c;

	new_channel();
	c = waiting();
	ok(channel->waiters && channel->state == CHANNEL_ASKED, "an upgrade waits for its channel");
	pass(5100);
	is(answer(c), "503 redis did not answer for the channel in time\n", "not for ever");
	ok(!channel->waiters, "then it waits no more");
	wake(true);
	turns();
	ok(!adopted, "an acknowledgement that comes after the 503 makes no WebSocket of it");
	is(answer(c), "", "nor a second answer");
	close(c);
	turns();
	ok(!front_count(), "it ends with its client");
	free(channel);
}

static void channel_gone(void)
{
	int c, d;

	new_channel();
	c = waiting();
	d = waiting();
	wake(false);
	is(answer(c), "503 redis is away\n", "when Redis goes away: 503");
	is(answer(d), "503 redis is away\n", "for each of them");
	memset(channel, 0xff, sizeof *channel);
	free(channel);
	pass(1100);
	ok(!front_count(), "the answered connection doesn't need its channel any more");
	close(c);
	close(d);
}

static void in_time(void)
{
	int c, d;

	new_channel();
	c = waiting();
	d = waiting();
	close(c);
	channel->state = CHANNEL_SUBSCRIBED;
	wake(true);
	ok(adopted == 2 && !front_count(), "acknowledged in time, all of them go on");
	close(d);
	free(channel);
}

static void crowded(void)
{
	enum { MAX = 50 };
	static int c[MAX + 2];

	new_channel();
	c[0] = waiting();
	for (int i = 1; i < MAX; i++) {
		int fd[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
			abort();
		front_open(fd[0]);
		c[i] = fd[1];
	}
	ok(front_count() == MAX && !paused, "as many as may be");
	c[MAX] = waiting();
	ok(paused == 1, "while all are young, one more makes accepting pause");
	now += 1500;
	c[MAX + 1] = waiting();
	ok(front_count() == MAX + 1 && node.count.evicted == 1,
	   "the oldest silent one makes room, also when one that waits is older");
	front_close_all();
	for (int i = 0; i < MAX + 2; i++)
		close(c[i]);
	free(channel);
}

int main(void)
{
	node.loop = ev_default_loop(0);
	node.max_clients = 10;
	node.max_fronts = 50;
	wheel_init(&node.front_wheel, now);
	too_late();
	channel_gone();
	in_time();
	crowded();
	return tap_done();
}
