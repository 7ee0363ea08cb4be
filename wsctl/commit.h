/*
 * commit: one edit of the YAML together with the files rendered from it on every balancer that is
 * reached, all or nothing, and its undoing. Takes the edit lock for the milliseconds it needs.
 * Knows neither HAProxy's socket nor Redis.
 */
#ifndef WSCTL_COMMIT_H
#define WSCTL_COMMIT_H

#include <stdbool.h>

#include "../lib/config.h"
#include "persist.h"

struct run;

enum commit_kind { COMMIT_ADD, COMMIT_REMOVE, COMMIT_WEIGHT };

struct commit {
	struct config *cfg; /* as it is after the edit; owned */
	struct file_text yaml,
		rendered; /* as they were; rendered: this host's, if it is a balancer */
	char *text;       /* the YAML after; owned */
	const char *name; /* of the node; borrowed */
	bool written;
};

/*
 * Lock, read the YAML anew, look whether the rendered file is ours, edit, parse, render, haproxy
 * -c, write both. With -n everything but the writing; with --runtime only the edit in memory, for
 * its cfg. EXIT_OK, or an exit code, printed, with nothing changed.
 */
int commit_make(struct run *, enum commit_kind, const struct config_node *, struct commit *out);
/*
 * The rendered file made to follow a YAML that holds the change already: what a run that was killed
 * between the two left over. Nothing is written when it does. EXIT_OK, or an exit code, printed.
 */
int commit_finish(struct run *);
/*
 * Puts both files back; where somebody changed the YAML since, takes back only its own line. 0, or
 * -1, printed.
 */
int commit_undo(struct run *, struct commit *);
/* Writes the node's operational state on every balancer that is reached, under the edit lock.
 * EXIT_OK, or an exit code, printed. */
int commit_state(const struct config *, const char *node, const char *verb, enum node_state);
/* The same on the balancers of a fleet that is open already. */
struct fleet;
int commit_note(const struct config *, struct fleet *, const char *node, const char *verb,
                enum node_state, const char *by);
/*
 * The change is made everywhere it can be: with it the YAML becomes a generation that apply
 * --rollback can take back. What keeps it from being one is printed, and undoes nothing.
 */
void commit_keep(const struct run *);
void commit_free(struct commit *);
/*
 * haproxy.edit: false. Prints the line to write or to delete and returns true: the caller ends with
 * EXIT_FAILED.
 */
bool commit_refused(struct run *, enum commit_kind, const struct config_node *);

#endif
