/*
 * bench: CPU per delivered message of wsnode against tests/bench/bare.c, both fed by the same
 * Redis, and wsnode's user-space memory per idle client. CPU is getrusage's, of the server's whole
 * life, user and system; runs alternate, and medians of RUNS are compared. Ratios only: machines
 * differ.
 *
 *   bench WSNODE BARE [CLIENTS]
 *
 * Prints a table; exit 1 when a bound is missed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 5, PAYLOAD = 128, FRAME = PAYLOAD + 4, BURST = 64 };
static const double MEMORY_BOUND = 1700;

struct mode {
	const char *name;
	int messages, burst; /* published at once; then all are awaited */
	double bound;
};

static const struct mode modes[] = {
	{"one message at a time", 600, 1, 1.15},
	{"64 messages queued", 6400, BURST, 2.0},
};

static const char *wsnode, *bare;
static int clients = 1000, redis_port, port;
static pid_t redis_pid;
static volatile uint64_t *arrived; /* bytes of frames, shared with the sink */

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	if (redis_pid > 0)
		kill(redis_pid, SIGTERM);
	exit(2);
}

static int listening(int *at)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		die("free port");
	*at = ntohs(a.sin_port);
	return fd;
}

static int free_port(void)
{
	int at;

	close(listening(&at));
	return at;
}

static void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* Tries until the server listens, at most 20 s. */
static int dial(int to)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	                        .sin_port = htons((uint16_t)to),
	                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	for (int i = 0; i < 2000; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0)
			die("socket");
		if (!connect(fd, (struct sockaddr *)&a, sizeof a)) {
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
			return fd;
		}
		close(fd);
		pause_ms(10);
	}
	die("connect");
	return -1;
}

/* Whatever ends the bench ends what it started. */
static pid_t spawn(const char *const argv[])
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(126);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid;
}

static char *text(const char *before, int n)
{
	static char slots[8][64];
	static unsigned next;
	char *out = slots[next++ % 8];

	snprintf(out, sizeof slots[0], "%s%d", before, n);
	return out;
}

static pid_t start(bool node, bool coalesce)
{
	const char *node_argv[] = {wsnode,
	                           "--listen",
	                           text("127.0.0.1:", port),
	                           "--redis",
	                           text("redis://127.0.0.1:", redis_port),
	                           "bench",
	                           NULL};
	const char *bare_argv[] = {bare,
	                           text("", port),
	                           text("", redis_port),
	                           "wscale:bench",
	                           text("", clients),
	                           coalesce ? "coalesce" : NULL,
	                           NULL};

	return spawn(node ? node_argv : bare_argv);
}

/* One request, its answer's head read byte by byte so that nothing behind it is taken. */
static int request(int fd, const char *head)
{
	char answer[1024];
	size_t n = 0;

	if (send(fd, head, strlen(head), MSG_NOSIGNAL) < 0)
		return -1;
	while (n < sizeof answer - 1 && recv(fd, answer + n, 1, 0) == 1) {
		answer[++n] = 0;
		if (n > 4 && !strcmp(answer + n - 4, "\r\n\r\n"))
			return (int)strtol(answer + 9, NULL, 10);
	}
	return -1;
}

static int upgrade(void)
{
	/* 503 until the node has its Redis. */
	for (int i = 0; i < 500; i++) {
		int fd = dial(port);

		if (request(fd, "GET /ws/bench HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
		                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		                "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n") == 101)
			return fd;
		close(fd);
		pause_ms(20);
	}
	die("no 101 from wsnode");
	return -1;
}

/* A process that opens all connections, tells by one byte, then reads and counts until killed. */
static pid_t sink(bool node, int n, int *ready)
{
	int pipes[2];
	pid_t pid;

	if (pipe(pipes))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		int ep = epoll_create1(0);
		static char chunk[1 << 20];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		redis_pid = 0;
		for (int i = 0; i < n; i++) {
			struct epoll_event e = {.events = EPOLLIN};

			e.data.fd = node ? upgrade() : dial(port);
			epoll_ctl(ep, EPOLL_CTL_ADD, e.data.fd, &e);
		}
		if (write(pipes[1], "r", 1) != 1)
			_exit(1);
		for (;;) {
			struct epoll_event es[256];
			int got = epoll_wait(ep, es, 256, -1);

			for (int i = 0; i < got; i++) {
				ssize_t r = recv(es[i].data.fd, chunk, sizeof chunk, 0);

				if (r <= 0)
					_exit(1);
				*arrived += (uint64_t)r;
			}
		}
	}
	close(pipes[1]);
	*ready = pipes[0];
	return pid;
}

static void await_ready(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		die("the clients could not connect");
	close(fd);
}

static void publish(int redis, int n)
{
	char one[64 + PAYLOAD], body[PAYLOAD + 1], *all;
	size_t len;

	memset(body, 'x', PAYLOAD);
	body[PAYLOAD] = 0;
	len = (size_t)snprintf(one, sizeof one,
	                       "*3\r\n$7\r\nPUBLISH\r\n$12\r\nwscale:bench\r\n$%d\r\n%s\r\n",
	                       PAYLOAD, body);
	all = malloc(len * (size_t)n);
	for (int i = 0; i < n; i++)
		memcpy(all + len * (size_t)i, one, len);
	if (send(redis, all, len * (size_t)n, MSG_NOSIGNAL) != (ssize_t)(len * (size_t)n))
		die("publish");
	free(all);
	/* ":1\r\n" each: consumed, so that Redis never waits for us */
	for (int i = 0; i < n * 4;) {
		char drop[4096];
		ssize_t r = recv(redis, drop, sizeof drop, 0);

		if (r <= 0)
			die("redis");
		i += (int)r;
	}
}

static void await_bytes(uint64_t n)
{
	for (int i = 0; *arrived < n; i++) {
		if (i > 600000)
			die("messages did not arrive");
		pause_ms(0);
		if (i > 1000)
			pause_ms(1);
	}
}

/* Microseconds of CPU per delivered message. */
static double measure(const struct mode *m, bool node)
{
	struct rusage use;
	int ready, redis = dial(redis_port), status;
	pid_t server, reader;
	double us;

	*arrived = 0;
	port = free_port();
	server = start(node, m->burst > 1);
	reader = sink(node, clients, &ready);
	await_ready(ready);
	pause_ms(300); /* bare subscribes after its last accept */
	for (int i = 0; i < m->messages; i += m->burst) {
		publish(redis, m->burst);
		await_bytes((uint64_t)(i + m->burst) * (uint64_t)clients * FRAME);
	}
	close(redis);
	kill(server, SIGKILL);
	if (wait4(server, &status, 0, &use) != server)
		die("wait4");
	kill(reader, SIGKILL);
	waitpid(reader, &status, 0);
	us = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
	     (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
	return us / ((double)m->messages * clients);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, RUNS, sizeof *v, by_value);
	return v[RUNS / 2];
}

static long anonymous_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "r");

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static double bytes_per_client(void)
{
	int ready, status, n = clients * 5, redis = dial(redis_port);
	pid_t server, first, rest;
	long before, after;

	port = free_port();
	server = start(true, false);
	/* What the first clients bring in for good (tables, libraries' pages) is not per client. */
	first = sink(true, 200, &ready);
	await_ready(ready);
	before = anonymous_kib(server);
	rest = sink(true, n, &ready);
	await_ready(ready);
	after = anonymous_kib(server);
	close(redis);
	kill(server, SIGKILL);
	kill(first, SIGKILL);
	kill(rest, SIGKILL);
	waitpid(server, &status, 0);
	waitpid(first, &status, 0);
	waitpid(rest, &status, 0);
	if (before < 0 || after < 0)
		die("RssAnon");
	return (double)(after - before) * 1024 / n;
}

static bool verdict(const char *what, double value, double bound)
{
	printf("%-58s %7.2f  bound %7.2f  %s\n", what, value, bound,
	       value <= bound ? "ok" : "MISSED");
	return value <= bound;
}

int main(int argc, char **argv)
{
	bool ok = true;
	struct rlimit l;
	int ready;

	if (argc < 3) {
		fputs("usage: bench WSNODE BARE [CLIENTS]\n", stderr);
		return 64;
	}
	wsnode = argv[1];
	bare = argv[2];
	if (argc > 3)
		clients = (int)strtol(argv[3], NULL, 10);
	setvbuf(stdout, NULL, _IOLBF, 0);
	getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
	arrived = mmap(NULL, sizeof *arrived, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	               -1, 0);
	if (arrived == MAP_FAILED)
		die("mmap");
	redis_port = free_port();
	redis_pid = spawn((const char *[]){"redis-server", "--port", text("", redis_port), "--save",
	                                   "", "--bind", "127.0.0.1", NULL});
	ready = dial(redis_port);
	close(ready);
	printf("%d subscribers, %d B payload, medians of %d alternating runs\n", clients, PAYLOAD,
	       RUNS);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		double node_us[RUNS], bare_us[RUNS];
		char what[96];

		for (int r = 0; r < RUNS; r++) {
			bare_us[r] = measure(&modes[i], false);
			node_us[r] = measure(&modes[i], true);
		}
		snprintf(what, sizeof what, "%s: %.2f us, bare %.2f us, ratio", modes[i].name,
		         median(node_us), median(bare_us));
		ok &= verdict(what, median(node_us) / median(bare_us), modes[i].bound);
	}
	ok &= verdict("user-space memory of an idle client, bytes", bytes_per_client(),
	              MEMORY_BOUND);
	kill(redis_pid, SIGTERM);
	return ok ? 0 : 1;
}
