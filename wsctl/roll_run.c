/*
 * roll_run: starts a roll's command, relays what it says, and ends it at Ctrl-C. No shell between.
 */
#include "roll_run.h"

#include <errno.h>
#include <fcntl.h>
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
#include "persist.h"
#include "roll_cmd.h"

extern char **environ;

enum { POLL_MS = 200 };

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

		locks_keep();
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

int roll_run(const struct roll_cmd *c, int *status_out)
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
	if (status_out)
		*status_out = status;
	if (rc || status_out || (WIFEXITED(status) && !WEXITSTATUS(status)))
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
