/*
 * kept: a channel's history as Redis has it at one moment: where it stands and how much there is;
 * and taking it away in that moment.
 */
#ifndef WSCTL_KEPT_H
#define WSCTL_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "../lib/config.h"
#include "../lib/position.h"

struct kept {
	struct position top; /* epoch 0: there is none, and was none lately */
	uint64_t messages;   /* that a client could get */
	uint64_t heard;      /* nodes, of the purge */
};

/* EXIT_OK, EXIT_AWAY or EXIT_FAILED, printed. */
int kept_read(const struct config *, const char *channel, struct kept *out);
/* The same, and what it counted is gone. */
int kept_purge(const struct config *, const char *channel, struct kept *out);

#endif
