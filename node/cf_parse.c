/* cf_parse: see cf_parse.h. Of a key that is given twice the last counts, null counts as absent. */
#include "cf_parse.h"

#include <string.h>

static const char *const methods[CF_METHODS] = {
	[CF_CONNECT] = "connect",
	[CF_SUBSCRIBE] = "subscribe",
	[CF_UNSUBSCRIBE] = "unsubscribe",
	[CF_PUBLISH] = "publish",
	[CF_PRESENCE] = "presence",
	[CF_PRESENCE_STATS] = "presence_stats",
	[CF_HISTORY] = "history",
	[CF_RPC] = "rpc",
	[CF_SEND] = "send",
	[CF_REFRESH] = "refresh",
	[CF_SUB_REFRESH] = "sub_refresh",
};

static bool is(struct cf_text t, const char *word)
{
	return t.len == strlen(word) && !memcmp(t.p, word, t.len);
}

bool cf_line(struct cf_text *frame, struct cf_text *line)
{
	const char *lf;

	if (!frame->len)
		return false;
	lf = memchr(frame->p, '\n', frame->len);
	*line = (struct cf_text){frame->p, lf ? (size_t)(lf - frame->p) : frame->len};
	frame->p += line->len + (lf != NULL);
	frame->len -= line->len + (lf != NULL);
	return true;
}

static int channel(struct cf_text v, struct cf_command *c)
{
	if (cf_json_string(v, c->channel, CHANNEL_MAX, &c->channel_len))
		return -1;
	c->channel[c->channel_len > CHANNEL_MAX ? 0 : c->channel_len] = 0;
	return 0;
}

static int epoch(struct cf_text v, struct cf_since *s)
{
	char text[EPOCH_STR];
	size_t len;

	if (cf_json_string(v, text, sizeof text, &len))
		return -1;
	s->any_epoch = !len;
	s->at.epoch = 0;
	s->bad = len && (len > sizeof text || epoch_parse(text, len, &s->at.epoch));
	return 0;
}

static int string(struct cf_text v, struct cf_text *out)
{
	*out = v.len > 2 ? v : (struct cf_text){NULL, 0};
	return v.p[0] == '"' ? 0 : -1;
}

static int position(struct cf_text object, struct cf_since *s)
{
	struct cf_text key, v;

	if (object.p[0] != '{')
		return -1;
	*s = (struct cf_since){.given = true, .any_epoch = true};
	while (cf_json_member(&object, &key, &v)) {
		if (cf_json_null(v))
			continue;
		if ((is(key, "epoch") && epoch(v, s)) ||
		    (is(key, "offset") && cf_json_u64(v, UINT64_MAX, &s->at.offset)))
			return -1;
	}
	return 0;
}

/* Whether this request has such a field. */
static bool has(enum cf_method m, struct cf_text key, const char *name, unsigned of)
{
	return of >> m & 1 && is(key, name);
}

static int field(struct cf_text key, struct cf_text v, struct cf_command *c)
{
	enum {
		SUBSCRIBE = 1 << CF_SUBSCRIBE,
		PUBLISH = 1 << CF_PUBLISH,
		HISTORY = 1 << CF_HISTORY,
		NAMED = SUBSCRIBE | 1 << CF_UNSUBSCRIBE | PUBLISH | 1 << CF_PRESENCE |
		        1 << CF_PRESENCE_STATS | HISTORY | 1 << CF_SUB_REFRESH,
	};
	enum cf_method m = c->method;

	if (has(m, key, "data", PUBLISH)) {
		c->data = v; /* null too */
		return 0;
	}
	if (cf_json_null(v))
		return 0;
	if (has(m, key, "channel", NAMED))
		return channel(v, c);
	if (has(m, key, "token", 1 << CF_CONNECT))
		return string(v, &c->token);
	if (has(m, key, "recover", SUBSCRIBE))
		return cf_json_bool(v, &c->since.given);
	if (has(m, key, "epoch", SUBSCRIBE))
		return epoch(v, &c->since);
	if (has(m, key, "offset", SUBSCRIBE))
		return cf_json_u64(v, UINT64_MAX, &c->since.at.offset);
	if (has(m, key, "since", HISTORY))
		return position(v, &c->since);
	if (has(m, key, "limit", HISTORY))
		return cf_json_i64(v, INT32_MIN, INT32_MAX, &c->limit);
	if (has(m, key, "reverse", HISTORY))
		return cf_json_bool(v, &c->reverse);
	if (has(m, key, "type", SUBSCRIBE | PUBLISH))
		return cf_json_i64(v, INT32_MIN, INT32_MAX, &c->type);
	if (has(m, key, "flag", SUBSCRIBE))
		return cf_json_i64(v, INT64_MIN, INT64_MAX, &c->flag);
	if (has(m, key, "tf", SUBSCRIBE))
		c->filtered = true;
	return 0;
}

/* The members of the command itself; requests[] are those that aren't null. */
static int members(struct cf_text line, struct cf_command *c, struct cf_text requests[CF_METHODS])
{
	struct cf_text key, v;
	uint64_t id;

	while (cf_json_member(&line, &key, &v)) {
		if (cf_json_null(v))
			continue;
		if (is(key, "id")) {
			if (cf_json_u64(v, UINT32_MAX, &id))
				return -1;
			c->id = (uint32_t)id;
		}
		for (int i = 0; i < CF_METHODS; i++)
			if (is(key, methods[i]))
				requests[i] = v;
	}
	return 0;
}

int cf_parse(struct cf_text line, struct cf_command *c)
{
	struct cf_text requests[CF_METHODS] = {{NULL, 0}}, key, v;
	int m = 0;

	memset(c, 0, sizeof *c);
	c->since.any_epoch = true;
	if (!cf_json_valid(line))
		return -1;
	while (*line.p != '{') { /* blanks before it */
		if (!strchr(" \t\r", *line.p))
			return -1;
		line = (struct cf_text){line.p + 1, line.len - 1};
	}
	if (members(line, c, requests))
		return -1;
	while (m < CF_METHODS && !requests[m].p)
		m++;
	c->method = (enum cf_method)m;
	if (m == CF_METHODS)
		return 0;
	line = requests[m];
	if (line.p[0] != '{')
		return -1;
	while (cf_json_member(&line, &key, &v))
		if (field(key, v, c))
			return -1;
	return 0;
}
