/*
 * roll_cmd: words and quotes as a shell has them, and nothing else that a shell has. A node's name
 * and address are put into words after these are cut, so that they can't become others.
 */
#include "roll_cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "cmd.h"

extern char **environ;

enum { WORDS_MAX = 64, POLL_MS = 200 };

static bool same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET) {
		struct sockaddr_in x, y;

		memcpy(&x, a, sizeof x);
		memcpy(&y, b, sizeof y);
		return x.sin_addr.s_addr == y.sin_addr.s_addr ||
		       (ntohl(x.sin_addr.s_addr) >> 24) == 127;
	}
	if (a->sa_family == AF_INET6) {
		struct sockaddr_in6 x, y;

		memcpy(&x, a, sizeof x);
		memcpy(&y, b, sizeof y);
		return !memcmp(&x.sin6_addr, &y.sin6_addr, sizeof x.sin6_addr);
	}
	return false;
}

bool roll_local(const struct config_node *n)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	struct ifaddrs *all = NULL;
	bool local = n->at.is_unix;

	if (!local && !getaddrinfo(n->at.host, NULL, &hints, &list) && !getifaddrs(&all))
		for (struct ifaddrs *i = all; i && !local; i = i->ifa_next)
			local = i->ifa_addr && same_host(list->ai_addr, i->ifa_addr);
	if (all)
		freeifaddrs(all);
	if (list)
		freeaddrinfo(list);
	return local;
}

/* The next word of *p into out. 1; 0: no more; -1: a quote isn't closed. */
static int word(const char **p, struct buf *out)
{
	char quote = 0;

	while (**p == ' ' || **p == '\t' || **p == '\n')
		++*p;
	if (!**p)
		return 0;
	for (; **p && (quote || !strchr(" \t\n", **p)); ++*p) {
		if (quote && **p == quote) {
			quote = 0;
		} else if (!quote && (**p == '\'' || **p == '"')) {
			quote = **p;
			buf_str(out, ""); /* '' is a word too */
		} else {
			if (**p == '\\' && quote != '\'' && (*p)[1])
				++*p;
			buf_add(out, *p, 1);
		}
	}
	return quote ? -1 : 1;
}

/* 0; -1: the word names what this node hasn't got. */
static int fill(const struct roll_cmd *c, const char *from, struct buf *out)
{
	const struct {
		const char *key, *value;
	} all[] = {{"{name}", c->name}, {"{host}", c->host}, {"{port}", c->port}};

	while (*from) {
		size_t i = 0;

		while (i < 3 && strncmp(from, all[i].key, strlen(all[i].key)) != 0)
			i++;
		if (i == 3) {
			buf_add(out, from++, 1);
			continue;
		}
		if (!*all[i].value)
			return -1;
		buf_str(out, all[i].value);
		from += strlen(all[i].key);
	}
	return 0;
}

static int cut(const char *text, struct roll_cmd *c, const char **why)
{
	size_t n = 0;
	int got;

	for (;;) {
		struct buf raw = {0}, done = {0};

		got = word(&text, &raw);
		if (got == 1 && fill(c, raw.p ? raw.p : "", &done))
			*why = "names {host} or {port}, and the node is on a Unix socket", got = -1;
		else if (got < 0)
			*why = "has a quote that isn't closed";
		buf_free(&raw);
		if (got == 1 && n + 1 < WORDS_MAX)
			c->argv[n++] = done.len ? buf_take(&done) : strdup("");
		else
			buf_free(&done);
		if (got != 1)
			break;
	}
	if (!got && !n)
		*why = "is empty";
	return got || !n ? -1 : 0;
}

int roll_cmd_make(const struct opts *o, const struct config_node *n, struct roll_cmd *c,
                  const char **why)
{
	bool local = roll_local(n);

	*c = (struct roll_cmd){.name = n->name, .shell = o->shell};
	c->argv = calloc(WORDS_MAX + 1, sizeof *c->argv);
	*why = "out of memory";
	if (!c->argv)
		return -1;
	if (!n->at.is_unix) {
		memcpy(c->host, n->at.host, sizeof c->host);
		snprintf(c->port, sizeof c->port, "%d", n->at.port);
	}
	if (o->reboot) {
		c->lost_is_fine = true;
		return cut("ssh -o BatchMode=yes root@{host} systemctl reboot", c, why);
	}
	if (o->exec && o->shell) {
		c->argv[0] = strdup("sh");
		c->argv[1] = strdup("-c");
		c->argv[2] = strdup(o->exec);
		return c->argv[0] && c->argv[1] && c->argv[2] ? 0 : -1;
	}
	return cut(o->exec ? o->exec
	           : local ? "systemctl restart wsnode@{name}"
	                   : "ssh -o BatchMode=yes root@{host} systemctl restart wsnode@{name}",
	           c, why);
}

char *roll_cmd_text(const struct roll_cmd *c)
{
	struct buf b = {0};

	for (char **a = c->argv; *a; a++) {
		bool quote = !**a || strcspn(*a, " \t\n'\"\\$*?;&|<>()") != strlen(*a);

		buf_str(&b, a == c->argv ? "" : " ");
		buf_str(&b, quote ? "'" : "");
		for (const char *p = *a; *p; p++) {
			if (*p == '\'')
				buf_str(&b, "'\\''");
			else
				buf_add(&b, p, 1);
		}
		buf_str(&b, quote ? "'" : "");
	}
	return buf_take(&b);
}

/* Each whole line of what it says, tamed, behind the node's name. */
static void relay(const char *name, struct buf *b, bool rest)
{
	char *at = b->p, *end;

	while (at && (end = strchr(at, '\n'))) {
		*end = '\0';
		tame(at);
		fprintf(stderr, "%s: %s\n", name, at);
		at = end + 1;
	}
	if (at && *at && rest) {
		tame(at);
		fprintf(stderr, "%s: %s\n", name, at);
		at += strlen(at);
	}
	if (at) {
		size_t left = strlen(at);

		memmove(b->p, at, left + 1);
		b->len = left;
	}
}

static char **environment(const struct roll_cmd *c)
{
	static char name[80], host[300], port[32];
	size_t n = 0, at = 0;
	char **env;

	while (environ[n])
		n++;
	env = calloc(n + 4, sizeof *env);
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "WSCALE_NAME=", 12) != 0 &&
		    strncmp(environ[i], "WSCALE_HOST=", 12) != 0 &&
		    strncmp(environ[i], "WSCALE_PORT=", 12) != 0)
			env[at++] = environ[i];
	snprintf(name, sizeof name, "WSCALE_NAME=%s", c->name);
	snprintf(host, sizeof host, "WSCALE_HOST=%s", c->host);
	snprintf(port, sizeof port, "WSCALE_PORT=%s", c->port);
	env[at++] = name;
	env[at++] = host;
	env[at] = port;
	return env;
}

/* -1 with errno. A process group of its own: Ctrl-C is ours to pass on. */
static pid_t start(const struct roll_cmd *c, int out)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none;
	char **env = environment(c);
	pid_t pid = -1;
	int err = ENOMEM;

	if (!env)
		goto out;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&fa, out, STDERR_FILENO);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	err = posix_spawnp(&pid, c->argv[0], &fa, &attr, c->argv, env);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
out:
	free(env);
	errno = err;
	return err ? -1 : pid;
}

/* What it says until it says no more or has ended; what it left running may keep the pipe. */
static int listen_to(const struct roll_cmd *c, pid_t pid, int in, int *status)
{
	struct buf said = {0};
	bool open = true;
	int rc = EXIT_OK, ended = 0;

	while (!ended) {
		struct pollfd p = {.fd = open ? in : -1, .events = POLLIN};
		char chunk[4096];
		ssize_t n;

		if (poll(&p, 1, POLL_MS) > 0 && (n = read(in, chunk, sizeof chunk)) >= 0) {
			open = n > 0;
			buf_add(&said, chunk, (size_t)n);
			relay(c->name, &said, false);
			continue;
		}
		ended = waitpid(pid, status, WNOHANG) == pid;
		if (!ended && interrupted() && rc == EXIT_OK) {
			kill(-pid, SIGTERM);
			rc = EXIT_INTERRUPTED;
		}
	}
	relay(c->name, &said, true);
	buf_free(&said);
	return rc;
}

int roll_cmd_run(const struct roll_cmd *c)
{
	int fds[2], status = 0, rc;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC)) {
		say_error("%s: can't make a pipe: %s", c->name, strerror(errno));
		return EXIT_FAILED;
	}
	pid = start(c, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		say_error("%s: %s: %s", c->name, c->argv[0], strerror(errno));
		close(fds[0]);
		return EXIT_FAILED;
	}
	rc = listen_to(c, pid, fds[0], &status);
	close(fds[0]);
	if (rc || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return rc;
	/* ssh says 255 when its connection ends, as it does when that host goes down. */
	if (c->lost_is_fine && WIFEXITED(status) && WEXITSTATUS(status) == 255)
		return EXIT_OK;
	if (WIFSIGNALED(status))
		say_error("%s: the command was ended by signal %d", c->name, WTERMSIG(status));
	else
		say_error("%s: the command failed with exit status %d", c->name,
		          WEXITSTATUS(status));
	return EXIT_FAILED;
}

void roll_cmd_free(struct roll_cmd *c)
{
	for (char **a = c->argv; a && *a; a++)
		free(*a);
	free(c->argv);
	*c = (struct roll_cmd){0};
}
