/*
 * position: EPOCH-OFFSET to two numbers and back. Pure. Strict, so that a place has one spelling:
 * what a client sends back is compared as numbers, but seen in logs as text.
 */
#include "position.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { BASE = 36 };

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : BASE;
}

/* All of it, nothing else, without a leading zero unless it is "0". */
static bool number(const char *s, size_t n, unsigned base, uint64_t *out)
{
	uint64_t v = 0;
	if (n == 0 || (n > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)digit(s[i]);
		if (d >= base || v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*out = v;
	return true;
}

int epoch_parse(const char *s, size_t n, uint64_t *out)
{
	uint64_t v;
	if (!number(s, n, BASE, &v) || v == 0)
		return -1;
	*out = v;
	return 0;
}

int position_parse(const char *s, size_t n, struct position *out)
{
	struct position p = {0};
	const char *dash = n ? memchr(s, '-', n) : NULL;
	if (!dash)
		return -1;
	if (n > 1) {
		size_t len = (size_t)(dash - s);
		if (epoch_parse(s, len, &p.epoch) || !number(dash + 1, n - len - 1, 10, &p.offset))
			return -1;
	}
	*out = p;
	return 0;
}

char *epoch_str(uint64_t v, char out[static EPOCH_STR])
{
	char digits[EPOCH_STR];
	size_t n = 0, i = 0;
	do {
		digits[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[v % BASE];
		v /= BASE;
	} while (v);
	while (n)
		out[i++] = digits[--n];
	out[i] = '\0';
	return out;
}

char *position_str(struct position p, char out[static POSITION_STR])
{
	char epoch[EPOCH_STR];
	if (p.epoch)
		snprintf(out, POSITION_STR, "%s-%" PRIu64, epoch_str(p.epoch, epoch), p.offset);
	else
		memcpy(out, "-", 2);
	return out;
}
