/*
 * wspub: publishes numbered messages into Redis at a steady rate, round-robin over channels:
 * "N MICROSECONDS xxx..." with N counted per channel from 1. Plain RESP over a socket.
 *
 *   wspub --redis PORT|/SOCKET [--cluster wscale] [--prefix ch] [--channels N] [--rate N]
 *         [--size BYTES] [--seconds S] [--count N]
 *
 * Runs until SIGTERM, SIGINT, --seconds or --count messages, then prints one JSON line:
 * {"sent":N,"receivers":N,"errors":N,"channels":{"ch0":N,...}}. Redis going away is waited out:
 * what couldn't be sent counts as an error, and its number is not used up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CHANNELS_MAX = 10000, SIZE_MAX_MSG = 65536 };

static volatile sig_atomic_t stop;
static uint64_t sent, receivers, errors, number[CHANNELS_MAX];
static const char *redis;

static void on_signal(int s)
{
	(void)s;
	stop = 1;
}

static int dial(void)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_un un;
	} a = {.in = {.sin_family = AF_INET}};
	struct timeval limit = {.tv_sec = 2};
	socklen_t len = sizeof(a.in);
	int one = 1;

	if (redis[0] == '/') {
		memset(&a, 0, sizeof(a));
		a.un.sun_family = AF_UNIX;
		snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s", redis);
		len = sizeof(a.un);
	} else {
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a.in.sin_port = htons((uint16_t)strtoul(redis, NULL, 10));
	}
	int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, &a.sa, len) == 0)
		return fd;
	close(fd);
	return -1;
}

/* One PUBLISH and its integer reply; -1: the connection is of no use any more. */
static int publish(int fd, const char *channel, const char *msg, size_t len)
{
	static char out[SIZE_MAX_MSG + 1024];
	char in[64];
	size_t n = 0;
	size_t out_len = (size_t)snprintf(out, sizeof(out),
	                                  "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%zu\r\n%.*s\r\n",
	                                  strlen(channel), channel, len, (int)len, msg);

	if (send(fd, out, out_len, MSG_NOSIGNAL) != (ssize_t)out_len)
		return -1;
	while (n < sizeof(in) - 1) {
		ssize_t r = recv(fd, in + n, sizeof(in) - 1 - n, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		n += (size_t)r;
		if (in[n - 1] == '\n')
			break;
	}
	in[n] = '\0';
	if (in[0] != ':')
		return -1;
	receivers += strtoull(in + 1, NULL, 10);
	return 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_s(double s)
{
	struct timespec t = {.tv_sec = (time_t)s, .tv_nsec = (long)((s - (double)(time_t)s) * 1e9)};

	if (s > 0)
		nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	static char msg[SIZE_MAX_MSG + 64];
	const char *cluster = "wscale", *prefix = "ch";
	unsigned long channels = 1, rate = 10, size = 0, seconds = 0, count = 0;
	int fd = -1;

	for (int i = 1; i + 1 < argc; i += 2) {
		const char *o = argv[i], *v = argv[i + 1];

		if (strcmp(o, "--redis") == 0)
			redis = v;
		else if (strcmp(o, "--cluster") == 0)
			cluster = v;
		else if (strcmp(o, "--prefix") == 0)
			prefix = v;
		else if (strcmp(o, "--channels") == 0)
			channels = strtoul(v, NULL, 10);
		else if (strcmp(o, "--rate") == 0)
			rate = strtoul(v, NULL, 10);
		else if (strcmp(o, "--size") == 0)
			size = strtoul(v, NULL, 10);
		else if (strcmp(o, "--seconds") == 0)
			seconds = strtoul(v, NULL, 10);
		else if (strcmp(o, "--count") == 0)
			count = strtoul(v, NULL, 10);
		else
			redis = NULL, i = argc;
	}
	if (!redis || !channels || channels > CHANNELS_MAX || !rate || size > SIZE_MAX_MSG) {
		fputs("usage: wspub --redis PORT|/SOCKET [--channels N] [--rate N] ...\n", stderr);
		return 64;
	}
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	double begin = now();

	for (uint64_t tried = 0; !stop && (!count || sent < count); tried++) {
		double due = begin + (double)tried / (double)rate;
		unsigned long ch = sent % channels;
		char name[256];
		struct timespec t;

		while (!stop && now() < due)
			pause_s(due - now());
		if (stop || (seconds && now() - begin >= (double)seconds))
			break;
		clock_gettime(CLOCK_REALTIME, &t);
		int n = snprintf(msg, sizeof(msg), "%" PRIu64 " %" PRIu64, number[ch] + 1,
		                 (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000);

		if ((size_t)n < size) {
			msg[n] = ' ';
			memset(msg + n + 1, 'x', size - (size_t)n - 1);
			n = (int)size;
		}
		snprintf(name, sizeof(name), "%s:%s%lu", cluster, prefix, ch);
		if (fd < 0)
			fd = dial();
		if (fd >= 0 && publish(fd, name, msg, (size_t)n) == 0) {
			number[ch]++;
			sent++;
			continue;
		}
		errors++;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	printf("{\"sent\":%" PRIu64 ",\"receivers\":%" PRIu64 ",\"errors\":%" PRIu64
	       ",\"channels\":{",
	       sent, receivers, errors);
	for (unsigned long i = 0; i < channels; i++)
		printf("%s\"%s%lu\":%" PRIu64, i ? "," : "", prefix, i, number[i]);
	puts("}}");
	return 0;
}
