/*
 * bus: see bus.h. Both connections live and die together: one that lost its Redis, or reached
 * another one than its twin, is worth nothing. A canary written and published through the command
 * connection must be heard on the subscription: that shows a Redis that hangs, a demoted master
 * (READONLY), a lost subscription.
 */
#include "bus.h"

#include <ev.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/channel.h"
#include "../lib/log.h"
#include "../lib/script.h"
#include "asks.h"
#include "control.h"
#include "hub.h"
#include "login.h"
#include "node.h"
#include "rconn.h"

enum { OWN_CHANNELS = 3, CANARY_MISSES = 3, CANARY_TTL_S = 60, UNSENT_MAX = 16 * 1024 * 1024 };
/* Above what connecting, a greeting and the pause between two tries take. */
enum { STUCK_MS = 60000 };
static const double CANARY_S = 1.0, BACKOFF_FIRST_S = 0.1, BACKOFF_MAX_S = 5.0;

static struct rconn sub, cmd;
static struct asks asks; /* of cmd */
static struct login login;
static ev_timer reconnect, canary_timer;
static double backoff;
static char why_not[ENDPOINT_STR + 256];
static bool ready, told_away;
static char refusal[128]; /* Redis's words about a client's message */
static uint64_t refusal_ms;
static char canary_why[128]; /* what Redis said to the last canary, if it was an error */
static uint64_t moved_ms;    /* when something last went on here, whether well or badly */
static unsigned missed, canary_no, canary_heard;
static uint64_t asked, acknowledged; /* SUBSCRIBEs on this connection */
static char ctl_all[REDIS_NAME_MAX], ctl_own[REDIS_NAME_MAX], canary[REDIS_NAME_MAX];
static size_t prefix_len; /* of CLUSTER: */

bool bus_ready(void)
{
	return ready;
}

const char *bus_reason(void)
{
	return ready ? "" : why_not;
}

const char *bus_where(void)
{
	return node.standalone ? "standalone" : login.where;
}

const char *bus_run_id(void)
{
	return cmd.run_id;
}

bool bus_alive(void)
{
	/* A resolver without an answer takes its own time, minutes with resolv.conf's largest. */
	return node.standalone || cmd.state == RCONN_RESOLVING || sub.state == RCONN_RESOLVING ||
	       node_now_ms() - moved_ms < STUCK_MS;
}

static void set_reason(const char *what, const char *why)
{
	snprintf(why_not, sizeof why_not, "redis %s: %s%s%.200s", login.where, what,
	         *what ? ": " : "", why);
}

static void down(const char *what, const char *why)
{
	moved_ms = node_now_ms();
	rconn_close(&sub);
	rconn_close(&cmd);
	ev_timer_stop(node.loop, &canary_timer);
	set_reason(what, why);
	/* Once per outage, and again only when it was up meanwhile. */
	if (!told_away)
		log_msg(LOG_ERR, "%s; connecting again", why_not);
	told_away = true;
	ready = false;
	hub_lost();
	asks_lost(&asks);
	backoff = backoff > 0 ? backoff * 2 : BACKOFF_FIRST_S;
	if (backoff > BACKOFF_MAX_S)
		backoff = BACKOFF_MAX_S;
	ev_timer_stop(node.loop, &reconnect);
	ev_timer_set(&reconnect, backoff * (0.5 + 0.5 * (double)rand() / RAND_MAX), 0);
	ev_timer_start(node.loop, &reconnect);
}

static void on_down(struct rconn *c, const char *why)
{
	down(c->what, why);
}

/* The first canary is sent when everything is subscribed: once it is heard, all works. */
static void consider_ready(void)
{
	if (ready)
		return;
	ready = true;
	told_away = false;
	backoff = 0;
	node.count.redis_connects++;
	log_msg(LOG_NOTICE, "redis %s: connected, run_id %.8s", login.where, cmd.run_id);
}

static void subscribe(const char *name, size_t len)
{
	const char *argv[] = {"SUBSCRIBE", name};
	size_t lens[] = {9, len};

	asked++;
	rconn_command(&sub, 2, argv, lens);
}

void bus_subscribe(struct channel *c)
{
	char name[REDIS_NAME_MAX];

	if (node.standalone) {
		hub_subscribed(c);
		return;
	}
	c->state = CHANNEL_ASKED;
	subscribe(name, channel_redis(node.cfg->cluster, c->name, name));
}

void bus_unsubscribe(const struct channel *c)
{
	char name[REDIS_NAME_MAX];
	const char *argv[] = {"UNSUBSCRIBE", name};
	size_t lens[] = {11, channel_redis(node.cfg->cluster, c->name, name)};

	rconn_command(&sub, 2, argv, lens);
}

static bool resubscribe(struct channel *c, void *arg)
{
	(void)arg;
	if (c->n || c->waiters)
		bus_subscribe(c);
	return true;
}

static int command(int argc, const char **argv, const size_t *len, struct ask ask)
{
	if (cmd.state != RCONN_UP || asks_push(&asks, ask))
		return -1;
	if (!rconn_command(&cmd, argc, argv, len))
		return 0;
	asks_unpush(&asks);
	return -1;
}

int bus_call(const struct call *call, bus_done *done, void *arg)
{
	return command(call->argc, (const char **)(uintptr_t)call->argv, call->len,
	               (struct ask){done, arg});
}

static void on_script(void *arg, const redisReply *r)
{
	(void)arg;
	if (r && r->type == REDIS_REPLY_ERROR)
		down("scripts", r->str);
}

/* Redis forgets scripts when it restarts. A cluster without history needs no right to load them. */
void bus_load_scripts(void)
{
	struct call call;

	for (size_t i = 0; i < node.cfg->channels.n_rules; i++) {
		if (!node.cfg->channels.rules[i].history_size)
			continue;
		for (enum script s = 0; s < SCRIPTS; s++) {
			script_load(&call, s);
			bus_call(&call, on_script, NULL);
		}
		return;
	}
}

/* Its own errors are none of the clients'. While it was heard before, the next ones may be. */
static void canary_reply(void *arg, const redisReply *r)
{
	(void)arg;
	if (!r || r->type != REDIS_REPLY_ERROR)
		return;
	snprintf(canary_why, sizeof canary_why, "%s", r->str);
	if (!ready)
		down("", r->str);
}

static void send_canary(void)
{
	static const char script[] = "redis.call('SET',KEYS[1],ARGV[1],'EX',ARGV[2])"
				     "return redis.call('PUBLISH',KEYS[1],ARGV[1])";
	char value[48], ttl[12];
	const char *argv[] = {"EVAL", script, "1", canary, value, ttl};

	snprintf(value, sizeof value, "%s %u", node.start_id, ++canary_no);
	snprintf(ttl, sizeof ttl, "%d", CANARY_TTL_S);
	canary_why[0] = 0;
	command(6, argv, NULL, (struct ask){canary_reply, NULL});
}

static void on_canary(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
	/* Counted in turns of this loop, so that a node that was held up doesn't blame Redis. */
	if ((!canary_no || canary_heard < canary_no) && ++missed >= CANARY_MISSES) {
		down("", *canary_why ? canary_why
		                     : "it takes commands but what it publishes is not heard");
		return;
	}
	if (canary_no && canary_heard == canary_no) {
		missed = 0;
		send_canary();
	}
}

static void on_up(struct rconn *c)
{
	(void)c;
	if (cmd.state != RCONN_UP || sub.state != RCONN_UP)
		return;
	if (strcmp(cmd.run_id, sub.run_id) != 0) {
		down("", "two connections reached two servers");
		return;
	}
	missed = canary_no = canary_heard = 0;
	asked = acknowledged = 0;
	bus_load_scripts();
	subscribe(ctl_all, strlen(ctl_all));
	subscribe(ctl_own, strlen(ctl_own));
	subscribe(canary, strlen(canary));
	hub_each(resubscribe, NULL);
	ev_timer_again(node.loop, &canary_timer);
}

static void message(const char *name, size_t len, const char *p, size_t n)
{
	if (len > prefix_len && name[prefix_len - 1] == ':') {
		struct channel *c = hub_find(name + prefix_len, len - prefix_len);
		struct message m;

		node.count.messages_redis++;
		if (!c)
			return;
		envelope_open((const uint8_t *)p, n, &m);
		hub_message(c, &m);
	} else if (!strcmp(name, canary)) {
		char own[48];

		snprintf(own, sizeof own, "%s %u", node.start_id, canary_no);
		if (strcmp(p, own) != 0)
			return;
		canary_heard = canary_no;
		moved_ms = node_now_ms();
		consider_ready();
	} else {
		control_request(p, n);
	}
}

/*
 * An ACL that forbids one channel must not take the others down: whoever waits for it gets 503. The
 * node's own channels, the first to be asked for, are needed.
 */
static void subscribe_error(const char *why)
{
	static bool told;

	if (acknowledged < OWN_CHANNELS || strncmp(why, "NOPERM", 6) != 0) {
		down("subscription", why);
		return;
	}
	if (!told)
		log_msg(LOG_ERR, "redis %s: %s (told once); the ACL user needs &%s:*", login.where,
		        why, node.cfg->cluster);
	told = true;
	acknowledged++;
	if (acknowledged == asked && !canary_no)
		send_canary();
}

static void sub_reply(struct rconn *c, const redisReply *r)
{
	const redisReply *kind = r->type == REDIS_REPLY_ARRAY && r->elements == 3 ? r->element[0]
	                                                                          : NULL;

	(void)c;
	if (r->type == REDIS_REPLY_ERROR) {
		subscribe_error(r->str);
		return;
	}
	if (!kind || kind->type != REDIS_REPLY_STRING || r->element[1]->type != REDIS_REPLY_STRING)
		return;
	if (!strcmp(kind->str, "message") && r->element[2]->type == REDIS_REPLY_STRING) {
		message(r->element[1]->str, r->element[1]->len, r->element[2]->str,
		        r->element[2]->len);
	} else if (!strcmp(kind->str, "subscribe")) {
		struct channel *ch = NULL;

		acknowledged++;
		if (acknowledged == asked && !canary_no)
			send_canary();
		if ((size_t)r->element[1]->len > prefix_len &&
		    r->element[1]->str[prefix_len - 1] == ':')
			ch = hub_find(r->element[1]->str + prefix_len,
			              r->element[1]->len - prefix_len);
		if (ch && ch->state == CHANNEL_ASKED)
			hub_subscribed(ch);
	}
}

const char *bus_refusal(uint64_t *ago_ms)
{
	*ago_ms = node_now_ms() - refusal_ms;
	return refusal;
}

void bus_refused(const char *why)
{
	if (!node.count.publish_errors++)
		log_msg(LOG_ERR, "redis %s: %s (told once; /metrics counts)", login.where, why);
	/* Of a script's error the rest is where in it. */
	snprintf(refusal, sizeof refusal, "%.*s", (int)strcspn(why, "\r\n"), why);
	if (strstr(refusal, " script: "))
		*strstr(refusal, " script: ") = 0;
	refusal_ms = node_now_ms();
}

static void cmd_reply(struct rconn *c, const redisReply *r)
{
	struct ask ask = {0};

	(void)c;
	asks_pop(&asks, &ask);
	/* What only another server or another time can mend; hiredis ends str with NUL. */
	if (r->type == REDIS_REPLY_ERROR &&
	    (strstr(r->str, "READONLY") || strstr(r->str, "LOADING") ||
	     strstr(r->str, "MASTERDOWN") || !strncmp(r->str, "NOSCRIPT", 8) ||
	     (!ready && !ask.done))) {
		if (ask.done)
			ask.done(ask.arg, NULL);
		down("", r->str);
		return;
	}
	if (ask.done)
		ask.done(ask.arg, r);
	else if (r->type == REDIS_REPLY_ERROR)
		bus_refused(r->str);
}

static void on_reconnect(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
	rconn_connect(&cmd);
	/* A failure at once has closed both and set the timer anew. */
	if (cmd.state != RCONN_OFF)
		rconn_connect(&sub);
}

static void prepare(struct rconn *c, const char *what,
                    void (*on_reply)(struct rconn *, const struct redisReply *))
{
	c->what = what;
	c->on_up = on_up;
	c->on_down = on_down;
	c->on_reply = on_reply;
	c->url = &login.url;
	c->user = login.user;
	c->password = login.password;
}

int bus_start(void)
{
	if (node.standalone) {
		ready = true;
		return 0;
	}
	if (login_read(&login))
		return -1;
	channel_ctl(node.cfg->cluster, NULL, ctl_all);
	channel_ctl(node.cfg->cluster, node.name, ctl_own);
	channel_canary(node.cfg->cluster, node.name, canary);
	prefix_len = strlen(node.cfg->cluster) + 1;
	prepare(&sub, "subscription", sub_reply);
	prepare(&cmd, "command", cmd_reply);
	set_reason("", "not connected yet");
	moved_ms = node_now_ms();
	ev_timer_init(&reconnect, on_reconnect, 0, 0);
	ev_timer_init(&canary_timer, on_canary, CANARY_S, CANARY_S);
	ev_timer_start(node.loop, &reconnect);
	return 0;
}

void bus_reload(void)
{
	struct login old = login;
	bool same;

	if (node.standalone)
		return;
	login = (struct login){0};
	if (login_read(&login))
		log_msg(LOG_ERR, "redis: connecting without a password");
	same = login_same(&old, &login);
	login_free(&old);
	sub.user = cmd.user = login.user;
	sub.password = cmd.password = login.password;
	if (same)
		return;
	backoff = 0;
	told_away = true;
	down("", "its address or credentials changed");
}

void bus_stop(void)
{
	if (node.standalone)
		return;
	rconn_close(&sub);
	rconn_close(&cmd);
	asks_lost(&asks);
	asks_free(&asks);
	login_free(&login);
}

bool bus_congested(void)
{
	return rconn_unsent(&cmd) > UNSENT_MAX;
}

int bus_reply(const char *channel, const char *p, size_t len)
{
	const char *argv[] = {"PUBLISH", channel, p};
	size_t lens[] = {7, strlen(channel), len};

	return command(3, argv, lens, (struct ask){0});
}

void bus_flush(void)
{
	if (node.standalone)
		return;
	if (rconn_unsent(&cmd))
		rconn_flush(&cmd);
	if (rconn_unsent(&sub))
		rconn_flush(&sub);
}
