/*
 * test_wheel: the timer wheel against a model that only knows when each timer is due: random
 * schedules (WHEEL_SEED repeats one), timers beyond one turn, changes from within due, and a loop
 * that stood still.
 */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "../../node/wheel.h"
#include "tap.h"

enum { N = 300, TURNS = 20000 };

static struct wheel w;
static struct timer {
	struct wheel_entry e;
	uint64_t due; /* the model's, in ms; 0: not running */
	unsigned fired;
} t[N];
static uint64_t now;
static bool early, spurious;

static struct timer *timer_of(struct wheel_entry *e)
{
	return (struct timer *)e;
}

static void set(struct timer *x, uint64_t ms)
{
	wheel_set(&w, &x->e, ms);
	x->due = now + (ms ? ms : 1);
}

static void stop(struct timer *x)
{
	wheel_stop(&x->e);
	x->due = 0;
}

static uint64_t some_ms(void)
{
	switch (rand() % 4) {
	case 0:
		return (uint64_t)rand() % 200;
	case 1:
		return (uint64_t)rand() % (WHEEL_SLOTS * WHEEL_TICK_MS);
	case 2:
		return (uint64_t)(rand() % 5) * WHEEL_SLOTS *
		       WHEEL_TICK_MS; /* the same slot again */
	default:
		return (uint64_t)rand() % (5 * WHEEL_SLOTS * WHEEL_TICK_MS);
	}
}

static void act(void)
{
	struct timer *x = &t[rand() % N];

	if (rand() % 3)
		set(x, some_ms());
	else
		stop(x);
}

static void on_due(struct wheel_entry *e)
{
	struct timer *x = timer_of(e);

	spurious |= !x->due || e->next;
	/* A tick's length may be missing: the wheel counts from the beginning of the tick it is in.
	 */
	early |= x->due > now + WHEEL_TICK_MS;
	x->due = 0;
	x->fired++;
	for (int i = rand() % 3; i > 0; i--)
		act();
	if (rand() % 2)
		set(x, some_ms());
}

static void random_schedule(void)
{
	const char *seed = getenv("WHEEL_SEED");
	unsigned s = seed ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)time(NULL);
	bool late = false, stopped = false;

	printf("# WHEEL_SEED=%u\n", s);
	srand(s);
	now = (uint64_t)rand() * 7;
	wheel_init(&w, now);
	for (int i = 0; i < TURNS; i++) {
		for (int k = rand() % 8; k > 0; k--)
			act();
		now += (uint64_t)rand() % (rand() % 50 ? 3 * WHEEL_TICK_MS : 100 * WHEEL_TICK_MS);
		wheel_turn(&w, now, on_due);
		for (int k = 0; k < N; k++) {
			late |= t[k].due && t[k].due + WHEEL_TICK_MS < now;
			stopped |= !t[k].due != !t[k].e.next;
		}
	}
	ok(!early, "no timer runs out before its time");
	ok(!late, "no timer is forgotten");
	ok(!spurious, "due is called only for what was running, already stopped");
	ok(!stopped, "what is running is linked, what isn't is not");
	for (int k = 0; k < N; k++)
		stop(&t[k]);
}

static struct timer a, b;

static void plain(struct wheel_entry *e)
{
	timer_of(e)->fired++;
}

static void stops_other(struct wheel_entry *e)
{
	timer_of(e)->fired++;
	wheel_stop(e == &a.e ? &b.e : &a.e);
}

static void again(struct wheel_entry *e)
{
	timer_of(e)->fired++;
	wheel_set(&w, e, 1000);
}

static void simple(void)
{
	wheel_init(&w, 5000);
	wheel_set(&w, &a.e, 0);
	wheel_turn(&w, 5000, plain);
	ok(!a.fired, "0 ms is at least one tick");
	wheel_turn(&w, 5000 + WHEEL_TICK_MS, plain);
	ok(a.fired == 1 && !a.e.next, "and no more than one");
	wheel_set(&w, &a.e, 100);
	wheel_set(&w, &a.e, 1000);
	wheel_turn(&w, 5900, plain);
	ok(a.fired == 1, "a running timer is moved");
	wheel_stop(&a.e);
	wheel_stop(&a.e);
	wheel_turn(&w, 9000, plain);
	ok(a.fired == 1, "stopped twice is stopped");
	wheel_set(&w, &a.e, UINT64_MAX / 2);
	wheel_turn(&w, 9000 + 3 * WHEEL_SLOTS * WHEEL_TICK_MS, plain);
	ok(a.fired == 1 && a.e.next, "an immense time is far away, not past");
	wheel_stop(&a.e);
}

static void within_due(void)
{
	a.fired = b.fired = 0;
	wheel_init(&w, 0);
	wheel_set(&w, &a.e, 500);
	wheel_set(&w, &b.e, 500);
	wheel_turn(&w, 1000, stops_other);
	ok(a.fired + b.fired == 1 && !a.e.next && !b.e.next,
	   "of two in the same tick the first stops the second");
}

static void stood_still(void)
{
	a.fired = 0;
	wheel_init(&w, 0);
	wheel_set(&w, &a.e, 1000);
	wheel_turn(&w, 60000, again);
	ok(a.fired == 1, "after a minute's standstill a repeating timer runs out once");
	wheel_turn(&w, 60950, again);
	ok(a.fired == 1, "its next time counts from now on");
	wheel_turn(&w, 61000, again);
	ok(a.fired == 2, "and comes");
	wheel_stop(&a.e);
	wheel_init(&w, (uint64_t)UINT32_MAX * WHEEL_TICK_MS - 100);
	a.fired = 0;
	wheel_set(&w, &a.e, 1000);
	wheel_turn(&w, (uint64_t)UINT32_MAX * WHEEL_TICK_MS + 800, plain);
	ok(!a.fired, "ticks wrap around: not early");
	wheel_turn(&w, (uint64_t)UINT32_MAX * WHEEL_TICK_MS + 1000, plain);
	ok(a.fired == 1, "ticks wrap around: not never");
}

int main(void)
{
	simple();
	within_due();
	stood_still();
	random_schedule();
	return tap_done();
}
