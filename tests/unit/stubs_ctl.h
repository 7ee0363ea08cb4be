/*
 * stubs_ctl: what units of wsctl say and who says it, caught instead of printed. For programs that
 * test one file of wsctl without the rest.
 */
#ifndef TESTS_STUBS_CTL_H
#define TESTS_STUBS_CTL_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../wsctl/cmd.h"

static char said[2048]; /* the errors since said_reset, one a line */

void say_error(const char *fmt, ...)
{
	size_t n = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said + n, sizeof said - n, fmt, ap);
	va_end(ap);
	n = strlen(said);
	if (n + 1 < sizeof said)
		strcpy(said + n, "\n");
}

static inline void said_reset(void)
{
	said[0] = '\0';
}

const char *whoami(void)
{
	return "admin";
}

#endif
