/* test_pace: so many a second, evenly; a late tick catches up 250 ms, and never more. */
#include "../../node/pace.h"
#include "tap.h"

/* How many are due from begin to end, looked at every tick ms. */
static uint32_t run(struct pace *p, uint64_t begin, uint64_t end, uint64_t tick)
{
	uint32_t n = 0;

	for (uint64_t t = begin; t <= end; t += tick)
		n += pace_due(p, t);
	return n;
}

static void even(double per_second, uint64_t tick, uint32_t want, const char *name)
{
	struct pace p = {.per_second = per_second};
	uint32_t n;

	pace_begin(&p, 1000);
	n = run(&p, 1000, 11000, tick);
	if (!ok(n + 1 >= want && n <= want + 1, name))
		printf("# %u in ten seconds\n", n);
}

int main(void)
{
	struct pace p = {.per_second = 100};
	uint32_t most = 0;

	even(100, 10, 1001, "100/s: a thousand in ten seconds, and the first at once");
	even(3, 10, 31, "3/s");
	even(1.0 / 6, 10, 2, "10/m");
	even(20000, 10, 200001, "20,000/s, more than one a tick");
	even(100, 7, 1001, "at ticks that don't fit");

	pace_begin(&p, 1000);
	ok(pace_due(&p, 999) == 0, "nothing before it begins");
	ok(pace_due(&p, 1000) == 1, "the first when it begins");
	for (uint64_t t = 1010; t <= 3000; t += 10) {
		uint32_t n = pace_due(&p, t);

		most = n > most ? n : most;
	}
	ok(most == 1 || most == 2, "evenly: one a tick");
	ok(pace_due(&p, 3200) == 20, "a tick that is 200 ms late catches up");
	ok(pace_due(&p, 8200) == 25, "one that is 5 s late catches up 250 ms");
	ok(run(&p, 8210, 9200, 10) == 100, "and nothing of it later");
	return tap_done();
}
