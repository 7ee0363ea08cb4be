/*
 * front: a connection before it is a WebSocket: reads one request head within a deadline, answers
 * plain requests itself, and hands an upgrade that is allowed on to lws, once its channel is
 * subscribed and its history at hand: after a 101 no message is missed.
 */
#ifndef WSNODE_FRONT_H
#define WSNODE_FRONT_H

#include <stdbool.h>
#include <stdint.h>

struct front;

/* A connection just accepted; owns fd from here on. */
void front_open(int fd);
struct wheel_entry;
/* Called by the wheel. */
void front_timer(struct wheel_entry *);
/* Connections in this stage. */
uint32_t front_count(void);
/* Requests answered by status: f for each. 101 is not among them. */
void front_responses(void (*f)(int status, uint64_t n, void *), void *);
void front_close_all(void);

#endif
