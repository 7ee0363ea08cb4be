/* ws: see ws.h. Never used by the programs under test. */
#include "ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* The key of RFC 6455 1.3 and its answer: a fixed pair proves as much as a random one here. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum { HEAD_MAX = 65536 };

uint64_t ws_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

size_t ws_nofile(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return 1024;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	return (size_t)r.rlim_cur;
}

int ws_url_parse(const char *s, struct ws_url *u)
{
	memset(u, 0, sizeof(*u));
	if (strncmp(s, "unix:", 5) == 0) {
		const char *path = strchr(s + 5, ':');
		size_t n = path ? (size_t)(path - s - 5) : strlen(s + 5);

		if (n == 0 || n >= sizeof(u->sock))
			return -1;
		u->is_unix = true;
		memcpy(u->sock, s + 5, n);
		snprintf(u->host, sizeof(u->host), "localhost");
		snprintf(u->path, sizeof(u->path), "%s", path ? path + 1 : "/");
		return 0;
	}
	if (strncmp(s, "ws://", 5) != 0)
		return -1;
	s += 5;
	size_t n = strcspn(s, ":/?");

	if (n == 0 || n >= sizeof(u->host))
		return -1;
	memcpy(u->host, s, n);
	s += n;
	u->port = 80;
	if (*s == ':') {
		char *end;
		long p = strtol(s + 1, &end, 10);

		if (p < 1 || p > 65535)
			return -1;
		u->port = (int)p;
		s = end;
	}
	if (*s && *s != '/' && *s != '?')
		return -1;
	n = (size_t)snprintf(u->path, sizeof(u->path), "%s%s", *s == '/' ? "" : "/", s);
	return n < sizeof(u->path) ? 0 : -1;
}

int ws_connect(const struct ws_url *u, uint32_t source, int rcvbuf)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_un un;
	} a;
	socklen_t len;
	int one = 1;

	memset(&a, 0, sizeof(a));
	if (u->is_unix) {
		a.un.sun_family = AF_UNIX;
		memcpy(a.un.sun_path, u->sock, sizeof(u->sock));
		len = sizeof(a.un);
	} else {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons((uint16_t)u->port);
		if (inet_pton(AF_INET, strcmp(u->host, "localhost") ? u->host : "127.0.0.1",
		              &a.in.sin_addr) != 1) {
			struct hostent *h = gethostbyname2(u->host, AF_INET);

			if (!h) {
				errno = EADDRNOTAVAIL;
				return -1;
			}
			memcpy(&a.in.sin_addr, h->h_addr_list[0], sizeof(a.in.sin_addr));
		}
		len = sizeof(a.in);
	}
	int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	if (!u->is_unix) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (source) {
			struct sockaddr_in from = {.sin_family = AF_INET,
			                           .sin_addr.s_addr = htonl(source)};

			setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
			if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
				goto fail;
		}
	}
	if (connect(fd, &a.sa, len) != 0 && errno != EINPROGRESS)
		goto fail;
	return fd;
fail:
	one = errno;
	close(fd);
	errno = one;
	return -1;
}

size_t ws_request(const struct ws_url *u, const char *protocol, const char *headers, char *out,
                  size_t cap)
{
	int n = snprintf(
		out, cap,
		"GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n%s%s%s%s\r\n",
		u->path, u->host, u->port, protocol ? "Sec-WebSocket-Protocol: " : "",
		protocol ? protocol : "", protocol ? "\r\n" : "", headers);

	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

size_t ws_frame(uint8_t *out, unsigned opcode, bool fin, const void *payload, size_t len)
{
	static uint32_t seed = 0x9e3779b9;
	const uint8_t *p = payload;
	size_t n = 2;

	out[0] = (uint8_t)((fin ? 0x80 : 0) | opcode);
	if (len < 126) {
		out[1] = (uint8_t)(0x80 | len);
	} else if (len < 65536) {
		out[1] = 0x80 | 126;
		out[2] = (uint8_t)(len >> 8);
		out[3] = (uint8_t)len;
		n = 4;
	} else {
		out[1] = 0x80 | 127;
		for (int i = 0; i < 8; i++)
			out[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
		n = 10;
	}
	seed = seed * 1664525 + 1013904223;
	uint8_t *mask = out + n;

	memcpy(mask, &seed, 4);
	n += 4;
	for (size_t i = 0; i < len; i++)
		out[n + i] = p[i] ^ mask[i & 3];
	return n + len;
}

/* The value of a header within a NUL-terminated head; NULL: none. */
static const char *header(const char *head, const char *name, char *out, size_t cap)
{
	size_t n = strlen(name);

	for (const char *l = strstr(head, "\r\n"); l; l = strstr(l, "\r\n")) {
		l += 2;
		if (strncasecmp(l, name, n) != 0 || l[n] != ':')
			continue;
		const char *v = l + n + 1;

		v += strspn(v, " \t");
		snprintf(out, cap, "%.*s", (int)strcspn(v, "\r"), v);
		return out;
	}
	return NULL;
}

/* One frame or answer from the front of p; how many bytes it took, 0: not whole yet. */
static size_t take_frame(const uint8_t *p, size_t len, struct ws_event *e)
{
	size_t n = 2;
	uint64_t want;

	if (len < 2)
		return 0;
	want = p[1] & 0x7f;
	if (want == 126)
		n = 4;
	else if (want == 127)
		n = 10;
	if (len < n)
		return 0;
	if (n > 2) {
		want = 0;
		for (size_t i = 2; i < n; i++)
			want = want << 8 | p[i];
	}
	if (p[0] & 0x70 || p[1] & 0x80 || want > 1U << 30) {
		*e = (struct ws_event){.type = WS_EV_BAD,
		                       .text = "reserved bits, a mask or a huge frame"};
		return len;
	}
	if (len - n < want)
		return 0;
	*e = (struct ws_event){.type = WS_EV_FRAME,
	                       .opcode = p[0] & 15,
	                       .fin = p[0] & 0x80,
	                       .p = p + n,
	                       .len = (size_t)want};
	return n + (size_t)want;
}

static size_t take_head(struct ws *w, const uint8_t *p, size_t len, bool ended, struct ws_event *e,
                        char *head, size_t cap)
{
	const uint8_t *end = memmem(p, len, "\r\n\r\n", 4);
	char v[512];

	*e = (struct ws_event){.type = WS_EV_BAD, .text = "no HTTP answer"};
	if (!end)
		return len > HEAD_MAX || ended || (len >= 5 && memcmp(p, "HTTP/", 5) != 0) ? len
		                                                                           : 0;
	size_t n = (size_t)(end - p) + 4;

	if (n >= cap || sscanf((const char *)p, "HTTP/1.%*1[01] %3d", &e->status) != 1)
		return len;
	memcpy(head, p, n);
	head[n] = '\0';
	if (e->status == 101) {
		if (!header(head, "Sec-WebSocket-Accept", v, sizeof(v)) || strcmp(v, ACCEPT) != 0) {
			e->text = "wrong Sec-WebSocket-Accept";
			return len;
		}
		if (!header(head, "Sec-WebSocket-Protocol", v, sizeof(v)))
			v[0] = 0;
		snprintf(head, cap, "%s", v);
		e->type = WS_EV_OPEN;
		e->text = head;
		w->open = true;
		return n;
	}
	size_t body = len - n, want = SIZE_MAX;

	if (header(head, "Content-Length", v, sizeof(v)))
		want = strtoul(v, NULL, 10);
	if (body < want && !ended)
		return 0;
	if (body > want)
		body = want;
	if (body >= cap)
		body = cap - 1;
	memcpy(head, p + n, body);
	head[body] = '\0';
	e->type = WS_EV_HTTP;
	e->text = head;
	return len;
}

static void feed(struct ws *w, const uint8_t *p, size_t len, bool ended,
                 bool (*fn)(void *, const struct ws_event *), void *arg)
{
	static char head[HEAD_MAX];
	bool own = false;

	if (w->dead)
		return;
	if (w->len) {
		if (w->len + len > w->cap) {
			w->cap = (w->len + len) * 2;
			w->rest = realloc(w->rest, w->cap);
			if (!w->rest)
				abort();
		}
		if (len)
			memcpy(w->rest + w->len, p, len);
		p = w->rest;
		len += w->len;
		own = true;
	}
	while (len && !w->dead) {
		struct ws_event e;
		size_t n = w->open ? take_frame(p, len, &e)
		                   : take_head(w, p, len, ended, &e, head, sizeof(head));

		if (!n)
			break;
		p += n;
		len -= n;
		if (!fn(arg, &e) || e.type == WS_EV_HTTP || e.type == WS_EV_BAD)
			w->dead = true;
	}
	if (w->dead)
		return;
	if (len && !own && len > w->cap) {
		free(w->rest);
		w->cap = len;
		w->rest = malloc(len);
		if (!w->rest)
			abort();
	}
	if (len) {
		memmove(w->rest, p, len);
	} else if (w->cap > 4096) {
		free(w->rest);
		w->rest = NULL;
		w->cap = 0;
	}
	w->len = len;
}

void ws_feed(struct ws *w, const uint8_t *p, size_t len,
             bool (*fn)(void *, const struct ws_event *), void *arg)
{
	feed(w, p, len, false, fn, arg);
}

void ws_end(struct ws *w, bool (*fn)(void *, const struct ws_event *), void *arg)
{
	if (!w->open)
		feed(w, NULL, 0, true, fn, arg);
}

void ws_reset(struct ws *w)
{
	free(w->rest);
	memset(w, 0, sizeof(*w));
}

uint8_t *ws_unhex(const char *s, size_t *len)
{
	uint8_t *out = malloc(strlen(s) + 1);
	char pair[3] = "", *end;

	if (!out)
		abort();
	for (*len = 0; s[0] && s[1]; s += 2) {
		memcpy(pair, s, 2);
		out[*len] = (uint8_t)strtoul(pair, &end, 16);
		if (*end)
			break;
		++*len;
	}
	return out;
}
