/*
 * wheel: a hashed timer wheel, one timer an entry, embedded in its owner. Setting and stopping are
 * O(1); a turn costs what is due. Knows no clock and no loop: whoever owns it says what time it is.
 */
#ifndef WSNODE_WHEEL_H
#define WSNODE_WHEEL_H

#include <stdint.h>

enum { WHEEL_SLOTS = 1024, WHEEL_TICK_MS = 50 };

struct wheel_entry {
	struct wheel_entry *next, *prev; /* NULL: not running */
	uint32_t due;                    /* tick */
};

struct wheel {
	struct wheel_entry slots[WHEEL_SLOTS]; /* heads of rings */
	uint32_t now;                          /* tick served last */
	uint32_t target;                       /* tick that it is: ahead of now within a turn */
};

void wheel_init(struct wheel *, uint64_t now_ms);
/*
 * Runs out after ms (at least one tick); a running entry is moved. Entries start zeroed. Within a
 * turn that makes up for a standstill ms counts from the turn's end, not from the tick that is made
 * up for.
 */
void wheel_set(struct wheel *, struct wheel_entry *, uint64_t ms);
void wheel_stop(struct wheel_entry *);
/*
 * Serves all ticks up to now_ms (monotonic, same origin at each call) and calls due for each entry
 * that ran out, already stopped; due may set and stop any entry.
 */
void wheel_turn(struct wheel *, uint64_t now_ms, void (*due)(struct wheel_entry *));

#endif
