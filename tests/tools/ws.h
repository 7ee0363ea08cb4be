/*
 * ws: the client's side of RFC 6455 for the test tools: URL, connect, handshake, masked frames and
 * an incremental parser. Depends on libc alone and on nothing of wscale, so that a mistake in the
 * node can't hide behind the same mistake here.
 */
#ifndef TESTS_WS_H
#define TESTS_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct ws_url {
	bool is_unix;
	char host[256]; /* an IPv4 address or a name in /etc/hosts */
	int port;
	char sock[108];
	char path[8192]; /* with the query */
};
/* "ws://HOST:PORT/PATH" or "unix:/SOCKET" or "unix:/SOCKET:/PATH". 0 or -1. */
int ws_url_parse(const char *, struct ws_url *);
/*
 * A non-blocking socket that is connecting; -1 and errno. source: an IPv4 address in host order, 0
 * any; rcvbuf: bytes, 0 as the kernel likes.
 */
int ws_connect(const struct ws_url *, uint32_t source, int rcvbuf);

/* The upgrade request. headers: whole lines with CR LF, or "". Returns its length; 0: too long. */
size_t ws_request(const struct ws_url *, const char *protocol, const char *headers, char *out,
                  size_t cap);

/* Writes one masked frame; out needs len + 14 bytes. Returns its length. */
size_t ws_frame(uint8_t *out, unsigned opcode, bool fin, const void *payload, size_t len);

enum ws_type {
	WS_EV_OPEN,  /* 101; text is the chosen subprotocol or "" */
	WS_EV_HTTP,  /* another status; text is the body as far as it came */
	WS_EV_FRAME, /* opcode, fin, p, len */
	WS_EV_BAD,   /* what came is no HTTP, no WebSocket frame; text says why */
};
struct ws_event {
	enum ws_type type;
	int status;
	const char *text;
	unsigned opcode;
	bool fin;
	const uint8_t *p; /* borrowed during the call */
	size_t len;
};

/* The parser of one connection; zero it to begin. */
struct ws {
	bool open, dead;
	uint8_t *rest; /* what is not a whole frame yet */
	size_t len, cap;
};
/* Calls fn for each whole thing in what came; stops when fn returns false or after an HTTP answer.
 */
void ws_feed(struct ws *, const uint8_t *, size_t, bool (*fn)(void *, const struct ws_event *),
             void *arg);
/* End of stream: an HTTP answer without Content-Length is delivered now. */
void ws_end(struct ws *, bool (*fn)(void *, const struct ws_event *), void *arg);
void ws_reset(struct ws *);

/* Bytes from hex digits, as far as they go; malloc'd. */
uint8_t *ws_unhex(const char *, size_t *len);

/* CLOCK_MONOTONIC in milliseconds. */
uint64_t ws_now(void);
/* Raises nofile to its hard limit and returns it. */
size_t ws_nofile(void);

#endif
