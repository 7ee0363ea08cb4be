/*
 * cf_recover: where a new subscription of Centrifugo's protocol stands and what it missed. As
 * there: who can't be given everything since its position starts at the top, with recovered false;
 * on a channel with `cache: last` everybody gets the last message, as with that mode of recovery
 * there.
 */
#include <inttypes.h>

#include "batch.h"
#include "cache.h"
#include "cf_encode.h"
#include "cf_int.h"
#include "node.h"
#include "session.h"

const struct position *cf_since(const struct cf_command *cmd, const struct channel *c,
                                struct position *mem)
{
	const struct ring *r = c->cache ? &c->cache->h.ring : NULL;

	if (r && c->rule->cache_last) {
		*mem = (struct position){r->epoch, r->top ? r->top - 1 : 0};
		return mem;
	}
	if (!cmd->since.given || cmd->since.bad)
		return NULL;
	*mem = cmd->since.at;
	if (r && cmd->since.any_epoch)
		mem->epoch = r->epoch;
	return mem;
}

/* The missed messages as frames, each a push; sub->sent moves on. NULL: none, or no memory: the
 * replay has what isn't here. */
static struct batch *missed(struct cf_sub *sub, size_t room)
{
	struct subscriber *who = &sub->sub;
	struct ring *r = &sub->c->cache->h.ring;
	struct batch *b = who->sent < r->top && room ? batch_new() : NULL;

	for (; b && who->sent < r->top; who->sent++) {
		const struct ring_entry *e = ring_at(r, who->sent + 1);

		if (e->kind != KIND_PURGE &&
		    (b->len + e->len > room ||
		     encode_entry(b, FORM_CF, sub->c->name, r, who->sent + 1)))
			break;
	}
	return b;
}

static void publications(struct buf *out, struct cf_sub *sub, size_t room)
{
	struct batch *b = missed(sub, room);

	for (uint32_t i = 0; b && i < b->n; i++) {
		const uint8_t *frame = b->p + batch_start(b, i);
		/* RFC 6455 5.2: how long the head is stands in its second byte. */
		size_t head = frame[1] == 127 ? 10 : frame[1] == 126 ? 4 : 2, len;
		const char *pub = cf_push_pub((const char *)frame + head,
		                              b->ends[i] - batch_start(b, i) - head,
		                              sub->c->name_len, &len);

		buf_str(out, i ? "," : ",\"publications\":[");
		buf_add(out, pub, len);
	}
	if (b && b->n) {
		buf_str(out, "]");
		sub->c->out += b->n;
		node.count.replayed += b->n;
		node.count.messages_out += b->n;
	}
	batch_unref(b);
}

/* Moves it to where it begins; whether it was given, or will be, all that it missed. */
static bool place(struct cf_sub *sub, const struct cf_since *since, const struct attach *at)
{
	const struct ring *r = &sub->c->cache->h.ring;
	bool have, same;

	if (!sub->c->rule->cache_last) {
		if (at->as == ATTACH_LOST)
			sub->sub.sent = r->top;
		return at->as == ATTACH_RECOVERED;
	}
	have = r->top > r->floor && ring_at(r, r->top)->kind != KIND_PURGE;
	same = since->given && r->top && since->at.offset == r->top && since->at.epoch == r->epoch;
	sub->sub.sent = have && !same ? r->top - 1 : r->top;
	return have || same;
}

/* A client whose socket is behind is given it by replay, at its pace. */
static size_t room_for(const struct cf *cf)
{
	size_t most = node.cfg->node.max_queue / 4;

	if (most > CF_RECOVER_MAX)
		most = CF_RECOVER_MAX;
	return cf->s->lag || cf->out->len > most ? 0 : most - cf->out->len;
}

bool cf_say_subscribed(struct cf *cf, struct cf_sub *sub, const struct cf_command *cmd,
                       const struct attach *at)
{
	bool history = at->at.epoch != 0, recovered = false;
	size_t room = room_for(cf);
	char epoch[EPOCH_STR];
	struct buf *out;

	if (history)
		recovered = place(sub, &cmd->since, at);
	if (history && cmd->since.given && !recovered && cmd->flag & CF_FLAG_REJECT_UNRECOVERED)
		return false;
	out = cf_say(cf);
	buf_printf(out, "{\"id\":%" PRIu32 ",\"subscribe\":{", cmd->id);
	if (history)
		buf_printf(out,
		           "\"recoverable\":true,\"positioned\":true,\"epoch\":\"%s\","
		           "\"offset\":%" PRIu64,
		           epoch_str(at->at.epoch, epoch), sub->sub.sent);
	if (recovered)
		buf_str(out, ",\"recovered\":true");
	if (cmd->since.given || (history && sub->c->rule->cache_last))
		buf_printf(out, "%s\"was_recovering\":true", history ? "," : "");
	if (recovered)
		publications(out, sub, room);
	buf_str(out, "}}");
	return true;
}
