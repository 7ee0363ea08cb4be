/* test_position: a place in a history has one spelling, and every spelling but that is refused. */
#include "../../lib/position.h"
#include "tap.h"

static void good(const char *s, uint64_t epoch, uint64_t offset)
{
	struct position p = {99, 99};
	char out[POSITION_STR];
	bool parsed = position_parse(s, strlen(s), &p) == 0;
	ok(parsed && p.epoch == epoch && p.offset == offset, s);
	is(position_str(p, out), s, "and back");
}

static void bad(const char *s, size_t n, const char *name)
{
	struct position p = {99, 99};
	ok(position_parse(s, n, &p) == -1 && p.epoch == 99 && p.offset == 99, name);
}

#define BAD(s) bad(s, sizeof(s) - 1, s)

int main(void)
{
	char out[EPOCH_STR];
	uint64_t e = 99;

	good("-", 0, 0);
	good("1-0", 1, 0);
	good("z-9", 35, 9);
	good("10-10", 36, 10);
	good("gmqk3hpb9s-12345", UINT64_C(1689104939704912), 12345);
	good("3w5e11264sgsf-18446744073709551615", UINT64_MAX, UINT64_MAX);

	bad("", 0, "nothing");
	bad(NULL, 0, "no text at all");
	bad("1-1\0", 4, "a NUL behind");
	bad("1\0-1", 4, "a NUL within");
	BAD("1");
	BAD("--");
	BAD("-1");
	BAD("1-");
	BAD("0-1");
	BAD("01-1");
	BAD("1-01");
	BAD("1-00");
	BAD("A-1");
	BAD("1-a");
	BAD("1-1-1");
	BAD("1--1");
	BAD("+1-1");
	BAD("1-+1");
	BAD(" 1-1");
	BAD("1-1 ");
	BAD("1-1\n");
	BAD("1_1");
	BAD("\xc3\xa9-1");
	BAD("1-18446744073709551616");
	BAD("3w5e11264sgsg-1");
	BAD("10000000000000-1");

	ok(epoch_parse("3w5e11264sgsf", 13, &e) == 0 && e == UINT64_MAX, "the last epoch");
	is(epoch_str(e, out), "3w5e11264sgsf", "and back");
	ok(epoch_parse("0", 1, &e) && epoch_parse("", 0, &e) && epoch_parse(NULL, 0, &e) &&
	           epoch_parse("1-", 2, &e) && e == UINT64_MAX,
	   "no epoch");
	is(epoch_str(0, out), "0", "none, for a log");
	return tap_done();
}
