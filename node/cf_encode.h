/*
 * cf_encode: Centrifugo's JSON, server to client. Pure. A payload that is JSON stays as it is (line
 * breaks between its tokens become blanks, since a line break ends a reply); other text becomes a
 * JSON string; binary becomes {"base64":"..."}.
 */
#ifndef WSNODE_CF_ENCODE_H
#define WSNODE_CF_ENCODE_H

#include "../lib/buf.h"
#include "../lib/envelope.h"

/* {"data":...,"offset":N}; offset only with a place in a history. Out of memory is out->oom. */
void cf_publication(struct buf *out, const struct message *);
/* {"push":{"channel":"...","pub":{...}}} */
void cf_push(struct buf *out, const char *channel, const struct message *);
/* The publication alone, within a push that was written so. */
const char *cf_push_pub(const char *push, size_t push_len, size_t channel_len, size_t *len);

#endif
