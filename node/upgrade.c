/* upgrade: see upgrade.h. A token stands in the query, in Authorization, or as subprotocol
 * bearer.TOKEN. */
#include "upgrade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../lib/jwt.h"
#include "auth.h"
#include "node.h"

static bool key_valid(struct slice key)
{
	/* 16 bytes in base64: 22 characters and "==" */
	if (key.len != 24 || key.p[22] != '=' || key.p[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++) {
		char c = key.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/'))
			return false;
	}
	return true;
}

static int handshake(const struct http_request *r, const char **why)
{
	if (!r->http11 || !r->upgrade_websocket || !r->connection_upgrade) {
		*why = "a WebSocket handshake is expected here";
		return 426;
	}
	if (!r->ws_version.p || !slice_is(r->ws_version, "13")) {
		*why = "Sec-WebSocket-Version must be 13";
		return 426;
	}
	if (!r->ws_key.p || !key_valid(r->ws_key)) {
		*why = "Sec-WebSocket-Key is missing or not 16 bytes in base64";
		return 400;
	}
	return 101;
}

static int channel(const struct http_request *r, struct upgrade *u, const char **why)
{
	struct slice name = r->path;
	int n;

	if (slice_is(r->path, "/connection/websocket")) {
		u->speak = SPEAK_CF;
		return 101;
	}
	if (slice_is(r->path, "/") || slice_is(r->path, "/ws")) {
		u->channel_len = strlen(node.cfg->channels.dflt);
		memcpy(u->channel, node.cfg->channels.dflt, u->channel_len);
		return 101;
	}
	if (name.len < 4 || memcmp(name.p, "/ws/", 4)) {
		*why = "no such path; WebSockets are at /ws/CHANNEL, /, /ws and "
		       "/connection/websocket";
		return 404;
	}
	name.p += 4;
	name.len -= 4;
	n = http_percent_decode(name, u->channel, sizeof u->channel);
	if (n < 0 || !channel_valid(u->channel, (size_t)n)) {
		*why = "a channel's name is 1 to 128 bytes of A-Z a-z 0-9 _ : . -";
		return 400;
	}
	u->channel_len = (size_t)n;
	return 101;
}

/* The first of the client's list that fits the path is taken. */
static void take_protocol(struct upgrade *u, struct slice name)
{
	static const struct {
		const char *name;
		bool cf;
		enum speak speak;
	} known[] = {
		{"wscale.raw", false, SPEAK_RAW},
		{"wscale.id", false, SPEAK_ID},
		{"centrifuge-json", true, SPEAK_CF},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0] && !u->protocol; i++) {
		if (known[i].cf != (u->speak == SPEAK_CF) || !slice_is(name, known[i].name))
			continue;
		u->protocol = known[i].name;
		u->speak = known[i].speak;
	}
}

/* Reads the list of subprotocols; *bearer is the token offered there. */
static int subprotocol(const struct http_request *r, struct upgrade *u, struct slice *bearer,
                       const char **why)
{
	struct slice list = r->ws_protocols, e;

	if (r->many_protocols) {
		*why = "more than one Sec-WebSocket-Protocol line";
		return 400;
	}
	while (http_list_next(&list, &e)) {
		if (e.len <= 7 || memcmp(e.p, "bearer.", 7) != 0) {
			take_protocol(u, e);
			continue;
		}
		if (bearer->p) {
			*why = "more than one bearer token";
			return 400;
		}
		*bearer = (struct slice){e.p + 7, e.len - 7};
	}
	if (r->ws_protocols.p && !u->protocol) {
		*why = u->speak == SPEAK_CF
		               ? "no subprotocol in common; offer centrifuge-json, or none"
		               : "no subprotocol in common; offer wscale.id or wscale.raw, or none";
		return 400;
	}
	return 101;
}

static int origin(const struct http_request *r, const char **why)
{
	/* Only browsers send Origin, and all of them do: who sends none is no page of somebody
	 * else. */
	if (!node.cfg->auth.origins || !r->origin.p)
		return 101;
	for (char **o = node.cfg->auth.origins; *o; o++)
		if (r->origin.len == strlen(*o) && !strncasecmp(r->origin.p, *o, r->origin.len))
			return 101;
	*why = "origin not allowed";
	return 403;
}

static int token(const struct http_request *r, struct slice bearer, struct upgrade *u,
                 const char **why)
{
	static char refusal[64];
	char text[JWT_MAX + 1], name[CHANNEL_MAX + 1];
	int n;

	if (!auth_required())
		return 101;
	n = http_query(r->query, "token", text, sizeof text);
	if (n < 0 && n != -1) {
		*why = "malformed token";
		return 401;
	}
	if (n >= 0)
		bearer = (struct slice){text, (size_t)n};
	else if (r->authorization.len > 7 && !strncasecmp(r->authorization.p, "Bearer ", 7))
		bearer = (struct slice){r->authorization.p + 7, r->authorization.len - 7};
	/* Centrifugo's clients say it in their connect command. */
	if (!bearer.p && u->speak == SPEAK_CF)
		return 101;
	if (!bearer.p) {
		*why = "a token is needed: ?token=, Authorization: Bearer, or subprotocol "
		       "bearer.TOKEN";
		return 401;
	}
	u->grants = auth_check(bearer.p, bearer.len, why);
	if (!u->grants) {
		snprintf(refusal, sizeof refusal, "the token is refused: %s", *why);
		*why = refusal;
		return 401;
	}
	if (u->speak == SPEAK_CF)
		return 101;
	memcpy(name, u->channel, u->channel_len);
	name[u->channel_len] = 0;
	if (!grants_subscribe(u->grants, name)) {
		*why = "the token does not grant this channel";
		return 403;
	}
	return 101;
}

static int since(const struct http_request *r, struct upgrade *u, const char **why)
{
	char text[POSITION_STR + 1];
	int n = http_query(r->query, "since", text, sizeof text);

	if (n == -1)
		return 101;
	if (u->speak != SPEAK_ID) {
		*why = "since needs the subprotocol wscale.id";
		return 400;
	}
	if (n < 0 || position_parse(text, (size_t)n, &u->since)) {
		*why = "since must be an ID as wscale.id gave it";
		return 400;
	}
	u->resume = true;
	return 101;
}

int upgrade_decide(const struct http_request *r, struct upgrade *u, const char **why)
{
	struct slice bearer = {NULL, 0};
	char value[8];
	int status;

	memset(u, 0, sizeof *u);
	lbs_name(r->lb, u->lb);
	if ((status = channel(r, u, why)) != 101 || (status = handshake(r, why)) != 101 ||
	    (status = subprotocol(r, u, &bearer, why)) != 101 || (status = origin(r, why)) != 101 ||
	    (status = since(r, u, why)) != 101 || (status = token(r, bearer, u, why)) != 101)
		goto refused;
	u->hello = node.demo && http_query(r->query, "hello", value, sizeof value) == 1 &&
	           value[0] == '1';
	return 101;
refused:
	if (u->grants) {
		grants_free(u->grants);
		free(u->grants);
		u->grants = NULL;
	}
	return status;
}
