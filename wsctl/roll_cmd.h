/*
 * roll_cmd: the command that restarts one node: its words, and running it.
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
};

/* The address is one of this host's own. */
bool roll_local(const struct config_node *);
/*
 * --exec with {name}, {host} and {port} replaced in its words, --reboot's, or the default.
 * 0; -1 with *why (static text).
 */
int roll_cmd_make(const struct opts *, const struct config_node *, struct roll_cmd *out,
                  const char **why);
/* As it could be typed: words quoted where they need it. malloc'd; NULL: out of memory. */
char *roll_cmd_text(const struct roll_cmd *);
/*
 * Runs it to its end, without a shell unless asked for, its output on stderr behind "NAME: ".
 * EXIT_OK; EXIT_FAILED, printed; EXIT_INTERRUPTED: it was ended.
 */
int roll_cmd_run(const struct roll_cmd *);
void roll_cmd_free(struct roll_cmd *);

#endif
