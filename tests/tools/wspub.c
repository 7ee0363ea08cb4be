/*
 * wspub: publishes numbered messages into Redis at a steady rate, round-robin over channels:
 * "N MICROSECONDS xxx..." with N counted per channel from 1. Plain RESP over a socket.
 *
 *   wspub --redis PORT|/SOCKET [--cluster wscale] [--prefix ch] [--channels N] [--rate N]
 *         [--size BYTES] [--seconds S] [--count N]
 *         [--history SIZE/SECONDS --script publish.lua [--source NAME]]
 *
 * Runs until SIGTERM, SIGINT, --seconds or --count messages, then prints one JSON line:
 * {"sent":N,"receivers":N,"errors":N,"channels":{"ch0":N,...}}. Redis going away is waited out:
 * what couldn't be sent counts as an error, and its number is not used up.
 *
 * --history: through the script, with N as the SEQ of SOURCE; the message is "N MICROSECONDS
 * CHANNEL xxx...". What wasn't acknowledged is sent again, marked "N MICROSECONDS CHANNEL again",
 * until it is, so that numbers are gapless whatever Redis forgets. The JSON line has more: acked;
 * again, how often it was sent once more; known, of those Redis had it; epochs, how often a
 * channel's changed; rollbacks, how often an offset was given twice. SIGUSR1 prints the line so
 * far.
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

enum {
	CHANNELS_MAX = 10000,
	SIZE_MAX_MSG = 65536,
	ARGS = 13,
	WORD = 512,
	SCRIPT_MAX = 65536,
	GIVE_UP_S = 5
};

static volatile sig_atomic_t stop, asked, paused;
static uint64_t sent, receivers, errors, acked, again, known, epochs, rollbacks;
static const char *redis, *cluster = "wscale", *prefix = "ch", *source = "wspub";
static char *script; /* NULL: plain */
static char sha[64];
static unsigned long channels = 1, rate = 10, size, seconds, count;
static unsigned long keep_size, keep_seconds;
static struct {
	uint64_t number, offset;
	char epoch[16];
} channel[CHANNELS_MAX];

static void on_signal(int s)
{
	if (s == SIGUSR2)
		paused = !paused;
	if (s == SIGUSR1 || s == SIGUSR2)
		asked = 1;
	else
		stop = 1;
}

/* --- one connection */

static struct {
	int fd;
	char in[4096];
	size_t at, len;
} conn = {.fd = -1};

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

static int get(void)
{
	while (conn.at == conn.len) {
		ssize_t n = recv(conn.fd, conn.in, sizeof(conn.in), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		conn.at = 0;
		conn.len = (size_t)n;
	}
	return (unsigned char)conn.in[conn.at++];
}

/* Up to CR LF, or n bytes and CR LF. 0 or -1. */
static int take(char *out, size_t n)
{
	size_t i = 0;
	int c;

	while ((c = get()) >= 0 && (n ? i < n : c != '\r')) {
		if (i >= WORD - 1)
			return -1;
		out[i++] = (char)c;
	}
	out[i] = '\0';
	return c >= 0 && get() == '\n' ? 0 : -1;
}

/* A reply: an integer or a string, or an array of those. */
struct reply {
	size_t n;
	char word[4][WORD];
};

static int take_word(char *out)
{
	static char said[WORD];
	char type;

	if (take(out, 0) != 0)
		return -1;
	type = out[0];
	memmove(out, out + 1, strlen(out));
	switch (type) {
	case ':':
	case '+':
		return 0;
	case '$':
		return out[0] == '0' ? take(out, 0) : take(out, strtoul(out, NULL, 10));
	case '*':
		return 1;
	default:
		if (strcmp(said, out) != 0)
			fprintf(stderr, "wspub: redis says %s\n", out);
		snprintf(said, sizeof(said), "%s", out);
		return -1;
	}
}

static int take_reply(struct reply *r)
{
	int rc = take_word(r->word[0]);

	r->n = 1;
	if (rc != 1)
		return rc;
	size_t n = strtoul(r->word[0], NULL, 10);

	if (n > 4)
		return -1;
	for (r->n = 0; r->n < n; r->n++) {
		if (take_word(r->word[r->n]) != 0)
			return -1;
	}
	return 0;
}

struct args {
	size_t n;
	const char *p[ARGS];
	size_t len[ARGS];
};

static void arg(struct args *a, const char *p, size_t len)
{
	a->p[a->n] = p;
	a->len[a->n++] = len;
}

/* One command and its reply. 0; -1: the connection is of no use any more. */
static int command(const struct args *a, struct reply *r)
{
	static char out[SIZE_MAX_MSG + 16384];
	size_t n = (size_t)snprintf(out, sizeof(out), "*%zu\r\n", a->n);

	for (size_t i = 0; i < a->n; i++) {
		if (n + a->len[i] + 32 > sizeof(out))
			return -1;
		n += (size_t)snprintf(out + n, sizeof(out) - n, "$%zu\r\n", a->len[i]);
		memcpy(out + n, a->p[i], a->len[i]);
		n += a->len[i];
		n += (size_t)snprintf(out + n, sizeof(out) - n, "\r\n");
	}
	if (send(conn.fd, out, n, MSG_NOSIGNAL) != (ssize_t)n)
		return -1;
	return take_reply(r);
}

static int ready(void)
{
	const char *password = getenv("REDISCLI_AUTH");
	struct args a = {.n = 0};
	struct reply r;

	if (conn.fd >= 0)
		return 0;
	conn.at = conn.len = 0;
	conn.fd = dial();
	if (conn.fd < 0)
		return -1;
	if (password) {
		struct args auth = {.n = 0};

		arg(&auth, "AUTH", 4);
		arg(&auth, password, strlen(password));
		if (command(&auth, &r) != 0)
			return -1;
	}
	if (!script)
		return 0;
	arg(&a, "SCRIPT", 6);
	arg(&a, "LOAD", 4);
	arg(&a, script, strlen(script));
	if (command(&a, &r) != 0)
		return -1;
	snprintf(sha, sizeof(sha), "%.40s", r.word[0]);
	return 0;
}

static void hang_up(void)
{
	if (conn.fd >= 0)
		close(conn.fd);
	conn.fd = -1;
}

/* --- messages */

static int publish(const char *name, const char *msg, size_t len)
{
	struct args a = {.n = 0};
	struct reply r;

	arg(&a, "PUBLISH", 7);
	arg(&a, name, strlen(name));
	arg(&a, msg, len);
	if (ready() != 0 || command(&a, &r) != 0)
		return -1;
	receivers += strtoull(r.word[0], NULL, 10);
	return 0;
}

static void acknowledged(unsigned long ch, const struct reply *r)
{
	uint64_t offset = strtoull(r->word[2], NULL, 10);
	bool same = strcmp(channel[ch].epoch, r->word[1]) == 0;

	acked++;
	if (r->word[0][0] == '0') {
		known++;
		return;
	}
	receivers += strtoull(r->word[3], NULL, 10);
	if (!same && channel[ch].epoch[0])
		epochs++;
	if (offset <= channel[ch].offset)
		rollbacks++;
	channel[ch].offset = offset;
	snprintf(channel[ch].epoch, sizeof(channel[ch].epoch), "%.15s", r->word[1]);
}

/* Through the script; 0: acknowledged. */
static int keep(unsigned long ch, const char *name, uint64_t seq, const char *msg, size_t len)
{
	char key[3][600], text[4][24];
	const char *bare = name + strlen(cluster) + 1;
	struct args a = {.n = 0};
	struct reply r;

	snprintf(key[0], sizeof(key[0]), "%s.h:m:%s", cluster, bare);
	snprintf(key[1], sizeof(key[1]), "%s.h:s:%s", cluster, bare);
	snprintf(key[2], sizeof(key[2]), "%s.h:q:%s/%s", cluster, bare, source);
	snprintf(text[0], sizeof(text[0]), "%lu", keep_size);
	snprintf(text[1], sizeof(text[1]), "%lu", keep_seconds * 1000);
	snprintf(text[2], sizeof(text[2]), "%" PRIu64, seq);
	if (ready() != 0)
		return -1;
	arg(&a, "EVALSHA", 7);
	arg(&a, sha, 40);
	arg(&a, "3", 1);
	for (int i = 0; i < 3; i++)
		arg(&a, key[i], strlen(key[i]));
	arg(&a, name, strlen(name));
	arg(&a, text[0], strlen(text[0]));
	arg(&a, text[1], strlen(text[1]));
	arg(&a, "t", 1);
	arg(&a, msg, len);
	arg(&a, text[2], strlen(text[2]));
	arg(&a, "3600000", 7);
	if (command(&a, &r) != 0 || r.n != 4)
		return -1;
	acknowledged(ch, &r);
	return 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double begin;

static bool over(void)
{
	return stop || (seconds && now() - begin >= (double)seconds);
}

static void pause_s(double s)
{
	struct timespec t = {.tv_sec = (time_t)s, .tv_nsec = (long)((s - (double)(time_t)s) * 1e9)};

	if (s > 0)
		nanosleep(&t, NULL);
}

static size_t compose(char *msg, size_t cap, unsigned long ch, bool once_more)
{
	struct timespec t;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &t);
	n = (size_t)snprintf(msg, cap, "%" PRIu64 " %" PRIu64, channel[ch].number + 1,
	                     (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000);
	if (script)
		n += (size_t)snprintf(msg + n, cap - n, " %s%lu%s", prefix, ch,
		                      once_more ? " again" : "");
	if (n < size) {
		msg[n] = ' ';
		memset(msg + n + 1, 'x', size - n - 1);
		n = size;
	}
	return n;
}

static void report(void)
{
	printf("{\"sent\":%" PRIu64 ",\"receivers\":%" PRIu64 ",\"errors\":%" PRIu64, sent,
	       receivers, errors);
	if (script)
		printf(",\"acked\":%" PRIu64 ",\"again\":%" PRIu64 ",\"known\":%" PRIu64
		       ",\"epochs\":%" PRIu64 ",\"rollbacks\":%" PRIu64,
		       acked, again, known, epochs, rollbacks);
	fputs(",\"channels\":{", stdout);
	for (unsigned long i = 0; i < channels; i++)
		printf("%s\"%s%lu\":%" PRIu64, i ? "," : "", prefix, i, channel[i].number);
	puts("}}");
	fflush(stdout);
}

static void report_if_asked(void)
{
	if (asked) {
		asked = 0;
		report();
	}
}

/* The next message of a channel. With history it goes out sooner or later, unless we must end. */
static void one(unsigned long ch)
{
	static char msg[SIZE_MAX_MSG + 512];
	char name[512];
	double end = 0;

	snprintf(name, sizeof(name), "%s:%s%lu", cluster, prefix, ch);
	if (!script) {
		if (publish(name, msg, compose(msg, sizeof(msg), ch, false)) == 0) {
			channel[ch].number++;
			sent++;
			return;
		}
		errors++;
		hang_up();
		return;
	}
	sent++;
	for (bool once_more = false;; once_more = true) {
		size_t n = compose(msg, sizeof(msg), ch, once_more);

		again += once_more;
		if (keep(ch, name, channel[ch].number + 1, msg, n) == 0) {
			channel[ch].number++;
			return;
		}
		errors++;
		hang_up();
		if (over() && end == 0)
			end = now() + GIVE_UP_S;
		if (over() && now() > end)
			return;
		report_if_asked();
		pause_s(0.05);
	}
}

/* --- options */

static char *whole_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = calloc(1, SCRIPT_MAX);

	if (!f || !text || fread(text, 1, SCRIPT_MAX - 1, f) == 0) {
		perror(path);
		exit(64);
	}
	fclose(f);
	return text;
}

static int options(int argc, char **argv)
{
	const struct {
		const char *name;
		const char **text;
		unsigned long *number;
	} table[] = {
		{"--redis", &redis, NULL},       {"--cluster", &cluster, NULL},
		{"--prefix", &prefix, NULL},     {"--source", &source, NULL},
		{"--channels", NULL, &channels}, {"--rate", NULL, &rate},
		{"--size", NULL, &size},         {"--seconds", NULL, &seconds},
		{"--count", NULL, &count},
	};
	const size_t rows = sizeof(table) / sizeof(table[0]);

	for (int i = 1; i < argc; i += 2) {
		const char *o = argv[i], *v = argv[i + 1];
		size_t row = 0;

		if (!v)
			return -1;
		while (row < rows && strcmp(o, table[row].name) != 0)
			row++;
		if (row < rows && table[row].text)
			*table[row].text = v;
		else if (row < rows)
			*table[row].number = strtoul(v, NULL, 10);
		else if (strcmp(o, "--script") == 0)
			script = whole_file(v);
		else if (strcmp(o, "--history") != 0 ||
		         sscanf(v, "%lu/%lu", &keep_size, &keep_seconds) != 2)
			return -1;
	}
	if (!redis || !channels || channels > CHANNELS_MAX || !rate || size > SIZE_MAX_MSG)
		return -1;
	return !script == !keep_size ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};

	if (options(argc, argv) != 0) {
		fputs("usage: wspub --redis PORT|/SOCKET [--channels N] [--rate N] ...\n", stderr);
		return 64;
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	begin = now();

	for (uint64_t tried = 0; !stop && (!count || sent < count); tried++) {
		double due = begin + (double)tried / (double)rate;

		do {
			report_if_asked();
			pause_s(due - now());
			for (; paused && !over(); begin += 0.02, due += 0.02) {
				pause_s(0.02);
				report_if_asked();
			}
		} while (!stop && now() < due);
		if (over())
			break;
		one(sent % channels);
	}
	report();
	return 0;
}
