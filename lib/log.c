/*
 * log: one message, one line, one write(). Under systemd the journal adds time and name, so only
 * the priority stands before the text; elsewhere the program's name does.
 */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static char name[32] = "wscale";
static int max = LOG_INFO;
static bool journal;

/* systemd.exec(5): JOURNAL_STREAM is DEVICE:INODE of the stream; stderr may have been redirected.
 */
static bool stderr_is_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	struct stat st;
	char here[64];
	if (!s || fstat(STDERR_FILENO, &st))
		return false;
	snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(s, here) == 0;
}

void log_open(const char *program, int max_priority)
{
	snprintf(name, sizeof name, "%s", program);
	max = max_priority;
	journal = stderr_is_journal();
}

void log_msg(int priority, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES * 4 + 64];
	va_list ap;
	priority &= LOG_PRIMASK; /* a facility means nothing here */
	if (priority > max)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	char *o = line;
	o += journal ? sprintf(o, "<%d>", priority) : sprintf(o, "%s: ", name);
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c >= 0x20 && c < 0x7f)
			*o++ = *p;
		else
			o += sprintf(o, "\\x%02x", c);
	}
	*o++ = '\n';
	/* A log line that can't be written has nowhere to be reported. */
	ssize_t r = write(STDERR_FILENO, line, (size_t)(o - line));
	(void)r;
}
