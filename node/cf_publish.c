/* cf_publish: a Centrifugo client's message on its way to Redis, and the answer when that has it.
 */
#include "publish.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "../lib/jwt.h"
#include "bus.h"
#include "cf.h"
#include "cf_int.h"
#include "node.h"
#include "session.h"

/* A publish under way. The client may be gone before Redis answers. */
struct cf_ack {
	struct cf *cf; /* NULL: gone */
	struct cf_ack *next, *prev;
	uint32_t id;
};

static void unlink_ack(struct cf_ack *a)
{
	if (!a->cf)
		return;
	*(a->prev ? &a->prev->next : &a->cf->acks) = a->next;
	if (a->next)
		a->next->prev = a->prev;
	a->cf->waiting--;
	a->cf = NULL;
}

void cf_forget_acks(struct cf *cf)
{
	while (cf->acks)
		unlink_ack(cf->acks);
}

bool cf_unanswered(const struct session *s)
{
	return s->cf->acks != NULL;
}

static void published(void *arg, const redisReply *r)
{
	struct cf_ack *a = arg;
	struct cf *cf = a->cf;
	struct buf out = {0};
	bool mine;

	if (r && r->type == REDIS_REPLY_ERROR)
		bus_refused(r->str);
	if (!cf) {
		free(a);
		return;
	}
	unlink_ack(a);
	mine = cf_begin(cf, &out);
	if (r && r->type != REDIS_REPLY_ERROR)
		cf_say_empty(cf, a->id, "publish");
	else
		cf_say_error(cf, a->id, &cf_internal);
	free(a);
	if (!mine)
		return;
	cf_end(cf);
	session_flushed(cf->s);
}

/* Where it may subscribe, or where a claim says that it publishes. */
static bool may_publish(const struct grants *g, const char *channel)
{
	return grants_subscribe(g, channel) || grants_publish(g, channel);
}

static bool rule_allows(const struct cf *cf, const struct channel *c)
{
	return c->rule->publish == PUBLISH_ANYONE ||
	       (c->rule->publish == PUBLISH_TOKEN && cf->s->grants &&
	        grants_publish(cf->s->grants, c->name));
}

void cf_publish(struct cf *cf, const struct cf_command *cmd)
{
	struct message m = {
		.kind = KIND_TEXT, .p = (const uint8_t *)cmd->data.p, .len = cmd->data.len};
	const struct cf_error *e = NULL;
	struct cf_ack *a = NULL;
	struct channel *c = cf_channel(cf, cmd, may_publish);

	if (!c)
		return;
	node.count.messages_in++;
	if (cmd->type)
		e = &cf_not_available;
	else if (!m.p)
		e = &cf_bad_request;
	else if (!rule_allows(cf, c))
		e = &cf_denied;
	else if (cf->waiting >= CF_WAITING_MAX)
		e = &cf_too_many_waiting;
	else if (!(a = calloc(1, sizeof *a)))
		e = &cf_internal;
	if (e) {
		cf_say_error(cf, cmd->id, e);
		return;
	}
	a->cf = cf;
	a->id = cmd->id;
	a->next = cf->acks;
	if (a->next)
		a->next->prev = a;
	cf->acks = a;
	cf->waiting++;
	if (publish_message(c, &m, published, a)) {
		unlink_ack(a);
		free(a);
		cf_say_error(cf, cmd->id, &cf_internal);
	}
}
