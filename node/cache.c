/*
 * cache: see cache.h. A command outlives its channel: its answer finds the cache through a struct
 * cache_ask, which knows when it is gone or has asked anew. Each cache is looked at once a second.
 */
#include "cache.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/log.h"
#include "../lib/script.h"
#include "bus.h"
#include "fill_reply.h"
#include "hub.h"
#include "node.h"

enum { CHECK_MS = 15000, SUSPECT_MS = 1000, TICKS_PER_WALK = 10, SLACK = 16 };

struct cache_ask {
	struct cache *c;
	struct cache_ask **by; /* what points here in c */
	struct position was;
	bool whole;
};

static struct cache *first, *last;
static struct cache *walk;   /* the next one to be looked at */
static struct cache *paused; /* a list */
static size_t n, total;

size_t cache_bytes(void)
{
	return total;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static struct keep keep_of(const struct cache *c)
{
	return (struct keep){c->c->rule->history_size, c->c->rule->history_ttl_ms};
}

/* --- the bound */

static void link_last(struct cache *c)
{
	c->next = NULL;
	c->prev = last;
	*(last ? &last->next : &first) = c;
	last = c;
}

static void unlink_used(struct cache *c)
{
	*(c->prev ? &c->prev->next : &first) = c->next;
	*(c->next ? &c->next->prev : &last) = c->prev;
}

/* Somewhat below the bound, so that not each message comes here. */
static void keep_bound(void)
{
	size_t max = node.cfg->node.max_cache, aim = max - max / SLACK;

	if (total <= max)
		return;
	for (struct channel *c = hub_idle_first(); c && total > aim; c = c->idle_next)
		if (c->cache)
			ring_trim(&c->cache->h.ring, 0);
	for (struct cache *c = first; c && total > aim; c = c->next) {
		struct ring *r = &c->h.ring;
		size_t over = total - aim;

		ring_trim(r, r->bytes > over ? r->bytes - over : 0);
	}
}

void cache_used(struct cache *c)
{
	node.count.cache_hits++;
	unlink_used(c);
	link_last(c);
}

/* --- what is asked of Redis */

/* No answer to what was asked before is wanted any more. NULL: out of memory. */
static struct cache_ask *ask_new(struct cache *c, struct cache_ask **by)
{
	struct cache_ask *ask = malloc(sizeof *ask);

	if (*by)
		(*by)->c = NULL;
	*by = ask;
	if (ask)
		*ask = (struct cache_ask){c, by, {c->h.ring.epoch, c->h.ring.top}, false};
	return ask;
}

/* NULL: nobody waits for the answer. Frees the ask. */
static struct cache *ask_end(struct cache_ask *ask)
{
	struct cache *c = ask->c;

	if (c)
		*ask->by = NULL;
	free(ask);
	return c;
}

static void told_once(const char *what, const redisReply *r)
{
	static bool told;

	if (!told)
		log_msg(LOG_ERR, "redis %s: %s: %s (told once)", bus_where(), what,
		        r->type == REDIS_REPLY_ERROR ? r->str : "not what the script returns");
	told = true;
}

static void list_paused(struct cache *c)
{
	if (c->h.state != HISTORY_PAUSED || c->paused)
		return;
	c->paused = true;
	c->paused_next = paused;
	paused = c;
}

static void failed(struct cache *c)
{
	history_failed(&c->h);
	list_paused(c);
}

static void filled(struct cache *c, const struct page *page)
{
	node.count.cache_fills++;
	unlink_used(c);
	link_last(c);
	c->whole = page->whole;
	history_filled(&c->h, page);
	list_paused(c);
	keep_bound();
}

static void on_filled(void *arg, const redisReply *r)
{
	bool whole = ((struct cache_ask *)arg)->whole;
	struct cache *c = ask_end(arg);
	struct page page;

	if (!c)
		return;
	if (!r || fill_reply_page(r, &page)) {
		if (r)
			told_once("fill", r);
		failed(c);
		return;
	}
	page.whole = whole;
	c->check_due_ms = node_now_ms() + CHECK_MS / 2 + (uint64_t)rand() % CHECK_MS;
	filled(c, &page);
	fill_reply_free(&page);
}

static void on_checked(void *arg, const redisReply *r)
{
	struct position was = ((struct cache_ask *)arg)->was, top;
	struct cache *c = ask_end(arg);
	uint64_t micros;

	if (!c || !r)
		return;
	if (fill_reply_top(r, &top, &micros)) {
		told_once("check", r);
		return;
	}
	history_checked(&c->h, top, micros, was);
	if (c->h.suspect_top)
		c->check_due_ms = node_now_ms() + SUSPECT_MS;
}

static void check(struct cache *c, uint64_t now)
{
	struct cache_ask *ask;
	struct call call;

	c->check_due_ms = now + CHECK_MS / 2 + (uint64_t)rand() % CHECK_MS;
	if (c->check || !(ask = ask_new(c, &c->check)))
		return;
	script_check(&call, node.cfg->cluster, c->c->name, keep_of(c));
	if (bus_call(&call, on_checked, ask))
		ask_end(ask);
}

/* --- what history wants */

/* This process is all there is. */
static void fill_standalone(struct cache *c)
{
	const struct ring *r = &c->h.ring;
	struct page page = {.epoch = r->epoch ? r->epoch : now_us(),
	                    .top = r->top,
	                    .top_micros = r->top_micros,
	                    .whole = true};

	history_filled(&c->h, &page);
}

static void fill(void *owner, struct position known, uint64_t known_micros, bool whole)
{
	struct cache *c = owner;
	struct cache_ask *ask;
	struct call call;

	node.count.cache_stale += c->h.stale - c->stale;
	c->stale = c->h.stale;
	if (node.standalone) {
		fill_standalone(c);
		return;
	}
	ask = ask_new(c, &c->fill);
	if (ask) {
		ask->whole = whole;
		script_fill(&call, node.cfg->cluster, c->c->name, keep_of(c), known, known_micros,
		            whole, bus_run_id());
		if (!bus_call(&call, on_filled, ask))
			return;
		ask_end(ask);
	}
	failed(c);
}

static void deliver(void *owner, const struct message *m)
{
	hub_deliver(((struct cache *)owner)->c, m);
}

static void lost(void *owner, struct position at)
{
	hub_tell_lost(((struct cache *)owner)->c, at);
}

static void moved(void *owner, struct position at)
{
	hub_tell_moved(((struct cache *)owner)->c, at);
}

static void is_ready(void *owner)
{
	struct cache *c = owner;
	bool truncated = c->h.ring.truncated;

	/* Before anybody is told what can be had. More than that can't be held, so nobody asks for
	 * it again. */
	keep_bound();
	if (c->whole)
		c->h.ring.truncated = truncated;
	hub_wake(c->c, true);
}

static const struct history_ops ops = {fill, deliver, lost, moved, is_ready};

/* --- */

struct cache *cache_new(struct channel *ch, const struct config_rule *rule)
{
	struct cache *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->c = ch;
	history_init(&c->h, rule->history_size, &ops, c);
	c->h.ring.sum = &total;
	link_last(c);
	if (!walk)
		walk = c->walk_prev = c->walk_next = c;
	c->walk_next = walk;
	c->walk_prev = walk->walk_prev;
	c->walk_prev->walk_next = walk->walk_prev = c;
	n++;
	return c;
}

void cache_free(struct cache *c)
{
	struct cache **at = &paused;

	if (!c)
		return;
	if (c->fill)
		c->fill->c = NULL;
	if (c->check)
		c->check->c = NULL;
	while (c->paused && *at != c)
		at = &(*at)->paused_next;
	if (c->paused)
		*at = c->paused_next;
	unlink_used(c);
	if (walk == c)
		walk = c->walk_next == c ? NULL : c->walk_next;
	c->walk_prev->walk_next = c->walk_next;
	c->walk_next->walk_prev = c->walk_prev;
	n--;
	history_fini(&c->h);
	free(c);
}

void cache_apply(struct cache *c, const struct config_rule *rule)
{
	if (rule->history_size != c->h.ring.size)
		ring_resize(&c->h.ring, rule->history_size);
}

void cache_message(struct cache *c, const struct message *m)
{
	history_message(&c->h, m);
	keep_bound();
}

void cache_publish(struct cache *c, const struct message *m)
{
	const struct ring *r = &c->h.ring;
	struct message numbered = *m;

	if (c->h.state == HISTORY_OFF)
		history_on(&c->h);
	numbered.at = (struct position){r->epoch, r->top + 1};
	numbered.micros = now_us();
	if (numbered.micros <= r->top_micros)
		numbered.micros = r->top_micros + 1;
	cache_message(c, &numbered);
}

static void retry(void)
{
	struct cache *c, *list = paused;

	paused = NULL;
	while ((c = list)) {
		list = c->paused_next;
		c->paused = false;
		history_tick(&c->h);
		list_paused(c);
	}
}

void cache_tick(void)
{
	uint64_t now = node_now_ms();

	retry();
	for (size_t i = n / TICKS_PER_WALK + (n > 0); i && walk; i--) {
		struct cache *c = walk;
		uint64_t ttl = c->c->rule->history_ttl_ms;

		walk = c->walk_next;
		if (ttl && c->h.ring.top_micros + (ttl + CHECK_MS) * 1000 < now_us())
			ring_trim(&c->h.ring, 0); /* as in Redis */
		if (c->h.state == HISTORY_OK && c->check_due_ms <= now && !node.standalone &&
		    bus_ready())
			check(c, now);
	}
	keep_bound();
}
