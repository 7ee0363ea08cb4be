/*
 * drain: see drain.h. A timer ticks faster than clients are closed; each tick closes what the pace
 * allows by now, so that closes are spread evenly and a late tick catches up.
 */
#include "drain.h"

#include <ev.h>
#include <stdio.h>

#include "../lib/log.h"
#include "node.h"
#include "pace.h"
#include "session.h"

static const double TICK_S = 0.01;
/* The last client's flush (5 s) and acknowledgement (2 s), and as much again. */
enum { ENDS_MS = 14000 };

static bool active;
static struct pace pace;
static uint64_t deadline_ms;
static uint32_t cursor;
static char reason[128];
static ev_timer timer;

bool drain_active(void)
{
	return active;
}

const char *drain_reason(void)
{
	return reason;
}

double drain_per_second(void)
{
	return pace.per_second;
}

static void close_one(void)
{
	uint32_t n = session_count();

	for (uint32_t i = 0; i < n; i++) {
		struct session *s;

		cursor = cursor + 1 < n ? cursor + 1 : 0;
		s = session_at(cursor);
		if (s->state == SESSION_OPEN) {
			session_close(s, 1012, "moving to another node");
			return;
		}
	}
}

static void close_all(void)
{
	for (uint32_t i = session_count(); i-- > 0;)
		session_close_now(session_at(i), 1012, "stopping");
}

static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	uint64_t now = node_now_ms();
	uint32_t due;

	(void)events;
	if (!session_count()) {
		if (node.stopping)
			ev_break(loop, EVBREAK_ALL);
		else
			ev_timer_stop(loop, t); /* drained: no client comes while it lasts */
		return;
	}
	if (node.stopping && now >= deadline_ms) {
		/* Once; the session's own deadlines end what does not answer. */
		deadline_ms = UINT64_MAX;
		log_msg(LOG_WARNING, "deadline passed, closing %u client%s at once",
		        session_count(), session_count() == 1 ? "" : "s");
		close_all();
	}
	due = pace_due(&pace, now);
	while (due-- && session_open_count())
		close_one();
	if (!session_open_count())
		pace.owed = 0;
}

void drain_init(void)
{
	ev_timer_init(&timer, on_tick, TICK_S, TICK_S);
}

void drain_start(double rate, uint64_t grace_ms, const char *by)
{
	const struct rate *own = &node.cfg->node.drain.rate;

	pace.per_second = rate > 0 ? rate : (double)own->count * 1000 / own->per_ms;
	snprintf(reason, sizeof reason, "draining%s%s", *by ? ", asked by " : "", by);
	for (char *p = reason; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?'; /* a line of sd_notify's datagram must not begin in it */
	if (!active) {
		pace_begin(&pace, node_now_ms() + grace_ms);
		log_msg(LOG_NOTICE, "%s: %u client%s at %.1f/s", reason, session_count(),
		        session_count() == 1 ? "" : "s", pace.per_second);
	}
	active = true;
	ev_timer_again(node.loop, &timer);
}

int drain_undo(void)
{
	if (node.stopping)
		return -1;
	if (active)
		log_msg(LOG_NOTICE, "ready again, %u client%s", session_count(),
		        session_count() == 1 ? "" : "s");
	active = false;
	ev_timer_stop(node.loop, &timer);
	return 0;
}

uint64_t drain_window_ms(void)
{
	return node.cfg->node.drain.grace_ms + node.cfg->node.drain.deadline_ms + ENDS_MS;
}

void drain_terminate(void)
{
	if (node.stopping || !session_count()) {
		node.stopping = true;
		close_all(); /* what the sockets take at once; lws would say 1002 */
		ev_break(node.loop, EVBREAK_ALL);
		return;
	}
	node.stopping = true;
	deadline_ms = node_now_ms() + node.cfg->node.drain.deadline_ms;
	drain_start(active ? pace.per_second : 0, node.cfg->node.drain.grace_ms, "SIGTERM");
}
