/*
 * wsctl top: status, gathered again and again.
 */
#include <stdlib.h>

#include "cmd.h"
#include "live.h"
#include "status.h"
#include "status_text.h"
#include "term.h"

enum { INTERVAL_MS = 2000 };

static void warning(void *arg, const struct status_warning *w)
{
	live_warning(arg, w->line);
}

static int gather(struct run *r, FILE *f)
{
	struct status s;
	char *head;
	int rc = status_gather(r, &s);

	head = rc ? NULL : status_head(r, &s);
	if (head)
		live_head(f, head);
	for (size_t i = 0; head && i < s.n; i++) {
		struct status_cell c[STATUS_COLS];
		const char *texts[STATUS_COLS];
		double keys[STATUS_COLS];
		enum table_colour colours[STATUS_COLS];

		status_row(&s, &s.v[i], c);
		for (size_t k = 0; k < STATUS_COLS; k++) {
			texts[k] = c[k].text;
			keys[k] = c[k].key;
			colours[k] = c[k].colour;
		}
		live_row(f, STATUS_COLS, texts, keys, colours);
	}
	if (head)
		status_warn(r, &s, warning, f);
	rc = head ? EXIT_OK : EXIT_FAILED;
	free(head);
	status_free(&s);
	return rc;
}

/* For a program: each picture as status --json prints it, a line each. */
static int stream(struct run *r, uint64_t interval_ms)
{
	struct status s;

	do {
		if (status_gather(r, &s))
			return EXIT_FAILED;
		if (!interrupted())
			status_print_json(r, &s, NULL);
		status_free(&s);
		if (fflush(stdout))
			return EXIT_FAILED;
	} while (!interrupted() && !pause_ms(interval_ms));
	return EXIT_INTERRUPTED;
}

int cmd_top(struct run *r)
{
	/* Narrow: uptime goes first, then the address, then rates, connections, health and state.
	 */
	struct live v = {.cols = status_cols,
	                 .n_cols = STATUS_COLS,
	                 .leave_out = "716432",
	                 .gather = gather,
	                 .interval_ms = r->opts.interval_ms ? r->opts.interval_ms : INTERVAL_MS,
	                 .sort = -1};

	if (r->opts.sort && (v.sort = live_column(&v, r->opts.sort)) < 0)
		return EXIT_USAGE;
	if (r->opts.json)
		return stream(r, v.interval_ms);
	if (!term_is()) {
		say_error("top needs a terminal; once: wsctl status; for a program: --json");
		return EXIT_USAGE;
	}
	return live_run(r, &v);
}
