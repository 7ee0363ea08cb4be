/*
 * statefile: the text of STATE_DIR/BACKEND.state. For HAProxy it is a server-state file, read at
 * each start and reload; for us its comment lines say who put which node into which state, and
 * when.
 */
#ifndef WSCTL_STATEFILE_H
#define WSCTL_STATEFILE_H

#include <stddef.h>

#include "persist.h"

struct statefile_note {
	char node[65];
	struct node_note note;
};
struct statefile {
	struct statefile_note *v;
	size_t n;
};

/* 0, or -1: out of memory. Lines that aren't ours are skipped; the last word on a node counts. */
int statefile_parse(const char *text, struct statefile *out);
/* Sets a node's note, or forgets the node when state is STATE_REMOVED. 0, or -1: out of memory. */
int statefile_set(struct statefile *, const char *node, enum node_state, int64_t since,
                  const char *by);
const struct node_note *statefile_get(const struct statefile *, const char *node); /* NULL: none */
/* The whole file; malloc'd, NULL: out of memory. */
char *statefile_text(const struct config *, const struct statefile *);
void statefile_free(struct statefile *);

/* The state file of the balancer that cfg is the view of. 0, also when there is none; -1, printed. */
int statefile_load(const struct config *, struct statefile *out);
/* Writes the rows of STATE_DIR/BACKEND.state anew from today's YAML, if there is such a file. 0, or
 * -1, printed. */
int statefile_refresh(const struct config *);

#endif
