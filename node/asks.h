/*
 * asks: who waits for the answers of a Redis connection, in the order of the commands. Pure.
 */
#ifndef WSNODE_ASKS_H
#define WSNODE_ASKS_H

#include <stdbool.h>
#include <stddef.h>

struct redisReply;

struct ask {
	void (*done)(void *arg, const struct redisReply *); /* NULL: nobody */
	void *arg;
};

/* Zeroed is empty. */
struct asks {
	struct ask *v; /* a circle */
	size_t first, n, cap;
};

/* 0; -1: out of memory. */
int asks_push(struct asks *, struct ask);
/* Takes the last one back: its command was not sent. */
void asks_unpush(struct asks *);
/* False: nobody asked. */
bool asks_pop(struct asks *, struct ask *);
/* The connection is gone: all that wait are told, oldest first. They may ask anew. */
void asks_lost(struct asks *);
void asks_free(struct asks *);

#endif
