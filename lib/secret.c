/*
 * secret: files that hold one secret. The only module that reads them; nothing of their content
 * ever goes into a message. Must know neither what a secret is for nor who may have it.
 */
#include "secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errs.h"

static char *join(const char *dir, size_t dir_len, const char *file)
{
	char *out;
	return asprintf(&out, "%.*s/%s", (int)dir_len, dir, file) < 0 ? NULL : out;
}

char *secret_path(const char *config_path, const char *file)
{
	if (*file == '/')
		return strdup(file);
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	if (dir && *dir) {
		char *path = join(dir, strlen(dir), file);
		if (!path || access(path, F_OK) == 0)
			return path;
		free(path);
	}
	const char *slash = config_path ? strrchr(config_path, '/') : NULL;
	return slash ? join(config_path, (size_t)(slash - config_path), file) : strdup(file);
}

static void add_errno(struct errs *errs, int line, int col, const char *path, int error)
{
	const char *s = strerror(error);
	errs_add(errs, line, col, "%s: %c%s", path, tolower((unsigned char)*s), *s ? s + 1 : "");
}

/* Up to size bytes; -1 with errno. */
static ssize_t read_some(int fd, char *p, size_t size)
{
	size_t got = 0;
	while (got < size) {
		ssize_t n = read(fd, p + got, size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* The first line's length, or -1 with an error. */
static ssize_t first_line(const char *p, size_t n, const char *path, struct errs *errs, int line,
                          int col)
{
	const char *lf = memchr(p, '\n', n);
	size_t len = lf ? (size_t)(lf - p) : n;
	if (len && p[len - 1] == '\r')
		len--;
	if (len == 0)
		errs_add(errs, line, col, "%s: the first line is empty", path);
	else if (len > SECRET_MAX)
		errs_add(errs, line, col, "%s: the first line is longer than %d bytes", path,
		         SECRET_MAX);
	else if (memchr(p, '\0', len))
		errs_add(errs, line, col, "%s: the first line holds a NUL", path);
	else
		return (ssize_t)len;
	return -1;
}

char *secret_read(const char *config_path, const char *file, size_t *len, struct errs *errs,
                  int line, int col)
{
	char text[SECRET_MAX +
	          3]; /* a line of SECRET_MAX, CR LF, and one to see that there is more */
	char *path = secret_path(config_path, file), *out = NULL;
	struct stat st;
	int fd = -1;
	ssize_t n;

	if (!path) {
		errs_add(errs, line, col, "out of memory");
		return NULL;
	}
	/* O_NONBLOCK: a FIFO must not stop the start; it is refused below. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st)) {
		add_errno(errs, line, col, path, errno);
		goto done;
	}
	if (!S_ISREG(st.st_mode)) {
		errs_add(errs, line, col, "%s: not a regular file", path);
		goto done;
	}
	n = read_some(fd, text, sizeof text);
	if (n < 0)
		add_errno(errs, line, col, path, errno);
	else if ((n = first_line(text, (size_t)n, path, errs, line, col)) > 0) {
		out = malloc((size_t)n + 1);
		if (out) {
			memcpy(out, text, (size_t)n);
			out[n] = '\0';
			*len = (size_t)n;
		} else {
			errs_add(errs, line, col, "out of memory");
		}
	}
	explicit_bzero(text, sizeof text);
done:
	if (fd >= 0)
		close(fd);
	free(path);
	return out;
}

void secret_free(char *p, size_t len)
{
	if (!p)
		return;
	explicit_bzero(p, len);
	free(p);
}
