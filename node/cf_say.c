/* cf_say: how a Centrifugo client is answered and closed: see cf_int.h. */
#include <inttypes.h>

#include "../lib/channel.h"
#include "cf_int.h"
#include "node.h"
#include "session.h"

enum { BAD_REQUEST = 3501, INTERNAL = 1011 };

/* Codes and words are Centrifugo's. */
const struct cf_error cf_internal = {100, "internal server error", true};
const struct cf_error cf_denied = {103, "permission denied", false};
const struct cf_error cf_subscribed_already = {105, "already subscribed", false};
const struct cf_error cf_too_many_channels = {106, "limit exceeded", false};
const struct cf_error cf_bad_request = {107, "bad request", false};
const struct cf_error cf_not_available = {108, "not available", false};
const struct cf_error cf_token_expired = {109, "token expired", false};
const struct cf_error cf_too_many_waiting = {111, "too many requests", true};
const struct cf_error cf_unrecoverable = {112, "unrecoverable position", false};

bool cf_begin(struct cf *cf, struct buf *out)
{
	if (cf->out)
		return false;
	cf->out = out;
	return true;
}

static void flush(struct cf *cf)
{
	struct buf *out = cf->out;

	if (out->oom)
		session_close_now(cf->s, INTERNAL, "out of memory");
	else if (out->len)
		session_text(cf->s, out->p, out->len);
	buf_reset(out);
}

void cf_end(struct cf *cf)
{
	struct buf *out = cf->out;

	flush(cf);
	cf->out = NULL;
	buf_free(out);
}

bool cf_between(struct cf *cf)
{
	if (cf->out->len > CF_FRAME_MAX || cf->out->oom)
		flush(cf);
	return cf->s->state == SESSION_OPEN;
}

void cf_close(struct cf *cf, uint16_t code, const char *reason)
{
	if (cf->out)
		flush(cf);
	session_close(cf->s, code, reason);
}

void cf_close_bad(struct cf *cf)
{
	cf_close(cf, BAD_REQUEST, "bad request");
}

struct buf *cf_say(struct cf *cf)
{
	if (cf->out->len)
		buf_str(cf->out, "\n");
	return cf->out;
}

void cf_say_error(struct cf *cf, uint32_t id, const struct cf_error *e)
{
	buf_printf(cf_say(cf), "{\"id\":%" PRIu32 ",\"error\":{\"code\":%u,\"message\":\"%s\"%s}}",
	           id, e->code, e->message, e->temporary ? ",\"temporary\":true" : "");
}

void cf_say_empty(struct cf *cf, uint32_t id, const char *name)
{
	buf_printf(cf_say(cf), "{\"id\":%" PRIu32 ",\"%s\":{}}", id, name);
}

struct channel *cf_channel(struct cf *cf, const struct cf_command *cmd,
                           bool (*may)(const struct grants *, const char *))
{
	const struct cf_error *e = &cf_internal;
	struct channel *c = NULL;

	if (!cmd->channel_len) {
		cf_close_bad(cf);
		return NULL;
	}
	if (!channel_valid(cmd->channel, cmd->channel_len))
		e = &cf_bad_request;
	else if (cf->s->grants && !may(cf->s->grants, cmd->channel))
		e = &cf_denied;
	else
		c = hub_channel(cmd->channel, cmd->channel_len);
	if (!c)
		cf_say_error(cf, cmd->id, e);
	return c;
}
