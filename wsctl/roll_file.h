/*
 * roll_file: how far a roll has come: STATE_DIR/roll, rewritten at each step, so that one that was
 * stopped anywhere goes on where it was. What was asked is in it: another request begins anew.
 */
#ifndef WSCTL_ROLL_FILE_H
#define WSCTL_ROLL_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "../lib/config.h"

/* Gone: it was taken out of the cluster before its turn. */
enum roll_step { ROLL_WAITS, ROLL_BEGUN, ROLL_DONE, ROLL_GONE };

struct roll_node {
	char name[65];
	char start_id[65]; /* before; "" when it was silent, or isn't begun */
	enum roll_step step;
};

struct roll_file {
	char *request; /* one line */
	int64_t since; /* Unix seconds */
	struct roll_node *v;
	size_t n;
};

/* 0: what is there, n 0 when there is nothing that can be gone on with; -1: printed. */
int roll_file_read(const struct config *, struct roll_file *out);
int roll_file_write(const struct config *, const struct roll_file *);
/* It is over. */
void roll_file_remove(const struct config *);
void roll_file_free(struct roll_file *);

#endif
