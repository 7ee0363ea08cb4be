/*
 * node: what is one a process: its configuration, its loop, its counters. Rooms reach it as `node`;
 * each keeps the rest of its state to itself.
 */
#ifndef WSNODE_NODE_H
#define WSNODE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "../lib/config.h"
#include "wheel.h"

struct ev_loop;

/* Counters since start, as /metrics shows them; gauges are asked from the rooms. */
struct counters {
	uint64_t accepted;       /* connections taken from the listen socket */
	uint64_t upgraded;       /* WebSocket handshakes completed */
	uint64_t evicted;        /* half-open connections given up for newer ones */
	uint64_t messages_in;    /* from clients */
	uint64_t refused_in;     /* from clients, not published: Redis away or its queue full */
	uint64_t messages_redis; /* heard from Redis */
	uint64_t messages_out;   /* frames handed to the kernel or to a client's queue */
	uint64_t bytes_out;
	uint64_t dropped;        /* frames dropped by slow: drop */
	uint64_t slow_closed;    /* clients closed by slow: close or max_queue_total */
	uint64_t oversized;      /* messages from Redis above max_queue, not delivered */
	uint64_t throttled;      /* times a client was not read from, message_rate */
	uint64_t publish_errors; /* error replies of Redis to PUBLISH */
	uint64_t redis_connects; /* times both connections became usable */
	uint64_t ping_timeouts;
	uint64_t cache_hits;  /* readers served from the ring */
	uint64_t cache_fills; /* histories read from Redis */
	uint64_t cache_stale; /* rings found incomplete or of another history */
	uint64_t cache_lost;  /* readers told that something is gone */
	uint64_t replayed;    /* frames given by replay */
};

struct node {
	struct ev_loop *loop;
	struct config *cfg;
	const char *name;
	char start_id[17]; /* hex, new at each start */
	char config_hash[CONFIG_HASH];
	struct endpoint listen;
	bool standalone, demo, stopping;
	bool from_file;       /* a YAML was read; SIGHUP reads it again */
	uint32_t max_clients; /* node.max_clients or what nofile allows, if less */
	uint32_t max_fronts;  /* connections before their upgrade: what nofile leaves for them */
	double started;       /* Unix seconds, as ev_now */
	struct wheel wheel;   /* sessions: session_timer */
	struct wheel resume_wheel; /* sessions: reading again after message_rate */
	struct wheel front_wheel;  /* connections before their upgrade */
	struct wheel cf_wheel;     /* Centrifugo clients before their connect, then what waits */
	struct counters count;
};

extern struct node node;

/* Monotonic milliseconds. */
uint64_t node_now_ms(void);

#endif
