/*
 * reach_ssh: a process in a session of its own, so that Ctrl-C, which it would die of, reaches us
 * alone and what was begun can be ended; and so that ssh finds no terminal to ask for a password
 * at.
 */
#include "reach_ssh.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "hap.h"

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void ssh_init(struct ssh *s)
{
	*s = (struct ssh){.in = -1, .out = -1, .err = -1};
}

void ssh_hear(struct ssh *s, const char *p, size_t n)
{
	const size_t most = sizeof s->said - 1;

	if (n > most) {
		p += n - most;
		n = most;
	}
	if (s->n_said + n > most) {
		size_t drop = s->n_said + n - most;

		memmove(s->said, s->said + drop, s->n_said - drop);
		s->n_said -= drop;
	}
	memcpy(s->said + s->n_said, p, n);
	s->n_said += n;
	s->said[s->n_said] = '\0';
}

void ssh_listen(struct ssh *s)
{
	char chunk[1024];
	ssize_t n = s->err < 0 ? 0 : read(s->err, chunk, sizeof chunk);

	if (n > 0)
		ssh_hear(s, chunk, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		shut(&s->err);
}

const char *ssh_words(struct ssh *s)
{
	char *end = s->said + s->n_said, *at, *line;

	while (end > s->said && (isspace((unsigned char)end[-1]) || end[-1] == '\0'))
		*--end = '\0';
	at = end;
	while (at > s->said && at[-1] != '\n')
		at--;
	line = !strncmp(at, "ssh: ", 5) ? at + 5 : at;
	tame(line);
	return *line ? line : NULL;
}

/* Never returns. */
static void child(const char *target, const int in[2], const int out[2], const int err[2])
{
	static const char none[] = "ssh is not installed here\n";

	setsid();
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(err[1], 2) < 0)
		_exit(126);
	execlp("ssh", "ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o",
	       "ServerAliveInterval=5", "-o", "ServerAliveCountMax=2", "-o",
	       "ClearAllForwardings=yes", "--", target, "wsctl", "relay", (char *)NULL);
	if (errno != ENOENT || write(2, none, sizeof none - 1) < 0)
		_exit(126);
	_exit(127);
}

int ssh_start(struct ssh *s, const char *target)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, kept;

	ssh_init(s);
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		goto fail;
	s->pid = fork();
	if (s->pid == 0)
		child(target, in, out, err);
	if (s->pid < 0)
		goto fail;
	close(in[0]);
	close(out[1]);
	close(err[1]);
	s->in = in[1];
	s->out = out[0];
	s->err = err[0];
	fcntl(s->in, F_SETFL, O_NONBLOCK);
	fcntl(s->out, F_SETFL, O_NONBLOCK);
	fcntl(s->err, F_SETFL, O_NONBLOCK);
	return 0;
fail:
	kept = errno;
	s->pid = 0;
	for (int i = 0; i < 2; i++) {
		shut(&in[i]);
		shut(&out[i]);
		shut(&err[i]);
	}
	errno = kept;
	return -1;
}

void ssh_leave(struct ssh *s)
{
	shut(&s->in);
}

int ssh_end(struct ssh *s, int now, uint64_t wait_ms)
{
	uint64_t until = now_ms() + wait_ms;
	int status = -1;
	size_t had;
	pid_t got = 0;

	ssh_leave(s);
	if (s->pid && now)
		kill(-s->pid, SIGTERM);
	while (s->pid && (got = waitpid(s->pid, &status, WNOHANG)) == 0 && now_ms() < until) {
		ssh_listen(s);
		usleep(2000);
	}
	if (s->pid && got == 0) {
		kill(-s->pid, SIGKILL);
		while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
			;
		status = -1;
	}
	s->pid = 0;
	/* The rest of what it said; another process may hold the pipe open. */
	do {
		had = s->n_said;
		ssh_listen(s);
	} while (s->err >= 0 && s->n_said != had && s->n_said < sizeof s->said - 1);
	shut(&s->out);
	shut(&s->err);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
