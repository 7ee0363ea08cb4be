/*
 * feed: standard input on its way into a window, as publish_kept.c (lines) and publish_kafka.c
 * (kcat's output) share it. What was read and not taken yet stays in `in`, from `at` on.
 */
#ifndef WSCTL_FEED_H
#define WSCTL_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/buf.h"
#include "window.h"

struct publish;
struct kafka_source;

struct feed {
	struct publish *p;
	struct window *w;
	struct buf in;
	size_t at;
	uint64_t before; /* bytes of the input that `in` doesn't have any more */
	uint64_t taken;  /* lines, or Kafka's messages, so far */
	bool eof;
	int end; /* the exit code, once it is settled what was sent: see feed_end */

	struct source lines; /* also of the one message of the command line */
	size_t scanned;      /* up to here there is no line's end */

	struct kafka_source *kafka; /* a list, the latest first */
	uint64_t skip;              /* bytes still to come of what is too large */
};

/* Nothing more is taken: what was sent is waited for, then the exit code is rc. */
void feed_end(struct feed *, int rc);
/* Takes whole messages out of `in` while the window has room. EXIT_OK, or an exit code, printed,
 * that doesn't wait for anything. */
int feed_kafka(struct feed *);
void feed_kafka_free(struct feed *);

#endif
