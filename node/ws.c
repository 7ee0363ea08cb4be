/* ws: see ws.h. */
#include "ws.h"

#include <libwebsockets.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../lib/jwt.h"
#include "../lib/log.h"
#include "batch.h"
#include "cf.h"
#include "encode.h"
#include "hub.h"
#include "node.h"
#include "publish.h"
#include "session.h"
#include "upgrade.h"

static struct lws_context *context;
static struct lws_vhost *vhost;
static struct ws_handshake *pending; /* while ws_adopt is in lws */

static void discard(struct session *s)
{
	s->rx_discard = true;
	free(s->rx);
	s->rx = NULL;
	s->rx_len = s->rx_cap = 0;
}

static void reject(struct session *s, uint16_t code, const char *why)
{
	discard(s);
	session_close_now(s, code, why);
}

/* message_rate as a token bucket that holds one second's worth, at least one message. */
void ws_spend(struct session *s, uint32_t n)
{
	const struct rate *r = &node.cfg->node.message_rate;
	uint32_t now = (uint32_t)node_now_ms();
	float per_ms = (float)r->count / (float)r->per_ms;
	float full = per_ms * 1000 > 1 ? per_ms * 1000 : 1;

	s->tokens += (float)(now - s->tokens_ms) * per_ms;
	if (s->tokens > full)
		s->tokens = full;
	s->tokens_ms = now;
	s->tokens -= (float)n;
	if (s->tokens >= 0 || s->throttled || s->state != SESSION_OPEN)
		return;
	s->throttled = true;
	node.count.throttled++;
	lws_rx_flow_control(s->wsi, 0);
	wheel_set(&node.resume_wheel, &s->resume, (uint64_t)(-s->tokens / per_ms) + 1);
}

void ws_resume(struct wheel_entry *e)
{
	struct session *s = (struct session *)((char *)e - offsetof(struct session, resume));

	s->throttled = false;
	s->alive = true;
	lws_rx_flow_control(s->wsi, 1);
	lws_cancel_service(context); /* what lws read already waits for its idle handler */
}

static void message(struct session *s, enum kind kind, const uint8_t *p, size_t len)
{
	struct message m = {.kind = kind, .p = p, .len = len};
	struct channel *c = s->home;

	if (!s->cf)
		node.count.messages_in++;
	if (kind == KIND_TEXT && !utf8_valid(p, len)) {
		reject(s, 1007, "text is not UTF-8");
		return;
	}
	if (s->cf) {
		cf_message(s, kind, p, len); /* spends by itself */
		return;
	}
	if (c->rule->publish == PUBLISH_NOBODY ||
	    (c->rule->publish == PUBLISH_TOKEN &&
	     !(s->grants && grants_publish(s->grants, c->name)))) {
		reject(s, 1008, "publishing here is not allowed");
		return;
	}
	publish_message(c, &m, NULL, NULL);
	ws_spend(s, 1);
}

static int grow(struct session *s, size_t more)
{
	size_t cap = s->rx_cap ? s->rx_cap : 512;
	uint8_t *p;

	if (s->rx_cap - s->rx_len >= more)
		return 0;
	while (cap - s->rx_len < more)
		cap *= 2;
	p = realloc(s->rx, cap);
	if (!p)
		return -1;
	s->rx = p;
	s->rx_cap = (uint32_t)cap;
	return 0;
}

static void receive(struct session *s, const uint8_t *p, size_t len)
{
	enum kind kind = lws_frame_is_binary(s->wsi) ? KIND_BINARY : KIND_TEXT;
	bool last = lws_is_final_fragment(s->wsi) && !lws_remaining_packet_payload(s->wsi);

	session_heard(s);
	if (s->rx_discard || s->state == SESSION_GONE)
		return;
	if (s->rx_len + len + lws_remaining_packet_payload(s->wsi) > node.cfg->node.max_message) {
		reject(s, 1009, "above node.max_message");
		return;
	}
	if (last && !s->rx_len) {
		message(s, kind, p, len);
		return;
	}
	if (grow(s, len)) {
		reject(s, 1011, "out of memory");
		return;
	}
	if (len)
		memcpy(s->rx + s->rx_len, p, len);
	s->rx_len += (uint32_t)len;
	if (!last)
		return;
	message(s, kind, s->rx, s->rx_len);
	free(s->rx);
	s->rx = NULL;
	s->rx_len = s->rx_cap = 0;
}

/* 0: lws echoes the Close; -1: it just ends the connection. */
static int peer_close(struct session *s, const uint8_t *p, size_t len)
{
	uint16_t code = len >= 2 ? (uint16_t)(p[0] << 8 | p[1]) : 1005;

	if (s->state == SESSION_CLOSING) {
		session_gone(s, 0);
		return -1;
	}
	/* RFC 6455 7.4.2 and 5.5.1; lws echoes these two. */
	if (len == 1 || code >= 5000) {
		session_close_now(s, 1002, "bad close code");
		session_gone(s, 0);
		return -1;
	}
	session_gone(s, code);
	return 0;
}

/*
 * lws ends the connection by itself: the peer is gone, or it broke the protocol. lws gives a reason
 * for most violations; where it would just hang up, the Close frame is sent here. What is still
 * unread is taken from the socket, since closing over it would reset the connection and eat that
 * frame.
 */
static void dropped(struct session *s)
{
	static const char why[] = "protocol error";
	uint8_t frame[FRAME_CLOSE_MAX];
	char rest[4096];
	ssize_t n = 1;
	int close_len;

	/* Also of a connection that broke within its handshake. */
	if (!s->opened || s->state == SESSION_GONE)
		return;
	close_len = lws_get_close_length(s->wsi);
	if (s->state == SESSION_CLOSING) {
		session_gone(s, 0);
		return;
	}
	for (int i = 0; i < 64 && n > 0; i++)
		n = recv(s->fd, rest, sizeof rest, MSG_DONTWAIT);
	if (close_len >= 2) {
		const unsigned char *p = lws_get_close_payload(s->wsi);

		session_gone(s, (uint16_t)(p[0] << 8 | p[1]));
		return;
	}
	if (n == 0 || lws_partial_buffered(s->wsi)) {
		session_gone(s, 1006);
		return;
	}
	n = send(s->fd, frame, frame_close(1002, why, frame), MSG_NOSIGNAL | MSG_DONTWAIT);
	session_gone(s, n < 0 ? 1006 : 1002);
}

/* What the client gets first, in its form: a notice, the node's name. */
static int greet(struct session *s, const struct attach *a)
{
	static const char *const notices[] = {"!ready", "!recovered", "!lost"};
	const struct upgrade *up = pending->up;
	struct batch *b = batch_new();
	char text[64];
	int rc = -1;

	if (!b)
		return -1;
	/* "!recovered" says what was asked for, also where there is nothing to recover. */
	if (s->sub.form == FORM_ID && encode_notice(b, notices[a->as], a->at))
		goto out;
	if (up->hello) {
		struct message m = {.kind = KIND_TEXT, .p = (const uint8_t *)text};

		m.len = (size_t)snprintf(text, sizeof text,
		                         "{\"type\":\"HELLO\",\"node\":\"%.32s\"}", node.name);
		if (encode_message(b, (enum form)s->sub.form, pending->channel->name, &m))
			goto out;
	}
	rc = 0;
	if (b->n)
		session_send(s, b, NULL);
out:
	batch_unref(b);
	return rc;
}

static int established(struct session *s, struct lws *wsi)
{
	struct upgrade *up = pending->up;
	struct attach a;

	if (session_open(s, wsi, pending->fd, up->grants, up->lb))
		return -1;
	up->grants = NULL;
	s->began_ms = pending->began_ms;
	if (up->speak == SPEAK_CF)
		return cf_open(s);
	s->sub.form = up->speak == SPEAK_ID ? FORM_ID : FORM_RAW;
	s->home = pending->channel;
	hub_hold(s->home);
	if (hub_attach(&s->sub, pending->channel, up->resume ? &up->since : NULL, &a))
		return -1;
	return greet(s, &a);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
	struct session *s = user;

	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		return established(s, wsi);
	case LWS_CALLBACK_RECEIVE:
		receive(s, in, len);
		return 0;
	case LWS_CALLBACK_RECEIVE_PONG:
		session_heard(s);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		session_writable(s);
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return peer_close(s, in, len);
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		dropped(s);
		return 0;
	case LWS_CALLBACK_CLOSED:
		session_fini(s);
		return 0;
	default:
		return 0;
	}
}

/* What each idle client keeps: less than 128 corrupts PINGs. Without tx_packet_size that would cap
 * each write. */
#define SPOKEN(protocol)                                                                \
	{                                                                               \
		.name = (protocol), .callback = callback,                               \
		.per_session_data_size = sizeof(struct session), .rx_buffer_size = 128, \
		.tx_packet_size = 65536,                                                \
	}
static const struct lws_protocols protocols[] = {
	SPOKEN("wscale.raw"), /* also for who asks for none */
	SPOKEN("wscale.id"),
	SPOKEN("centrifuge-json"),
	{0},
};

static void emit(int level, const char *line)
{
	size_t n = strlen(line);

	log_msg(level & LLL_ERR ? LOG_ERR : LOG_WARNING, "libwebsockets: %.*s",
	        (int)(n && line[n - 1] == '\n' ? n - 1 : n), line);
}

int ws_init(void)
{
	static const lws_retry_bo_t no_pings; /* pings and timeouts are the session's */
	void *loops[] = {node.loop};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_VALIDATE_UTF8 |
	                   LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.foreign_loops = loops,
		.pt_serv_buf_size = 16384,
		.max_http_header_pool = 4, /* a handshake is one call, see ws_adopt */
		.retry_and_idle_policy = &no_pings,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
	};

	/* lws says "error" of things that are none while adopting; its return values are what
	 * counts. */
	lws_set_log_level(0, emit);
	context = lws_create_context(&info);
	if (context)
		vhost = lws_create_vhost(context, &info);
	if (!vhost) {
		log_msg(LOG_ERR,
		        "libwebsockets could not start; is libwebsockets-evlib-ev installed?");
		return -1;
	}
	return 0;
}

void ws_free(void)
{
	if (context)
		lws_context_destroy(context);
	context = NULL;
}

/* lws sees a minimal handshake: the real one was read and judged in front and upgrade. */
void ws_adopt(struct ws_handshake *h)
{
	const char *protocol = h->up->protocol;
	char head[256];
	int n = snprintf(head, sizeof head,
	                 "GET / HTTP/1.1\r\nHost: wsnode\r\nUpgrade: websocket\r\n"
	                 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	                 "Sec-WebSocket-Key: %s\r\n%s%s%s\r\n",
	                 h->key, protocol ? "Sec-WebSocket-Protocol: " : "",
	                 protocol ? protocol : "", protocol ? "\r\n" : "");

	pending = h;
	lws_adopt_socket_vhost_readbuf(vhost, h->fd, head, (size_t)n);
	pending = NULL;
}

void ws_nudge(void)
{
	lws_cancel_service(context);
}
