/*
 * encode: the forms in which a message reaches clients, each one whole WebSocket frame.
 *   FORM_RAW  the payload
 *   FORM_ID   "EPOCH-OFFSET LF payload", subprotocol wscale.id
 *   FORM_CF   a push of Centrifugo's JSON protocol
 */
#ifndef WSNODE_ENCODE_H
#define WSNODE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "../lib/envelope.h"

struct batch;
struct ring;
struct ring_entry;

enum form { FORM_RAW, FORM_ID, FORM_CF, FORMS };

/* Appends the message's frame. 0; -1: out of memory, the batch is as before. */
int encode_message(struct batch *, enum form, const char *channel, const struct message *);
/* The same for an entry of a ring, whose form is kept for the next one who needs it. */
int encode_entry(struct batch *, enum form, const char *channel, struct ring *, uint64_t offset);
/* A notice of wscale.id: "!ready", "!recovered" or "!lost", and where everything after follows. */
int encode_notice(struct batch *, const char *what, struct position);

#endif
