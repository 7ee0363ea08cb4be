/*
 * fill_reply: what lib/lua/fill.lua and check.lua return, read strictly: a page that goes on to
 * ring is ascending, ends at its top and holds only kinds that are known. Pure.
 */
#ifndef WSNODE_FILL_REPLY_H
#define WSNODE_FILL_REPLY_H

#include <stdint.h>

#include "../lib/position.h"

struct page;
struct redisReply;

/* Payloads are borrowed from the reply, the array of entries is the page's: fill_reply_free. 0; -1:
 * malformed or out of memory, nothing to free. */
int fill_reply_page(const struct redisReply *, struct page *);
void fill_reply_free(struct page *);
/* epoch 0: there is nothing. 0; -1: malformed. */
int fill_reply_top(const struct redisReply *, struct position *, uint64_t *micros);

#endif
