/*
 * doctor: the table of checks, and what all checks share: the list of findings, names in a row, and
 * reading "KEY: VALUE" lines. Pure.
 */
#include "doctor.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/grow.h"
#include "../lib/num.h"

enum { NAMES_SHOWN = 5 };

/* In the order in which an operator would go about it. */
static const struct check {
	const char *name;
	void (*judge)(const struct doctor_facts *, struct findings *);
} checks[] = {
	{"haproxy", check_haproxy},
	{"haproxy-nofile", check_haproxy_nofile},
	{"haproxy-version", check_haproxy_version},
	{"haproxy-threads", check_haproxy_threads},
	{"haproxy-loaded", check_haproxy_loaded},
	{"ping", check_ping},
	{"sockets", check_sockets},
	{"ports", check_ports},
	{"conntrack", check_conntrack},
	{"somaxconn", check_somaxconn},
	{"secrets", check_secrets},
	{"files", check_files},
	{"redis", check_redis},
	{"redis-access", check_redis_access},
	{"redis-buffers", check_redis_buffers},
	{"redis-memory", check_redis_memory},
	{"redis-disk", check_redis_disk},
	{"redis-servers", check_redis_servers},
	{"nodes", check_nodes},
	{"nodes-nofile", check_nodes_nofile},
	{"nodes-config", check_nodes_config},
	{"nodes-version", check_nodes_version},
	{"clock", check_clock},
};

void doctor_judge(const struct doctor_facts *f, struct findings *out)
{
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		out->check = checks[i].name;
		checks[i].judge(f, out);
	}
}

void findings_free(struct findings *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].what);
		free(l->v[i].why);
		free(l->v[i].mend);
	}
	free(l->v);
	memset(l, 0, sizeof *l);
}

__attribute__((format(printf, 3, 0))) static void set(struct findings *l, char **field,
                                                      const char *fmt, va_list ap)
{
	if (vasprintf(field, fmt, ap) < 0) {
		*field = NULL;
		l->oom = true;
	}
}

void found(struct findings *l, enum doctor_level level, const char *fmt, ...)
{
	struct finding *v = grow(l->v, l->n, sizeof *v);
	va_list ap;

	if (!v) {
		l->oom = true;
		return;
	}
	l->v = v;
	v[l->n] = (struct finding){.check = l->check, .level = level};
	va_start(ap, fmt);
	set(l, &v[l->n++].what, fmt, ap);
	va_end(ap);
}

void found_why(struct findings *l, const char *fmt, ...)
{
	va_list ap;

	if (l->oom || !l->n)
		return;
	va_start(ap, fmt);
	set(l, &l->v[l->n - 1].why, fmt, ap);
	va_end(ap);
}

void found_mend(struct findings *l, const char *fmt, ...)
{
	va_list ap;

	if (l->oom || !l->n)
		return;
	va_start(ap, fmt);
	set(l, &l->v[l->n - 1].mend, fmt, ap);
	va_end(ap);
}

void names_add(struct doctor_names *l, const char *name)
{
	if (l->n++ < NAMES_SHOWN)
		buf_printf(&l->b, "%s%s", l->n > 1 ? ", " : "", name);
}

const char *names_str(struct doctor_names *l)
{
	if (l->n > NAMES_SHOWN) {
		buf_printf(&l->b, " and %zu more", l->n - NAMES_SHOWN);
		l->n = NAMES_SHOWN; /* said once */
	}
	return l->b.p && !l->b.oom ? l->b.p : "";
}

void names_free(struct doctor_names *l)
{
	buf_free(&l->b);
	l->n = 0;
}

const char *doctor_field(const char *text, const char *key, char out[static DOCTOR_FIELD])
{
	size_t len = strlen(key);

	out[0] = '\0';
	for (const char *l = text; l && *l; l += strcspn(l, "\n"), l += *l == '\n') {
		if (strncmp(l, key, len) != 0 || l[len] != ':')
			continue;
		l += len + 1;
		l += strspn(l, " ");
		snprintf(out, DOCTOR_FIELD, "%.*s", (int)strcspn(l, "\r\n"), l);
		break;
	}
	return out;
}

int64_t doctor_number(const char *text, const char *key)
{
	char s[DOCTOR_FIELD];
	uint64_t n;

	return num_u64(doctor_field(text, key, s), 0, INT64_MAX, &n) ? -1 : (int64_t)n;
}

const char *doctor_reason(int error, char out[static DOCTOR_FIELD])
{
	snprintf(out, DOCTOR_FIELD, "%s", strerror(error));
	out[0] = (char)tolower((unsigned char)out[0]);
	return out;
}

char *doctor_word(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+=,-";
	struct buf b = {0};

	if (*s && !s[strspn(s, plain)]) {
		buf_str(&b, s);
	} else {
		buf_str(&b, "'");
		for (; *s; s++)
			if (*s == '\'')
				buf_str(&b, "'\\''");
			else
				buf_add(&b, s, 1);
		buf_str(&b, "'");
	}
	return buf_take(&b);
}

bool doctor_keeps(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->channels.n_rules; i++)
		if (cfg->channels.rules[i].history_size)
			return true;
	return false;
}
