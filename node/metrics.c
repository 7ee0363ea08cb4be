/*
 * metrics: see metrics.h. One table of counters and gauges; what has labels follows it. No metric
 * is per channel: channels come from clients, and labels must be few.
 */
#include "metrics.h"

#include <ev.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/version.h"
#include "bus.h"
#include "cache.h"
#include "closes.h"
#include "drain.h"
#include "front.h"
#include "hub.h"
#include "lag.h"
#include "node.h"
#include "replay.h"
#include "session.h"

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *b, const char *name, const char *type, const char *help, uint64_t value)
{
	head(b, name, type, help);
	buf_printf(b, "%s %" PRIu64 "\n", name, value);
}

static void close_row(uint16_t code, uint64_t n, void *arg)
{
	char text[8] = "other";

	if (code)
		snprintf(text, sizeof text, "%u", code);
	buf_printf(arg, "wsnode_closes_total{code=\"%s\"} %" PRIu64 "\n", text, n);
}

static void response_row(int status, uint64_t n, void *arg)
{
	buf_printf(arg, "wsnode_http_responses_total{status=\"%d\"} %" PRIu64 "\n", status, n);
}

/* Bytes, 0 when /proc isn't there. */
static uint64_t resident(void)
{
	unsigned long total, pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%lu %lu", &total, &pages) != 2)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void returns(struct buf *b)
{
	static const char name[] = "wsnode_resume_seconds";
	struct replay_returns r;

	replay_returns(&r);
	head(b, name, "histogram",
	     "From the accept of a returning client's connection until it has all.");
	for (int i = 0; i < REPLAY_BUCKETS; i++)
		buf_printf(b, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, r.bounds[i],
		           r.buckets[i]);
	buf_printf(b, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.3f\n%s_count %" PRIu64 "\n",
	           name, r.count, name, r.sum, name, r.count);
}

void metrics_text(struct buf *b)
{
	const struct counters *c = &node.count;
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} rows[] = {
		{"wsnode_clients", "gauge", "WebSocket clients connected.", session_count()},
		{"wsnode_clients_max", "gauge", "Clients that this node takes.", node.max_clients},
		{"wsnode_clients_closing", "gauge", "Clients told to close that are not gone yet.",
	         session_count() - session_open_count()},
		{"wsnode_handshakes_pending", "gauge",
	         "Connections before their upgrade or answer.", front_count()},
		{"wsnode_channels", "gauge", "Channels known, lingering ones included.",
	         hub_count()},
		{"wsnode_ready", "gauge", "1 when new clients are taken.",
	         bus_ready() && !drain_active()},
		{"wsnode_draining", "gauge", "1 while draining or drained.", drain_active()},
		{"wsnode_redis_up", "gauge", "1 when both Redis connections work.", bus_ready()},
		{"wsnode_queued_bytes", "gauge", "Bytes queued for slow clients.",
	         lag_total_bytes()},
		{"wsnode_lagging_clients", "gauge", "Clients with a queue.", lag_count()},
		{"wsnode_cache_bytes", "gauge", "Histories held in memory.", cache_bytes()},
		{"wsnode_resident_bytes", "gauge", "Resident memory.", resident()},
		{"wsnode_uptime_seconds", "gauge", "Since start.",
	         (uint64_t)(ev_now(node.loop) - node.started)},
		{"wsnode_accepted_total", "counter", "Connections accepted.", c->accepted},
		{"wsnode_upgraded_total", "counter", "WebSocket handshakes completed.",
	         c->upgraded},
		{"wsnode_evicted_total", "counter",
	         "Half-open connections given up for newer ones.", c->evicted},
		{"wsnode_messages_in_total", "counter", "Messages from clients.", c->messages_in},
		{"wsnode_messages_refused_total", "counter",
	         "Messages from clients not published: Redis away.", c->refused_in},
		{"wsnode_messages_redis_total", "counter", "Messages heard from Redis.",
	         c->messages_redis},
		{"wsnode_messages_out_total", "counter", "Messages sent to clients.",
	         c->messages_out},
		{"wsnode_sent_bytes_total", "counter", "Bytes of those frames.", c->bytes_out},
		{"wsnode_dropped_total", "counter",
	         "Messages dropped for slow clients (slow: drop).", c->dropped},
		{"wsnode_slow_closed_total", "counter", "Clients closed for being too slow.",
	         c->slow_closed},
		{"wsnode_oversized_total", "counter",
	         "Messages above node.max_queue, not delivered.", c->oversized},
		{"wsnode_throttled_total", "counter", "Times message_rate paused reading a client.",
	         c->throttled},
		{"wsnode_publish_errors_total", "counter",
	         "Publishes that Redis answered with an error.", c->publish_errors},
		{"wsnode_redis_connects_total", "counter", "Times Redis became usable.",
	         c->redis_connects},
		{"wsnode_ping_timeouts_total", "counter", "Clients given up that answered no ping.",
	         c->ping_timeouts},
		{"wsnode_cache_hits_total", "counter",
	         "Subscriptions to channels with history, served from memory.", c->cache_hits},
		{"wsnode_cache_fills_total", "counter", "Histories read from Redis.",
	         c->cache_fills},
		{"wsnode_cache_stale_total", "counter",
	         "Times a history in memory was found incomplete and read again.", c->cache_stale},
		{"wsnode_cache_lost_total", "counter", "Subscribers told that messages are gone.",
	         c->cache_lost},
		{"wsnode_replayed_total", "counter", "Messages sent from a history.", c->replayed},
	};

	head(b, "wsnode_info", "gauge", "Which node this is.");
	buf_printf(b, "wsnode_info{node=\"%s\",cluster=\"%s\",version=\"%s\",start_id=\"%s\"} 1\n",
	           node.name, node.cfg->cluster, WSCALE_VERSION, node.start_id);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		one(b, rows[i].name, rows[i].type, rows[i].help, rows[i].value);
	head(b, "wsnode_closes_total", "counter", "Connections ended, by close code; 1006: none.");
	closes_each(close_row, b);
	head(b, "wsnode_http_responses_total", "counter", "Requests answered without an upgrade.");
	front_responses(response_row, b);
	returns(b);
}
