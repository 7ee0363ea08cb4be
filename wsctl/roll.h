/*
 * roll: one node, or a few at once, through drain, command, a new start id, check and ready.
 */
#ifndef WSCTL_ROLL_H
#define WSCTL_ROLL_H

#include "roll_cmd.h"
#include "roll_file.h"

struct run;

struct roll {
	struct run *r;
	/* Who is in the cluster, and where, as the YAML says it now: the run's, or today, owned. */
	const struct config *cfg;
	struct config *today;
	struct roll_file file;
	uint64_t wait_ms; /* for a node to come back */
};

/* A node's start id, "" when it is silent. EXIT_OK or EXIT_AWAY, printed. */
int roll_start_id(const struct config *, const char *name, char out[static 65]);
/*
 * The nodes first to last of the file, out of service together; nobody else touches them meanwhile.
 * What a run that was stopped has done of it isn't done again, and who has left the cluster is
 * skipped. EXIT_OK; else an exit code, printed, and the file says how far it
 * came.
 */
int roll_batch(struct roll *, size_t first, size_t last);

#endif
