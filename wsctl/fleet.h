/*
 * fleet: every balancer of the YAML, each as a view of the configuration: hap_*, persist_rendered*,
 * state_* and validate, given a view, speak to that balancer's HAProxy and files, here or through
 * ssh. What concerns the cluster and not one balancer (nodes, Redis) is the same in every view.
 */
#ifndef WSCTL_FLEET_H
#define WSCTL_FLEET_H

#include <stdbool.h>
#include <stddef.h>

#include "../lib/config.h"

struct balancer {
	const char *name;   /* borrowed of the configuration that the fleet was opened with */
	struct config *cfg; /* the view; owned by the fleet */
	bool here;          /* this host */
	/* It can't be reached, or what was asked of it failed: the cause, with its name in front;
	 * "" when all is well. Who has one isn't asked again. */
	char why[512];
	bool refused; /* it answers, but its HAProxy refused: nothing that comes back by itself */
	bool said;    /* why was printed already */
};

struct fleet {
	struct balancer *v;
	size_t n; /* at least 1 */
};

/*
 * Reaches all of them at once, with one deadline. The configuration is borrowed for the fleet's
 * life. EXIT_OK, also when some or all can't be reached; EXIT_FAILED, printed: out of memory.
 */
int fleet_open(const struct config *, struct fleet *out);
void fleet_close(struct fleet *);
/* The views made anew from a changed configuration, over the same connections; borrowed from then
 * on. EXIT_OK, or EXIT_FAILED, printed. */
int fleet_follow(struct fleet *, const struct config *);
/* Its files can be read and written, whatever its HAProxy does. */
bool fleet_files(const struct balancer *);
/* Marks one that just failed with hap_why(): HAP_AWAY or HAP_REFUSED. */
void fleet_lost(struct balancer *, int hap_result);
/* Marks those whose connection has ended, as after a file that couldn't be written. How many. */
size_t fleet_look(struct fleet *);
/* Forgets why, and tries those again whose connection has ended; takes up to the deadline of
 * fleet_open. */
void fleet_retry(struct fleet *);
/* EXIT_OK when all are reached; else says which aren't and why, and returns EXIT_AWAY, or
 * EXIT_FAILED when all of them were refused. */
int fleet_whole(struct fleet *);
/* EXIT_OK when at least one is; else as fleet_whole. */
int fleet_any(struct fleet *);
/*
 * At a command's end: as fleet_whole, and what the others have: "ws4 is added on lb1, not on lb2;
 * once lb2 is back: wsctl apply". done: "ws4 is added".
 */
int fleet_rest(struct fleet *, const char *done);
/* "lb1, lb2 and lb3": those that are reached, or the others. malloc'd; NULL: none, or no memory. */
char *fleet_names(const struct fleet *, bool reached);

/*
 * The note of a node's state: the newest of those that are reached, since who was away when it was
 * written has an older one. same, if not NULL: all of them say so. 0, or -1, printed: none could be
 * read.
 */
struct node_note;
int fleet_note(struct fleet *, const char *node, struct node_note *out, bool *same);
/* Writes it (enum node_state) on all that are reached, under the caller's edit lock. EXIT_OK when
 * one has it at least, or EXIT_FAILED, printed. */
int fleet_state(struct fleet *, const char *node, int state, const char *by);

/* Puts the note back where HAProxy refused what it says; all: on all that didn't do it. A balancer
 * that is away keeps it: a drain is then there when it returns. */
void fleet_restore(struct fleet *, const char *node, const struct node_note *, bool all);

#endif
