/*
 * batch: messages of one channel, encoded once as WebSocket frames (RFC 6455 5.2, server to client:
 * unmasked) and shared by all that get them. Counted references; one thread.
 */
#ifndef WSNODE_BATCH_H
#define WSNODE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_HEAD_MAX = 10, FRAME_CLOSE_MAX = 4 + 123 };

struct batch {
	uint32_t refs;
	uint32_t n; /* frames */
	uint32_t cap_n;
	size_t len, cap;
	size_t *ends; /* where each frame ends in p */
	uint8_t *p;
};

/* With one reference; NULL: out of memory. */
struct batch *batch_new(void);
/* Appends one frame (opcode as in RFC 6455 5.2) whose payload is the two pieces. 0; -1: out of
 * memory, the batch is as before. */
int batch_add(struct batch *, uint8_t opcode, const void *head, size_t head_len, const void *p,
              size_t len);
/* Appends a frame that is encoded already. */
int batch_add_frame(struct batch *, const uint8_t *, size_t);
struct batch *batch_ref(struct batch *);
void batch_unref(struct batch *); /* NULL is fine */
/* Gives back the room that isn't used: before a batch waits in a queue. */
void batch_trim(struct batch *);
/* Where frame i begins. */
size_t batch_start(const struct batch *, uint32_t i);
/* The frame that holds byte `at`. */
uint32_t batch_frame_at(const struct batch *, size_t at);

/* Header of one unfragmented frame; its length. opcode as in RFC 6455 5.2. */
size_t frame_head(uint8_t opcode, size_t len, uint8_t out[static FRAME_HEAD_MAX]);
/* A whole Close frame (RFC 6455 5.5.1); the reason is cut at 123 bytes. */
size_t frame_close(uint16_t code, const char *reason, uint8_t out[static FRAME_CLOSE_MAX]);

#endif
