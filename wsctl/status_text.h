/*
 * status_text: how a picture of the cluster reads, for status and top alike. Pure.
 */
#ifndef WSCTL_STATUS_TEXT_H
#define WSCTL_STATUS_TEXT_H

#include <stdint.h>

#include "../lib/endpoint.h"
#include "table.h"

struct run;
struct status;
struct status_node;

enum { STATUS_COLS = 8, STATUS_CELL = ENDPOINT_STR };

extern const struct table_col status_cols[STATUS_COLS];

struct status_cell {
	char text[STATUS_CELL];
	double key; /* what it sorts by; NAN: its text */
	enum table_colour colour;
};

/* "chat: 2/3 nodes serving, 9,102 clients, redis ok, lb1 ok". malloc'd; NULL: out of memory. */
char *status_head(const struct run *, const struct status *);
void status_row(const struct status *, const struct status_node *,
                struct status_cell out[static STATUS_COLS]);

struct status_sums {
	size_t serving, members;
	uint64_t clients; /* of the nodes that answer */
};
struct status_sums status_sum(const struct status *);

/* "up", "down L4TOUT 47s" */
void status_health_text(const struct status *, const struct status_node *,
                        char out[static STATUS_CELL]);
/* Its own word where nobody else has one. */
void status_address(const struct status_node *, char out[static ENDPOINT_STR]);
/* "-" below 0. Both return out, or a literal. */
const char *status_count(int64_t, char out[static NUM_STR]);
const char *status_rate(double, char out[static NUM_STR]);

#endif
