/*
 * test_rconn: a command that there is no memory for leaves nothing behind in what is sent to Redis:
 * half of it would swallow the commands after it. And of a name's addresses the next is tried when
 * one doesn't answer; the resolver is a stand-in.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../node/node.h"
#include "../../node/rconn.h"
#include "tap.h"

int gai_error(struct gaicb *);
int gai_cancel(struct gaicb *);
int getaddrinfo_a(int, struct gaicb **, int, struct sigevent *);

struct node node;
static struct addrinfo *addresses;
static unsigned downs;

int getaddrinfo_a(int mode, struct gaicb **list, int n, struct sigevent *e)
{
	(void)mode;
	(void)n;
	(void)e;
	list[0]->ar_result = addresses;
	return 0;
}

int gai_error(struct gaicb *cb)
{
	(void)cb;
	return 0;
}

int gai_cancel(struct gaicb *cb)
{
	cb->ar_result = NULL; /* the list is the test's */
	return EAI_ALLDONE;
}

void freeaddrinfo(struct addrinfo *a)
{
	(void)a;
}

static void memory(void)
{
	struct rconn c = {.state = RCONN_UP};
	const char *argv[] = {"PUBLISH", "a", "x"};
	size_t good[] = {7, 1, 1}, immense[] = {7, 1, SIZE_MAX / 2};

	ok(!rconn_command(&c, 3, argv, good), "a command");
	ok(rconn_command(&c, 3, argv, immense) == -1, "one that no memory holds is refused");
	ok(!rconn_command(&c, 3, argv, good), "the next is taken");
	is(c.out.p,
	   "*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1\r\nx\r\n"
	   "*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1\r\nx\r\n",
	   "and nothing of the refused one is between them");
	buf_free(&c.out);
	c.state = RCONN_OFF;
	ok(rconn_command(&c, 3, argv, good) == -1 && !rconn_unsent(&c),
	   "not connected, nothing is kept");
}

static void read_some(int fd, size_t n)
{
	static char chunk[65536];

	while (n) {
		ssize_t got = recv(fd, chunk, n < sizeof chunk ? n : sizeof chunk, MSG_DONTWAIT);

		if (got <= 0)
			break;
		n -= (size_t)got;
	}
}

/* Redis takes what it gets, but never all of it. */
static void busy(void)
{
	static char payload[65536];
	struct rconn c = {.state = RCONN_UP};
	const char *argv[] = {"PUBLISH", "a", payload};
	size_t len[] = {7, 1, sizeof payload}, most = 0;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		abort();
	c.fd = fd[0];
	ev_io_init(&c.readable, NULL, c.fd, EV_READ);
	ev_io_init(&c.writable, NULL, c.fd, EV_WRITE);
	for (int i = 0; i < 3000; i++) {
		if (rconn_unsent(&c) < 2 * 1024 * 1024)
			rconn_command(&c, 3, argv, len);
		rconn_flush(&c);
		if (i > 40)
			read_some(fd[1], sizeof payload);
		most = c.out.cap > most ? c.out.cap : most;
	}
	ok(rconn_unsent(&c) > 0 && most <= 8 * 1024 * 1024,
	   "what was sent takes no memory, even if more always follows");
	rconn_close(&c);
	close(fd[1]);
}

static void on_down(struct rconn *c, const char *why)
{
	(void)c;
	(void)why;
	downs++;
}

static int listener(struct sockaddr_in *at, int backlog)
{
	socklen_t len = sizeof *at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	*at = (struct sockaddr_in){.sin_family = AF_INET,
	                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)at, len) || (backlog && listen(fd, backlog)) ||
	    getsockname(fd, (struct sockaddr *)at, &len))
		abort();
	return fd;
}

/* Until it failed or somebody was accepted at fd. */
static int attempt(struct rconn *c, int fd)
{
	unsigned before = downs;
	int s = -1;

	rconn_connect(c);
	while (downs == before && (s = accept(fd, NULL, NULL)) < 0)
		ev_run(node.loop, EVRUN_ONCE);
	return s;
}

static void next_address(void)
{
	struct sockaddr_in dead, live;
	int closed = listener(&dead, 0), fd = listener(&live, 5), s;
	struct addrinfo two[] = {
		{.ai_family = AF_INET,
	         .ai_addrlen = sizeof dead,
	         .ai_addr = (struct sockaddr *)&dead},
		{.ai_family = AF_INET,
	         .ai_addrlen = sizeof live,
	         .ai_addr = (struct sockaddr *)&live},
	};
	struct redis_url url = {.at = {.host = "a.name.to.resolve", .port = 1}};
	struct rconn c = {.what = "test", .on_down = on_down, .url = &url};

	two[0].ai_next = &two[1];
	addresses = two;
	ok(attempt(&c, fd) < 0 && downs == 1, "nobody is at the first address of the name");
	s = attempt(&c, fd);
	ok(s >= 0 && downs == 1, "the next attempt goes to the second");
	close(s);
	rconn_close(&c);
	s = attempt(&c, fd);
	ok(s >= 0, "and stays there while it answers");
	close(s);
	rconn_close(&c);
	close(closed);
	close(fd);
}

int main(void)
{
	node.loop = ev_default_loop(0);
	memory();
	busy();
	next_address();
	return tap_done();
}
