/* session: see session.h: a connection's states, from open to gone, and its deadlines. What it
 * sends is in session_send.c. */
#include "session.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../lib/jwt.h"
#include "cf.h"
#include "closes.h"
#include "hub.h"
#include "lag.h"
#include "lbs.h"
#include "node.h"
#include "session_int.h"

enum { FLUSH_MS = 5000, ACK_MS = 2000, LINGER_MS = 5000 };
static struct session **all;
static uint32_t n_all, cap_all, n_open;

static void set_state(struct session *s, enum session_state to)
{
	if (s->state == SESSION_OPEN && to != SESSION_OPEN) {
		n_open--;
		lbs_closing(s->lb);
		if (s->cf)
			cf_leave_all(s);
		else
			hub_leave(&s->sub);
	}
	s->state = to;
	switch (to) {
	case SESSION_OPEN:
		/* Spread over the interval, so that a storm's pings don't stay one. */
		wheel_set(&node.wheel, &s->timer, (uint64_t)rand() % node.cfg->node.ping_ms + 1);
		break;
	case SESSION_FLUSHING:
		wheel_set(&node.wheel, &s->timer, FLUSH_MS);
		break;
	case SESSION_CLOSING:
		wheel_set(&node.wheel, &s->timer, ACK_MS);
		break;
	case SESSION_GONE:
		wheel_set(&node.wheel, &s->timer, LINGER_MS);
		break;
	}
}

static int list_add(struct session *s)
{
	if (n_all == cap_all) {
		uint32_t cap = cap_all ? cap_all * 2 : 64;
		struct session **more = realloc(all, cap * sizeof(struct session *));

		if (!more)
			return -1;
		all = more;
		cap_all = cap;
	}
	s->index = n_all;
	all[n_all++] = s;
	return 0;
}

int session_open(struct session *s, struct lws *wsi, int fd, struct grants *g, const char *lb)
{
	s->wsi = wsi;
	s->fd = fd;
	if (list_add(s))
		return -1;
	s->opened = true;
	s->lb = lbs_came(lb);
	s->sub.s = s;
	s->grants = g;
	s->alive = true;
	s->tokens = (float)node.cfg->node.message_rate.count;
	s->tokens_ms = (uint32_t)node_now_ms();
	s->state = SESSION_OPEN;
	n_open++;
	set_state(s, SESSION_OPEN);
	node.count.upgraded++;
	return 0;
}

void session_drop_queue(struct session *s)
{
	lag_free(s->lag);
	s->lag = NULL;
}

void session_fini(struct session *s)
{
	if (!s->opened)
		return;
	if (s->state == SESSION_OPEN)
		s->close_code = 1006;
	set_state(s, SESSION_GONE);
	cf_free(s);
	if (s->home)
		hub_unhold(s->home);
	session_drop_queue(s);
	wheel_stop(&s->timer);
	wheel_stop(&s->resume);
	closes_count(s->close_code);
	lbs_gone(s->lb);
	all[s->index] = all[--n_all];
	all[s->index]->index = s->index;
	grants_free(s->grants);
	free(s->grants);
	free(s->rx);
	s->grants = NULL;
	s->rx = NULL;
	s->home = NULL;
	s->opened = false;
}

/* The connection is broken or given up: lws sees the end and calls back with CLOSED. */
static void kill_connection(struct session *s)
{
	if (s->throttled)
		lws_rx_flow_control(s->wsi, 1);
	shutdown(s->fd, SHUT_RDWR);
}

void session_broken(struct session *s)
{
	s->close_code = 1006;
	set_state(s, SESSION_GONE);
	session_drop_queue(s);
	kill_connection(s);
}

int session_frame(struct session *s, const uint8_t *p, size_t n)
{
	if (s->state == SESSION_GONE || lws_get_close_length(s->wsi))
		return -1;
	if (session_pass(s, p, n)) {
		session_broken(s);
		return -1;
	}
	return 0;
}

void session_send_close(struct session *s)
{
	uint8_t frame[FRAME_CLOSE_MAX];
	size_t n = frame_close(s->close_code, s->close_reason, frame);

	session_drop_queue(s);
	if (s->throttled) {
		s->throttled = false;
		wheel_stop(&s->resume);
		lws_rx_flow_control(s->wsi, 1);
	}
	set_state(s, SESSION_CLOSING);
	session_frame(s, frame, n);
}

static void set_close(struct session *s, uint16_t code, const char *reason)
{
	s->close_code = s->cf ? cf_close_code(code, &reason) : code;
	s->close_reason = reason;
}

void session_close(struct session *s, uint16_t code, const char *reason)
{
	if (s->state != SESSION_OPEN)
		return;
	set_close(s, code, reason);
	set_state(s, SESSION_FLUSHING);
	session_flushed(s);
}

void session_flushed(struct session *s)
{
	if (s->state == SESSION_FLUSHING && !s->lag && !(s->cf && cf_unanswered(s)))
		session_send_close(s);
}

void session_close_now(struct session *s, uint16_t code, const char *reason)
{
	if (s->state != SESSION_OPEN && s->state != SESSION_FLUSHING)
		return;
	set_close(s, code, reason);
	session_send_close(s);
}

void session_gone(struct session *s, uint16_t code)
{
	if (s->state == SESSION_GONE)
		return;
	if (s->state != SESSION_CLOSING)
		s->close_code = code;
	set_state(s, SESSION_GONE);
	session_drop_queue(s);
}

void session_heard(struct session *s)
{
	s->alive = true;
}

static void ping(struct session *s)
{
	/* One byte of payload: lws 4.1.6 does not report an empty PONG. */
	static const uint8_t frame[] = {0x89, 1, '.'};
	static const uint8_t cf_frame[] = {0x81, 2, '{', '}'};
	int unread = 0;

	/* A node that was held up must not take what it didn't read yet for silence. */
	if (s->pinged && !s->alive && !s->throttled && !ioctl(s->fd, FIONREAD, &unread) &&
	    !unread) {
		node.count.ping_timeouts++;
		session_broken(s);
		return;
	}
	s->alive = false;
	s->pinged = true;
	wheel_set(&node.wheel, &s->timer, node.cfg->node.ping_ms);
	if (s->cf)
		session_frame(s, cf_frame, sizeof cf_frame);
	else
		session_frame(s, frame, sizeof frame);
}

void session_timer(struct wheel_entry *e)
{
	struct session *s = (struct session *)e; /* its first member */

	switch ((enum session_state)s->state) {
	case SESSION_OPEN:
		ping(s);
		break;
	case SESSION_FLUSHING:
		session_send_close(s);
		break;
	case SESSION_CLOSING:
	case SESSION_GONE:
		kill_connection(s);
		wheel_set(&node.wheel, &s->timer, LINGER_MS);
		break;
	}
}

/*
 * Of a client that reads nothing and then ends its side lws (4.1.6, 4.3.5) reads that end again and
 * again while it holds unsent bytes: a busy loop, for as long as the client likes.
 */
void session_sweep(void)
{
	char c;

	for (uint32_t i = n_all; i-- > 0;) {
		struct session *s = all[i];

		if (!lws_partial_buffered(s->wsi) || recv(s->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT))
			continue;
		if (s->state == SESSION_OPEN || s->state == SESSION_FLUSHING)
			session_broken(s);
		else
			kill_connection(s);
	}
}

uint32_t session_count(void)
{
	return n_all;
}

struct session *session_at(uint32_t i)
{
	return all[i];
}

uint32_t session_open_count(void)
{
	return n_open;
}
