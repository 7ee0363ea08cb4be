/*
 * test_history_random: nodes' histories and readers that move between them, against a model of
 * Redis, over random schedules of publishing, delays, lost connections, lost messages, restarts,
 * failovers that lose writes, empty restarts, evictions, purges and expiry. Every reader sees the
 * messages in their order, none twice, none left out in silence; where nothing was lost, nobody is
 * told so. WSCALE_SEED=N repeats one schedule; WSCALE_RUNS=N runs so many.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "../../node/history.h"
#include "redis_model.h"
#include "tap.h"

enum { NODES = 3, READERS = 6, QUEUE = 512, SNAPSHOTS = 8, MAX_PUBLISHED = 120, WAITS_MAX = 3 };

struct item {
	bool ack, plain;
	uint32_t id; /* of the message, or the plain one's number */
	struct msg m;
};
struct call {
	enum { NONE, ASKED, ANSWERED } state;
	struct position known;
	bool whole;
	struct filled filled;
	struct position top;
	uint64_t micros;
};
struct node {
	struct history h;
	bool connected, subscribed;
	struct item queue[QUEUE]; /* on the subscription, in flight */
	uint32_t n_queue;
	struct call fill, check;
	uint32_t plain; /* the last one that was delivered */
};
struct view {
	bool begun;
	struct position at;    /* where it is */
	struct position since; /* what it resumes with */
	int64_t newest;        /* id of the newest message that it has */
	uint32_t told;         /* when it began, or was last told of a loss */
};
struct reader {
	enum { AWAY, WAITS, ATTACHED } state;
	struct node *n;
	bool replaying;
	unsigned waits;
	bool again; /* as Centrifugo's: learns an epoch when it subscribes, and does so when told */
	uint64_t epoch, sent; /* what the node knows */
	struct view v, before[SNAPSHOTS];
};

static struct node nodes[NODES];
static struct reader readers[READERS];
static uint32_t n_nodes, n_readers, plain_no, restarts;
static bool lossless, failed;
static unsigned seed, step, told;
static char why[256];

__attribute__((format(printf, 1, 2))) static void wrong(const char *fmt, ...)
{
	va_list ap;

	if (failed)
		return;
	failed = true;
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
}

static uint32_t pick(uint32_t n)
{
	return (uint32_t)rand() % n;
}

/* --- a client */

static void remember(struct reader *r)
{
	memmove(r->before + 1, r->before, sizeof r->before - sizeof r->before[0]);
	r->before[0] = r->v;
}

static void client_told(struct reader *r, struct position at, bool lost)
{
	long no = r - readers;

	remember(r);
	if (lost)
		told++;
	if (lost && lossless)
		wrong("reader %ld was told of a loss: at %" PRIu64 "-%" PRIu64
		      ", goes on after %" PRIu64 "-%" PRIu64,
		      no, r->v.at.epoch % 100000000, r->v.at.offset, at.epoch % 100000000,
		      at.offset);
	if (!lost && r->v.begun && !same_place(at, r->v.at))
		wrong("reader %ld lost something in silence: at %" PRIu64 "-%" PRIu64
		      ", goes on after %" PRIu64 "-%" PRIu64,
		      no, r->v.at.epoch % 100000000, r->v.at.offset, at.epoch % 100000000,
		      at.offset);
	if (at.offset && !msg_at(at))
		wrong("reader %ld: no message has the place that it is told", no);
	if (lost || !r->v.begun)
		r->v.told = model.events;
	r->v.begun = true;
	r->v.at = r->v.since = at;
}

static void client_got(struct reader *r, const struct message *m)
{
	struct position before = {m->at.epoch, m->at.offset - 1};
	const struct msg *is;
	uint32_t id;
	long no = r - readers;

	remember(r);
	memcpy(&id, m->p, sizeof id);
	is = msg_at(m->at);
	if (!is || is->id != id || is->kind != m->kind || m->kind == KIND_PURGE)
		wrong("reader %ld got a message under another's place", no);
	else if (!same_place(before, r->v.at))
		wrong("reader %ld: %" PRIu64 "-%" PRIu64 " after %" PRIu64 "-%" PRIu64, no,
		      m->at.epoch % 100000000, m->at.offset, r->v.at.epoch % 100000000,
		      r->v.at.offset);
	else if ((int64_t)id <= r->v.newest)
		wrong("reader %ld got an old message as new", no);
	r->v.at = m->at;
	r->v.since.offset = m->at.offset;
	if (!r->again)
		r->v.since.epoch = m->at.epoch;
	r->v.newest = id;
}

/* The connection breaks: the last ones may not have arrived. */
static void client_leaves(struct reader *r)
{
	uint32_t missed = pick(2) ? 0 : pick(SNAPSHOTS + 1);

	if (missed && r->before[missed - 1].begun)
		r->v = r->before[missed - 1];
	memset(r->before, 0, sizeof r->before);
	r->state = AWAY;
}

/* --- a node: what hub and replay do */

static void ask_more(struct reader *r)
{
	r->waits++;
	r->state = WAITS;
	history_refill(&r->n->h);
}

static void wait_on(struct reader *r, struct node *n)
{
	uint64_t from;

	r->n = n;
	r->state = WAITS;
	r->waits = 1;
	if (r->v.begun && n->h.state == HISTORY_OK &&
	    ring_resume(&n->h.ring, r->v.since, &from) == RESUME_FILL)
		history_refill(&n->h);
}

static void attach(struct reader *r)
{
	struct ring *ring = &r->n->h.ring;
	uint64_t from = ring->top;

	if (r->v.begun) {
		enum ring_resume how = ring_resume(ring, r->v.since, &from);

		if (how == RESUME_FILL && r->waits < WAITS_MAX) {
			ask_more(r);
			return;
		}
		client_told(r, (struct position){ring->epoch, from}, how != RESUME_RECOVERED);
	} else {
		client_told(r, (struct position){ring->epoch, from}, false);
	}
	r->epoch = ring->epoch;
	r->sent = from;
	r->state = ATTACHED;
	r->replaying = true;
}

static void replay(struct reader *r, uint32_t most)
{
	struct ring *ring = &r->n->h.ring;
	uint64_t from;

	if (r->epoch != ring->epoch || r->sent < ring->floor || r->sent > ring->top) {
		bool lost = ring_resume(ring, (struct position){r->epoch, r->sent}, &from) !=
		            RESUME_RECOVERED;

		if (r->again) {
			wait_on(r, r->n);
			return;
		}
		r->epoch = ring->epoch;
		r->sent = from;
		client_told(r, (struct position){r->epoch, from}, lost);
	}
	for (; most && r->sent < ring->top; most--) {
		const struct ring_entry *e = ring_at(ring, ++r->sent);

		if (e->kind != KIND_PURGE)
			client_got(r, &(struct message){(enum kind)e->kind,
			                                e->p,
			                                e->len,
			                                {r->epoch, r->sent},
			                                e->micros});
	}
	if (r->sent == ring->top)
		r->replaying = false;
}

static void fill(void *owner, struct position known, uint64_t micros, bool whole)
{
	struct node *n = owner;

	(void)micros;
	n->fill = (struct call){.state = ASKED, .known = known, .whole = whole};
	if (!n->connected)
		wrong("a fill without a connection");
	if (!pick(30)) {
		n->fill.state = NONE;
		history_failed(&n->h);
	}
}

static void deliver(void *owner, const struct message *m)
{
	struct node *n = owner;

	if (!m->at.epoch) {
		uint32_t no;

		memcpy(&no, m->p, sizeof no);
		if (no <= n->plain)
			wrong("a plain message twice, or late");
		n->plain = no;
		return;
	}
	for (uint32_t i = 0; i < n_readers; i++)
		if (readers[i].state == ATTACHED && readers[i].n == n && !readers[i].replaying)
			client_got(&readers[i], m);
}

static void tell(struct node *n, struct position at, bool lost)
{
	for (uint32_t i = 0; i < n_readers; i++) {
		struct reader *r = &readers[i];

		if (r->state != ATTACHED || r->n != n)
			continue;
		if (r->again) {
			r->state = WAITS; /* its subscribe command comes later */
			r->waits = 0;
		} else if (!r->replaying) {
			client_told(r, at, lost);
		}
	}
}

static void lost(void *owner, struct position at)
{
	tell(owner, at, true);
}

static void moved(void *owner, struct position at)
{
	tell(owner, at, false);
}

static void ready(void *owner)
{
	(void)owner;
}

static const struct history_ops ops = {fill, deliver, lost, moved, ready};

/* --- what happens */

static void to_all(const struct item *item)
{
	for (uint32_t i = 0; i < n_nodes; i++) {
		struct node *n = &nodes[i];

		if (n->subscribed && n->n_queue < QUEUE)
			n->queue[n->n_queue++] = *item;
	}
}

static void publish(enum kind kind)
{
	const struct msg *m = model.n_msgs < MAX_PUBLISHED ? model_publish(kind) : NULL;

	if (m)
		to_all(&(struct item){.id = m->id, .m = *m});
}

static void disconnect(struct node *n)
{
	if (!n->connected)
		return;
	n->connected = n->subscribed = false;
	n->n_queue = 0;
	n->fill.state = n->check.state = NONE;
	history_off(&n->h);
	for (uint32_t i = 0; i < n_readers; i++)
		if (readers[i].state == WAITS && readers[i].n == n)
			client_leaves(&readers[i]);
}

static void crash(struct node *n)
{
	uint32_t plain = n->plain;

	disconnect(n);
	for (uint32_t i = 0; i < n_readers; i++)
		if (readers[i].state != AWAY && readers[i].n == n)
			client_leaves(&readers[i]);
	history_fini(&n->h);
	history_init(&n->h, model.size, &ops, n);
	n->plain = plain;
}

static void restart(const struct redis *state)
{
	model_restart(state);
	model.clock += pick(2000);
	for (uint32_t i = 0; i < n_nodes; i++)
		disconnect(&nodes[i]);
}

static void subscribe(struct node *n)
{
	n->connected = n->subscribed = true;
	n->queue[n->n_queue++] = (struct item){.ack = true};
}

static void arrive(struct node *n)
{
	struct item item = n->queue[0];

	memmove(n->queue, n->queue + 1, --n->n_queue * sizeof item);
	if (item.ack) {
		history_on(&n->h);
	} else if (item.plain) {
		history_message(&n->h, &(struct message){.kind = KIND_TEXT,
		                                         .p = (const uint8_t *)&item.id,
		                                         .len = sizeof item.id});
	} else {
		bool purge = item.m.kind == KIND_PURGE;

		history_message(&n->h, &(struct message){item.m.kind, (const uint8_t *)&item.id,
		                                         purge ? 0 : sizeof item.id, item.m.at,
		                                         item.m.micros});
	}
}

/* One command is executed by Redis, or its answer arrives. */
static void go_on(struct node *n, struct call *c)
{
	if (c->state == ASKED && c == &n->fill) {
		c->state = ANSWERED;
		model_fill(c->known, c->whole, &c->filled);
	} else if (c->state == ASKED) {
		c->state = ANSWERED;
		c->top = (struct position){model.r.meta ? model.r.epoch : 0, model.r.top};
		c->micros = model.r.micros;
	} else if (c->state == ANSWERED && c == &n->fill) {
		static struct filled f;

		c->state = NONE;
		f = c->filled;
		f.page.entries = f.entries;
		if (pick(40))
			history_filled(&n->h, &f.page);
		else
			history_failed(&n->h);
	} else if (c->state == ANSWERED) {
		c->state = NONE;
		history_checked(&n->h, c->top, c->micros, c->known);
	}
}

static void ask_top(struct node *n)
{
	if (n->h.state != HISTORY_OK || n->check.state != NONE)
		return;
	n->check = (struct call){.state = ASKED, .known = {n->h.ring.epoch, n->h.ring.top}};
}

static void reader_step(struct reader *r)
{
	struct node *n = &nodes[pick(n_nodes)];

	switch (r->state) {
	case AWAY:
		if (n->connected)
			wait_on(r, n);
		return;
	case WAITS:
		if (r->n->h.state == HISTORY_OK)
			attach(r);
		else if (!pick(20))
			client_leaves(r);
		return;
	case ATTACHED:
		if (r->replaying)
			replay(r, pick(4));
		else if (!pick(10))
			client_leaves(r);
		return;
	}
}

/* What is evicted under one that reads it, or that asked for it, is lost to it. */
static bool reads(const struct node *n)
{
	for (uint32_t i = 0; i < n_readers; i++)
		if (readers[i].n == n && (readers[i].state == WAITS || readers[i].replaying))
			return true;
	return false;
}

static void rare(struct node *n)
{
	switch (pick(lossless ? 6 : 12)) {
	case 0:
		disconnect(n);
		return;
	case 1:
		crash(n);
		return;
	case 2:
		if (n->n_queue && !n->queue[0].ack) /* a message is lost on its way */
			memmove(n->queue, n->queue + 1, --n->n_queue * sizeof n->queue[0]);
		return;
	case 3:
		if (!lossless || !reads(n))
			ring_trim(&n->h.ring, pick(2) ? 0 : pick(1000));
		return;
	case 4:
		if (restarts++ < RING_FORMER - 1)
			restart(&model.r);
		return;
	case 5:
		if (restarts++ < RING_FORMER - 1) /* a new replication ID, nothing else */
			model_restart(&model.r);
		return;
	case 6: /* the replica that takes over lacks the last ones, and has a clock of its own */
		restart(&model.replica);
		model.clock += pick(6000);
		model.clock -= 3000;
		return;
	case 7:
		publish(KIND_PURGE);
		return;
	case 8:
		restart(&(struct redis){0}); /* empty */
		return;
	case 9:
		model.r.n = 0; /* the messages expired */
		return;
	case 10:
		if (pick(3))
			return;
		model.r.meta = false; /* all of it did, long after the last one */
		model.clock = (model.r.epoch > model.clock ? model.r.epoch : model.clock) + 100000;
		return;
	default:
		ring_resize(&n->h.ring, model.size);
		return;
	}
}

static void happen(void)
{
	struct node *n = &nodes[pick(n_nodes)];
	uint32_t what = pick(100);

	model.clock += pick(20);
	model.events++;
	if (!pick(8))
		model.replica = model.r;
	if (what < 18)
		publish(pick(2) ? KIND_TEXT : KIND_BINARY);
	else if (what < 20)
		to_all(&(struct item){.plain = true, .id = ++plain_no});
	else if (what < 45 && n->n_queue)
		arrive(n);
	else if (what < 60)
		go_on(n, pick(4) ? &n->fill : &n->check);
	else if (what < 63)
		ask_top(n);
	else if (what < 68)
		history_tick(&n->h);
	else if (what < 72 && !n->connected)
		subscribe(n);
	else if (what < 75)
		rare(n);
	else
		reader_step(&readers[pick(n_readers)]);
}

static bool at_rest(const struct node *n)
{
	return n->connected && !n->n_queue && n->fill.state == NONE && n->h.state == HISTORY_OK &&
	       n->h.ring.epoch == model.r.epoch && n->h.ring.top == model.r.top;
}

/* Nothing more is published or breaks: everybody arrives at the top. */
static void settle(void)
{
	bool rest = false;

	for (unsigned round = 0; round < 400 && !failed && !(rest && round > 20); round++) {
		rest = true;
		for (uint32_t i = 0; i < n_nodes; i++) {
			struct node *n = &nodes[i];

			if (!n->connected)
				subscribe(n);
			if (n->n_queue)
				arrive(n);
			ask_top(n);
			go_on(n, &n->fill);
			go_on(n, &n->check);
			history_tick(&n->h);
			rest = rest && at_rest(n);
		}
		for (uint32_t i = 0; i < n_readers; i++) {
			struct reader *r = &readers[i];

			if (r->state != ATTACHED || r->replaying)
				reader_step(r);
			rest = rest && r->state == ATTACHED && !r->replaying;
		}
	}
	if (!rest)
		wrong("it doesn't come to rest");
	for (uint32_t i = 0; i < n_readers && !failed; i++)
		if (!same_place(readers[i].v.at, (struct position){model.r.epoch, model.r.top}))
			wrong("reader %u isn't at the top", i);
		else if (readers[i].v.told < model.r.proven)
			wrong("reader %u wasn't told of what Redis lost", i);
	for (uint32_t i = 0; i < n_nodes && !failed; i++) {
		const struct ring *r = &nodes[i].h.ring;

		for (uint64_t at = r->floor + 1; at <= r->top; at++) {
			const struct msg *m = msg_at((struct position){r->epoch, at});

			if (!m || ring_at(r, at)->micros != m->micros ||
			    ring_at(r, at)->kind != m->kind)
				wrong("node %u holds something else at %" PRIu64, i, at);
			if (m && m->kind == KIND_PURGE && at > r->floor + 1)
				wrong("node %u holds what was purged", i);
		}
		if (r->top - r->floor > r->size)
			wrong("node %u holds more than it may", i);
	}
}

static bool run(unsigned s)
{
	seed = s;
	srand(s);
	failed = false;
	lossless = s % 2;
	restarts = plain_no = 0;
	model_init(lossless ? MAX_PUBLISHED : 1 + pick(12));
	n_nodes = 1 + pick(NODES);
	n_readers = 1 + pick(READERS);
	memset(nodes, 0, sizeof nodes);
	memset(readers, 0, sizeof readers);
	for (uint32_t i = 0; i < n_nodes; i++)
		history_init(&nodes[i].h, model.size, &ops, &nodes[i]);
	for (uint32_t i = 0; i < n_readers; i++) {
		readers[i].again = pick(3) == 0;
		readers[i].v.newest = -1;
	}
	for (step = 0; step < 900 && !failed; step++)
		happen();
	settle();
	for (uint32_t i = 0; i < n_nodes; i++) {
		size_t bytes;

		history_fini(&nodes[i].h);
		bytes = nodes[i].h.ring.bytes;
		if (bytes)
			wrong("node %u: %zu bytes left", i, bytes);
	}
	if (failed)
		printf("# WSCALE_SEED=%u, step %u: %s\n", seed, step, why);
	return !failed;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
	const char *given = getenv("WSCALE_SEED"), *most = getenv("WSCALE_RUNS");
	unsigned long runs = most ? strtoul(most, NULL, 10) : 1000000, done = 0, bad = 0;
	double until = seconds() + 2;
	unsigned from;

	if (given) {
		ok(run((unsigned)strtoul(given, NULL, 10)), "one schedule");
		return tap_done();
	}
	for (unsigned s = 1; s <= 200; s++)
		bad += !run(s);
	ok(bad == 0, "the same schedules each time");
	from = (unsigned)time(NULL) * 1000;
	for (bad = 0; done < runs && bad < 5 && (most || seconds() < until); done++)
		bad += !run(from + (unsigned)done);
	printf("# %lu schedules from WSCALE_SEED=%u on, %u losses told\n", done, from, told);
	ok(bad == 0, "schedules that are new each time");
	return tap_done();
}
