/*
 * lag: the queue of a client that doesn't take its messages as fast as they come: references to
 * shared batches, bounded per client (max_queue) and per node (max_queue_total). Bytes that lws
 * holds for the client (the rest of a frame that was sent in part) count too.
 */
#ifndef WSNODE_LAG_H
#define WSNODE_LAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch.h"

struct session;

/* What a waiting batch takes beside its frames: without it tiny messages cost many times max_queue.
 */
enum { LAG_ITEM_COST = 160 };

struct lag_item {
	struct lag_item *next;
	struct batch *batch; /* a reference */
	uint32_t from;       /* the first frame not sent */
	const void *owner;   /* the channel that its frames belong to; NULL: none */
};

struct lag {
	struct session *s;
	struct lag *next, *prev; /* all queues of the node */
	struct lag_item *head, *tail;
	size_t bytes;  /* in the items, not sent, and LAG_ITEM_COST for each */
	size_t in_lws; /* handed to lws, not sent */
};

struct lag *lag_new(struct session *);
void lag_free(struct lag *);
/* Appends the frames of batch from frame `from` on. -1: out of memory. */
int lag_push(struct lag *, struct batch *, uint32_t from, const void *owner);
/* Drops an owner's oldest frames until at most max bytes are held or none of them is left; how many
 * were dropped. */
uint32_t lag_drop_to(struct lag *, size_t max, const void *owner);
/* Drops all of an owner's frames but the newest one. */
uint32_t lag_keep_last(struct lag *, const void *owner);
/* What to send next: contiguous bytes of whole frames; 0 when empty. */
size_t lag_peek(const struct lag *, const uint8_t **p);
/* `n` bytes (whole frames only, at most what lag_peek gave) went out. */
void lag_took(struct lag *, size_t n);
/* The end of the frame that holds byte n of what lag_peek gives (relative to it). */
size_t lag_frame_end(const struct lag *, size_t n);
void lag_set_in_lws(struct lag *, size_t n);
/* Node-wide. */
size_t lag_total_bytes(void);
uint32_t lag_count(void);
/* Bytes in the longest queue; 0: none. */
size_t lag_longest(void);
/* Calls f for the sessions whose queue holds at least so many bytes, until it returns false; f may
 * end the queue. */
void lag_each_from(size_t bytes, bool (*f)(struct session *));

#endif
