/*
 * persist: reads and replaces files. A file is replaced whole or not at all: temp file beside it,
 * owner, mode and extended attributes of the old one, fsync, rename, fsync of the directory.
 * Symlinks are followed, and what somebody else changed since it was read is left alone. Knows
 * nothing of what the files hold.
 */
#include "persist.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"

enum {
	READ_MAX = 16 * 1024 * 1024, /* a configuration; more is a mistake */
	LINKS_MAX = 40,              /* as the kernel's own limit */
	LEFTOVER_S = 60,             /* a write takes milliseconds */
	BASE_MAX = 200,              /* of NAME_MAX 255: room for the temp file's suffix */
};

/* strerror in the house style: lower case, and the next step where it is certain. */
static const char *why(int err, char out[static 128])
{
	const char *hint = err == EACCES || err == EPERM ? "; use sudo" : "";
	snprintf(out, 128, "%s%s", strerror(err), hint);
	out[0] = (char)tolower((unsigned char)out[0]);
	return out;
}

static uint64_t mtime_ns(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
}

static ssize_t read_some(int fd, char *p, size_t n)
{
	ssize_t got;
	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* The whole of fd, NUL-terminated; NULL with errno. */
static char *slurp(int fd, size_t expected, size_t *len)
{
	size_t cap = expected + 2, n = 0;
	char *p = malloc(cap);

	while (p) {
		ssize_t got = read_some(fd, p + n, cap - n - 1);
		if (got < 0)
			break;
		n += (size_t)got;
		if (got == 0) {
			p[n] = '\0';
			*len = n;
			return p;
		}
		if (n > READ_MAX) {
			errno = EFBIG;
			break;
		}
		if (n + 1 == cap) {
			cap *= 2;
			char *bigger = realloc(p, cap);
			if (!bigger)
				break;
			p = bigger;
		}
	}
	free(p);
	return NULL;
}

int persist_read(const char *path, bool missing_ok, struct file_text *out)
{
	*out = (struct file_text){0};
	char msg[128];
	struct stat st;
	/* O_NONBLOCK: a FIFO must not hang us before we see that it is one. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		if (errno == ENOENT && missing_ok) {
			out->p = calloc(1, 1);
			if (out->p)
				return 0;
		}
		say_error("%s: %s", path, why(errno, msg));
		return -1;
	}
	if (fstat(fd, &st) != 0)
		goto fail;
	if (!S_ISREG(st.st_mode)) {
		say_error("%s: not a regular file", path);
		close(fd);
		return -1;
	}
	if (st.st_size > READ_MAX) {
		errno = EFBIG;
		goto fail;
	}
	out->p = slurp(fd, (size_t)st.st_size, &out->len);
	if (!out->p)
		goto fail;
	close(fd);
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	out->mtime_ns = mtime_ns(&st);
	out->size = (uint64_t)st.st_size;
	out->exists = true;
	return 0;
fail:
	say_error("%s: %s", path, why(errno, msg));
	close(fd);
	return -1;
}

void persist_text_free(struct file_text *t)
{
	free(t->p);
	*t = (struct file_text){0};
}

/* Where path leads through symlinks, also where nothing is there yet. malloc'd; NULL with errno. */
static char *resolve(const char *path)
{
	char *at = strdup(path);
	for (int i = 0; at && i < LINKS_MAX; i++) {
		char link[PATH_MAX];
		ssize_t n = readlink(at, link, sizeof(link) - 1);
		if (n < 0) {
			if (errno == EINVAL || errno == ENOENT)
				return at;
			int err = errno;
			free(at);
			errno = err;
			return NULL;
		}
		link[n] = '\0';
		char *slash = strrchr(at, '/'), *next = NULL;
		if (link[0] == '/' || !slash)
			next = strdup(link);
		else if (asprintf(&next, "%.*s/%s", (int)(slash - at), at, link) < 0)
			next = NULL;
		free(at);
		at = next;
	}
	free(at);
	errno = at ? ELOOP : ENOMEM;
	return NULL;
}

/* Whether the target is still what was read: by its stat, and by its bytes, since clocks are
 * coarse. */
static bool unchanged(const char *target, const struct file_text *read_as)
{
	struct stat st;
	int fd = open(target, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT && !read_as->exists;
	bool same = false;
	if (read_as->exists && fstat(fd, &st) == 0 && st.st_dev == read_as->dev &&
	    st.st_ino == read_as->ino && mtime_ns(&st) == read_as->mtime_ns &&
	    (uint64_t)st.st_size == read_as->size) {
		size_t len = 0;
		char *now = slurp(fd, (size_t)st.st_size, &len);
		same = now && len == read_as->len && memcmp(now, read_as->p, len) == 0;
		free(now);
	}
	close(fd);
	return same;
}

/* Access lists and security labels; without them a copied mode could grant more than before. */
static int copy_xattrs(const char *from, int to)
{
	char names[4096], value[16384];
	ssize_t n = listxattr(from, names, sizeof(names));
	if (n < 0)
		return errno == ENOTSUP ? 0 : -1;
	for (char *name = names; name < names + n; name += strlen(name) + 1) {
		ssize_t len = getxattr(from, name, value, sizeof(value));
		if (len < 0 && errno == ENODATA)
			continue;
		if (len < 0)
			return -1;
		/* Only the access list is ours to insist on: labels are set by the system's policy.
		 */
		if (fsetxattr(to, name, value, (size_t)len, 0) != 0 &&
		    strcmp(name, "system.posix_acl_access") == 0)
			return -1;
	}
	return 0;
}

static int like_the_old(int fd, const char *target, const struct stat *old)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return -1;
	if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid) &&
	    fchown(fd, old->st_uid, old->st_gid) != 0)
		return -1;
	if (fchmod(fd, old->st_mode & 07777) != 0)
		return -1;
	return copy_xattrs(target, fd);
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 0 : -1; /* a directory that is writable, not readable */
	int rc = fsync(fd);
	int err = errno;
	close(fd);
	errno = err;
	return rc == 0 || err == EINVAL || err == ENOTSUP ? 0 : -1; /* file systems without it */
}

/* What is done of a replacement, so that one place can undo it. */
struct replacement {
	char *target, *dir, *temp;
	struct stat old;
	bool had_old, special; /* special: a device, a directory */
	int fd;
};

/* The target looked at, and the empty temp file beside it. -1 with errno. */
static int replacement_open(struct replacement *r, const char *path)
{
	r->target = resolve(path);
	if (!r->target)
		return -1;
	struct stat st;
	r->had_old = stat(r->target, &st) == 0;
	if (!r->had_old && errno != ENOENT)
		return -1;
	if (r->had_old)
		r->old = st;
	if (r->had_old && !S_ISREG(r->old.st_mode)) {
		r->special = true;
		return -1;
	}
	/* The directory would let us replace a file that its owner made read-only: ask the file
	 * itself. */
	if (r->had_old && faccessat(AT_FDCWD, r->target, W_OK, AT_EACCESS) != 0)
		return -1;
	const char *slash = strrchr(r->target, '/');
	const char *base = slash ? slash + 1 : r->target;
	r->dir = !slash ? strdup(".")
	                : strndup(r->target, slash == r->target ? 1 : (size_t)(slash - r->target));
	char *temp = NULL;
	if (!r->dir || asprintf(&temp, "%s/.%.*s.XXXXXX", r->dir, BASE_MAX, base) < 0) {
		errno = ENOMEM;
		return -1;
	}
	r->fd = mkostemp(temp, O_CLOEXEC);
	if (r->fd < 0) {
		int err = errno;
		free(temp);
		errno = err;
		return -1;
	}
	r->temp = temp; /* from here on it is to be unlinked */
	return 0;
}

/*
 * What a run that was killed in the middle left beside the target: named as ours are, and too old
 * to be another's that is at work.
 */
static void sweep(const struct replacement *r)
{
	const char *slash = strrchr(r->target, '/');
	const char *base = slash ? slash + 1 : r->target;
	size_t n = strlen(base) < BASE_MAX ? strlen(base) : BASE_MAX;
	DIR *dir = opendir(r->dir);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		const char *name = e->d_name;
		struct stat st;

		if (name[0] == '.' && !strncmp(name + 1, base, n) && name[n + 1] == '.' &&
		    strlen(name + n + 2) == 6 &&
		    !fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
		    time(NULL) - st.st_mtime > LEFTOVER_S)
			unlinkat(dirfd(dir), name, 0);
	}
	if (dir)
		closedir(dir);
}

static int replacement_fill(struct replacement *r, const char *text, size_t len, unsigned mode)
{
	if (write_all(r->fd, text, len) != 0)
		return -1;
	if (r->had_old ? like_the_old(r->fd, r->target, &r->old) : fchmod(r->fd, mode))
		return -1;
	if (fsync(r->fd) != 0)
		return -1;
	int rc = close(r->fd);
	r->fd = -1;
	return rc;
}

static void replacement_close(struct replacement *r)
{
	if (r->fd >= 0)
		close(r->fd);
	if (r->temp)
		unlink(r->temp);
	free(r->temp);
	free(r->dir);
	free(r->target);
}

static int replace(const char *path, const char *text, size_t len, const struct file_text *read_as,
                   unsigned mode)
{
	struct replacement r = {.fd = -1};
	char msg[128];
	int rc = -1;

	if (replacement_open(&r, path) != 0 || replacement_fill(&r, text, len, mode) != 0)
		goto fail;
	if (read_as && !unchanged(r.target, read_as)) {
		say_error("%s: changed by someone else meanwhile; run the command again", path);
		goto out;
	}
	if (rename(r.temp, r.target) != 0)
		goto fail;
	free(r.temp);
	r.temp = NULL;
	sweep(&r);
	if (sync_dir(r.dir) != 0) {
		say_error("%s: written, but may not survive a power cut: %s", path,
		          why(errno, msg));
		goto out;
	}
	rc = 0;
	goto out;
fail:
	say_error("%s: %s; %s", path, r.special ? "not a regular file" : why(errno, msg),
	          r.had_old ? "the old file is intact" : "nothing was written");
out:
	replacement_close(&r);
	return rc;
}

int persist_write(const char *path, const char *text, size_t len, const struct file_text *read_as,
                  unsigned mode)
{
	/*
	 * A signal in these milliseconds would leave the temp file behind: it waits until we are
	 * done. SIGXFSZ comes before write's EFBIG and would end us; it can't be held back, only
	 * ignored.
	 */
	sigset_t hold, old_mask;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old_action;

	sigemptyset(&hold);
	sigaddset(&hold, SIGINT);
	sigaddset(&hold, SIGTERM);
	sigaddset(&hold, SIGHUP);
	sigaddset(&hold, SIGQUIT);
	sigaddset(&hold, SIGPIPE);
	sigprocmask(SIG_BLOCK, &hold, &old_mask);
	sigaction(SIGXFSZ, &ignore, &old_action);
	int rc = replace(path, text, len, read_as, mode);
	sigaction(SIGXFSZ, &old_action, NULL);
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
	return rc;
}
