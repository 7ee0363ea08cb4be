/*
 * cf: a client that speaks Centrifugo's JSON protocol (/connection/websocket): its commands, its
 * subscriptions, one of them for each channel. What arrives is parsed by cf_parse, what leaves is
 * written by cf_encode; both are pure.
 */
#ifndef WSNODE_CF_H
#define WSNODE_CF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/envelope.h"

struct session;
struct subscriber;
struct wheel_entry;

/* The connection is open: a connect command is awaited. Sets s->cf. -1: out of memory. */
int cf_open(struct session *);
/* Leaves all channels and frees s->cf. NULL is fine. */
void cf_free(struct session *);
/* The same, but keeps s->cf: the session is being closed. */
void cf_leave_all(struct session *);
/* One WebSocket message. It is counted against message_rate by its commands. */
void cf_message(struct session *, enum kind, const uint8_t *, size_t);
/* Each subscription that is in its channel. */
void cf_each(struct session *, void (*f)(struct subscriber *));
/* This subscription can't go on without a gap: tells the client to subscribe anew and leaves. */
void cf_lost(struct subscriber *);
/* Redis has publishes of it that aren't acknowledged yet: a close waits for them, so that the
 * client knows of each message whether it was taken. */
bool cf_unanswered(const struct session *);
/* Our close codes and reasons in this protocol's terms (3001: reconnect elsewhere, ...). */
uint16_t cf_close_code(uint16_t code, const char **reason);
/* Called by the wheel node.cf_wheel: no connect command in time, or no answer of Redis. */
void cf_timer(struct wheel_entry *);

#endif
