/*
 * history: what a history costs Redis: CPU of a publish into one against a plain PUBLISH, of a fill
 * by which a node reads one, and of the check that it still has all. One Redis, one run; the kinds
 * alternate, and medians of the rounds are compared. CPU is INFO's used_cpu_user + used_cpu_sys, so
 * what reaches the subscribers counts and what they do with it doesn't. Ratios only: machines
 * differ.
 *
 *   bench_history [ROUNDS [MESSAGES]]
 *
 * Prints a table.
 */
#include "../../lib/script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SUBSCRIBERS = 3, PAYLOAD = 256, WINDOW = 64, KEPT = 100, ROUNDS_MAX = 101 };

static const struct keep history = {KEPT, 3600000}, last = {1, 0};
static const struct position nothing;

static redisContext *redis;
static pid_t redis_pid, sink_pid;
static volatile uint64_t *arrived; /* bytes at the subscribers, shared with them */
static char payload[PAYLOAD + 1];
static uint64_t seq;
static char run_id[64];
static struct position top; /* of the history, for fills that find nothing new */
static uint64_t top_micros;

static void leave(int status)
{
	if (sink_pid > 0)
		kill(sink_pid, SIGKILL);
	if (redis_pid > 0)
		kill(redis_pid, SIGKILL);
	exit(status);
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_history: %s: %s\n", what, why);
	leave(2);
}

static void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static int free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		die("free port", strerror(errno));
	close(fd);
	return ntohs(a.sin_port);
}

/* Whatever ends the bench ends its Redis. */
static void start_redis(int port)
{
	char number[16];

	snprintf(number, sizeof number, "%d", port);
	redis_pid = fork();
	if (redis_pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!freopen("/dev/null", "w", stdout) || chdir("/"))
			_exit(126);
		execlp("redis-server", "redis-server", "--port", number, "--bind", "127.0.0.1",
		       "--save", "", "--appendonly", "no", (char *)NULL);
		_exit(127);
	}
}

/* Until it listens, at most 10 s. */
static redisContext *dial(int port)
{
	for (int i = 0; i < 1000; i++) {
		redisContext *c = redisConnect("127.0.0.1", port);

		if (c && !c->err)
			return c;
		redisFree(c);
		pause_ms(10);
	}
	die("redis-server", "does not answer");
	return NULL;
}

/* The nodes: each has subscribed to all, reads, and throws away. */
static void start_sink(int port)
{
	struct pollfd at[SUBSCRIBERS];
	static char chunk[1 << 18];
	int ready[2];
	char c;

	if (pipe(ready))
		die("pipe", strerror(errno));
	sink_pid = fork();
	if (sink_pid > 0) {
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			die("subscribers", "ended");
		close(ready[0]);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	redis_pid = 0;
	for (int i = 0; i < SUBSCRIBERS; i++) {
		redisContext *s = dial(port);
		redisReply *r = redisCommand(s, "SUBSCRIBE bench:plain bench:news bench:ticker");

		if (!r)
			_exit(1);
		freeReplyObject(r);
		at[i] = (struct pollfd){.fd = s->fd, .events = POLLIN};
	}
	if (write(ready[1], "r", 1) != 1)
		_exit(1);
	for (;;) {
		if (poll(at, SUBSCRIBERS, -1) < 0)
			_exit(1);
		for (int i = 0; i < SUBSCRIBERS; i++) {
			ssize_t n = at[i].revents ? recv(at[i].fd, chunk, sizeof chunk, 0) : 0;

			if (at[i].revents && n <= 0)
				_exit(1);
			*arrived += (uint64_t)n;
		}
	}
}

/* Nothing has arrived for a while, so Redis has sent it all. */
static void settle(void)
{
	uint64_t before;

	do {
		before = *arrived;
		pause_ms(30);
	} while (*arrived != before);
}

static redisReply *reply(void)
{
	redisReply *r = NULL;

	if (redisGetReply(redis, (void **)&r) != REDIS_OK)
		die("redis", redis->errstr);
	if (r->type == REDIS_REPLY_ERROR)
		die("redis", r->str);
	return r;
}

static void append(struct call *c)
{
	if (redisAppendCommandArgv(redis, c->argc, c->argv, c->len) != REDIS_OK)
		die("redis", redis->errstr);
}

static double redis_cpu(void)
{
	redisReply *r = redisCommand(redis, "INFO cpu");
	const char *user, *sys;
	double us;

	if (!r || r->type != REDIS_REPLY_STRING)
		die("INFO", redis->errstr);
	user = strstr(r->str, "used_cpu_user:");
	sys = strstr(r->str, "used_cpu_sys:");
	if (!user || !sys)
		die("INFO", "no used_cpu");
	us = (strtod(user + strlen("used_cpu_user:"), NULL) +
	      strtod(sys + strlen("used_cpu_sys:"), NULL)) *
	     1e6;
	freeReplyObject(r);
	return us;
}

/* --- the kinds of calls */

static void plain(struct call *c)
{
	(void)c;
	if (redisAppendCommand(redis, "PUBLISH bench:plain %b", payload, (size_t)PAYLOAD))
		die("redis", redis->errstr);
}

static void numbered(struct call *c)
{
	script_publish(c, "bench", "news", history, KIND_TEXT, payload, PAYLOAD, NULL, 0, 0,
	               run_id);
	append(c);
}

static void by_others(struct call *c)
{
	script_publish(c, "bench", "news", history, KIND_TEXT, payload, PAYLOAD, NULL, 0, 0, "");
	append(c);
}

static void idempotent(struct call *c)
{
	script_publish(c, "bench", "news", history, KIND_TEXT, payload, PAYLOAD, "bench", ++seq,
	               3600000, run_id);
	append(c);
}

static void only_last(struct call *c)
{
	script_publish(c, "bench", "ticker", last, KIND_TEXT, payload, PAYLOAD, NULL, 0, 0, run_id);
	append(c);
}

static void fill_all(struct call *c)
{
	script_fill(c, "bench", "news", history, nothing, 0, false, run_id);
	append(c);
}

static void fill_none(struct call *c)
{
	script_fill(c, "bench", "news", history, top, top_micros, false, run_id);
	append(c);
}

static void check(struct call *c)
{
	script_check(c, "bench", "news", history);
	append(c);
}

static const struct kind_of {
	const char *name;
	void (*call)(struct call *);
	int share; /* one of so many of MESSAGES */
} kinds[] = {
	{"PUBLISH", plain, 1},
	{"publish, history: { size: 100 }", numbered, 1},
	{"the same with SOURCE and SEQ", idempotent, 1},
	{"the same by any program", by_others, 1}, /* that doesn't say run_id */
	{"publish, cache: last", only_last, 1},
	{"fill of 100 messages", fill_all, 20},
	{"fill that finds nothing new", fill_none, 5},
	{"check of the top", check, 2},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* What a fill has to know to find nothing new. */
static void look_at_top(void)
{
	struct call c;
	redisReply *r;

	check(&c);
	r = reply();
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 3 ||
	    epoch_parse(r->element[0]->str, r->element[0]->len, &top.epoch))
		die("check", "unexpected answer");
	top.offset = strtoull(r->element[1]->str, NULL, 10);
	top_micros = strtoull(r->element[2]->str, NULL, 10);
	freeReplyObject(r);
}

/* A fill of 100 must be one, or its row would lie. */
static void verify_fills(void)
{
	struct call c;
	redisReply *r;

	fill_all(&c);
	r = reply();
	if (r->type != REDIS_REPLY_ARRAY || r->elements < 5 || r->element[4]->elements != KEPT)
		die("fill", "does not return the history");
	freeReplyObject(r);
	fill_none(&c);
	r = reply();
	if (r->type != REDIS_REPLY_ARRAY || r->elements < 5 || r->element[4]->elements > 1)
		die("fill", "returns what is known");
	freeReplyObject(r);
}

/* Microseconds of Redis's CPU for one call. */
static double measure(const struct kind_of *k, int n)
{
	struct call c;
	double before;

	look_at_top();
	settle();
	before = redis_cpu();
	for (int done = 0, window; done < n; done += window) {
		window = n - done < WINDOW ? n - done : WINDOW;
		for (int i = 0; i < window; i++)
			k->call(&c);
		for (int i = 0; i < window; i++)
			freeReplyObject(reply());
	}
	settle();
	return (redis_cpu() - before) / n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void ask_run_id(void)
{
	redisReply *r = redisCommand(redis, "INFO server");
	const char *at = r && r->type == REDIS_REPLY_STRING ? strstr(r->str, "\nrun_id:") : NULL;

	if (!at || sscanf(at, "\nrun_id:%63[0-9a-f]", run_id) != 1)
		die("INFO", "no run_id");
	freeReplyObject(r);
}

static void prepare(void)
{
	struct call c;

	for (int i = 0; i < SCRIPTS; i++) {
		script_load(&c, (enum script)i);
		append(&c);
		freeReplyObject(reply());
	}
	ask_run_id();
	memset(payload, 'x', PAYLOAD);
	for (int i = 0; i < 3 * KEPT; i++) {
		numbered(&c);
		only_last(&c);
		freeReplyObject(reply());
		freeReplyObject(reply());
	}
	look_at_top();
	verify_fills();
}

static void print_version(void)
{
	redisReply *r = redisCommand(redis, "INFO server");
	const char *at = r && r->str ? strstr(r->str, "redis_version:") : NULL;

	if (at)
		printf("Redis %.*s, ", (int)strcspn(at + 14, "\r\n"), at + 14);
	if (r)
		freeReplyObject(r);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 7;
	int messages = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 20000;
	static double us[KINDS][ROUNDS_MAX];
	int port = free_port();

	if (rounds < 1 || rounds > ROUNDS_MAX || messages < 100) {
		fputs("usage: bench_history [ROUNDS [MESSAGES]]\n", stderr);
		return 64;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	arrived = mmap(NULL, sizeof *arrived, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	               -1, 0);
	if (arrived == MAP_FAILED)
		die("mmap", strerror(errno));
	start_redis(port);
	redis = dial(port);
	start_sink(port);
	prepare();
	for (int r = 0; r < rounds; r++)
		for (int k = 0; k < KINDS; k++)
			us[k][r] = measure(&kinds[k], messages / kinds[k].share);
	print_version();
	printf("%d B, %d subscribers, pipelined by %d\nmedians of %d alternating rounds\n", PAYLOAD,
	       SUBSCRIBERS, WINDOW, rounds);
	printf("%-34s %12s %8s %14s\n", "", "CPU of Redis", "ratio", "a core's most");
	for (int k = 0; k < KINDS; k++) {
		double median;

		qsort(us[k], (size_t)rounds, sizeof us[k][0], by_value);
		median = us[k][rounds / 2];
		printf("%-34s %9.2f us %8.2f %12.0f/s\n", kinds[k].name, median,
		       median / us[0][rounds / 2], 1e6 / median);
	}
	leave(0);
}
