/*
 * files: a temporary directory of a unit program's own, and short words for what is done in it.
 */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stubs_ctl.h"
#include "tap.h"

static char base[256], path[300]; /* the directory, and the file that most tests are about */

static inline const char *in(const char *name)
{
	static char out[4][600];
	static int turn;
	char *o = out[turn++ % 4];
	snprintf(o, 600, "%s/%s", base, name);
	return o;
}

static inline void put(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		printf("# can't write %s\n", file);
}

static inline const char *get(const char *file)
{
	static char text[4096];
	FILE *f = fopen(file, "r");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	text[n] = '\0';
	if (f)
		fclose(f);
	return f ? text : "(none)";
}

/* "name name ..." of a directory's entries, sorted, dot files too. */
static inline const char *list(const char *dir)
{
	static char out[4096];
	char cmd[800];
	snprintf(cmd, sizeof cmd, "ls -A '%s' | tr '\\n' ' '", dir);
	FILE *f = popen(cmd, "r");
	size_t n = f ? fread(out, 1, sizeof out - 1, f) : 0;
	out[n] = '\0';
	if (f)
		pclose(f);
	return out;
}

static inline void said_is(const char *file, const char *what, const char *title)
{
	char want[2048];
	snprintf(want, sizeof want, "%s: %s\n", file, what);
	is(said, want, title);
}

static inline void clean(void)
{
	char cmd[800];
	snprintf(cmd, sizeof cmd, "rm -rf '%s'; mkdir '%s'", base, base);
	if (system(cmd) != 0)
		printf("# can't clean %s\n", base);
}

static inline bool files_open(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(base, sizeof base, "%s/wscale-files.XXXXXX", tmp ? tmp : "/tmp");
	snprintf(path, sizeof path, "%s", mkdtemp(base) ? base : "");
	strncat(path, "/t.yaml", sizeof path - strlen(path) - 1);
	return base[0] == '/' && access(base, W_OK) == 0;
}

static inline void files_close(void)
{
	rmdir(base);
}

#endif
