/* talk: see talk.h. */
#include "talk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "json.h"

enum { FRAME_MAX = 2048, TEXT_MAX = 65536, RETRY_MS = 500, INSUFFICIENT_STATE = 2500 };

static _Noreturn void unexpected(const struct talk *k, const struct lane *l, const char *why,
                                 const void *p, size_t len)
{
	char at[64];

	place_print(&k->f.at, at, sizeof(at));
	fprintf(stderr, "unexpected: %s (%s, %s, at %s): %.*s\n", why,
	        k->as == TALK_CF ? "Centrifugo" : "wscale.id", l->name, at,
	        (int)(len > 1000 ? 1000 : len), (const char *)p);
	exit(70);
}

/* A small text frame; if it doesn't go out, the connection's end is read soon. */
static void say(int fd, const char *text)
{
	uint8_t f[FRAME_MAX + 14];

	(void)!send(fd, f, ws_frame(f, WS_TEXT, true, text, strlen(text)), MSG_NOSIGNAL);
}

size_t talk_request(struct talk *k, const struct ws_url *base, const struct lane *l,
                    const struct talk_opt *o, struct tally *t, char *out, size_t cap)
{
	struct ws_url u = *base;
	char since[64];
	const char *sep = "?";
	size_t n;

	if (k->as == TALK_CF) {
		snprintf(u.path, sizeof(u.path), "/connection/websocket");
		return ws_request(&u, NULL, "", out, cap);
	}
	n = (size_t)snprintf(u.path, sizeof(u.path), "%s%s", o->path, l->name);
	if (o->query) {
		n += (size_t)snprintf(u.path + n, sizeof(u.path) - n, "%s%s", sep, o->query);
		sep = "&";
	}
	if (k->as == TALK_ID && k->f.at.epoch[0]) {
		place_print(&k->f.at, since, sizeof(since));
		n += (size_t)snprintf(u.path + n, sizeof(u.path) - n, "%ssince=%s", sep, since);
		sep = "&";
		t->resumed++;
	}
	if (o->token)
		snprintf(u.path + n, sizeof(u.path) - n, "%stoken=%s", sep, o->token);
	return ws_request(&u, k->as == TALK_ID ? "wscale.id" : NULL, "", out, cap);
}

static void subscribe(struct talk *k, int fd, const struct lane *l, struct tally *t)
{
	char text[FRAME_MAX];

	k->step = TALK_SUBSCRIBE;
	k->command++;
	if (k->f.at.epoch[0]) {
		snprintf(text, sizeof(text),
		         "{\"id\":%u,\"subscribe\":{\"channel\":\"%s\",\"recover\":true,"
		         "\"epoch\":\"%s\",\"offset\":%" PRIu64 "}}",
		         k->command, l->name, k->f.at.epoch, k->f.at.offset);
		t->resumed++;
	} else {
		snprintf(text, sizeof(text), "{\"id\":%u,\"subscribe\":{\"channel\":\"%s\"}}",
		         k->command, l->name);
	}
	say(fd, text);
}

void talk_open(struct talk *k, int fd, const char *protocol, const struct lane *l,
               const struct talk_opt *o, uint64_t now)
{
	char text[FRAME_MAX];

	if (strcmp(protocol, k->as == TALK_ID ? "wscale.id" : "") != 0)
		unexpected(k, l, "subprotocol", protocol, strlen(protocol));
	follow_accepted(&k->f, l, now);
	if (k->as == TALK_ID) {
		k->step = TALK_NOTICE;
		return;
	}
	k->step = TALK_CONNECT;
	k->command = 1;
	if (o->token)
		snprintf(text, sizeof(text), "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", o->token);
	else
		snprintf(text, sizeof(text), "{\"id\":1,\"connect\":{}}");
	say(fd, text);
}

/* Whether this place is the client's own, perhaps under a later epoch: nothing was missed. */
static bool own_place(const struct talk *k, const struct place *at)
{
	size_t a = strlen(k->f.at.epoch), b = strlen(at->epoch);

	return at->offset == k->f.at.offset &&
	       (b > a || (b == a && strcmp(at->epoch, k->f.at.epoch) >= 0));
}

/* --- wscale.id */

static void id_notice(struct talk *k, const char *p, size_t len, const struct lane *l,
                      struct tally *t, uint64_t now)
{
	bool resumed = k->f.at.epoch[0] != '\0';
	const char *blank = memchr(p, ' ', len);
	struct place at;

	if (!blank || place_parse(blank + 1, len - (size_t)(blank + 1 - p), &at) != 0)
		unexpected(k, l, "no notice", p, len);
	size_t word = (size_t)(blank - p);

	if (word == 6 && memcmp(p, "!ready", word) == 0 && !resumed && k->step == TALK_NOTICE) {
		follow_attached(&k->f, &at, false, t, now);
	} else if (word == 10 && memcmp(p, "!recovered", word) == 0 && resumed) {
		/* Later in a connection: the epoch changed, without a loss. */
		if (!own_place(k, &at))
			unexpected(k, l, "recovered from elsewhere", p, len);
		if (k->step == TALK_NOTICE)
			t->recovered++;
		else
			t->renamed++;
		follow_attached(&k->f, &at, false, t, now);
	} else if (word == 5 && memcmp(p, "!lost", word) == 0 &&
	           (resumed || k->step == TALK_LIVE)) {
		follow_attached(&k->f, &at, true, t, now);
	} else {
		unexpected(k, l, "notice", p, len);
	}
	k->step = TALK_LIVE;
}

static void id_frame(struct talk *k, const char *p, size_t len, struct lane *l, struct tally *t,
                     uint64_t now)
{
	const char *lf = memchr(p, '\n', len);
	struct place at;

	if (len && p[0] == '!' && !lf) {
		id_notice(k, p, len, l, t, now);
		return;
	}
	if (k->step != TALK_LIVE || !lf || place_parse(p, (size_t)(lf - p), &at) != 0)
		unexpected(k, l, "message", p, len);
	follow_message(&k->f, l, &at, lf + 1, len - (size_t)(lf + 1 - p), t, now);
}

/* --- Centrifugo's JSON protocol */

static void cf_pub(struct talk *k, struct json pub, const char *epoch, struct lane *l,
                   struct tally *t, uint64_t now)
{
	static char data[TEXT_MAX];
	struct place at = {.offset = 0};

	snprintf(at.epoch, sizeof(at.epoch), "%s", epoch);
	if (!json_string(pub, "data", data, sizeof(data)) ||
	    !json_number(pub, "offset", &at.offset) || at.offset == 0)
		unexpected(k, l, "publication", pub.p, pub.len);
	follow_message(&k->f, l, &at, data, strlen(data), t, now);
}

/*
 * The answer to subscribe. A recovered subscription goes on where it was, with the publications of
 * the answer; else it begins before the first of them, or at the answer's offset if there are none.
 */
static void cf_subscribed(struct talk *k, struct json r, struct lane *l, struct tally *t,
                          uint64_t now)
{
	struct json pubs, pub = {NULL, 0};
	struct place at = {.offset = 0};
	uint64_t offset = 0, first;
	bool asked = k->f.at.epoch[0] != '\0', recovered = json_true(r, "recovered");
	bool any = json_get(r, "publications", &pubs) && json_next(pubs, &pub);

	json_number(r, "offset", &offset); /* not sent when 0 */
	if (!json_true(r, "recoverable") || !json_string(r, "epoch", at.epoch, sizeof(at.epoch)) ||
	    !at.epoch[0] || (recovered && !asked))
		unexpected(k, l, "subscribe's answer", r.p, r.len);
	at.offset = offset;
	if (recovered) {
		at.offset = k->f.at.offset;
		if (!own_place(k, &at))
			unexpected(k, l, "recovered in an older epoch", r.p, r.len);
		t->recovered++;
	} else if (any) {
		if (!json_number(pub, "offset", &first) || first == 0)
			unexpected(k, l, "publication", r.p, r.len);
		at.offset = first - 1;
	}
	k->step = TALK_LIVE;
	follow_attached(&k->f, &at, asked && !recovered, t, now);
	for (; any; any = json_next(pubs, &pub))
		cf_pub(k, pub, at.epoch, l, t, now);
	/* The client takes this for what it has, so it must be. */
	if (offset > k->f.at.offset)
		unexpected(k, l, "an offset beyond its publications", r.p, r.len);
}

static void cf_reply(struct talk *k, int fd, struct json r, struct lane *l, struct tally *t,
                     uint64_t now)
{
	struct json v;
	uint64_t id;

	if (!json_number(r, "id", &id) || id != k->command)
		unexpected(k, l, "answer to nothing", r.p, r.len);
	if (json_get(r, "error", &v)) {
		if (k->step != TALK_SUBSCRIBE || !json_true(v, "temporary"))
			unexpected(k, l, "error", r.p, r.len);
		k->step = TALK_LATER;
		k->when = now + (unsigned)rand() % RETRY_MS;
	} else if (k->step == TALK_CONNECT && json_get(r, "connect", &v)) {
		subscribe(k, fd, l, t);
	} else if (k->step == TALK_SUBSCRIBE && json_get(r, "subscribe", &v)) {
		cf_subscribed(k, v, l, t, now);
	} else {
		unexpected(k, l, "answer", r.p, r.len);
	}
}

static void cf_push(struct talk *k, int fd, struct json push, struct lane *l, struct tally *t,
                    uint64_t now)
{
	char channel[128];
	struct json v;
	uint64_t code;

	if (k->step != TALK_LIVE || !json_string(push, "channel", channel, sizeof(channel)) ||
	    strcmp(channel, l->name) != 0)
		unexpected(k, l, "push", push.p, push.len);
	if (json_get(push, "pub", &v)) {
		cf_pub(k, v, k->f.at.epoch, l, t, now);
	} else if (json_get(push, "unsubscribe", &v) && json_number(v, "code", &code) &&
	           code == INSUFFICIENT_STATE) {
		k->f.attached = false;
		t->resubscribed++;
		subscribe(k, fd, l, t);
	} else {
		unexpected(k, l, "push", push.p, push.len);
	}
}

/* One or more replies, each on a line. */
static void cf_frame(struct talk *k, int fd, const char *p, size_t len, struct lane *l,
                     struct tally *t, uint64_t now)
{
	const char *end = p + len;

	for (; p < end; p++) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = lf ? (size_t)(lf - p) : (size_t)(end - p);
		struct json r, v;

		if (json_read(p, n, &r) != 0 || !json_is(r, '{'))
			unexpected(k, l, "no JSON object", p, n);
		if (r.len == 2)
			say(fd, "{}");
		else if (json_get(r, "push", &v))
			cf_push(k, fd, v, l, t, now);
		else
			cf_reply(k, fd, r, l, t, now);
		p += n;
	}
}

void talk_frame(struct talk *k, int fd, const struct ws_event *e, struct lane *l, struct tally *t,
                uint64_t now)
{
	const char *p = (const char *)e->p;

	if (e->opcode != WS_TEXT || !e->fin || e->len == 0)
		unexpected(k, l, "frame", p, e->len);
	if (k->as == TALK_ID)
		id_frame(k, p, e->len, l, t, now);
	else
		cf_frame(k, fd, p, e->len, l, t, now);
}

void talk_tick(struct talk *k, int fd, const struct lane *l, struct tally *t, uint64_t now)
{
	if (k->step == TALK_LATER && now >= k->when)
		subscribe(k, fd, l, t);
}

void talk_end(struct talk *k)
{
	k->step = k->as == TALK_ID ? TALK_NOTICE : TALK_CONNECT;
	follow_end(&k->f);
}
