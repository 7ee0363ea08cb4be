/*
 * session_send: what one client is sent: see session.h. Everything leaves either by a send() of
 * ours while nothing is pending, or through lws_write(…, LWS_WRITE_HTTP), which passes frames
 * unchanged and keeps them in order behind what lws still holds. A frame that went out in part is
 * completed by lws, so its own PONG can't cut in.
 */
#include <errno.h>
#include <libwebsockets.h>
#include <sys/socket.h>

#include "cf.h"
#include "lag.h"
#include "node.h"
#include "replay.h"
#include "session.h"
#include "session_int.h"

/* 0, or -1 when the connection is broken. */
int session_pass(struct session *s, const uint8_t *p, size_t n)
{
	/* lws copies what it can't send and writes to nothing before or in p for this kind. */
	return lws_write(s->wsi, (unsigned char *)(uintptr_t)p, n, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

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
	if (session_pass(s, p + sent, end - sent)) {
		session_broken(s);
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
		session_broken(s);
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
		session_broken(s);
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

	if (s->state > SESSION_FLUSHING || lws_get_close_length(s->wsi))
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
		session_broken(s);
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
	session_drop_queue(s);
	if (s->state == SESSION_OPEN) {
		each_subscriber(s, set_busy);
		each_subscriber(s, replay_more);
	} else {
		session_flushed(s);
	}
}
