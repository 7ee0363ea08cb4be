/* cf: see cf.h: connect, close codes, and what becomes of each command. */
#include "cf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../lib/jwt.h"
#include "../lib/version.h"
#include "auth.h"
#include "cf_int.h"
#include "node.h"
#include "session.h"
#include "ws.h"

enum { CONNECT_MS = 10000 };

/* Centrifugo's own codes: from 3500 on its clients don't come back by themselves. */
enum { SHUTDOWN = 3001, SERVER_ERROR = 3004, SLOW = 3008 };
enum { INVALID_TOKEN = 3500, BAD_REQUEST = 3501, STALE = 3502, NOT_AVAILABLE = 3508 };

int cf_open(struct session *s)
{
	struct cf *cf = calloc(1, sizeof *cf);

	if (!cf)
		return -1;
	cf->s = s;
	s->cf = cf;
	wheel_set(&node.cf_wheel, &cf->timer, CONNECT_MS);
	return 0;
}

void cf_timer(struct wheel_entry *e)
{
	struct cf *cf = (struct cf *)e; /* its first member */

	if (cf->connected)
		cf_overdue(cf);
	else
		cf_close(cf, STALE, "stale");
}

void cf_leave_all(struct session *s)
{
	struct cf *cf = s->cf;
	struct cf_ask *next;

	while (cf->n_subs)
		cf_drop(cf, cf->subs[cf->n_subs - 1]);
	for (; cf->history; cf->history = next) {
		next = cf->history->next;
		cf_ask_free(cf->history);
	}
	wheel_stop(&cf->timer);
}

void cf_free(struct session *s)
{
	if (!s->cf)
		return;
	cf_leave_all(s);
	cf_forget_acks(s->cf);
	free(s->cf->subs);
	free(s->cf);
	s->cf = NULL;
}

void cf_each(struct session *s, void (*f)(struct subscriber *))
{
	for (uint16_t i = 0; i < s->cf->n_subs; i++)
		if (s->cf->subs[i]->sub.c)
			f(&s->cf->subs[i]->sub);
}

uint16_t cf_close_code(uint16_t code, const char **reason)
{
	switch (code) {
	case 1012:
		*reason = "shutdown";
		return SHUTDOWN;
	case 1008:
		*reason = "slow";
		return SLOW;
	case 1011:
		*reason = "internal server error";
		return SERVER_ERROR;
	case 1007:
		*reason = "bad request";
		return BAD_REQUEST;
	default:
		return code; /* 1002 and 1009 are the WebSocket's own there too */
	}
}

/* RFC 4122 4.4. */
static int uuid(struct buf *out)
{
	uint8_t b[16];

	if (getrandom(b, sizeof b, 0) != sizeof b)
		return -1;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (size_t i = 0; i < sizeof b; i++)
		buf_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	return 0;
}

/*
 * The token of the command counts, else that of the upgrade. False: refused. One that has expired
 * is no end: the client fetches another.
 */
static bool authorized(struct cf *cf, const struct cf_command *cmd)
{
	char text[JWT_MAX];
	const char *why = "";
	struct grants *g = NULL;
	size_t len;

	if (!auth_required() || (cf->s->grants && !cmd->token.p))
		return true;
	if (cmd->token.p && !cf_json_string(cmd->token, text, sizeof text, &len) &&
	    len <= sizeof text)
		g = auth_check(text, len, &why);
	if (!g && (!strcmp(why, "expired") || !strcmp(why, "not valid yet")))
		cf_say_error(cf, cmd->id, &cf_token_expired);
	else if (!g)
		cf_close(cf, INVALID_TOKEN, "invalid token");
	if (!g)
		return false;
	grants_free(cf->s->grants);
	free(cf->s->grants);
	cf->s->grants = g;
	return true;
}

static void connect_client(struct cf *cf, const struct cf_command *cmd)
{
	uint64_t ping_s = (node.cfg->node.ping_ms + 999) / 1000;
	struct buf *out;

	if (cf->connected) {
		cf_close_bad(cf);
		return;
	}
	if (!authorized(cf, cmd)) {
		cf->refused = true;
		return;
	}
	cf->connected = true;
	wheel_stop(&cf->timer);
	out = cf_say(cf);
	buf_printf(out, "{\"id\":%" PRIu32 ",\"connect\":{\"client\":\"", cmd->id);
	if (uuid(out))
		out->oom = true;
	buf_printf(out, "\",\"version\":\"wscale %s\",\"ping\":%" PRIu64 ",\"pong\":true}}",
	           WSCALE_VERSION, ping_s);
}

static void dispatch(struct cf *cf, const struct cf_command *cmd)
{
	/* Nothing but the answer to a ping goes without an id or before connect. */
	if (cmd->method == CF_NONE && !cmd->id)
		return;
	if ((!cmd->id && cmd->method != CF_SEND) || (!cf->connected && cmd->method != CF_CONNECT)) {
		cf_close_bad(cf);
		return;
	}
	switch (cmd->method) {
	case CF_CONNECT:
		connect_client(cf, cmd);
		break;
	case CF_SUBSCRIBE:
		cf_subscribe(cf, cmd);
		break;
	case CF_UNSUBSCRIBE:
		cf_unsubscribe(cf, cmd);
		break;
	case CF_PUBLISH:
		cf_publish(cf, cmd);
		break;
	case CF_HISTORY:
		cf_history(cf, cmd);
		break;
	case CF_SEND:
		cf_close(cf, NOT_AVAILABLE, "not available");
		break;
	case CF_SUB_REFRESH:
		if (!cmd->channel_len)
			cf_close_bad(cf);
		else
			cf_say_error(cf, cmd->id,
			             cf_is_subscribed(cf, cmd) ? &cf_not_available : &cf_denied);
		break;
	case CF_PRESENCE:
	case CF_PRESENCE_STATS:
	case CF_RPC:
	case CF_REFRESH:
		cf_say_error(cf, cmd->id, &cf_not_available);
		break;
	case CF_NONE:
		cf_close_bad(cf);
		break;
	}
}

void cf_message(struct session *s, enum kind kind, const uint8_t *p, size_t len)
{
	struct cf_text frame = {(const char *)p, len}, line;
	struct cf *cf = s->cf;
	struct cf_command cmd;
	struct buf out = {0};
	uint32_t n = 0;

	/* A binary frame is taken too, as Centrifugo does. */
	if (s->state != SESSION_OPEN || !cf_begin(cf, &out))
		return;
	if (!len || (kind != KIND_TEXT && !utf8_valid(p, len)))
		cf_close_bad(cf);
	for (; cf_between(cf) && !cf->refused && cf_line(&frame, &line); n++) {
		if (cf_parse(line, &cmd))
			cf_close_bad(cf);
		else
			dispatch(cf, &cmd);
	}
	cf_end(cf);
	ws_spend(s, n);
}
