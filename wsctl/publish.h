/*
 * publish: the two ways in which `wsctl publish` sends. Plain: what a channel without history gets,
 * nobody can tell what became of a message when Redis goes away. Kept: into a channel's history,
 * numbered, so that it is sent again until it is acknowledged and is there once.
 */
#ifndef WSCTL_PUBLISH_H
#define WSCTL_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run;

struct publish {
	struct run *r;
	const char *channel; /* NULL: Kafka's topic names it */
	const char *message; /* NULL: standard input */
	bool kafka;          /* it is kcat's output, not lines */

	/* what came of it, also after a failure */
	uint64_t acked;   /* messages that Redis took */
	uint64_t unknown; /* sent, and not acknowledged */
	uint64_t seen;    /* Redis had them already, from an earlier run */
	uint64_t nulls;   /* Kafka's null payloads, skipped */
	uint64_t large;   /* above node.max_message, skipped */
	uint64_t heard;   /* nodes, the last message */
};

/* The channel's rule keeps a history; false: printed, with what to do. */
bool publish_keeps(const struct run *, const char *channel);

/* Both return EXIT_OK or an exit code, printed. */
int publish_plain(struct publish *);
int publish_kept(struct publish *);

#endif
