/* wheel: see wheel.h. An entry further away than one turn stays in its slot and is passed over
 * until due. */
#include "wheel.h"

#include <stddef.h>

void wheel_init(struct wheel *w, uint64_t now_ms)
{
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		w->slots[i].next = w->slots[i].prev = &w->slots[i];
	w->now = w->target = (uint32_t)(now_ms / WHEEL_TICK_MS);
}

void wheel_stop(struct wheel_entry *e)
{
	if (!e->next)
		return;
	e->prev->next = e->next;
	e->next->prev = e->prev;
	e->next = e->prev = NULL;
}

static void link_before(struct wheel_entry *head, struct wheel_entry *e)
{
	e->prev = head->prev;
	e->next = head;
	head->prev->next = e;
	head->prev = e;
}

void wheel_set(struct wheel *w, struct wheel_entry *e, uint64_t ms)
{
	uint64_t ticks = (ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;

	if (ticks < 1)
		ticks = 1;
	if (ticks > UINT32_MAX / 2)
		ticks = UINT32_MAX / 2;
	wheel_stop(e);
	e->due = w->target + (uint32_t)ticks;
	link_before(&w->slots[e->due % WHEEL_SLOTS], e);
}

static void serve(struct wheel *w, void (*due)(struct wheel_entry *))
{
	struct wheel_entry *head = &w->slots[w->now % WHEEL_SLOTS];
	struct wheel_entry pending = {&pending, &pending, 0};

	/* What is due moves to a ring of its own, so that due() may touch the slot. */
	for (struct wheel_entry *e = head->next, *next; e != head; e = next) {
		next = e->next;
		if (e->due != w->now)
			continue;
		wheel_stop(e);
		link_before(&pending, e);
	}
	while (pending.next != &pending) {
		struct wheel_entry *e = pending.next;

		wheel_stop(e);
		due(e);
	}
}

void wheel_turn(struct wheel *w, uint64_t now_ms, void (*due)(struct wheel_entry *))
{
	w->target = (uint32_t)(now_ms / WHEEL_TICK_MS);
	while (w->now != w->target) {
		w->now++;
		serve(w, due);
	}
}
