/*
 * live: a table that is redrawn: sorted and scrolled by keys, cut to any terminal. What it shows is
 * gathered by a child process, so that a key never waits for Redis or HAProxy.
 */
#ifndef WSCTL_LIVE_H
#define WSCTL_LIVE_H

#include <stdint.h>
#include <stdio.h>

#include "table.h"

struct run;
struct buf;

enum { LIVE_COLS = 8 };

/* One picture, line by line: live_head once, a live_row each, live_warning each. */
typedef int live_fn(struct run *, FILE *);

struct live {
	const struct table_col *cols;
	size_t n_cols;         /* at most LIVE_COLS; the first is never left out */
	const char *leave_out; /* columns by their digit, the first to go first: "71" */
	live_fn *gather;       /* in the child; not 0: what it said is shown */
	uint64_t interval_ms;
	int sort; /* a column; -1: as gathered */
};

/* The column of that title, case and "/s" aside; -1 and the titles said: there is none. */
int live_column(const struct live *, const char *title);
/* Until q, Ctrl-C or a lost terminal. EXIT_OK, EXIT_INTERRUPTED, or EXIT_FAILED, printed. */
int live_run(struct run *, const struct live *);

void live_head(FILE *, const char *line);
void live_warning(FILE *, const char *line);
/* cells as a table has them; keys: what a column sorts by, NAN: the cell's text. */
void live_row(FILE *, size_t n, const char *const *cells, const double *keys,
              const enum table_colour *);

/* --- pure: the picture and how it looks (live_draw.c) */
struct live_line {
	char *cell[LIVE_COLS];
	double key[LIVE_COLS];
	char colour[LIVE_COLS]; /* enum table_colour */
};
struct picture {
	char *head;
	struct live_line *v;
	size_t n;
	char **warnings;
	size_t n_warnings;
};
struct look {
	unsigned columns, lines;
	size_t scroll; /* rows above the first that is shown */
	int sort;
	bool reverse, colour;
};

/* Takes in one line of what a child wrote. 1: the picture is whole; 0; -1: not understood. */
int picture_line(struct picture *, size_t n_cols, char *line);
void picture_free(struct picture *);
/* Sorts it, and appends the frame: exactly so many lines, none longer than the terminal. */
void picture_draw(struct picture *, const struct live *, struct look *, struct buf *out);

#endif
