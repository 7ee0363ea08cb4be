/*
 * wscli: one WebSocket client for shell tests. Lines of stdin go out, every event is one line on
 * stdout, flushed. It knows RFC 6455 and nothing of wscale.
 *
 *   wscli [-H 'Name: value']... [-p SUBPROTOCOL] [--binary] [--hex] [--no-pong] [--raw FILE]
 *         [--linger SECONDS] [--rcvbuf BYTES] [--stop-at PREFIX] URL
 * URL: ws://host:port/path or unix:/socket[:/path]
 *
 * stdin: a line is a text frame (with --binary a binary one); lines that begin with a slash:
 *   //TEXT          text that begins with a slash
 *   /text HEX  /binary HEX  /ping HEX  /pong HEX       one frame
 *   /close [CODE [REASON]]    a Close; without a code an empty one
 *   /frame FIN OPCODE HEX     any masked frame, FIN 0 or 1
 *   /bytes HEX                bytes as they are, also no frame
 *   /big N                    text of N times x
 *   /await PREFIX             an event line that begins so, up to 10 s, else exit 3
 *   /sleep MS                 goes on reading the socket meanwhile
 *   /stop  /go                stops and resumes reading the socket; --stop-at stops it by itself
 *                             at an event line that begins so, before much more can come
 *   /quit  /reset             ends TCP without a Close: FIN or RST
 * stdout: open PROTOCOL | http STATUS BODY | text ... | binary HEX | ping HEX | pong HEX |
 *   close CODE REASON (1005: none) | eof (ended without a Close: 1006 in a browser) |
 *   fragment HEX | bad WHY | refused WHY | timeout PREFIX
 * Exits 0 after close, eof or --linger (default 0) after stdin's end; then it closes with 1000.
 */
#include "ws.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AWAIT_MS = 10000, LINE_MAX_IN = 1 << 20, END_MS = 2000, SEEN = 64 };

static struct {
	int fd;
	struct ws ws;
	bool binary, hex, pong, stopped, closing, done, refused;
	bool connecting, opened;
	uint8_t *out;
	size_t out_len, out_cap;
	char *await; /* prefix waited for */
	const char *stop_at;
	uint64_t await_until, sleep_until;
	unsigned factor; /* WAIT_FACTOR: slower builds get more time */
} c = {.pong = true, .factor = 1};

static void queue(const void *p, size_t n)
{
	if (!n)
		return;
	if (c.out_len + n > c.out_cap) {
		c.out_cap = (c.out_len + n) * 2;
		c.out = realloc(c.out, c.out_cap);
		if (!c.out)
			abort();
	}
	memcpy(c.out + c.out_len, p, n);
	c.out_len += n;
}

static void frame(unsigned opcode, bool fin, const void *p, size_t n)
{
	uint8_t *f = malloc(n + 14);

	if (!f)
		abort();
	queue(f, ws_frame(f, opcode, fin, p, n));
	free(f);
}

/* The events since the last one awaited; what is awaited may have come already. */
static char seen[SEEN][128];
static size_t n_seen, n_awaited;

static void awaited(void)
{
	if (n_seen - n_awaited > SEEN)
		n_awaited = n_seen - SEEN;
	while (c.await && n_awaited < n_seen) {
		if (strncmp(seen[n_awaited++ % SEEN], c.await, strlen(c.await)) != 0)
			continue;
		free(c.await);
		c.await = NULL;
	}
}

static void say(const char *word, const void *bytes, size_t n, bool hex)
{
	const uint8_t *p = bytes;
	size_t cap = strlen(word) + n * 4 + 3, len;
	char *line = malloc(cap);

	if (!line)
		abort();
	len = (size_t)snprintf(line, cap, "%s%s", word, n ? " " : "");
	for (size_t i = 0; i < n; i++) {
		if (hex)
			len += (size_t)snprintf(line + len, cap - len, "%02x", p[i]);
		else if (p[i] < 32 || p[i] == 127)
			len += (size_t)snprintf(line + len, cap - len, "\\x%02x", p[i]);
		else
			line[len++] = (char)p[i];
	}
	line[len] = '\0';
	puts(line);
	fflush(stdout);
	snprintf(seen[n_seen++ % SEEN], sizeof(seen[0]), "%s", line);
	awaited();
	if (c.stop_at && !strncmp(line, c.stop_at, strlen(c.stop_at))) {
		c.stopped = true;
		c.stop_at = NULL;
	}
	free(line);
}

static bool on_frame(const struct ws_event *e)
{
	char word[40];

	switch (e->opcode) {
	case 0:
	case WS_TEXT:
	case WS_BINARY:
		if (!e->opcode || !e->fin) /* wscale sends whole messages */
			say("fragment", e->p, e->len, true);
		else
			say(e->opcode == WS_TEXT ? "text" : "binary", e->p, e->len,
			    e->opcode != WS_TEXT || c.hex);
		return true;
	case WS_PING:
		say("ping", e->p, e->len, true);
		if (c.pong)
			frame(WS_PONG, true, e->p, e->len);
		return true;
	case WS_PONG:
		say("pong", e->p, e->len, true);
		return true;
	case WS_CLOSE:
		snprintf(word, sizeof(word), "close %d",
		         e->len < 2 ? 1005 : e->p[0] << 8 | e->p[1]);
		say(word, e->len > 2 ? e->p + 2 : NULL, e->len > 2 ? e->len - 2 : 0, false);
		if (!c.closing)
			frame(WS_CLOSE, true, e->p, e->len < 2 ? 0 : 2);
		c.closing = true;
		c.done = true;
		return false;
	default:
		say("bad opcode", NULL, 0, false);
		return false;
	}
}

static bool on_event(void *arg, const struct ws_event *e)
{
	char word[40];

	(void)arg;
	switch (e->type) {
	case WS_EV_OPEN:
		c.opened = true;
		say("open", e->text[0] ? e->text : "-", e->text[0] ? strlen(e->text) : 1, false);
		return true;
	case WS_EV_HTTP:
		snprintf(word, sizeof(word), "http %d", e->status);
		say(word, e->text, strcspn(e->text, "\r\n"), false);
		c.done = true;
		return false;
	case WS_EV_FRAME:
		return on_frame(e);
	case WS_EV_BAD:
		say("bad", e->text, strlen(e->text), false);
		c.done = true;
		return false;
	}
	return false;
}

static void hex_frame(unsigned op, bool fin, const char *hex)
{
	size_t n;
	uint8_t *b = ws_unhex(hex, &n);

	frame(op, fin, b, n);
	free(b);
}

static void send_close(const char *arg)
{
	uint8_t b[125];
	char *end;
	unsigned long code = strtoul(arg, &end, 10);
	size_t n = 0;

	if (end != arg) {
		b[0] = (uint8_t)(code >> 8);
		b[1] = (uint8_t)code;
		end += *end == ' ';
		n = 2 + (size_t)snprintf((char *)b + 2, sizeof(b) - 2, "%s", end);
	}
	frame(WS_CLOSE, true, b, n);
	c.closing = true;
}

/* One line of stdin. */
static void command(char *l)
{
	uint8_t *b;
	size_t n;

	if (l[0] != '/' || l[1] == '/') {
		l += l[0] == '/';
		frame(c.binary ? WS_BINARY : WS_TEXT, true, l, strlen(l));
		return;
	}
	char *arg = l + strcspn(l, " ");

	if (*arg)
		*arg++ = '\0';
	l++;
	if (strcmp(l, "text") == 0) {
		hex_frame(WS_TEXT, true, arg);
	} else if (strcmp(l, "binary") == 0) {
		hex_frame(WS_BINARY, true, arg);
	} else if (strcmp(l, "ping") == 0) {
		hex_frame(WS_PING, true, arg);
	} else if (strcmp(l, "pong") == 0) {
		hex_frame(WS_PONG, true, arg);
	} else if (strcmp(l, "close") == 0) {
		send_close(arg);
	} else if (strcmp(l, "frame") == 0 && strlen(arg) >= 3) {
		char *hex;
		unsigned long op = strtoul(arg + 2, &hex, 10);

		hex_frame((unsigned)op, arg[0] == '1', hex + (*hex == ' '));
	} else if (strcmp(l, "bytes") == 0) {
		b = ws_unhex(arg, &n);
		queue(b, n);
		free(b);
	} else if (strcmp(l, "big") == 0) {
		n = strtoul(arg, NULL, 10);
		b = malloc(n + 1);
		if (!b)
			abort();
		memset(b, 'x', n);
		frame(WS_TEXT, true, b, n);
		free(b);
	} else if (strcmp(l, "await") == 0) {
		c.await = strdup(arg);
		c.await_until = ws_now() + (uint64_t)AWAIT_MS * c.factor;
		awaited();
	} else if (strcmp(l, "sleep") == 0) {
		c.sleep_until = ws_now() + strtoul(arg, NULL, 10);
	} else if (strcmp(l, "stop") == 0 || strcmp(l, "go") == 0) {
		c.stopped = l[0] == 's';
	} else if (strcmp(l, "quit") == 0 || strcmp(l, "reset") == 0) {
		struct linger no = {1, 0};

		if (l[0] == 'r')
			setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &no, sizeof(no));
		exit(0);
	} else {
		fprintf(stderr, "wscli: unknown command /%s\n", l);
		exit(64);
	}
}

static void read_socket(void)
{
	static uint8_t b[65536];
	ssize_t n = read(c.fd, b, sizeof(b));

	if (n > 0) {
		ws_feed(&c.ws, b, (size_t)n, on_event, NULL);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 && c.connecting) {
		say("refused", strerror(errno), strlen(strerror(errno)), false);
		c.refused = true;
	} else {
		ws_end(&c.ws, on_event, NULL);
		if (!c.done)
			say("eof", NULL, 0, false);
	}
	c.done = true;
}

static void write_socket(void)
{
	ssize_t n = send(c.fd, c.out, c.out_len, MSG_NOSIGNAL);

	if (n > 0 && c.out) {
		c.connecting = false;
		c.out_len -= (size_t)n;
		memmove(c.out, c.out + n, c.out_len);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		if (c.connecting)
			read_socket();
		c.out_len = 0; /* reading tells the end, after what came before it */
	}
}

/* Commands from what stdin gave so far; whether one is left to wait for. */
static void run_lines(char *in, size_t *len)
{
	while (!c.await && ws_now() >= c.sleep_until && !c.done) {
		char *nl = memchr(in, '\n', *len);

		if (!nl)
			return;
		*nl = '\0';
		command(in);
		*len -= (size_t)(nl + 1 - in);
		memmove(in, nl + 1, *len);
	}
}

static void loop(double linger, bool raw)
{
	static char in[LINE_MAX_IN + 1];
	size_t in_len = 0;
	bool in_open = true, was_open = false, waited = false;
	uint64_t end = 0;

	while (!c.done) {
		uint64_t now = ws_now();
		bool busy = c.await || now < c.sleep_until;

		if (c.await && now >= c.await_until) {
			printf("timeout %s\n", c.await);
			exit(3);
		}
		if (!busy && !in_open && !in_len && !c.out_len && !end)
			end = now + (uint64_t)(linger * 1000) +
			      (c.opened || raw ? 0 : (uint64_t)AWAIT_MS * c.factor);
		if (end && c.opened && !was_open)
			end = now + (uint64_t)(linger * 1000);
		was_open = c.opened;
		if (end && now >= end) {
			if (!c.opened || (c.closing && waited))
				return;
			if (!c.closing)
				send_close("1000");
			waited = true;
			end = now + END_MS;
		}
		struct pollfd p[2] = {
			{.fd = c.stopped ? -1 : c.fd,
		         .events = (short)(POLLIN | (c.out_len ? POLLOUT : 0))},
			{.fd = in_open && !busy && in_len < LINE_MAX_IN ? 0 : -1, .events = POLLIN},
		};
		if (c.stopped && c.out_len)
			p[0].fd = c.fd, p[0].events = POLLOUT;
		poll(p, 2, busy || end ? 20 : 200);
		if (p[0].revents & POLLOUT || (p[0].revents && c.connecting))
			write_socket();
		if (!c.stopped && p[0].revents & (POLLIN | POLLHUP | POLLERR) && !c.done)
			read_socket();
		if (p[1].revents) {
			ssize_t n = read(0, in + in_len, LINE_MAX_IN - in_len);

			if (n > 0)
				in_len += (size_t)n;
			else if (n == 0)
				in_open = false;
			if (n == 0 && in_len && in[in_len - 1] != '\n')
				in[in_len++] = '\n';
		}
		run_lines(in, &in_len);
	}
	/* A Close is answered, and the server ends TCP (RFC 6455 7.1.1). */
	end = ws_now() + END_MS;
	while (c.out_len && ws_now() < end) {
		struct pollfd p = {.fd = c.fd, .events = POLLOUT};

		poll(&p, 1, 100);
		write_socket();
	}
}

int main(int argc, char **argv)
{
	static char headers[16384], request[32768];
	const char *protocol = NULL, *raw = NULL, *factor = getenv("WAIT_FACTOR");
	double linger = 0;
	int rcvbuf = 0;
	struct ws_url url;
	size_t n = 0;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *o = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(o, "--binary") == 0)
			c.binary = true;
		else if (strcmp(o, "--hex") == 0)
			c.hex = true;
		else if (strcmp(o, "--no-pong") == 0)
			c.pong = false;
		else if (v && strcmp(o, "-H") == 0)
			n += (size_t)snprintf(headers + n, sizeof(headers) - n, "%s\r\n", v), i++;
		else if (v && strcmp(o, "-p") == 0)
			protocol = v, i++;
		else if (v && strcmp(o, "--raw") == 0)
			raw = v, i++;
		else if (v && strcmp(o, "--rcvbuf") == 0)
			rcvbuf = (int)strtol(v, NULL, 10), i++;
		else if (v && strcmp(o, "--stop-at") == 0)
			c.stop_at = v, i++;
		else if (v && strcmp(o, "--linger") == 0)
			linger = strtod(v, NULL), i++;
		else
			break;
		if (n >= sizeof(headers))
			return 64;
	}
	if (i + 1 != argc || ws_url_parse(argv[i], &url) != 0) {
		fputs("usage: wscli [options] ws://HOST:PORT/PATH | unix:/SOCKET[:/PATH]\n",
		      stderr);
		return 64;
	}
	if (factor && strtoul(factor, NULL, 10) > 1)
		c.factor = (unsigned)strtoul(factor, NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	c.fd = ws_connect(&url, 0, rcvbuf);
	c.connecting = true;
	if (c.fd < 0) {
		printf("refused %s\n", strerror(errno));
		return 1;
	}
	if (raw) {
		FILE *f = fopen(raw, "rb");

		if (!f) {
			perror(raw);
			return 64;
		}
		while ((n = fread(request, 1, sizeof(request), f)) > 0)
			queue(request, n);
		fclose(f);
	} else {
		queue(request, ws_request(&url, protocol, headers, request, sizeof(request)));
	}
	loop(linger, raw);
	close(c.fd);
	return c.refused ? 1 : 0;
}
