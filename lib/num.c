/*
 * num: text to numbers and back, strictly. Pure. Units are spelled exactly as the manual spells
 * them: "64kb" is refused, never guessed at.
 */
#include "num.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const uint64_t DURATION_MAX = UINT64_C(365) * 86400000;
static const uint64_t RATE_INTERVAL_MAX = 86400000;
static const uint32_t RATE_COUNT_MAX = 1000000000;

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first: the printers take the first that divides. */
static const struct unit sizes[] = {
	{"GiB", UINT64_C(1) << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {NULL, 0}};
static const struct unit times[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000},
                                    {"s", 1000},     {"ms", 1},      {NULL, 0}};

/* The digits at s, up to the first other byte, which *end gets. */
static int digits(const char *s, uint64_t *out, const char **end)
{
	uint64_t v = 0;
	const char *p = s;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned d = (unsigned)(*p - '0');
		if (v > (UINT64_MAX - d) / 10)
			return -1;
		v = v * 10 + d;
	}
	if (p == s || (*s == '0' && p - s > 1))
		return -1;
	*out = v;
	*end = p;
	return 0;
}

static uint64_t factor(const struct unit *u, const char *name)
{
	for (; u->name; u++) {
		if (strcmp(u->name, name) == 0)
			return u->factor;
	}
	return 0;
}

static int with_unit(const char *s, const struct unit *units, uint64_t max, uint64_t *out)
{
	uint64_t v, f;
	const char *end;
	if (digits(s, &v, &end) || !(f = factor(units, end)) || v > max / f)
		return -1;
	*out = v * f;
	return 0;
}

int num_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v;
	const char *end;
	if (digits(s, &v, &end) || *end || v < min || v > max)
		return -1;
	*out = v;
	return 0;
}

int num_u32(const char *s, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t v;
	if (num_u64(s, min, max, &v))
		return -1;
	*out = (uint32_t)v;
	return 0;
}

int num_size(const char *s, uint64_t *out)
{
	return with_unit(s, sizes, UINT64_MAX, out);
}

int num_duration_ms(const char *s, uint64_t *out)
{
	return with_unit(s, times, DURATION_MAX, out);
}

int num_rate(const char *s, struct rate *out)
{
	uint64_t count, n = 1, f;
	const char *p;
	if (digits(s, &count, &p) || *p++ != '/' || count < 1 || count > RATE_COUNT_MAX)
		return -1;
	if (*p >= '0' && *p <= '9' && digits(p, &n, &p))
		return -1;
	if (!(f = factor(times, p)) || n < 1 || n > RATE_INTERVAL_MAX / f)
		return -1;
	*out = (struct rate){.count = (uint32_t)count, .per_ms = (uint32_t)(n * f)};
	return 0;
}

static const char *print(uint64_t v, const struct unit *u, char out[static 24])
{
	while (v % u->factor)
		u++;
	snprintf(out, 24, "%" PRIu64 "%s", v / u->factor, u->name);
	return out;
}

const char *num_size_str(uint64_t bytes, char out[static 24])
{
	return print(bytes, bytes ? sizes : &sizes[3], out); /* "0B" */
}

const char *num_duration_str(uint64_t ms, char out[static 24])
{
	return print(ms, ms ? times : &times[3], out); /* "0s" */
}
