/*
 * tap: the Test Anything Protocol for unit programs: one "ok" line a promise, the plan at the end.
 * A failed one shows file and line, and what was there instead where it is text.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_n, tap_failed;

static inline bool tap_ok(bool good, const char *file, int line, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_n, name);
	if (!good) {
		printf("# %s:%d\n", file, line);
		tap_failed++;
	}
	return good;
}

static inline void tap_show(const char *what, const char *text)
{
	printf("# %s: ", what);
	for (; text && *text; text++) {
		putchar(*text == '\r' ? '~' : *text);
		if (*text == '\n')
			fputs("#   ", stdout);
	}
	puts(text ? "" : "(null)");
}

static inline bool tap_str(const char *got, const char *want, const char *file, int line,
                           const char *name)
{
	bool same = got && want ? strcmp(got, want) == 0 : got == want;
	tap_ok(same, file, line, name);
	if (!same) {
		tap_show("want", want);
		tap_show("got", got);
	}
	return same;
}

#define ok(cond, name) tap_ok((cond), __FILE__, __LINE__, (name))
#define is(got, want, name) tap_str((got), (want), __FILE__, __LINE__, (name))

/* A promise that can't be put to the test on this machine. */
static inline void tap_skip(const char *name, const char *why)
{
	printf("ok %d - %s # skip %s\n", ++tap_n, name, why);
}

/* The plan; main returns it. */
static inline int tap_done(void)
{
	printf("1..%d\n", tap_n);
	return tap_failed ? 1 : 0;
}

#endif
