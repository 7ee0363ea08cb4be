/*
 * say: how wsctl talks: errors and notes on stderr, one JSON object on stdout, the audit line to
 * syslog. Texts may hold what a node or HAProxy sent, so control bytes are replaced before they
 * reach a terminal. Knows no command.
 */
#include <errno.h>
#include <jansson.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/envelope.h"
#include "../lib/errs.h"
#include "cmd.h"

static char *first_error;
static bool json_done;
static struct buf *into;

/* Terminals take U+0080 to U+009F for control bytes too; what is no UTF-8 JSON can't carry. */
void tame(char *s)
{
	bool utf8 = utf8_valid((const uint8_t *)s, strlen(s));

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
			*s = '?';
		else if (c == 0xc2 && (unsigned char)s[1] < 0xa0)
			*s = s[1] = '?';
	}
}

__attribute__((format(printf, 2, 0))) static void line(const char *prefix, const char *fmt,
                                                       va_list ap, char **keep)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	tame(text);
	if (into) {
		buf_printf(into, "%s\n", text);
		free(text);
		return;
	}
	fprintf(stderr, "%s%s\n", prefix, text);
	if (keep && !*keep)
		*keep = text;
	else
		free(text);
}

void say_into(struct buf *b)
{
	into = b;
}

void say_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("wsctl: ", fmt, ap, &first_error);
	va_end(ap);
}

void say(const struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (r && r->opts.quiet)
		return;
	va_start(ap, fmt);
	line("", fmt, ap, NULL);
	va_end(ap);
}

void say_errs(const struct errs *e, const char *file)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct err *x = &e->v[i];

		if (file && x->line)
			say_error("%s:%d:%d: %s", file, x->line, x->col, x->msg);
		else if (file)
			say_error("%s: %s", file, x->msg);
		else
			say_error("%s", x->msg);
	}
}

bool said_error(const char **out)
{
	*out = first_error;
	return first_error != NULL;
}

void say_json(struct json_t *o)
{
	json_t *out = json_pack("{s:i, s:b}", "version", 1, "ok", 1);

	if (!o || !out || json_object_update(out, o)) {
		json_decref(o);
		json_decref(out);
		say_error("out of memory");
		return;
	}
	json_dumpf(out, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(o);
	json_decref(out);
	json_done = true;
}

bool said_json(void)
{
	return json_done;
}

const char *whoami(void)
{
	static char name[64];
	const char *from = getenv("SUDO_USER");

	if (name[0])
		return name;
	if (!from || !*from) {
		struct passwd *pw = getpwuid(getuid());

		from = pw ? pw->pw_name : NULL;
	}
	if (from && *from)
		snprintf(name, sizeof name, "%s", from);
	else
		snprintf(name, sizeof name, "uid %u", (unsigned)getuid());
	/* It comes from the environment and goes into files and logs. */
	for (char *s = name; *s; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f)
			*s = '_';
	return name;
}

void audit(const char *what, const char *node, const char *before, const char *after)
{
	openlog("wsctl", LOG_PID, LOG_DAEMON);
	syslog(LOG_NOTICE, "%s: %s %s: %s -> %s", whoami(), what, node, before ? before : "-",
	       after ? after : "-");
	closelog();
}
