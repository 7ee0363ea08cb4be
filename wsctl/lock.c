/*
 * lock: who may change things now. Open file description locks on files in state_dir: they end with
 * the process however it ends, and the files are never unlinked, since a lock on an unlinked file
 * keeps nobody out. The text in a file is for people: it names the holder.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "hap.h"
#include "lock_far.h"
#include "persist.h"

enum { TEXT_MAX = LOCK_WHO, POLL_MS = 20 };

static void complain(const char *path, const char *what, int err)
{
	char msg[128];
	snprintf(msg, sizeof(msg), "%s", strerror(err));
	msg[0] = (char)tolower((unsigned char)msg[0]);
	if (err == EACCES || err == EPERM)
		say_error("%s: can't %s: %s; use sudo, or set haproxy.state_dir", path, what, msg);
	else
		say_error("%s: can't %s: %s; see haproxy.state_dir", path, what, msg);
}

static int open_file(const struct config *cfg, const char *name)
{
	const char *dir = cfg->haproxy.state_dir;
	char path[PATH_MAX];

	if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
		complain(dir, "make the directory", errno);
		return -1;
	}
	int n = snprintf(path, sizeof(path), "%s/lock-%s", dir, name);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		complain(dir, "make a lock there", ENAMETOOLONG);
		return -1;
	}
	/* O_NOFOLLOW: the text is written through it. */
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0644);
	if (fd < 0)
		complain(path, "lock", errno);
	return fd;
}

/* 0 taken, 1 held by another, -1 with errno. */
static int try_lock(int fd)
{
	struct flock lk = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int rc;
	do
		rc = fcntl(fd, F_OFD_SETLK, &lk);
	while (rc != 0 && errno == EINTR);
	if (rc == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? 1 : -1;
}

/* "admin@lb1 (pid 4211, add ws4)" */
static void holder(const char *doing, char out[static TEXT_MAX])
{
	char host[65] = "";
	if (gethostname(host, sizeof(host) - 1) != 0)
		strcpy(host, "?");
	if (snprintf(out, TEXT_MAX, "%s@%s (pid %ld, %s)", whoami(), host, (long)getpid(), doing) <
	    0)
		out[0] = '\0';
}

static void sign(int fd, const char *text)
{
	/* On a full disk the lock still holds; only the holder's name is missing. */
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0 ||
	    pwrite(fd, "\n", 1, (off_t)strlen(text)) < 0)
		return;
}

static void read_holder(int fd, char text[static TEXT_MAX])
{
	ssize_t n = pread(fd, text, TEXT_MAX - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	for (char *p = text; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = '?';
	if (!text[0])
		snprintf(text, TEXT_MAX, "another wsctl");
}

static void say_held(int fd)
{
	char text[TEXT_MAX];
	read_holder(fd, text);
	say_error("locked by %s", text);
}

int lock_take(const struct config *cfg, const char *name, const char *doing, uint64_t wait_ms,
              struct lock *out)
{
	char text[TEXT_MAX];
	*out = (struct lock){.fd = -1};
	int fd = open_file(cfg, name);
	if (fd < 0)
		return EXIT_FAILED;
	uint64_t until = now_ms() + wait_ms;
	int rc;
	while ((rc = try_lock(fd)) == 1 && now_ms() < until)
		if (pause_ms(POLL_MS) != 0) {
			close(fd);
			return EXIT_INTERRUPTED;
		}
	if (rc == 0) {
		holder(doing, text);
		sign(fd, text);
		out->fd = fd;
		if (cfg->haproxy.n_balancers > 1)
			rc = lock_far_take(cfg, name, text, until, out);
		if (rc)
			lock_drop(out);
		return rc;
	}
	if (rc == 1)
		say_held(fd);
	else
		complain(cfg->haproxy.state_dir, "lock", errno);
	close(fd);
	return rc == 1 ? EXIT_LATER : EXIT_FAILED;
}

void lock_drop(struct lock *l)
{
	if (l->fd < 0)
		return;
	lock_far_drop(l);
	/* The name goes before the lock, so that the next holder's text is never wiped. */
	if (ftruncate(l->fd, 0) != 0)
		errno = 0;
	close(l->fd);
	l->fd = -1;
}

bool lock_who(const struct config *cfg, const char *name, char who[static LOCK_WHO])
{
	struct flock lk = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/lock-%s", cfg->haproxy.state_dir, name);
	bool held;

	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	/* For reading only: who looks needn't be root. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	held = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lk) == 0 && lk.l_type != F_UNLCK;
	if (held)
		read_holder(fd, who);
	else if (cfg->haproxy.n_balancers > 1)
		held = lock_far_who(cfg, name, fd, who);
	if (fd >= 0)
		close(fd);
	return held;
}

int lock_rolled(const struct config *cfg, const char *node)
{
	char name[80], who[LOCK_WHO];

	snprintf(name, sizeof(name), "roll-%s", node);
	if (!lock_who(cfg, name, who))
		return EXIT_OK;
	say_error("locked by %s", who);
	return EXIT_LATER;
}
