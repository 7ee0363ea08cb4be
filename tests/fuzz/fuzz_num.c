/*
 * fuzz_num: numbers, addresses and patterns: what is accepted prints back to something that parses
 * to the same value, and patterns match as their definition says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/channel.h"
#include "../../lib/endpoint.h"
#include "../../lib/num.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void numbers(const char *s)
{
	uint64_t v, again;
	struct rate r;
	char out[24];
	if (num_u64(s, 0, UINT64_MAX, &v) == 0) {
		char *end;
		check(strtoull(s, &end, 10) == v && !*end && *s >= '0');
	}
	if (num_size(s, &v) == 0)
		check(num_size(num_size_str(v, out), &again) == 0 && again == v);
	if (num_duration_ms(s, &v) == 0)
		check(num_duration_ms(num_duration_str(v, out), &again) == 0 && again == v);
	if (num_rate(s, &r) == 0)
		check(r.count >= 1 && r.per_ms >= 1 && r.per_ms <= 86400000);
}

static void addresses(const char *s)
{
	struct endpoint e, f;
	struct redis_url u;
	const char *why = NULL;
	char out[ENDPOINT_STR];
	if (endpoint_parse(s, true, &e, &why) == 0) {
		check(endpoint_parse(endpoint_str(&e, out), true, &f, &why) == 0 &&
		      endpoint_equal(&e, &f));
		check(!strpbrk(out, " \n\"'#,;\\$"));
	} else {
		check(why && *why);
	}
	if (redis_url_parse(s, &u, &why) == 0)
		check(strlen(redis_url_str(&u, out)) > 0 && u.db >= 0);
}

static bool plain_match(const char *p, const char *s)
{
	if (!*p)
		return !*s;
	if (*p == '*')
		return plain_match(p + 1, s) || (*s && plain_match(p, s + 1));
	return *p == *s && plain_match(p + 1, s + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);
	check(s != NULL);
	if (size)
		memcpy(s, data, size);
	s[size] = '\0';
	numbers(s);
	addresses(s);
	check(!channel_valid(s, size) || channel_pattern_valid(s));
	check(!cluster_valid(s) || node_name_valid(s));
	char *lf = strchr(s, '\n');
	if (lf && size < 24) { /* the definition takes exponential time */
		*lf = '\0';
		check(channel_match(s, lf + 1) == plain_match(s, lf + 1));
	}
	free(s);
	return 0;
}
