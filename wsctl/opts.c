/*
 * opts: parses the command line by one table. Numbers, durations and rates go through lib/num, so a
 * value without its unit is an error here and not a surprise later. Knows no command.
 */
#include "opts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/near.h"
#include "../lib/num.h"
#include "cmd.h"

enum kind { FLAG, TEXT, TEXTS, U32, DURATION, RATE };

static const struct option {
	char letter; /* 0: none */
	const char *name;
	enum kind kind;
	size_t at;         /* in struct opts */
	size_t has;        /* a bool in struct opts that says it was given; 0: none */
	uint32_t min, max; /* U32 */
	bool everywhere;
} table[] = {
	{'c', "config", TEXT, offsetof(struct opts, config), 0, 0, 0, true},
	{0, "json", FLAG, offsetof(struct opts, json), 0, 0, 0, true},
	{'q', "quiet", FLAG, offsetof(struct opts, quiet), 0, 0, 0, true},
	{'h', "help", FLAG, offsetof(struct opts, help), 0, 0, 0, true},
	{0, "version", FLAG, SIZE_MAX, 0, 0, 0, true},
	{'v', "verbose", FLAG, offsetof(struct opts, verbose), 0, 0, 0, false},
	{'n', "dry-run", FLAG, offsetof(struct opts, dry_run), 0, 0, 0, false},
	{'o', "output", TEXT, offsetof(struct opts, output), 0, 0, 0, false},
	{0, "runtime", FLAG, offsetof(struct opts, runtime), 0, 0, 0, false},
	{0, "force", FLAG, offsetof(struct opts, force), 0, 0, 0, false},
	{0, "kill", FLAG, offsetof(struct opts, kill), 0, 0, 0, false},
	{0, "no-wait", FLAG, offsetof(struct opts, no_wait), 0, 0, 0, false},
	{0, "overwrite", FLAG, offsetof(struct opts, overwrite), 0, 0, 0, false},
	{0, "weight", U32, offsetof(struct opts, weight), offsetof(struct opts, has_weight), 0, 256,
         false},
	{0, "maxconn", U32, offsetof(struct opts, maxconn), offsetof(struct opts, has_maxconn), 1,
         10000000, false},
	{0, "over", DURATION, offsetof(struct opts, over_ms), 0, 0, 0, false},
	{0, "rate", RATE, offsetof(struct opts, rate), 0, 0, 0, false},
	{0, "deadline", DURATION, offsetof(struct opts, deadline_ms), 0, 0, 0, false},
	{0, "wait", DURATION, offsetof(struct opts, wait_ms), 0, 0, 0, false},
	{0, "sub", TEXT, offsetof(struct opts, sub), 0, 0, 0, false},
	{0, "subscribe", TEXT, offsetof(struct opts, subscribe), 0, 0, 0, false},
	{0, "publish", TEXT, offsetof(struct opts, publish), 0, 0, 0, false},
	{0, "from", TEXT, offsetof(struct opts, from), 0, 0, 0, false},
	{0, "skip-large", FLAG, offsetof(struct opts, skip_large), 0, 0, 0, false},
	{0, "expires", DURATION, offsetof(struct opts, expires_ms), 0, 0, 0, false},
	{0, "count", U32, offsetof(struct opts, count), 0, 1, 1000000000, false},
	{0, "for", DURATION, offsetof(struct opts, for_ms), 0, 0, 0, false},
	{0, "allow-remove", FLAG, offsetof(struct opts, allow_remove), 0, 0, 0, false},
	{0, "rollback", FLAG, offsetof(struct opts, rollback), 0, 0, 0, false},
	{0, "state", FLAG, offsetof(struct opts, state), 0, 0, 0, false},
	{0, "check", FLAG, offsetof(struct opts, check), 0, 0, 0, false},
	{0, "watch", FLAG, offsetof(struct opts, watch), 0, 0, 0, false},
	{0, "interval", DURATION, offsetof(struct opts, interval_ms), 0, 0, 0, false},
	{0, "sort", TEXT, offsetof(struct opts, sort), 0, 0, 0, false},
	{0, "exec", TEXT, offsetof(struct opts, exec), 0, 0, 0, false},
	{0, "shell", FLAG, offsetof(struct opts, shell), 0, 0, 0, false},
	{0, "reboot", FLAG, offsetof(struct opts, reboot), 0, 0, 0, false},
	{0, "max-unavailable", U32, offsetof(struct opts, max_unavailable), 0, 1, 10000, false},
	{0, "node", TEXTS, offsetof(struct opts, nodes), 0, 0, 0, false},
	{0, "listen", TEXT, offsetof(struct opts, listen), 0, 0, 0, false},
	{0, "cluster", TEXT, offsetof(struct opts, cluster), 0, 0, 0, false},
	{0, "redis", TEXT, offsetof(struct opts, redis), 0, 0, 0, false},
	{0, "bind", TEXT, offsetof(struct opts, bind), 0, 0, 0, false},
	{0, "own", TEXT, offsetof(struct opts, own), 0, 0, 0, false},
};

enum { N_OPTIONS = sizeof table / sizeof table[0] };
_Static_assert(N_OPTIONS <= 64, "parsed.seen has 64 bits");

static int fail(struct parsed *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct parsed *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->why, sizeof p->why, fmt, ap);
	va_end(ap);
	return -1;
}

/* What was typed, for messages: "--over" or "-n". */
static void spelled(const struct option *o, bool by_letter, char out[static 32])
{
	if (by_letter)
		snprintf(out, 32, "-%c", o->letter);
	else
		snprintf(out, 32, "--%s", o->name);
}

static int set(const struct option *o, const char *as, const char *value, struct opts *opts,
               struct parsed *p)
{
	char *field = (char *)opts + o->at;

	/* Of two values one would be ignored; -c may follow one of an alias. */
	if (o->kind != FLAG && o->kind != TEXTS && !o->everywhere &&
	    p->seen & (uint64_t)1 << (o - table))
		return fail(p, "%s is given twice", as);
	switch (o->kind) {
	case FLAG:
		if (o->at == SIZE_MAX)
			p->version = true;
		else
			*(bool *)field = true;
		break;
	case TEXT:
		if (!*value)
			return fail(p, "%s needs a value", as);
		memcpy(field, &value, sizeof value);
		break;
	case TEXTS:
		if (!*value)
			return fail(p, "%s needs a value", as);
		if (((struct texts *)field)->n == TEXTS_MAX)
			return fail(p, "%s is given more than %d times", as, TEXTS_MAX);
		((struct texts *)field)->v[((struct texts *)field)->n++] = value;
		break;
	case U32:
		if (num_u32(value, o->min, o->max, (uint32_t *)field))
			return fail(p, "%s %.60s is not a number from %u to %u", as, value, o->min,
			            o->max);
		break;
	case DURATION:
		if (num_duration_ms(value, (uint64_t *)field))
			return fail(p, "%s %.60s is not a duration such as 500ms, 25s or 2m", as,
			            value);
		if (!*(uint64_t *)field)
			return fail(p, "%s %.60s: it must be above 0", as, value);
		break;
	case RATE:
		if (num_rate(value, (struct rate *)field))
			return fail(p, "%s %.60s is not a rate such as 200/s or 30/m", as, value);
		break;
	}
	if (o->has)
		*((bool *)opts + o->has) = true;
	p->seen |= (uint64_t)1 << (o - table);
	return 0;
}

static int unknown(struct parsed *p, const char *as)
{
	const char *names[N_OPTIONS + 1] = {0};
	const char *near;

	for (size_t i = 0; i < N_OPTIONS; i++)
		names[i] = table[i].name;
	near = !strncmp(as, "--", 2) ? opts_nearest(as + 2, names) : NULL;
	if (near)
		return fail(p, "unknown option %.60s, did you mean --%s?", as, near);
	return fail(p, "unknown option %.60s", as);
}

/* --name, --name=value, --name value: returns how many of argv it took, or -1. */
static int parse_long(int argc, char **argv, struct opts *opts, struct parsed *p)
{
	const char *name = argv[0] + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	char as[32];

	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &table[i];

		if (strlen(o->name) != len || memcmp(o->name, name, len) != 0)
			continue;
		spelled(o, false, as);
		if (o->kind == FLAG) {
			if (eq)
				return fail(p, "%s takes no value", as);
			return set(o, as, NULL, opts, p) ? -1 : 1;
		}
		if (eq)
			return set(o, as, eq + 1, opts, p) ? -1 : 1;
		if (argc < 2)
			return fail(p, "%s needs a value", as);
		return set(o, as, argv[1], opts, p) ? -1 : 2;
	}
	snprintf(p->why, sizeof p->why, "%.*s", (int)(len + 2 < 60 ? len + 2 : 60), argv[0]);
	{
		char typed[64];

		snprintf(typed, sizeof typed, "%.60s", p->why);
		return unknown(p, typed);
	}
}

/* -n, -qn, -cFILE, -c FILE: returns how many of argv it took, or -1. */
static int parse_short(int argc, char **argv, struct opts *opts, struct parsed *p)
{
	for (const char *s = argv[0] + 1; *s; s++) {
		const struct option *o = NULL;
		char as[32];

		for (size_t i = 0; i < N_OPTIONS && !o; i++)
			if (table[i].letter == *s)
				o = &table[i];
		if (!o) {
			snprintf(as, sizeof as, "-%c", *s);
			return unknown(p, as);
		}
		spelled(o, true, as);
		if (o->kind == FLAG) {
			if (set(o, as, NULL, opts, p))
				return -1;
			continue;
		}
		if (s[1])
			return set(o, as, s + 1, opts, p) ? -1 : 1;
		if (argc < 2)
			return fail(p, "%s needs a value", as);
		return set(o, as, argv[1], opts, p) ? -1 : 2;
	}
	return 1;
}

int opts_parse(int argc, char **argv, struct opts *opts, struct parsed *p)
{
	bool ended = false;

	memset(opts, 0, sizeof *opts);
	memset(p, 0, sizeof *p);
	p->argv = calloc((size_t)argc + 1, sizeof *p->argv);
	if (!p->argv)
		return fail(p, "out of memory");
	for (int i = 0; i < argc;) {
		char *a = argv[i];
		int took;

		if (ended || a[0] != '-' || !a[1]) {
			p->argv[p->argc++] = a;
			i++;
			continue;
		}
		if (!strcmp(a, "--")) {
			ended = true;
			i++;
			continue;
		}
		took = a[1] == '-' ? parse_long(argc - i, argv + i, opts, p)
		                   : parse_short(argc - i, argv + i, opts, p);
		if (took < 0)
			return -1;
		i += took;
	}
	return 0;
}

void opts_free(struct parsed *p)
{
	free(p->argv);
	p->argv = NULL;
	p->argc = 0;
}

/* Whether text names the option as a whole word. */
static bool names(const char *text, const char *option)
{
	size_t len = strlen(option);

	for (const char *s = strstr(text, option); s; s = strstr(s + 1, option))
		if ((s == text || s[-1] == '[' || s[-1] == ' ') &&
		    (!s[len] || s[len] == ']' || s[len] == ' '))
			return true;
	return false;
}

bool opts_row(size_t i, struct opts_row *out)
{
	const struct option *o = &table[i];

	if (i >= N_OPTIONS)
		return false;
	*out = (struct opts_row){o->letter, o->name, o->kind != FLAG, o->everywhere};
	return true;
}

bool opts_taken(const struct opts_row *o, const char *takes, bool dry_run)
{
	char letter[3] = {'-', o->letter, 0}, as[32];

	snprintf(as, sizeof as, "--%s", o->name);
	return o->everywhere || (dry_run && o->letter == 'n') || names(takes, as) ||
	       (o->letter && names(takes, letter));
}

const char *opts_refused(const struct parsed *p, const char *takes, bool dry_run)
{
	static char as[32];
	struct opts_row row;

	for (size_t i = 0; opts_row(i, &row); i++) {
		if (!(p->seen & (uint64_t)1 << i) || opts_taken(&row, takes, dry_run))
			continue;
		spelled(&table[i], false, as);
		return as;
	}
	return NULL;
}

const char *opts_nearest(const char *word, const char *const *list)
{
	const char *best = NULL;
	size_t best_d = SIZE_MAX;

	for (; *list; list++) {
		size_t d = near_distance(word, *list);

		/* A beginning is what people type when they can't remember the rest. */
		if (strlen(word) >= 3 && !strncmp(*list, word, strlen(word)))
			d = 1;
		if (d < best_d) {
			best_d = d;
			best = *list;
		}
	}
	return best && best_d <= (strlen(word) > 5 ? 3 : strlen(word) > 3 ? 2 : 1) ? best : NULL;
}
