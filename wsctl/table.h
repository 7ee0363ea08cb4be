/*
 * table: aligned columns of ASCII for people. Colour only where the caller says it is wanted.
 * Also the few ways of writing a number that tables use. Pure but for table_print.
 */
#ifndef WSCTL_TABLE_H
#define WSCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum table_colour { PLAIN, GREEN, YELLOW, RED };

struct table_col {
	const char *title;
	bool right; /* numbers */
};

struct table;

/* cols is borrowed for the table's life. NULL: out of memory. */
struct table *table_new(const struct table_col *cols, size_t n);
void table_free(struct table *);
/* The next cell, left to right, row after row; bytes that aren't printable ASCII become '?'. */
void table_cell(struct table *, enum table_colour, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* malloc'd text without colour (or with); NULL: out of memory, also of an earlier cell. */
char *table_text(const struct table *, bool colour);
/* 0, or -1: out of memory. */
int table_print(const struct table *, FILE *);

/* All return out. */
enum { NUM_STR = 32 };
const char *num_count(uint64_t, char out[static NUM_STR]); /* 9,102 */
const char *num_short(double, char out[static NUM_STR]);   /* 0 0.4 12.0 364 1.8k 218k 4.2M */
const char *num_age(int64_t s, char out[static NUM_STR]);  /* 47s 61m 5h 41d */
const char *num_bytes(uint64_t, char out[static NUM_STR]); /* 0 512B 4KiB 1.5MiB */

#endif
