/*
 * reach_ssh: one ssh process with `wsctl relay` at its other end: its three pipes, and what it says
 * on stderr. Knows nothing of what goes through the pipes.
 */
#ifndef WSCTL_REACH_SSH_H
#define WSCTL_REACH_SSH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ssh {
	pid_t pid;        /* 0: not running */
	int in, out, err; /* our ends, non-blocking; -1: closed */
	char said[400];   /* the end of what it said */
	size_t n_said;
};

void ssh_init(struct ssh *);
/* 0, or -1 with errno. */
int ssh_start(struct ssh *, const char *target);
/* Keeps this too: what a login there printed. */
void ssh_hear(struct ssh *, const char *p, size_t n);
/* Reads what is on stderr now. */
void ssh_listen(struct ssh *);
/* Closes its input: it ends by itself. */
void ssh_leave(struct ssh *);
/*
 * Ends it: its input first, then, if now is given, a signal, and after wait_ms one that it can't
 * refuse. The exit status, -1 when a signal ended it. What it said stays.
 */
int ssh_end(struct ssh *, int now, uint64_t wait_ms);
/* Its last line, tamed, without its name; NULL: it said nothing. Borrowed. */
const char *ssh_words(struct ssh *);

#endif
