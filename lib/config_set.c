/*
 * config_set: one scalar's text to a typed value, and the words for what is wrong with it. Pure.
 * Must not know where in the file the text stood nor what else the file says.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_keys.h"

static bool all_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0' && strlen(s) < 12;
}

/* Puts a why together and returns -1. */
__attribute__((format(printf, 2, 3))) static int fail(char *why, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, CONFIG_WHY, fmt, ap);
	va_end(ap);
	return -1;
}

/* A number alone, or something else: the example uses the writer's own number where it can. */
static int fail_unit(char *why, const char *text, const char *what, const char *unit,
                     const char *example)
{
	if (all_digits(text))
		return fail(why, "needs a unit, such as \"%s%s\"", text, unit);
	return fail(why, "is not %s, such as \"%s\"", what, example);
}

static int set_text(const struct key *k, char **p, const char *text, char *why)
{
	if (k->valid && !k->valid(text))
		return fail(why, "must be %s", k->arg);
	char *copy = strdup(text);
	if (!copy)
		return fail(why, "is too much: out of memory");
	free(*p);
	*p = copy;
	return 0;
}

static int set_bool(bool *p, const char *text, char *why)
{
	bool yes = strcmp(text, "true") == 0;
	if (!yes && strcmp(text, "false") != 0)
		return fail(why, "must be true or false");
	*p = yes;
	return 0;
}

/* "a, b or c" out of "a b c". */
static void spell_words(const char *words, char *out, size_t size)
{
	size_t len = 0;
	while (*words && len < size) {
		size_t n = strcspn(words, " ");
		const char *next = words + n + (words[n] == ' ');
		const char *sep = !*next ? "" : strchr(next, ' ') ? ", " : " or ";
		int w = snprintf(out + len, size - len, "%.*s%s", (int)n, words, sep);
		len += w > 0 ? (size_t)w : 0;
		words = next;
	}
}

/* Every enum of struct config has the size of this one. */
static int set_enum(const struct key *k, enum own *p, const char *text, char *why)
{
	char list[128] = "";
	size_t len = strlen(text);
	unsigned i = 0;
	for (const char *w = k->arg; *w; i++) {
		size_t n = strcspn(w, " ");
		if (n == len && strncmp(w, text, n) == 0) {
			memcpy(p, &i, sizeof i);
			return 0;
		}
		w += n + (w[n] == ' ');
	}
	spell_words(k->arg, list, sizeof list);
	return fail(why, "must be %s", list);
}

_Static_assert(sizeof(enum own) == sizeof(unsigned) && sizeof(enum slow) == sizeof(unsigned) &&
                       sizeof(enum may_publish) == sizeof(unsigned),
               "set_enum writes an unsigned");

static int set_duration(const struct key *k, uint64_t *p, const char *text, char *why)
{
	uint64_t v;
	char lo[24], hi[24];
	if (num_duration_ms(text, &v))
		return fail_unit(why, text, "a duration", "s", "25s");
	if (v < k->min || v > k->max)
		return fail(why, "must be from %s to %s", num_duration_str(k->min, lo),
		            num_duration_str(k->max, hi));
	*p = v;
	return 0;
}

static int set_size(const struct key *k, uint64_t *p, const char *text, char *why)
{
	uint64_t v;
	char lo[24], hi[24];
	if (num_size(text, &v))
		return fail_unit(why, text, "a size", "KiB", "64KiB");
	if (v < k->min || v > k->max)
		return fail(why, "must be from %s to %s", num_size_str(k->min, lo),
		            num_size_str(k->max, hi));
	*p = v;
	return 0;
}

static int set_bind(struct endpoint *p, const char *text, char *why)
{
	struct endpoint e;
	const char *what;
	if (all_digits(text) && strlen(text) < 6)
		return fail(why, "needs a colon before the port: \":%s\"", text);
	if (endpoint_parse(text, true, &e, &what))
		return fail(why, "%s", what);
	if (e.is_unix)
		return fail(why, "must be an address and a port, such as \":80\"");
	*p = e;
	return 0;
}

int config_set(const struct key *k, void *base, const char *text, char why[static CONFIG_WHY])
{
	void *p = (char *)base + k->at;
	const char *what;
	switch (k->type) {
	case KEY_CLUSTER:
		if (!cluster_valid(text))
			return fail(why, "must be 1 to %d of a-z, 0-9 and -", CLUSTER_MAX);
		memcpy(p, text, strlen(text) + 1);
		return 0;
	case KEY_TEXT:
	case KEY_VERBATIM:
		return set_text(k, p, text, why);
	case KEY_BOOL:
		return set_bool(p, text, why);
	case KEY_ENUM:
		return set_enum(k, p, text, why);
	case KEY_WORD:
		if (strcmp(text, k->arg) != 0)
			return fail(why, "must be \"%s\"", k->arg);
		*(bool *)p = true;
		return 0;
	case KEY_U32:
		if (num_u32(text, (uint32_t)k->min, (uint32_t)k->max, p))
			return fail(why, "must be a whole number from %u to %u", (unsigned)k->min,
			            (unsigned)k->max);
		return 0;
	case KEY_DURATION:
		return set_duration(k, p, text, why);
	case KEY_SIZE:
		return set_size(k, p, text, why);
	case KEY_RATE:
		return num_rate(text, p) ? fail_unit(why, text, "a rate", "/s", "200/s") : 0;
	case KEY_BIND:
		return set_bind(p, text, why);
	case KEY_ADDRESS:
		return endpoint_parse(text, false, p, &what) ? fail(why, "%s", what) : 0;
	case KEY_REDIS:
		return redis_url_parse(text, p, &what) ? fail(why, "%s", what) : 0;
	default:
		return fail(why, "has a value of the wrong kind");
	}
}
