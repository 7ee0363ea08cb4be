/*
 * wsload: thousands of WebSocket clients in one process, which reconnect as the chat page does.
 * Client i listens on channel PREFIX(i mod CHANNELS); messages there begin with a number (wspub)
 * and are counted as received, lost, doubled or reordered within one connection. It knows RFC 6455
 * and nothing of wscale.
 *
 *   wsload --url ws://HOST:PORT [--clients N] [--channels N] [--prefix ch] [--path /ws/]
 *          [--query Q] [--rate CONNECTS/s] [--churn CLIENTS/s] [--seconds S] [--no-reconnect]
 *          [--hold] [--silent]
 *
 * After a close, and a refused or failed handshake, a client comes back within a random second.
 * --churn: so many clients a second leave by themselves (1000) and come back at once.
 * --hold: clients never read after the handshake; --silent: they connect and say nothing at all.
 * stdout: "ready N" once all are connected (--silent: were); SIGUSR1: one JSON line of the interval
 * since the last one; SIGTERM, SIGINT, --seconds: one of the whole run, "final":true, and exit 0.
 * Sources are spread over 127.0.0.2-250 when HOST is 127.*.
 */
#include "tally.h"
#include "ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HANDSHAKE_MS = 10000, FIN_MS = 3000, TICK_MS = 10, SPARE_FDS = 16 };
/* LEAVING: our Close is out; ENDING: a Close or an answer came, TCP is to end. */
enum state { IDLE, CONNECTING, HANDSHAKE, OPEN, LEAVING, ENDING };

struct client {
	int fd;
	enum state state;
	unsigned channel;
	uint64_t when; /* IDLE: connect then; else since when */
	struct ws ws;
	struct seq seq;
	bool churned;
};

static struct {
	const char *url, *prefix, *path, *query;
	unsigned clients, channels, rate, churn, seconds;
	bool once, hold, silent;
} opt = {.prefix = "ch", .path = "/ws/", .clients = 1, .channels = 1, .rate = 1000};

static struct client *all;
static struct tally part, whole;
static struct ws_url base;
static uint64_t start, *channel_top;
static size_t n_open, n_silent; /* the latter with those closed since */
static int ep;
static bool announced;

#define COUNT(field) (part.field++, whole.field++)

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
	memset(&c->seq, 0, sizeof(c->seq));
	c->fd = -1;
	c->churned = false;
	turn(c, IDLE);
	if (opt.once && announced)
		c->when = UINT64_MAX;
	else if (within_ms)
		c->when += (unsigned)rand() % within_ms;
}

/* Counts how an open connection ended; our own leaving is no close of the server's. */
static void closed(struct client *c, unsigned code)
{
	uint32_t ms = (uint32_t)(ws_now() - start);

	if (c->state == OPEN)
		n_open--;
	if (c->churned && (code == 1000 || code == 1006)) {
		COUNT(churned);
		return;
	}
	tally_close(&part, ms, code);
	tally_close(&whole, ms, code);
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

static void message(struct client *c, const uint8_t *p, size_t len)
{
	uint64_t n;

	COUNT(received);
	if (seq_number(p, len, &n) != 0) {
		COUNT(unnumbered);
		return;
	}
	int64_t skipped = seq_add(&c->seq, n);

	if (skipped == SEQ_DOUBLED) {
		COUNT(doubled);
	} else if (skipped == SEQ_LATE) {
		COUNT(reordered);
		skipped = -1;
	}
	if (skipped > 0 || skipped == -1) {
		part.lost += skipped;
		whole.lost += skipped;
	}
	if (n > channel_top[c->channel])
		channel_top[c->channel] = n;
}

static bool on_event(void *arg, const struct ws_event *e)
{
	struct client *c = arg;
	uint8_t f[160];

	switch (e->type) {
	case WS_EV_OPEN:
		COUNT(status[101]);
		COUNT(opened);
		n_open++;
		turn(c, OPEN);
		return true;
	case WS_EV_HTTP:
		COUNT(status[e->status < 600 ? e->status : 0]);
		turn(c, ENDING);
		return false;
	case WS_EV_BAD:
		COUNT(bad);
		if (c->state == OPEN)
			n_open--;
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
	else if (e->opcode == WS_TEXT || e->opcode == WS_BINARY)
		message(c, e->p, e->len);
	return true;
}

static void begin(struct client *c, size_t i)
{
	struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = c};
	uint32_t source = 0;

	if (strncmp(base.host, "127.", 4) == 0)
		source = 0x7f000002 + (uint32_t)(i % 249);
	c->fd = ws_connect(&base, source, opt.hold ? 4096 : 0);
	if (c->fd < 0) {
		COUNT(refused);
		reconnect_later(c, 1000);
		return;
	}
	turn(c, CONNECTING);
	if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		abort();
}

static void connected(struct client *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	struct ws_url u = base;
	char req[2048];
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (!err && opt.silent) {
		n_open++;
		n_silent++;
		turn(c, OPEN);
		epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
		return;
	}
	snprintf(u.path, sizeof(u.path), "%s%s%u%s%s", opt.path, opt.prefix, c->channel,
	         opt.query ? "?" : "", opt.query ? opt.query : "");
	size_t n = ws_request(&u, NULL, "", req, sizeof(req));

	if (err || send(c->fd, req, n, MSG_NOSIGNAL) != (ssize_t)n) {
		COUNT(refused);
		reconnect_later(c, 1000);
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
		if (opt.hold && c->state == OPEN)
			epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
		return;
	}
	ws_end(&c->ws, on_event, c);
	if (c->state == OPEN || c->state == LEAVING)
		closed(c, 1006);
	else if (c->state == HANDSHAKE)
		COUNT(refused); /* accepted and hung up without an answer */
	reconnect_later(c, c->churned ? 0 : 1000);
}

static void leave(struct client *c)
{
	uint8_t f[32];
	const uint8_t code[2] = {1000 >> 8, 1000 & 255};

	if (send(c->fd, f, ws_frame(f, WS_CLOSE, true, code, 2), MSG_NOSIGNAL) > 0) {
		n_open--;
		c->churned = true;
		turn(c, LEAVING);
	}
}

/* Connects who is due, within the rate; gives up on silent handshakes; churns. */
static void tick(uint64_t now)
{
	static uint64_t last;
	static double may_connect, may_leave;
	double dt = last ? (double)(now - last) / 1000 : 0;
	size_t waiting = 0;

	last = now;
	may_connect += dt * opt.rate;
	if (may_connect > opt.rate / 10.0 + 1)
		may_connect = opt.rate / 10.0 + 1;
	may_leave += announced ? dt * opt.churn : 0;
	for (size_t i = 0; i < opt.clients; i++) {
		struct client *c = &all[i];

		if (c->state == IDLE) {
			waiting++;
			if (c->when > now || may_connect < 1)
				continue;
			may_connect--;
			begin(c, i);
		} else if (c->state == ENDING && now - c->when > FIN_MS) {
			COUNT(hung);
			reconnect_later(c, 1000);
		} else if (c->state != OPEN && now - c->when > HANDSHAKE_MS) {
			COUNT(timeouts);
			reconnect_later(c, 1000);
		}
	}
	while (may_leave >= 1 && n_open && opt.clients) {
		struct client *c = &all[(size_t)rand() % opt.clients];

		may_leave--;
		if (c->state == OPEN)
			leave(c);
	}
	if (!announced &&
	    (opt.silent ? n_silent >= opt.clients : !waiting && n_open == opt.clients)) {
		announced = true;
		printf("ready %zu\n", n_open);
		fflush(stdout);
	}
}

/* How many numbers the connected clients are short of what anybody saw on their channels. */
static uint64_t behind(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < opt.clients; i++) {
		struct client *c = &all[i];

		if (c->state == OPEN && c->seq.started)
			sum += channel_top[c->channel] - c->seq.last;
	}
	return sum;
}

static void report(const struct tally *t, bool final)
{
	printf("{\"final\":%s,\"clients\":%u,\"connected\":%zu,\"behind\":%" PRIu64
	       ",\"ms\":%" PRIu64 ",",
	       final ? "true" : "false", opt.clients, n_open, behind(), ws_now() - start);
	tally_print(t, stdout);
	puts("}");
	fflush(stdout);
}

static unsigned number(const char *s, const char *name)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (end == s || *end || n > 1000000) {
		fprintf(stderr, "wsload: %s: bad number %s\n", name, s);
		exit(64);
	}
	return (unsigned)n;
}

static int options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *o = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(o, "--no-reconnect") == 0) {
			opt.once = true;
			continue;
		}
		if (strcmp(o, "--hold") == 0) {
			opt.hold = true;
			continue;
		}
		if (strcmp(o, "--silent") == 0) {
			opt.silent = true;
			continue;
		}
		if (!v)
			return -1;
		i++;
		if (strcmp(o, "--url") == 0)
			opt.url = v;
		else if (strcmp(o, "--prefix") == 0)
			opt.prefix = v;
		else if (strcmp(o, "--path") == 0)
			opt.path = v;
		else if (strcmp(o, "--query") == 0)
			opt.query = v;
		else if (strcmp(o, "--clients") == 0)
			opt.clients = number(v, o);
		else if (strcmp(o, "--channels") == 0)
			opt.channels = number(v, o);
		else if (strcmp(o, "--rate") == 0)
			opt.rate = number(v, o);
		else if (strcmp(o, "--churn") == 0)
			opt.churn = number(v, o);
		else if (strcmp(o, "--seconds") == 0)
			opt.seconds = number(v, o);
		else
			return -1;
	}
	return opt.url && opt.clients && opt.channels && ws_url_parse(opt.url, &base) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct epoll_event ev = {.events = EPOLLIN}, got[256];
	size_t nofile = ws_nofile();
	sigset_t set;

	if (options(argc, argv) != 0) {
		fputs("usage: wsload --url ws://HOST:PORT [--clients N] [--channels N] ...\n",
		      stderr);
		return 64;
	}
	if (opt.clients + SPARE_FDS > nofile) {
		fprintf(stderr, "wsload: nofile is %zu: at most %zu clients in one process\n",
		        nofile, nofile - SPARE_FDS);
		return 1;
	}
	all = calloc(opt.clients, sizeof(*all));
	channel_top = calloc(opt.channels, sizeof(*channel_top));
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (!all || !channel_top || ep < 0)
		return 1;
	for (unsigned i = 0; i < opt.clients; i++) {
		all[i].fd = -1;
		all[i].channel = i % opt.channels;
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int sig = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	if (sig < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, sig, &ev) != 0)
		return 1;
	start = ws_now();
	srand((unsigned)getpid());
	for (uint64_t next = 0;;) {
		int n = epoll_wait(ep, got, 256, TICK_MS);
		struct signalfd_siginfo si;

		for (int i = 0; i < n; i++) {
			struct client *c = got[i].data.ptr;

			if (c && c->state == CONNECTING)
				connected(c);
			else if (c && c->fd >= 0)
				readable(c);
		}
		uint64_t now = ws_now();

		if (now >= next) {
			tick(now);
			next = now + TICK_MS;
		}
		bool stop = opt.seconds && now - start >= opt.seconds * 1000ULL;

		while (read(sig, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
			if (si.ssi_signo != SIGUSR1) {
				stop = true;
				continue;
			}
			report(&part, false);
			tally_reset(&part);
		}
		if (stop) {
			report(&whole, true);
			return 0;
		}
	}
}
