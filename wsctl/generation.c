/*
 * generation: directories with ascending numbers, each made whole beside them and then renamed, so
 * that one that is there is complete. The YAML holds no secrets; these have its mode's own.
 */
#include "generation.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/num.h"
#include "cmd.h"
#include "persist.h"
#include "render.h"

enum { KEPT = 5, PATHS = PATH_MAX };

#define YAML "wscale.yaml"
#define RENDERED "haproxy.cfg"
#define NEW ".new"

static int complain(const char *path, const char *what)
{
	say_error("%s: can't %s: %s", path, what, strerror(errno));
	return -1;
}

/* STATE_DIR/generations, and what is in it. 0; -1: the path is too long, printed. */
static int at(const struct config *cfg, char out[static PATHS], const char *name, const char *file)
{
	int n = snprintf(out, PATHS, "%s/generations%s%s%s%s", cfg->haproxy.state_dir,
	                 *name ? "/" : "", name, *file ? "/" : "", file);

	if (n > 0 && n < PATHS)
		return 0;
	say_error("%s: the path is too long", cfg->haproxy.state_dir);
	return -1;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Ascending. How many, or -1, printed. */
static long list(const struct config *cfg, uint64_t **out)
{
	char path[PATHS];
	uint64_t *v = NULL;
	long n = 0;
	DIR *dir;

	*out = NULL;
	if (at(cfg, path, "", ""))
		return -1;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : complain(path, "read the directory");
	for (struct dirent *e; (e = readdir(dir));) {
		uint64_t number, *more;

		if (num_u64(e->d_name, 1, INT64_MAX, &number))
			continue;
		more = realloc(v, ((size_t)n + 1) * sizeof *v);
		if (!more) {
			say_error("out of memory");
			free(v);
			closedir(dir);
			return -1;
		}
		v = more;
		v[n++] = number;
	}
	closedir(dir);
	if (n)
		qsort(v, (size_t)n, sizeof *v, by_number);
	*out = v;
	return n;
}

static void name_of(uint64_t number, char out[static 24])
{
	snprintf(out, 24, "%llu", (unsigned long long)number);
}

/* With whatever a killed write has left in it. */
static int drop(const struct config *cfg, const char *name)
{
	char path[PATHS], file[PATHS];
	struct dirent *e;
	DIR *dir;
	int rc = 0;

	if (at(cfg, path, name, ""))
		return -1;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : complain(path, "read the directory");
	while (!rc && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    (rc = at(cfg, file, name, e->d_name)) == 0 && unlink(file))
			rc = complain(file, "remove it");
	closedir(dir);
	return !rc && rmdir(path) ? complain(path, "remove it") : rc;
}

static int read_one(const struct config *cfg, uint64_t number, const char *file,
                    struct file_text *out)
{
	char path[PATHS], name[24];

	name_of(number, name);
	return at(cfg, path, name, file) ? -1 : persist_read(path, true, out);
}

static bool same(const struct file_text *a, const char *text, size_t len)
{
	return a->exists && a->len == len && !memcmp(a->p, text, len);
}

/* Is the generation made of these? */
static bool holds(const struct config *cfg, uint64_t number, const struct file_text *yaml,
                  const char *rendered)
{
	struct file_text a = {0}, b = {0};
	bool is = !read_one(cfg, number, YAML, &a) && same(&a, yaml->p, yaml->len) &&
	          !read_one(cfg, number, RENDERED, &b) && same(&b, rendered, strlen(rendered));

	persist_text_free(&a);
	persist_text_free(&b);
	return is;
}

static int make(const struct config *cfg, uint64_t number, const struct file_text *yaml,
                const char *rendered)
{
	char dir[PATHS], fresh[PATHS], path[PATHS], name[24];
	struct stat st;
	unsigned mode = stat(cfg->path, &st) ? 0600 : st.st_mode & 0666;

	name_of(number, name);
	if (at(cfg, dir, "", ""))
		return -1;
	if ((mkdir(cfg->haproxy.state_dir, 0755) && errno != EEXIST) ||
	    (mkdir(dir, 0755) && errno != EEXIST))
		return complain(dir, "make the directory");
	if (drop(cfg, NEW) || at(cfg, fresh, NEW, ""))
		return -1;
	if (mkdir(fresh, 0755))
		return complain(fresh, "make the directory");
	if (at(cfg, path, NEW, YAML) || persist_write(path, yaml->p, yaml->len, NULL, mode) ||
	    at(cfg, path, NEW, RENDERED) ||
	    persist_write(path, rendered, strlen(rendered), NULL, mode) || at(cfg, path, name, ""))
		return -1;
	return rename(fresh, path) ? complain(path, "make it") : 0;
}

int generation_keep(const struct config *cfg)
{
	struct file_text yaml = {0};
	uint64_t *v = NULL;
	char *rendered = NULL, name[24];
	struct stat st;
	long n;
	int rc = -1;

	/* A YAML from a pipe is somebody else's to keep. */
	if (stat(cfg->path, &st) || !S_ISREG(st.st_mode))
		return 0;
	n = list(cfg, &v);
	rendered = render(cfg);
	if (n < 0 || persist_read(cfg->path, false, &yaml))
		goto out;
	if (!rendered) {
		say_error("out of memory");
		goto out;
	}
	rc = 0;
	if (n && holds(cfg, v[n - 1], &yaml, rendered))
		goto out;
	rc = make(cfg, n ? v[n - 1] + 1 : 1, &yaml, rendered);
	for (long i = 0; !rc && i < n + 1 - KEPT; i++) {
		name_of(v[i], name);
		rc = drop(cfg, name);
	}
out:
	free(rendered);
	free(v);
	persist_text_free(&yaml);
	return rc;
}

int generation_before(const struct config *cfg, struct file_text *yaml, uint64_t *number)
{
	struct file_text now = {0};
	uint64_t *v = NULL;
	long n = list(cfg, &v), i = n - 1;
	int rc = -1;

	*yaml = (struct file_text){0};
	if (n < 0 || persist_read(cfg->path, false, &now))
		goto out;
	if (i >= 0 && read_one(cfg, v[i], YAML, yaml))
		goto out;
	if (i >= 0 && same(yaml, now.p, now.len)) {
		persist_text_free(yaml);
		if (--i >= 0 && read_one(cfg, v[i], YAML, yaml))
			goto out;
	}
	if (i < 0 || !yaml->exists) {
		say_error("%s/generations: no generation to go back to; apply keeps the last %d",
		          cfg->haproxy.state_dir, KEPT);
		goto out;
	}
	*number = v[i];
	rc = 0;
out:
	if (rc)
		persist_text_free(yaml);
	persist_text_free(&now);
	free(v);
	return rc;
}

int generation_cut(const struct config *cfg, uint64_t number)
{
	uint64_t *v;
	long n = list(cfg, &v);
	int rc = n < 0 ? -1 : 0;

	for (long i = 0; i < n; i++) {
		char name[24];

		name_of(v[i], name);
		if (v[i] > number && drop(cfg, name))
			rc = -1;
	}
	free(v);
	return rc;
}
