/*
 * main: starts the rooms in order, runs the loop, ends them in reverse. Each turn of the loop ends
 * with the fan-out: what the turn collected goes out before the loop waits again.
 */
#include <ev.h>
#include <libwebsockets.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "../lib/errs.h"
#include "../lib/log.h"
#include "auth.h"
#include "bus.h"
#include "cache.h"
#include "cf.h"
#include "drain.h"
#include "front.h"
#include "hub.h"
#include "listen.h"
#include "node.h"
#include "notify.h"
#include "options.h"
#include "replay.h"
#include "retire.h"
#include "session.h"
#include "setup.h"
#include "ws.h"

struct node node;

uint64_t node_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void on_turn_end(struct ev_loop *loop, ev_prepare *p, int events)
{
	(void)loop;
	(void)p;
	(void)events;
	hub_flush();
	replay_run();
	bus_flush();
}

static void on_cache(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
	cache_tick();
}

static void on_wheel(struct ev_loop *loop, ev_timer *t, int events)
{
	uint64_t now = node_now_ms();

	(void)loop;
	(void)t;
	(void)events;
	wheel_turn(&node.wheel, now, session_timer);
	wheel_turn(&node.resume_wheel, now, ws_resume);
	wheel_turn(&node.front_wheel, now, front_timer);
	wheel_turn(&node.cf_wheel, now, cf_timer);
}

static void on_second(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
	ws_nudge();
	hub_sweep();
	session_sweep();
	notify_tick();
}

static void on_term(struct ev_loop *loop, ev_signal *s, int events)
{
	(void)loop;
	(void)events;
	log_msg(LOG_NOTICE, "SIG%s: stopping, %u client%s", s->signum == SIGINT ? "INT" : "TERM",
	        session_count(), session_count() == 1 ? "" : "s");
	notify_stopping(drain_window_ms());
	drain_terminate();
}

static void on_hup(struct ev_loop *loop, ev_signal *s, int events)
{
	(void)loop;
	(void)s;
	(void)events;
	setup_reload();
}

static void run(void)
{
	static ev_prepare turn_end;
	static ev_timer wheel, cache, second;
	static ev_signal term, interrupt, hup;
	char at[ENDPOINT_STR];

	ev_prepare_init(&turn_end, on_turn_end);
	ev_timer_init(&wheel, on_wheel, WHEEL_TICK_MS / 1000.0, WHEEL_TICK_MS / 1000.0);
	ev_timer_init(&cache, on_cache, 0.1, 0.1);
	ev_timer_init(&second, on_second, 1, 1);
	ev_signal_init(&term, on_term, SIGTERM);
	ev_signal_init(&interrupt, on_term, SIGINT);
	ev_signal_init(&hup, on_hup, SIGHUP);
	ev_prepare_start(node.loop, &turn_end);
	ev_timer_start(node.loop, &wheel);
	ev_timer_start(node.loop, &cache);
	ev_timer_start(node.loop, &second);
	ev_signal_start(node.loop, &term);
	ev_signal_start(node.loop, &interrupt);
	ev_signal_start(node.loop, &hup);
	drain_init();
	retire_init();
	listen_start();
	log_msg(LOG_NOTICE, "%s of %s listens at %s%s%s", node.name, node.cfg->cluster,
	        endpoint_str(&node.listen, at), node.standalone ? ", " : ", redis ", bus_where());
	notify_ready();
	ev_run(node.loop, 0);
}

int main(int argc, char **argv)
{
	struct options options;
	int n = options_parse(argc, argv, &options);

	if (n)
		return n > 0 ? 0 : 64;
	log_open("wsnode", LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	if (setup_node(&options))
		return 78;
	node.loop = ev_default_loop(EVBACKEND_EPOLL);
	if (!node.loop) {
		log_msg(LOG_ERR, "libev has no epoll here");
		return 1;
	}
	node.started = ev_now(node.loop);
	if (hub_init() || listen_open(&node.listen) || ws_init() || bus_start())
		return 1;
	run();
	log_msg(LOG_NOTICE, "stopped, %u client%s left", session_count(),
	        session_count() == 1 ? " was" : "s were");
	bus_flush(); /* what the last client said in the loop's last turn */
	listen_close();
	front_close_all();
	bus_stop();
	ws_free();
	hub_free();
	auth_free();
	config_free(node.cfg);
	return 0;
}
