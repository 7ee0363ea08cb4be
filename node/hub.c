/*
 * hub: see hub.h. Names come from clients, so the table hashes them with SipHash-1-3 under a random
 * key (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): nobody can choose
 * collisions.
 */
#include "hub.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "../lib/channel.h"
#include "../lib/log.h"
#include "batch.h"
#include "bus.h"
#include "front.h"
#include "lag.h"
#include "node.h"
#include "session.h"

enum { LINGER_MS = 30000, LINGER_MAX = 10000 };

static struct channel **table;
static size_t table_size, n_channels; /* size: a power of two */
static uint64_t key[2];
static struct channel *dirty;
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

static void apply_rule(struct channel *c)
{
	const struct config_rule *r = config_rule(node.cfg, c->name);

	c->slow = r->slow;
	c->publish = r->publish;
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

int hub_join(struct channel *c, struct session *s, int fd)
{
	if (c->n == c->cap) {
		uint32_t cap = c->cap ? c->cap * 2 : 4;
		struct sub *more = realloc(c->subs, cap * sizeof *more);

		if (!more)
			return -1;
		c->subs = more;
		c->cap = cap;
	}
	s->slot = c->n;
	c->subs[c->n++] = (struct sub){fd, false, s->wsi, s};
	hub_touch(c);
	return 0;
}

void hub_leave(struct channel *c, struct session *s)
{
	c->subs[s->slot] = c->subs[--c->n];
	c->subs[s->slot].s->slot = s->slot;
	hub_touch(c);
}

void hub_set_busy(struct channel *c, const struct session *s, bool busy)
{
	c->subs[s->slot].busy = busy;
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
	if (c->n || c->waiters)
		return;
	c->idle_since_ms = node_now_ms() + 1; /* never 0 while listed */
	c->idle_prev = idle_last;
	*(idle_last ? &idle_last->idle_next : &idle_first) = c;
	idle_last = c;
	n_idle++;
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
	free(c->subs);
	free(c);
}

void hub_sweep(void)
{
	uint64_t now = node_now_ms();

	/* A channel whose batch waits for hub_flush is not forgotten under it. */
	/* NOLINTBEGIN(clang-analyzer-unix.Malloc): forget() moves idle_first on */
	while (idle_first && !dirty &&
	       (n_idle > LINGER_MAX || now - idle_first->idle_since_ms > LINGER_MS))
		forget(idle_first);
	/* NOLINTEND(clang-analyzer-unix.Malloc) */
}

void hub_subscribed(struct channel *c)
{
	c->state = CHANNEL_SUBSCRIBED;
	while (c->waiters)
		front_subscribed(c->waiters);
	hub_touch(c);
}

static bool lose(struct channel *c, void *arg)
{
	(void)arg;
	c->state = CHANNEL_IDLE;
	while (c->waiters)
		front_lost(c->waiters);
	hub_touch(c);
	return true;
}

void hub_lost(void)
{
	hub_each(lose, NULL);
}

void hub_deliver(struct channel *c, const struct message *m)
{
	c->in++;
	if (!c->n)
		return;
	if (m->len > node.cfg->node.max_queue) {
		if (!node.count.oversized++)
			log_msg(LOG_WARNING,
			        "channel %s: a message of %zu bytes is above node.max_queue and "
			        "not "
			        "delivered (told once; /metrics counts)",
			        c->name, m->len);
		return;
	}
	if (!c->batch) {
		c->batch = batch_new();
		if (!c->batch)
			goto no_memory;
		c->dirty_next = dirty;
		dirty = c;
	}
	if (!batch_add(c->batch, m))
		return;
no_memory:
	/* Without the message there would be a silent gap; its clients reconnect instead. */
	log_msg(LOG_ERR, "channel %s: out of memory, closing its %u clients", c->name, c->n);
	while (c->n)
		session_close_now(c->subs[c->n - 1].s, 1011, "out of memory");
}

/*
 * The fan-out. Backwards, since a send may end in a close, and that moves the last entry, which had
 * its turn, into the closed one's place. A connection that lws is closing has left the channel
 * (LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL) unless lws still holds bytes for it, which is asked here.
 */
static void flush_channel(struct channel *c)
{
	struct batch *b = c->batch;

	c->batch = NULL;
	for (uint32_t i = c->n; i-- > 0;) {
		struct sub *sub = &c->subs[i];
		ssize_t sent = 0;

		if (!sub->busy && !lws_partial_buffered(sub->wsi)) {
			sent = send(sub->fd, b->p, b->len, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (sent == (ssize_t)b->len)
				continue;
			if (sent < 0)
				sent = 0; /* a broken socket is found by lws or by the queue */
		}
		session_queue(sub->s, b, (size_t)sent);
	}
	c->out += (uint64_t)b->n * c->n;
	node.count.messages_out += (uint64_t)b->n * c->n;
	node.count.bytes_out += (uint64_t)b->len * c->n;
	if (b->refs > 1)
		batch_trim(b);
	batch_unref(b);
}

static bool too_much_queued(void)
{
	return lag_total_bytes() > node.cfg->node.max_queue_total;
}

static bool evict(struct session *s)
{
	node.count.slow_closed++;
	if (s->state == SESSION_OPEN || s->state == SESSION_FLUSHING)
		session_close_now(s, 1008, "too slow");
	else
		session_gone(s, 1006);
	return too_much_queued();
}

void hub_flush(void)
{
	while (dirty) {
		struct channel *c = dirty;

		dirty = c->dirty_next;
		c->dirty_next = NULL;
		flush_channel(c);
	}
	/* Many of about one length go in one pass: looking for the longest each time would be
	 * quadratic. */
	while (too_much_queued())
		lag_each_from(lag_longest() / 4 * 3, evict);
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
			batch_unref(c->batch);
			free(c->subs);
			free(c);
		}
	free(table);
}
