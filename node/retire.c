/*
 * retire: see retire.h. Paced as a drain is; while the whole node drains, that takes them along.
 */
#include "retire.h"

#include <ev.h>

#include "../lib/log.h"
#include "drain.h"
#include "lbs.h"
#include "node.h"
#include "pace.h"
#include "session.h"

static const double TICK_S = 0.01;

static struct pace pace;
static uint32_t cursor;
static ev_timer timer;

static void close_one(void)
{
	uint32_t n = session_count();

	for (uint32_t i = 0; i < n; i++) {
		struct session *s;

		cursor = cursor + 1 < n ? cursor + 1 : 0;
		s = session_at(cursor);
		if (s->state == SESSION_OPEN && lbs_retiring(s->lb)) {
			session_close(s, 1012, "moving to another balancer");
			return;
		}
	}
}

static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	uint32_t due = pace_due(&pace, node_now_ms());

	(void)events;
	while (due-- && lbs_left() && !drain_active())
		close_one();
	if (!lbs_left())
		ev_timer_stop(loop, t);
}

void retire_init(void)
{
	ev_timer_init(&timer, on_tick, TICK_S, TICK_S);
}

void retire_start(double per_second)
{
	pace.per_second = per_second;
	/* wsctl asks again and again. */
	if (!ev_is_active(&timer)) {
		pace_begin(&pace, node_now_ms());
		log_msg(LOG_NOTICE, "retire: %u client%s at %.1f/s", lbs_left(),
		        lbs_left() == 1 ? "" : "s", per_second);
	}
	ev_timer_again(node.loop, &timer);
}
