/*
 * session: see session.h. Everything leaves either by the fan-out's own send() while nothing is
 * pending, or through lws_write(…, LWS_WRITE_HTTP), which passes frames unchanged and keeps them in
 * order behind what lws still holds. A frame that went out in part is completed by lws, so its own
 * PONG can't cut in.
 */
#include "session.h"

#include <errno.h>
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
#include "node.h"
#include "replay.h"

enum { FLUSH_MS = 5000, ACK_MS = 2000, LINGER_MS = 5000 };
static struct session **all;
static uint32_t n_all, cap_all, n_open;

static void each_subscriber(struct session *s, void (*f)(struct subscriber *))
{
	if (s->cf)
		cf_each(s, f);
	else if (s->sub.c)
		f(&s->sub);
}

static void set_busy(struct subscriber *who)
{
	hub_set_busy(who);
}

static void set_state(struct session *s, enum session_state to)
{
	if (s->state == SESSION_OPEN && to != SESSION_OPEN) {
		n_open--;
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

int session_open(struct session *s, struct lws *wsi, int fd, struct grants *g)
{
	s->wsi = wsi;
	s->fd = fd;
	if (list_add(s))
		return -1;
	s->opened = true;
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

static void drop_queue(struct session *s)
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
	drop_queue(s);
	wheel_stop(&s->timer);
	wheel_stop(&s->resume);
	closes_count(s->close_code);
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

static void broken(struct session *s)
{
	s->close_code = 1006;
	set_state(s, SESSION_GONE);
	drop_queue(s);
	kill_connection(s);
}

/* 0, or -1 when the connection is broken. */
static int pass_to_lws(struct session *s, const uint8_t *p, size_t n)
{
	/* lws copies what it can't send and writes to nothing before or in p for this kind. */
	return lws_write(s->wsi, (unsigned char *)(uintptr_t)p, n, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

int session_frame(struct session *s, const uint8_t *p, size_t n)
{
	if (s->state == SESSION_GONE || lws_get_close_length(s->wsi))
		return -1;
	if (pass_to_lws(s, p, n)) {
		broken(s);
		return -1;
	}
	return 0;
}

static void send_close(struct session *s)
{
	uint8_t frame[FRAME_CLOSE_MAX];
	size_t n = frame_close(s->close_code, s->close_reason, frame);

	drop_queue(s);
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
	if (s->lag)
		set_state(s, SESSION_FLUSHING);
	else
		send_close(s);
}

void session_close_now(struct session *s, uint16_t code, const char *reason)
{
	if (s->state != SESSION_OPEN && s->state != SESSION_FLUSHING)
		return;
	set_close(s, code, reason);
	send_close(s);
}

void session_gone(struct session *s, uint16_t code)
{
	if (s->state == SESSION_GONE)
		return;
	if (s->state != SESSION_CLOSING)
		s->close_code = code;
	set_state(s, SESSION_GONE);
	drop_queue(s);
}

/* c: the channel whose frames came last; NULL: answers, which are never dropped. */
static void apply_bound(struct session *s, struct channel *c)
{
	size_t max = node.cfg->node.max_queue;
	uint32_t n = 0;

	if (s->lag->bytes + s->lag->in_lws <= max)
		return;
	if (c && c->rule->slow == SLOW_DROP) {
		n = c->rule->cache_last ? lag_keep_last(s->lag, c) : lag_drop_to(s->lag, max, c);
		c->dropped += n;
		node.count.dropped += n;
		/* The newest state may be longer than the bound by itself. */
		if (!s->cf || s->lag->bytes + s->lag->in_lws <= max)
			return;
	}
	node.count.slow_closed++;
	session_close_now(s, 1008, "too slow");
}

/*
 * A frame in p was cut: it went out up to `sent` and ends at `end`. lws gets the rest, which counts
 * as queued until it is gone. 0; -1: the connection is broken.
 */
static int hand_over(struct session *s, const uint8_t *p, size_t sent, size_t end)
{
	if (pass_to_lws(s, p + sent, end - sent)) {
		broken(s);
		return -1;
	}
	lag_set_in_lws(s->lag, end - sent);
	return 0;
}

static void own_queue(struct session *s)
{
	s->lag = lag_new(s);
	if (s->lag)
		each_subscriber(s, set_busy);
	else
		broken(s);
}

/* What did not go out of b, of which `sent` bytes did, waits. False: the connection is broken. */
static bool enqueue(struct session *s, struct batch *b, size_t sent, const struct channel *owner)
{
	uint32_t from = batch_frame_at(b, sent);

	if (!s->lag)
		own_queue(s);
	if (!s->lag)
		return false;
	if (sent > batch_start(b, from)) {
		if (hand_over(s, b->p, sent, b->ends[from]))
			return false;
		from++;
	}
	if (from < b->n && lag_push(s->lag, b, from, owner)) {
		broken(s);
		return false;
	}
	lws_callback_on_writable(s->wsi);
	return true;
}

void session_queue(struct subscriber *who, struct batch *b, size_t sent)
{
	struct session *s = who->s;

	if (s->state != SESSION_OPEN || lws_get_close_length(s->wsi))
		return;
	if (enqueue(s, b, sent, who->c))
		apply_bound(s, who->c);
}

bool session_send(struct session *s, struct batch *b, const struct subscriber *who)
{
	ssize_t sent = 0;

	if (s->state != SESSION_OPEN || lws_get_close_length(s->wsi))
		return false;
	if (!s->lag && !lws_partial_buffered(s->wsi)) {
		sent = send(s->fd, b->p, b->len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent == (ssize_t)b->len) {
			node.count.bytes_out += b->len;
			return true;
		}
		if (sent < 0)
			sent = 0;
	}
	node.count.bytes_out += b->len;
	/* A replay is paced and has one such batch at a time: outside max_queue. */
	if (enqueue(s, b, (size_t)sent, who ? who->c : NULL) && !who)
		apply_bound(s, NULL);
	return false;
}

void session_text(struct session *s, const char *p, size_t len)
{
	struct batch *b = batch_new();

	if (!b || batch_add(b, KIND_TEXT, p, len, NULL, 0))
		session_close_now(s, 1011, "out of memory");
	else
		session_send(s, b, NULL);
	batch_unref(b);
}

/* One send() from the queue. 1: more may go, 0: the socket is full, -1: broken. */
static int send_some(struct session *s)
{
	const uint8_t *p;
	size_t n = lag_peek(s->lag, &p), end;
	ssize_t sent = send(s->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		broken(s);
		return -1;
	}
	if (sent < 0)
		return 0;
	s->alive = true;
	end = (size_t)sent == n ? n : lag_frame_end(s->lag, (size_t)sent - (sent > 0));
	if (sent && end > (size_t)sent && hand_over(s, p, (size_t)sent, end))
		return -1;
	if (sent)
		lag_took(s->lag, end);
	return (size_t)sent == n;
}

void session_writable(struct session *s)
{
	const uint8_t *p;
	int more = 1;

	if (lws_partial_buffered(s->wsi)) {
		if (s->lag)
			lws_callback_on_writable(s->wsi);
		return;
	}
	if (!s->lag) {
		each_subscriber(s, replay_more);
		return;
	}
	if (s->lag->in_lws) {
		s->alive = true;
		lag_set_in_lws(s->lag, 0);
	}
	while (more > 0 && lag_peek(s->lag, &p))
		more = send_some(s);
	if (more < 0)
		return;
	if (lag_peek(s->lag, &p) || s->lag->in_lws) {
		lws_callback_on_writable(s->wsi);
		return;
	}
	drop_queue(s);
	if (s->state == SESSION_OPEN) {
		each_subscriber(s, set_busy);
		each_subscriber(s, replay_more);
	} else if (s->state == SESSION_FLUSHING) {
		send_close(s);
	}
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
		broken(s);
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
		send_close(s);
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
			broken(s);
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
