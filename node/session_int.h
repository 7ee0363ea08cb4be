/* session_int: between session.c and session_send.c. */
#ifndef WSNODE_SESSION_INT_H
#define WSNODE_SESSION_INT_H

#include <stddef.h>
#include <stdint.h>

struct session;

/* Hands bytes of whole frames, or the rest of one, to lws. 0; -1: the connection is broken. */
int session_pass(struct session *, const uint8_t *, size_t);
/* The connection broke: it is ended. */
void session_broken(struct session *);
void session_drop_queue(struct session *);
/* The queue is flushed or given up: our Close frame. */
void session_send_close(struct session *);

#endif
