/* test_num: a number is taken as it is meant or refused; units are never guessed. */
#include <inttypes.h>
#include <stdint.h>

#include "../../lib/num.h"
#include "tap.h"

static void row(bool good, const char *kind, const char *text)
{
	char name[128];
	snprintf(name, sizeof name, "%s \"%s\"", kind, text);
	ok(good, name);
}

static void u64(const char *s, uint64_t min, uint64_t max, int want, uint64_t value)
{
	uint64_t v = 7;
	int rc = num_u64(s, min, max, &v);
	row(rc == want && v == (want ? 7 : value), "number", s);
}

static void size(const char *s, int want, uint64_t value)
{
	uint64_t v = 7;
	int rc = num_size(s, &v);
	row(rc == want && v == (want ? 7 : value), "size", s);
}

static void duration(const char *s, int want, uint64_t value)
{
	uint64_t v = 7;
	int rc = num_duration_ms(s, &v);
	row(rc == want && v == (want ? 7 : value), "duration", s);
}

static void rate(const char *s, int want, uint32_t count, uint32_t per_ms)
{
	struct rate r = {7, 7};
	int rc = num_rate(s, &r);
	row(rc == want && r.count == (want ? 7 : count) && r.per_ms == (want ? 7 : per_ms), "rate",
	    s);
}

int main(void)
{
	char t[24];
	u64("0", 0, 9, 0, 0);
	u64("18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX);
	u64("18446744073709551616", 0, UINT64_MAX, -1, 0);
	u64("99999999999999999999999", 0, UINT64_MAX, -1, 0);
	u64("5", 6, 9, -1, 0);
	u64("6", 6, 9, 0, 6);
	u64("9", 6, 9, 0, 9);
	u64("10", 6, 9, -1, 0);
	static const char *const bad[] = {"",   " 1",  "1 ",  "+1",  "-1",    "01", "00",
	                                  "1x", "0x1", "1e3", "1.0", "1,000", "١"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		u64(bad[i], 0, UINT64_MAX, -1, 0);
	uint32_t w = 7;
	ok(num_u32("4294967295", 0, UINT32_MAX, &w) == 0 && w == UINT32_MAX,
	   "the largest 32-bit number");
	w = 7;
	ok(num_u32("4294967296", 0, UINT32_MAX, &w) == -1 && w == 7,
	   "one more is refused, out untouched");

	size("0B", 0, 0);
	size("512B", 0, 512);
	size("64KiB", 0, 65536);
	size("1MiB", 0, 1048576);
	size("2GiB", 0, UINT64_C(2) << 30);
	size("17179869183GiB", 0, UINT64_C(17179869183) << 30);
	size("17179869184GiB", -1, 0);
	static const char *const bad_size[] = {"64",     "64kb",   "64KB", "64kib", "64 KiB",
	                                       "64K",    "1.5MiB", "-1B",  "",      "B",
	                                       "064KiB", "64KiBx", "1TiB"};
	for (size_t i = 0; i < sizeof bad_size / sizeof *bad_size; i++)
		size(bad_size[i], -1, 0);

	duration("0s", 0, 0);
	duration("500ms", 0, 500);
	duration("25s", 0, 25000);
	duration("2m", 0, 120000);
	duration("1h", 0, 3600000);
	duration("1d", 0, 86400000);
	duration("365d", 0, UINT64_C(31536000000));
	duration("366d", -1, 0);
	duration("31536000001ms", -1, 0);
	duration("18446744073709551615d", -1, 0);
	static const char *const bad_time[] = {"25", "25sec", "25S", "1.5s", "1h30m", "s",
	                                       "",   "-1s",   "05s", "5 s",  "1w",    "1us"};
	for (size_t i = 0; i < sizeof bad_time / sizeof *bad_time; i++)
		duration(bad_time[i], -1, 0);

	rate("200/s", 0, 200, 1000);
	rate("500/10s", 0, 500, 10000);
	rate("30/m", 0, 30, 60000);
	rate("1/1d", 0, 1, 86400000);
	rate("1000000000/ms", 0, 1000000000, 1);
	static const char *const bad_rate[] = {
		"200",  "200/",         "/s",   "0/s",   "200/0s", "200/2d", "200/s/s",
		"200s", "1000000001/s", "02/s", "2/01s", "2 /s",   "2/ s",   "2/sec",
		"",     "5000000000/s", "-2/s"};
	for (size_t i = 0; i < sizeof bad_rate / sizeof *bad_rate; i++)
		rate(bad_rate[i], -1, 0, 0);

	is(num_size_str(0, t), "0B", "no bytes");
	is(num_size_str(1536, t), "1536B", "1.5KiB is told exactly");
	is(num_size_str(65536, t), "64KiB", "64KiB");
	is(num_size_str(UINT64_C(3) << 30, t), "3GiB", "3GiB");
	is(num_size_str(UINT64_MAX, t), "18446744073709551615B", "the most bytes");
	is(num_duration_str(0, t), "0s", "no time");
	is(num_duration_str(1500, t), "1500ms", "1500ms");
	is(num_duration_str(120000, t), "2m", "2m");
	is(num_duration_str(90000, t), "90s", "90s");
	is(num_duration_str(172800000, t), "2d", "2d");
	return tap_done();
}
