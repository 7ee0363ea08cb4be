/* progress: see progress.h. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "cmd.h"
#include "table.h"

static bool drawn;

void progress_end(void)
{
	if (drawn)
		fprintf(stderr, "\r%79s\r", "");
	drawn = false;
}

void progress_draw(const struct run *r, uint64_t total, uint64_t left, double per_second,
                   const char *where)
{
	enum { BAR = 20 };
	char a[NUM_STR], b[NUM_STR], eta[NUM_STR + 8] = "", rate[44] = "", pace[40];
	char bar[BAR + 1];
	struct buf line = {0};
	uint64_t done = total > left ? total - left : 0;
	size_t full = total ? (size_t)((double)done / (double)total * BAR) : BAR;

	if (r->opts.quiet || !isatty(STDERR_FILENO))
		return;
	memset(bar, '-', BAR);
	memset(bar, '#', full > BAR ? BAR : full);
	bar[BAR] = 0;
	if (per_second > 0) {
		snprintf(rate, sizeof rate, "  %s", progress_pace(per_second, pace));
		snprintf(eta, sizeof eta, "  %s left",
		         num_age((int64_t)((double)left / per_second + 0.99), a));
	}
	buf_printf(&line, "[%s] %s/%s%s%s%s", bar, num_count(done, a), num_count(total, b), rate,
	           where, eta);
	fprintf(stderr, "\r%-79.79s", line.p ? line.p : "");
	drawn = true;
	buf_free(&line);
}

const char *progress_pace(double per_second, char out[static 40])
{
	char n[NUM_STR];
	bool slow = per_second < 1;
	double x = slow ? per_second * 60 : per_second;

	if (x < 10 && x - (double)(uint64_t)x > 0.05)
		num_short(x, n);
	else
		num_count((uint64_t)(x + 0.5), n);
	snprintf(out, 40, "%s/%c", n, slow ? 'm' : 's');
	return out;
}
