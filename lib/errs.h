/*
 * errs: a list of errors with positions, so that everything wrong with a file is told at once.
 * Knows no file and no program; whoever prints adds both.
 */
#ifndef WSCALE_ERRS_H
#define WSCALE_ERRS_H

#include <stddef.h>
#include <stdio.h>

struct err {
	int line, col; /* 1-based; 0: no position */
	char *msg;     /* owned by the list; lower case, no full stop */
};

struct errs {
	struct err *v;
	size_t n, cap;
};

/* Adds one error. Out of memory is reported as an error too: n grows or abort() is called. */
void errs_add(struct errs *, int line, int col, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Orders by line and column; stable. */
void errs_sort(struct errs *);
/* "PROGRAM: FILE:LINE:COL: MSG" a line; without a position "PROGRAM: FILE: MSG"; file NULL:
 * "PROGRAM: MSG". */
void errs_print(const struct errs *, FILE *, const char *program, const char *file);
/* Frees the messages and empties the list; the struct stays usable. */
void errs_free(struct errs *);

#endif
