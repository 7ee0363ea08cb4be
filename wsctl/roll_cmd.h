/*
 * roll_cmd: the command that restarts one node: its words, and whether it can be run.
 */
#ifndef WSCTL_ROLL_CMD_H
#define WSCTL_ROLL_CMD_H

#include <stdbool.h>

#include "../lib/config.h"

struct opts;

struct roll_cmd {
	char **argv;       /* NULL-terminated; each malloc'd */
	bool shell;        /* the values are in its environment, not in its words */
	char host[254];    /* "" for a Unix socket */
	char port[8];      /* "" likewise */
	const char *name;  /* of the node, borrowed */
	bool lost_is_fine; /* ssh may lose its host: --reboot */
	char why[160];     /* after -1 */
};

/* The address is one of this host's own. */
bool roll_local(const struct config_node *);
/*
 * --exec with {name}, {host} and {port} replaced in its words, --reboot's, or the default.
 * 0; -1 with why. roll_cmd_free in every case.
 */
int roll_cmd_make(const struct opts *, const struct config_node *, struct roll_cmd *out);
/* Its program exists. 0; -1 with why. */
int roll_cmd_find(struct roll_cmd *);
/* What can be said of --exec without a node. EXIT_OK, or EXIT_USAGE, printed. */
int roll_cmd_check(const struct opts *);
/* As it could be typed: words quoted where they need it. malloc'd; NULL: out of memory. */
char *roll_cmd_text(const struct roll_cmd *);
void roll_cmd_free(struct roll_cmd *);

#endif
