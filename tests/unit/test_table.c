/* test_table: columns line up, nothing from outside reaches the terminal, numbers are short and
 * true. */
#include <stdlib.h>

#include "../../wsctl/table.h"
#include "tap.h"

static const struct table_col cols[] = {{"NODE", false}, {"CLIENTS", true}, {"STATE", false}};

static void text_is(struct table *t, bool colour, const char *want, const char *name)
{
	char *got = table_text(t, colour);

	is(got, want, name);
	free(got);
	table_free(t);
}

static void tables(void)
{
	struct table *t = table_new(cols, 3);

	table_cell(t, PLAIN, "ws1");
	table_cell(t, PLAIN, "9,102");
	table_cell(t, PLAIN, "ready");
	table_cell(t, PLAIN, "a-long-name");
	table_cell(t, PLAIN, "-");
	table_cell(t, PLAIN, "drained");
	text_is(t, false,
	        "NODE         CLIENTS  STATE\n"
	        "ws1            9,102  ready\n"
	        "a-long-name        -  drained\n",
	        "columns line up, numbers at the right, no blanks at the end");

	t = table_new(cols, 3);
	text_is(t, false, "NODE  CLIENTS  STATE\n", "no rows: the head alone");

	t = table_new(cols, 3);
	table_cell(t, PLAIN, "\033[2Jx\n\xc3\xa4");
	table_cell(t, PLAIN, "1");
	table_cell(t, PLAIN, "ok");
	text_is(t, false,
	        "NODE      CLIENTS  STATE\n"
	        "?[2Jx???        1  ok\n",
	        "what isn't printable ASCII becomes ?");

	t = table_new(cols, 3);
	table_cell(t, PLAIN, "ws1");
	table_cell(t, PLAIN, "0");
	table_cell(t, RED, "down");
	text_is(t, true,
	        "NODE  CLIENTS  STATE\n"
	        "ws1         0  \033[31mdown\033[0m\n",
	        "colour takes no width");
}

static void count(uint64_t n, const char *want)
{
	char s[NUM_STR];

	is(num_count(n, s), want, want);
}

static void rate(double n, const char *want)
{
	char s[NUM_STR];

	is(num_short(n, s), want, want);
}

static void age(int64_t n, const char *want)
{
	char s[NUM_STR];

	is(num_age(n, s), want, want);
}

static void bytes(uint64_t n, const char *want)
{
	char s[NUM_STR];

	is(num_bytes(n, s), want, want);
}

int main(void)
{
	tables();
	count(0, "0");
	count(999, "999");
	count(1000, "1,000");
	count(31600, "31,600");
	count(UINT64_MAX, "18,446,744,073,709,551,615");
	rate(0, "0");
	rate(0.4, "0.4");
	rate(12, "12.0");
	rate(364, "364");
	rate(1800, "1.8k");
	rate(218400, "218k");
	rate(999.7, "1.0k");
	rate(4.2e6, "4.2M");
	age(-5, "0s");
	age(47, "47s");
	age(99, "99s");
	age(61 * 60, "61m");
	age(5 * 3600, "5h");
	age(41 * 86400, "41d");
	bytes(0, "0");
	bytes(512, "512B");
	bytes(4096, "4KiB");
	bytes(1572864, "1.5MiB");
	bytes(100 * 1048576, "100MiB");
	return tap_done();
}
