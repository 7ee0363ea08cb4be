/*
 * bare: the least a fan-out can cost: subscribes to one Redis channel, accepts connections, and
 * sends each message as one frame to all of them with send(). With "coalesce" it first takes all
 * that Redis has, and sends it to each in one go. No protocol, no queues, no limits: what `make
 * bench` measures wsnode against.
 *
 *   bare PORT REDIS_PORT CHANNEL CLIENTS [coalesce]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OUT_MAX = 1 << 20 };

static int *fds;
static int n_fds;
static uint8_t out[OUT_MAX];
static size_t out_len;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int tcp(int port, int server)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	                        .sin_port = htons((uint16_t)port),
	                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (server ? bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4096)
	           : connect(fd, (struct sockaddr *)&a, sizeof a))
		die(server ? "listen" : "connect to redis");
	return fd;
}

static void flush(void)
{
	for (int i = 0; i < n_fds; i++) {
		for (size_t at = 0; at < out_len;) {
			ssize_t n = send(fds[i], out + at, out_len - at, MSG_NOSIGNAL);

			if (n < 0 && errno != EINTR)
				die("send");
			at += n > 0 ? (size_t)n : 0;
		}
	}
	out_len = 0;
}

static void add(const char *p, size_t len)
{
	if (len >= 65536 || out_len + len + 4 > OUT_MAX)
		flush();
	out[out_len++] = 0x81;
	if (len < 126) {
		out[out_len++] = (uint8_t)len;
	} else {
		out[out_len++] = 126;
		out[out_len++] = (uint8_t)(len >> 8);
		out[out_len++] = (uint8_t)len;
	}
	memcpy(out + out_len, p, len);
	out_len += len;
}

static void take(redisReader *reader, int coalesce)
{
	redisReply *r;

	while (redisReaderGetReply(reader, (void **)&r) == REDIS_OK && r) {
		if (r->type == REDIS_REPLY_ARRAY && r->elements == 3 &&
		    r->element[2]->type == REDIS_REPLY_STRING) {
			add(r->element[2]->str, (size_t)r->element[2]->len);
			if (!coalesce)
				flush();
		}
		freeReplyObject(r);
	}
}

int main(int argc, char **argv)
{
	int coalesce = argc == 6 && !strcmp(argv[5], "coalesce"), clients, server, redis;
	redisReader *reader = redisReaderCreate();
	static char chunk[65536];
	char subscribe[300];

	if (argc < 5 || !reader)
		return 64;
	server = tcp((int)strtol(argv[1], NULL, 10), 1);
	redis = tcp((int)strtol(argv[2], NULL, 10), 0);
	clients = (int)strtol(argv[4], NULL, 10);
	fds = calloc((size_t)clients, sizeof *fds);
	while (n_fds < clients) {
		int one = 1, fd = accept(server, NULL, NULL);

		if (fd < 0)
			die("accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		fds[n_fds++] = fd;
	}
	snprintf(subscribe, sizeof subscribe, "SUBSCRIBE %s\r\n", argv[3]);
	if (send(redis, subscribe, strlen(subscribe), 0) < 0)
		die("subscribe");
	for (;;) {
		struct pollfd p = {redis, POLLIN, 0};
		ssize_t n;

		poll(&p, 1, -1);
		while ((n = recv(redis, chunk, sizeof chunk, MSG_DONTWAIT)) > 0) {
			redisReaderFeed(reader, chunk, (size_t)n);
			take(reader, coalesce);
		}
		if (n == 0)
			return 0;
		flush();
	}
}
