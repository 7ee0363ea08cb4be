/*
 * wsload: thousands of WebSocket clients in one process, which reconnect as the chat page does.
 * Client i listens on channel PREFIX(i mod CHANNELS); messages there begin with a number (wspub)
 * and are counted as received, lost, doubled or reordered: for raw clients within one connection,
 * for those that resume (--speak) across all of them, see follow.h.
 *
 *   wsload --url ws://HOST:PORT [--clients N] [--channels N] [--prefix ch] [--path /ws/]
 *          [--query Q] [--token T] [--speak raw|id|cf,...] [--rate CONNECTS/s] [--churn CLIENTS/s]
 *          [--back MS] [--seconds S] [--no-reconnect] [--hold] [--silent]
 *
 * --speak: the protocols of the clients of each channel, in turn: raw (default), id (wscale.id), cf
 * (Centrifugo's JSON). What a server must not say in the latter two ends wsload with exit 70.
 * After a close, and a refused or failed handshake, a client comes back within --back (1000) ms.
 * --churn: so many clients a second leave by themselves (1000) and come back at once.
 * --hold: clients never read after the handshake; --silent: they connect and say nothing at all.
 * stdout: "ready N" once all are connected (--silent: were), those with history also attached;
 * SIGUSR1: one JSON line of the interval since the last one; SIGHUP: a shorter one of how they are;
 * SIGUSR2: a storm, all clients drop their connections and come back at once ("storm N");
 * SIGTERM, SIGINT, --seconds: one JSON line of the whole run, "final":true, and exit 0.
 * Sources are spread over 127.0.0.2-250 when HOST is 127.*.
 */
#include "herd.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { TICK_MS = 10, SPARE_FDS = 16, TOPS_MAX = 1000 };

static struct herd_opt opt = {.prefix = "ch",
                              .talk = {.path = "/ws/"},
                              .clients = 1,
                              .channels = 1,
                              .rate = 1000,
                              .back = 1000,
                              .n_speak = 1};
static unsigned seconds;
static uint64_t begun;
static struct tally whole; /* without herd_tally */

/* "{" and how they are now. */
static void look(bool final)
{
	struct herd_state s;

	herd_look(&s);
	printf("{\"final\":%s,\"clients\":%u,\"connected\":%zu,\"attached\":%zu,"
	       "\"behind\":%" PRIu64 ",\"ms\":%" PRIu64,
	       final ? "true" : "false", opt.clients, s.connected, s.attached, s.behind,
	       ws_now() - begun);
}

static void report(bool final)
{
	struct tally *t = &herd_tally;

	if (final) {
		tally_add(&whole, &herd_tally);
		t = &whole;
	}
	look(final);
	putchar(',');
	tally_print(t, stdout);
	if (opt.channels <= TOPS_MAX) {
		fputs(",\"tops\":{", stdout);
		for (unsigned i = 0; i < opt.channels; i++)
			printf("%s\"%s\":%" PRIu64, i ? "," : "", herd_lane(i)->name,
			       herd_lane(i)->top);
		putchar('}');
	}
	puts("}");
	fflush(stdout);
	if (!final) {
		tally_add(&whole, &herd_tally);
		tally_reset(&herd_tally);
	}
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

/* "raw,id,cf": any of them, in any order and number. 0 or -1. */
static int speak(const char *s)
{
	static const char *const names[] = {[TALK_RAW] = "raw", [TALK_ID] = "id", [TALK_CF] = "cf"};

	for (opt.n_speak = 0; opt.n_speak < SPEAK_MAX; opt.n_speak++) {
		size_t n = strcspn(s, ","), i = 0;

		while (i < 3 && (strlen(names[i]) != n || memcmp(names[i], s, n) != 0))
			i++;
		if (i == 3)
			return -1;
		opt.speak[opt.n_speak] = (enum talk_as)i;
		s += n;
		if (!*s++) {
			opt.n_speak++;
			return 0;
		}
	}
	return -1;
}

static int option(const char *o, const char *v)
{
	const struct {
		const char *name;
		const char **text;
		unsigned *number;
	} table[] = {
		{"--prefix", &opt.prefix, NULL},    {"--path", &opt.talk.path, NULL},
		{"--query", &opt.talk.query, NULL}, {"--token", &opt.talk.token, NULL},
		{"--clients", NULL, &opt.clients},  {"--channels", NULL, &opt.channels},
		{"--rate", NULL, &opt.rate},        {"--churn", NULL, &opt.churn},
		{"--back", NULL, &opt.back},        {"--seconds", NULL, &seconds},
	};

	if (strcmp(o, "--url") == 0)
		return ws_url_parse(v, &opt.url);
	if (strcmp(o, "--speak") == 0)
		return speak(v);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(o, table[i].name) != 0)
			continue;
		if (table[i].text)
			*table[i].text = v;
		else
			*table[i].number = number(v, o);
		return 0;
	}
	return -1;
}

static int options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--no-reconnect") == 0)
			opt.once = true;
		else if (strcmp(argv[i], "--hold") == 0)
			opt.hold = true;
		else if (strcmp(argv[i], "--silent") == 0)
			opt.silent = true;
		else if (i + 1 == argc || option(argv[i], argv[i + 1]) != 0)
			return -1;
		else
			i++;
	}
	return opt.url.host[0] && opt.clients && opt.channels ? 0 : -1;
}

/* Serves what came; true: it's the end. */
static bool signals(int fd)
{
	struct signalfd_siginfo si;
	bool stop = false;

	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGUSR1:
			report(false);
			break;
		case SIGHUP:
			look(false);
			puts("}");
			fflush(stdout);
			break;
		case SIGUSR2:
			printf("storm %zu\n", herd_storm());
			fflush(stdout);
			break;
		default:
			stop = true;
		}
	}
	return stop;
}

static void loop(int ep, int sig)
{
	struct epoll_event got[256];
	bool announced = false;

	for (uint64_t next = 0;;) {
		int n = epoll_wait(ep, got, 256, TICK_MS);

		for (int i = 0; i < n; i++) {
			if (got[i].data.ptr)
				herd_event(got[i].data.ptr);
		}
		uint64_t now = ws_now();

		if (now >= next) {
			struct herd_state s;

			herd_tick(now);
			next = now + TICK_MS;
			if (!announced && (herd_look(&s), s.ready)) {
				announced = true;
				printf("ready %zu\n", s.connected);
				fflush(stdout);
			}
		}
		if (signals(sig) || (seconds && now - begun >= seconds * 1000ULL))
			return;
	}
}

int main(int argc, char **argv)
{
	struct epoll_event ev = {.events = EPOLLIN};
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
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	int sig = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	if (ep < 0 || sig < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, sig, &ev) != 0 ||
	    herd_init(&opt, ep) != 0)
		return 1;
	begun = ws_now();
	loop(ep, sig);
	report(true);
	return 0;
}
