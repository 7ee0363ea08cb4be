/*
 * hub: see hub.h; the fan-out is in hub_fan.c. Names come from clients, so the table hashes them
 * with SipHash-1-3 under a random key (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
 * 2012): nobody can choose collisions.
 */
#include "hub.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../lib/log.h"
#include "batch.h"
#include "bus.h"
#include "cache.h"
#include "node.h"

enum { LINGER_MS = 30000, LINGER_MAX = 10000 };

static struct channel **table;
static size_t table_size, n_channels; /* size: a power of two */
static uint64_t key[2];
static struct channel *idle_first, *idle_last; /* by idle_since_ms */
static size_t n_idle;

static uint64_t rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static uint64_t hash_name(const char *p, size_t len)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
	                 key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
	uint64_t last = (uint64_t)len << 56, m;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&m, p, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = 0;
	memcpy(&m, p, len);
	last |= m;
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int hub_init(void)
{
	table_size = 256;
	table = calloc(table_size, sizeof(struct channel *));
	if (!table || getrandom(key, sizeof key, 0) != sizeof key)
		return -1;
	return 0;
}

static void grow(void)
{
	size_t size = table_size * 2;
	struct channel **bigger = calloc(size, sizeof(struct channel *));

	if (!bigger)
		return; /* longer chains, still right */
	for (size_t i = 0; i < table_size; i++) {
		for (struct channel *c = table[i], *next; c; c = next) {
			next = c->hash_next;
			c->hash_next = bigger[c->hash & (size - 1)];
			bigger[c->hash & (size - 1)] = c;
		}
	}
	free(table);
	table = bigger;
	table_size = size;
}

struct channel *hub_find(const char *name, size_t len)
{
	uint64_t h = hash_name(name, len);
	struct channel *c = table[h & (table_size - 1)];

	while (c && !(c->hash == h && c->name_len == len && !memcmp(c->name, name, len)))
		c = c->hash_next;
	return c;
}

/* Its rule, and a history exactly if that keeps one. */
static void apply_rule(struct channel *c)
{
	c->rule = config_rule(node.cfg, c->name);
	if (c->cache && c->rule->history_size) {
		cache_apply(c->cache, c->rule);
	} else if (c->cache) {
		hub_tell_gone(c);
		cache_free(c->cache);
		c->cache = NULL;
		if (c->state == CHANNEL_SUBSCRIBED)
			hub_wake(c, true);
	} else if (c->rule->history_size) {
		c->cache = cache_new(c, c->rule);
		if (!c->cache)
			log_msg(LOG_ERR, "channel %s: out of memory, it has no history here",
			        c->name);
		else if (c->state == CHANNEL_SUBSCRIBED)
			history_on(&c->cache->h);
	}
}

struct channel *hub_channel(const char *name, size_t len)
{
	struct channel *c = hub_find(name, len);

	if (c)
		return c;
	if (n_channels >= table_size)
		grow();
	c = calloc(1, sizeof *c + len + 1);
	if (!c)
		return NULL;
	c->hash = hash_name(name, len);
	c->name_len = (uint16_t)len;
	memcpy(c->name, name, len);
	c->hash_next = table[c->hash & (table_size - 1)];
	table[c->hash & (table_size - 1)] = c;
	n_channels++;
	apply_rule(c);
	hub_touch(c);
	return c;
}

static void idle_unlink(struct channel *c)
{
	if (!c->idle_since_ms)
		return;
	*(c->idle_prev ? &c->idle_prev->idle_next : &idle_first) = c->idle_next;
	*(c->idle_next ? &c->idle_next->idle_prev : &idle_last) = c->idle_prev;
	c->idle_next = c->idle_prev = NULL;
	c->idle_since_ms = 0;
	n_idle--;
}

void hub_touch(struct channel *c)
{
	idle_unlink(c);
	if (c->n || c->held || c->waiters)
		return;
	c->idle_since_ms = node_now_ms() + 1; /* never 0 while listed */
	c->idle_prev = idle_last;
	*(idle_last ? &idle_last->idle_next : &idle_first) = c;
	idle_last = c;
	n_idle++;
}

void hub_hold(struct channel *c)
{
	c->held++;
	hub_touch(c);
}

void hub_unhold(struct channel *c)
{
	c->held--;
	hub_touch(c);
}

static void release(struct channel *c)
{
	cache_free(c->cache);
	for (int i = 0; i < FORMS; i++) {
		batch_unref(c->fan[i].batch);
		free(c->fan[i].subs);
	}
	free(c);
}

static void forget(struct channel *c)
{
	struct channel **at = &table[c->hash & (table_size - 1)];

	idle_unlink(c);
	while (*at != c)
		at = &(*at)->hash_next;
	*at = c->hash_next;
	n_channels--;
	if (c->state != CHANNEL_IDLE)
		bus_unsubscribe(c);
	release(c);
}

void hub_sweep(void)
{
	uint64_t now = node_now_ms();

	/* A channel whose batch waits for hub_flush is not forgotten under it. */
	/* NOLINTBEGIN(clang-analyzer-unix.Malloc): forget() moves idle_first on */
	while (idle_first && !idle_first->dirty &&
	       (n_idle > LINGER_MAX || now - idle_first->idle_since_ms > LINGER_MS))
		forget(idle_first);
	/* NOLINTEND(clang-analyzer-unix.Malloc) */
}

struct channel *hub_idle_first(void)
{
	return idle_first;
}

/* What it needs may be in Redis only. */
static bool needs_fill(const struct channel *c, const struct position *since)
{
	const struct ring *r = &c->cache->h.ring;
	struct position last = {r->epoch, r->top - 1};
	uint64_t from;

	if (!since && c->rule->cache_last && r->top)
		since = &last;
	return since && ring_resume(r, *since, &from) == RESUME_FILL;
}

bool hub_ready(struct channel *c, const struct position *since)
{
	if (c->state != CHANNEL_SUBSCRIBED)
		return false;
	if (!c->cache)
		return true;
	return c->cache->h.state == HISTORY_OK && !needs_fill(c, since);
}

void hub_wait(struct channel *c, struct waiter *w, const struct position *since)
{
	w->c = c;
	w->next = c->waiters;
	c->waiters = w;
	hub_touch(c);
	if (c->state == CHANNEL_IDLE)
		bus_subscribe(c);
	else if (c->state == CHANNEL_SUBSCRIBED && c->cache && needs_fill(c, since))
		history_refill(&c->cache->h);
}

static bool take_off(struct waiter **at, const struct waiter *w)
{
	while (*at && *at != w)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = w->next;
	return true;
}

void hub_unwait(struct waiter *w)
{
	struct channel *c = w->c;

	if (!c)
		return;
	if (!take_off(&c->waiters, w))
		take_off(&c->waking, w);
	w->c = NULL;
	hub_touch(c);
}

/* Who begins to wait meanwhile waits for the next time. What one is told may end others. */
void hub_wake(struct channel *c, bool ok)
{
	struct waiter *w, **end = &c->waking;

	while (*end)
		end = &(*end)->next;
	*end = c->waiters;
	c->waiters = NULL;
	while ((w = c->waking)) {
		c->waking = w->next;
		w->c = NULL;
		w->done(w, ok);
	}
	hub_touch(c);
}

void hub_subscribed(struct channel *c)
{
	c->state = CHANNEL_SUBSCRIBED;
	if (c->cache)
		history_on(&c->cache->h);
	else
		hub_wake(c, true);
}

static bool lose(struct channel *c, void *arg)
{
	(void)arg;
	c->state = CHANNEL_IDLE;
	if (c->cache)
		history_off(&c->cache->h);
	hub_wake(c, false);
	return true;
}

void hub_lost(void)
{
	hub_each(lose, NULL);
}

void hub_message(struct channel *c, const struct message *m)
{
	struct message plain = *m;

	c->in++;
	if (c->cache) {
		cache_message(c->cache, m);
		return;
	}
	/* By this node's rules it has no history, whatever the publisher's say. */
	plain.at = (struct position){0};
	if (m->kind != KIND_PURGE)
		hub_deliver(c, &plain);
}

void hub_apply_rules(void)
{
	for (size_t i = 0; i < table_size; i++)
		for (struct channel *c = table[i]; c; c = c->hash_next)
			apply_rule(c);
}

void hub_each(bool (*f)(struct channel *, void *), void *arg)
{
	for (size_t i = 0; i < table_size; i++)
		for (struct channel *c = table[i], *next; c; c = next) {
			next = c->hash_next;
			if (!f(c, arg))
				return;
		}
}

size_t hub_count(void)
{
	return n_channels;
}

void hub_free(void)
{
	idle_first = NULL;
	for (size_t i = 0; i < table_size; i++)
		for (struct channel *c = table[i], *next; c; c = next) {
			next = c->hash_next;
			release(c);
		}
	free(table);
}
