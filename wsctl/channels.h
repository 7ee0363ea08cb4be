/*
 * channels: what is listened to: Redis's count of subscribers beside what every node says of its
 * clients. Gathers; cmd_channels.c prints.
 */
#ifndef WSCTL_CHANNELS_H
#define WSCTL_CHANNELS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/channel.h"

struct run;

struct channel_row {
	char name[CHANNEL_MAX + 1];
	uint64_t subs;   /* Redis connections */
	unsigned listed; /* nodes that have it */
	unsigned nodes;  /* ... with clients on it */
	uint64_t clients, queued, dropped;
	double in_s;  /* messages a second on the channel: every node receives each, so the highest;
	                 -1: not known */
	double out_s; /* to all clients together; -1: not known */
};

struct channels {
	struct channel_row *v; /* by name */
	size_t n, cap;
	json_t *index;   /* name to place, while rows are gathered: there may be 100,000 */
	json_t *replies; /* of the nodes, as ctl_ask has them */
	int silent;      /* heard the question and didn't answer */
	uint64_t more;   /* left out by nodes for length */
};

/*
 * name: one channel, or NULL; pattern: or NULL. EXIT_OK, or an exit code, printed. Free in both
 * cases.
 */
int channels_gather(struct run *, const char *name, const char *pattern, struct channels *out);
void channels_free(struct channels *);

#endif
