/* herd: see herd.h. */
#include "herd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HANDSHAKE_MS = 10000, FIN_MS = 3000 };
/* LEAVING: our Close is out; ENDING: a Close came, TCP is to end; REFUSED: another answer than 101.
 */
enum state { IDLE, CONNECTING, HANDSHAKE, OPEN, LEAVING, ENDING, REFUSED };

struct client {
	int fd;
	enum state state;
	unsigned channel;
	uint64_t when; /* IDLE: connect then; else since when */
	struct ws ws;
	struct talk talk; /* raw: only its follow's seq */
	bool churned;
};

struct tally herd_tally;

static const struct herd_opt *opt;
static struct client *all;
static struct lane *lanes;
static uint64_t start;
static size_t n_open, n_silent; /* the latter with those closed since */
static int ep;
static bool ready;

static bool resumes(const struct client *c)
{
	return c->talk.as != TALK_RAW;
}

static void turn(struct client *c, enum state to)
{
	c->state = to;
	c->when = ws_now();
}

static void reconnect_later(struct client *c, unsigned within_ms)
{
	if (c->fd >= 0)
		close(c->fd);
	ws_reset(&c->ws);
	if (!resumes(c))
		memset(&c->talk.f.seq, 0, sizeof(c->talk.f.seq));
	c->fd = -1;
	c->churned = false;
	turn(c, IDLE);
	if (opt->once && ready)
		c->when = UINT64_MAX;
	else if (within_ms)
		c->when += (unsigned)rand() % within_ms;
}

/* It isn't open any more. */
static void ended(struct client *c)
{
	if (c->state == OPEN)
		n_open--;
	if (resumes(c))
		talk_end(&c->talk);
}

/* Counts how an open connection ended; our own leaving is no close of the server's. */
static void closed(struct client *c, unsigned code)
{
	ended(c);
	if (c->churned && (code == 1000 || code == 1006))
		herd_tally.churned++;
	else
		tally_close(&herd_tally, (uint32_t)(ws_now() - start), code);
}

static void answer_close(struct client *c, const struct ws_event *e)
{
	unsigned code = e->len < 2 ? 1005 : (unsigned)(e->p[0] << 8 | e->p[1]);
	uint8_t f[32];

	closed(c, code);
	/* A failed send is fine: the server may have ended TCP already, and reading tells. */
	if (!c->churned)
		(void)!send(c->fd, f, ws_frame(f, WS_CLOSE, true, e->p, e->len < 2 ? 0 : 2),
		            MSG_NOSIGNAL);
	turn(c, ENDING);
}

/* What a raw client gets. */
static void message(struct client *c, const uint8_t *p, size_t len)
{
	uint64_t n;

	herd_tally.received++;
	if (seq_number(p, len, &n) != 0) {
		herd_tally.unnumbered++;
		return;
	}
	int64_t skipped = seq_add(&c->talk.f.seq, n);

	if (skipped == SEQ_DOUBLED) {
		herd_tally.doubled++;
	} else if (skipped == SEQ_LATE) {
		herd_tally.reordered++;
		herd_tally.lost--;
	} else {
		herd_tally.lost += skipped;
	}
	if (n > lanes[c->channel].top)
		lanes[c->channel].top = n;
}

static bool on_event(void *arg, const struct ws_event *e)
{
	struct client *c = arg;
	struct lane *l = &lanes[c->channel];
	uint8_t f[160];

	switch (e->type) {
	case WS_EV_OPEN:
		herd_tally.status[101]++;
		herd_tally.opened++;
		n_open++;
		turn(c, OPEN);
		if (resumes(c))
			talk_open(&c->talk, c->fd, e->text, l, &opt->talk, c->when);
		return true;
	case WS_EV_HTTP:
		herd_tally.status[e->status < 600 ? e->status : 0]++;
		turn(c, REFUSED);
		return false;
	case WS_EV_BAD:
		herd_tally.bad++;
		ended(c);
		turn(c, ENDING);
		return false;
	case WS_EV_FRAME:
		break;
	}
	if (e->opcode == WS_CLOSE) {
		answer_close(c, e);
		return false;
	}
	if (e->opcode == WS_PING && e->len <= 125)
		(void)!send(c->fd, f, ws_frame(f, WS_PONG, true, e->p, e->len), MSG_NOSIGNAL);
	else if (!resumes(c) && (e->opcode == WS_TEXT || e->opcode == WS_BINARY))
		message(c, e->p, e->len);
	else if (resumes(c) && e->opcode != WS_PONG && c->state == OPEN)
		talk_frame(&c->talk, c->fd, e, l, &herd_tally, ws_now());
	return true;
}

static void begin(struct client *c)
{
	struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = c};
	uint32_t source = 0;

	if (strncmp(opt->url.host, "127.", 4) == 0)
		source = 0x7f000002 + (uint32_t)((c - all) % 249);
	turn(c, CONNECTING);
	if (resumes(c))
		follow_begin(&c->talk.f, c->when);
	c->fd = ws_connect(&opt->url, source, opt->hold ? 4096 : 0);
	if (c->fd < 0) {
		herd_tally.refused++;
		reconnect_later(c, opt->back);
		return;
	}
	if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		abort();
}

static void connected(struct client *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	char req[2048];
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (!err && opt->silent) {
		n_open++;
		n_silent++;
		turn(c, OPEN);
		epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
		return;
	}
	size_t n = talk_request(&c->talk, &opt->url, &lanes[c->channel], &opt->talk, &herd_tally,
	                        req, sizeof(req));

	if (err || send(c->fd, req, n, MSG_NOSIGNAL) != (ssize_t)n) {
		herd_tally.refused++;
		reconnect_later(c, opt->back);
		return;
	}
	c->state = HANDSHAKE;
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
}

static void readable(struct client *c)
{
	static uint8_t buf[262144];
	ssize_t n = read(c->fd, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		ws_feed(&c->ws, buf, (size_t)n, on_event, c);
		if (opt->hold && c->state == OPEN)
			epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
		if (c->state == REFUSED)
			reconnect_later(c, opt->back);
		return;
	}
	ws_end(&c->ws, on_event, c);
	if (c->state == OPEN || c->state == LEAVING)
		closed(c, 1006);
	else if (c->state == HANDSHAKE)
		herd_tally.refused++; /* accepted and hung up without an answer */
	reconnect_later(c, c->churned ? 0 : opt->back);
}

void herd_event(void *client)
{
	struct client *c = client;

	if (c->state == CONNECTING)
		connected(c);
	else if (c->fd >= 0)
		readable(c);
}

static void leave(struct client *c)
{
	uint8_t f[32];
	const uint8_t code[2] = {1000 >> 8, 1000 & 255};

	if (send(c->fd, f, ws_frame(f, WS_CLOSE, true, code, 2), MSG_NOSIGNAL) > 0) {
		ended(c);
		c->churned = true;
		turn(c, LEAVING);
	}
}

/* Connects who is due, within the rate; gives up on silent handshakes; churns. */
void herd_tick(uint64_t now)
{
	static uint64_t last;
	static double may_connect, may_leave;
	double dt = last ? (double)(now - last) / 1000 : 0;
	size_t waiting = 0;

	last = now;
	may_connect += dt * opt->rate;
	if (may_connect > opt->rate / 10.0 + 1)
		may_connect = opt->rate / 10.0 + 1;
	may_leave += ready ? dt * opt->churn : 0;
	for (size_t i = 0; i < opt->clients; i++) {
		struct client *c = &all[i];

		if (c->state == IDLE) {
			waiting++;
			if (c->when > now || may_connect < 1)
				continue;
			may_connect--;
			begin(c);
		} else if (c->state == ENDING && now - c->when > FIN_MS) {
			herd_tally.hung++;
			reconnect_later(c, opt->back);
		} else if (c->state != OPEN && now - c->when > HANDSHAKE_MS) {
			herd_tally.timeouts++;
			reconnect_later(c, opt->back);
		} else if (c->state == OPEN && resumes(c)) {
			talk_tick(&c->talk, c->fd, &lanes[c->channel], &herd_tally, now);
			waiting += !c->talk.f.attached;
		}
	}
	while (may_leave >= 1 && n_open && opt->clients) {
		struct client *c = &all[(size_t)rand() % opt->clients];

		may_leave--;
		if (c->state == OPEN)
			leave(c);
	}
	if (opt->silent ? n_silent >= opt->clients : !waiting && n_open == opt->clients)
		ready = true;
}

size_t herd_storm(void)
{
	size_t n = 0;

	for (size_t i = 0; i < opt->clients; i++) {
		if (all[i].state != OPEN)
			continue;
		herd_tally.dropped++;
		n++;
		ended(&all[i]);
		reconnect_later(&all[i], 0);
		all[i].when = 0;
	}
	for (size_t i = 0; i < opt->clients; i++) {
		if (all[i].state == IDLE && all[i].when == 0)
			begin(&all[i]);
	}
	return n;
}

void herd_look(struct herd_state *s)
{
	*s = (struct herd_state){.connected = n_open, .ready = ready};
	for (size_t i = 0; i < opt->clients; i++) {
		struct client *c = &all[i];

		s->attached += c->talk.f.attached;
		if (c->state == OPEN && c->talk.f.seq.started)
			s->behind += lanes[c->channel].top - c->talk.f.seq.last;
	}
}

const struct lane *herd_lane(unsigned channel)
{
	return &lanes[channel];
}

int herd_init(const struct herd_opt *o, int epoll)
{
	opt = o;
	ep = epoll;
	start = ws_now();
	srand((unsigned)getpid());
	all = calloc(o->clients, sizeof(*all));
	lanes = calloc(o->channels, sizeof(*lanes));
	if (!all || !lanes)
		return -1;
	for (unsigned i = 0; i < o->channels; i++)
		snprintf(lanes[i].name, sizeof(lanes[i].name), "%s%u", o->prefix, i);
	for (unsigned i = 0; i < o->clients; i++) {
		all[i].fd = -1;
		all[i].channel = i % o->channels;
		all[i].talk.as = o->speak[i / o->channels % o->n_speak];
		talk_end(&all[i].talk);
	}
	return 0;
}
