/*
 * wsctl tail: each message of channels as it comes, one line or, with --json, one object. Here are
 * the arguments, the output and the end; listen.c has the subscription, shown.c makes a payload
 * harmless. A line is written whole before the next message is taken: who reads slowly is waited
 * for, and Redis lets go of one that it has waited for too long.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/channel.h"
#include "../lib/envelope.h"
#include "cmd.h"
#include "hap.h"
#include "listen.h"
#include "shown.h"
#include "table.h"

enum { PAYLOAD_MIN = 8, NAME_PAD_MAX = 32 };

struct tail {
	struct run *r;
	bool terminal, named;    /* to one; the channel is a column */
	size_t name_pad, id_pad; /* the widest so far */
	uint64_t seen, bytes;
	struct buf line;
	int broken; /* errno of a write that failed */
	int rc;     /* EXIT_FAILED: can't go on */
};

/* Columns of the terminal; 0: it isn't one, nothing is cut. */
static size_t columns(const struct tail *t)
{
	struct winsize size;

	if (!t->terminal)
		return 0;
	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

static const char *kind_name(enum kind kind)
{
	return kind == KIND_TEXT ? "text" : kind == KIND_BINARY ? "binary" : "purge";
}

/* The time of day for eyes, with date and zone for what is kept. */
static void add_time(struct tail *t, const struct timespec *now)
{
	char text[32], zone[8];
	struct tm tm;

	localtime_r(&now->tv_sec, &tm);
	strftime(text, sizeof text, t->terminal ? "%H:%M:%S" : "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof zone, "%z", &tm);
	buf_printf(&t->line, "%s.%03ld%s  ", text, now->tv_nsec / 1000000, t->terminal ? "" : zone);
}

static size_t widest(size_t so_far, size_t len, size_t most)
{
	return len > so_far && len <= most ? len : so_far;
}

static void print_line(struct tail *t, const char *name, const struct message *m,
                       const struct timespec *now)
{
	char id[POSITION_STR], size[NUM_STR];
	size_t width = columns(t), room;

	position_str(m->at, id);
	t->name_pad = widest(t->name_pad, strlen(name), NAME_PAD_MAX);
	t->id_pad = widest(t->id_pad, strlen(id), POSITION_STR);
	buf_reset(&t->line);
	add_time(t, now);
	if (t->named)
		buf_printf(&t->line, "%-*s  ", (int)t->name_pad, name);
	buf_printf(&t->line, "%-*s  %-6s  %6s  ", (int)t->id_pad, id, kind_name(m->kind),
	           num_bytes(m->len, size));
	room = width > t->line.len + PAYLOAD_MIN ? width - t->line.len : PAYLOAD_MIN;
	if (m->kind == KIND_PURGE)
		buf_str(&t->line, "the history up to here is taken away");
	else if (m->kind == KIND_TEXT)
		shown_text(&t->line, m->p, m->len, width ? room : 0);
	else
		shown_hex(&t->line, m->p, m->len, width ? room : 0);
	while (t->line.len && t->line.p[t->line.len - 1] == ' ' && !m->len)
		t->line.len--;
	buf_str(&t->line, "\n");
	if (t->line.oom) {
		say_error("out of memory");
		t->rc = EXIT_FAILED;
		return;
	}
	fwrite(t->line.p, 1, t->line.len, stdout);
}

static json_t *base64(const struct message *m)
{
	unsigned char *text = malloc((m->len + 2) / 3 * 4 + 1);
	json_t *o = NULL;

	if (text)
		o = json_stringn((char *)text, (size_t)EVP_EncodeBlock(text, m->p, (int)m->len));
	free(text);
	return o;
}

static void print_json(const char *name, const struct message *m, const struct timespec *now)
{
	char id[POSITION_STR];
	bool text = m->kind == KIND_TEXT, binary = m->kind == KIND_BINARY;

	say_json(json_pack("{s:s, s:s?, s:s, s:I, s:o, s:o, s:I, s:o}", "channel", name, "id",
	                   m->at.epoch ? position_str(m->at, id) : NULL, "kind", kind_name(m->kind),
	                   "size", (json_int_t)m->len, "payload",
	                   text ? json_stringn((const char *)m->p, m->len) : json_null(),
	                   "payload_base64", binary ? base64(m) : json_null(), "received_us",
	                   (json_int_t)now->tv_sec * 1000000 + now->tv_nsec / 1000, "published_us",
	                   m->at.epoch ? json_integer((json_int_t)m->micros) : json_null()));
}

static bool on_message(void *arg, const char *name, const uint8_t *p, size_t len)
{
	struct tail *t = arg;
	struct timespec now;
	struct message m;

	clock_gettime(CLOCK_REALTIME, &now);
	envelope_open(p, len, &m);
	t->seen++;
	t->bytes += m.len;
	if (t->r->opts.json)
		print_json(name, &m, &now);
	else
		print_line(t, name, &m, &now);
	if (ferror(stdout))
		t->broken = errno ? errno : EIO;
	return !t->rc && !t->broken && !interrupted() &&
	       !(t->r->opts.count && t->seen >= t->r->opts.count);
}

static int follow(struct tail *t, struct listener *l)
{
	const struct opts *o = &t->r->opts;
	uint64_t until = o->for_ms ? now_ms() + o->for_ms : UINT64_MAX;

	for (;;) {
		uint64_t now = now_ms();
		int rc;

		if (!t->broken && fflush(stdout))
			t->broken = errno;
		if (interrupted())
			return EXIT_INTERRUPTED;
		if (t->rc || t->broken)
			return EXIT_FAILED;
		if (o->count && t->seen >= o->count)
			return EXIT_OK;
		if (now >= until)
			return o->count ? EXIT_LATER : EXIT_OK;
		rc = listen_turn(l, until - now);
		if (rc)
			return rc;
	}
}

static int arguments(const struct run *r, bool *named)
{
	*named = r->argc > 1;
	for (int i = 0; i < r->argc; i++) {
		if (!channel_pattern_valid(r->argv[i])) {
			say_error("\"%.140s\" is not a channel or a pattern such as news:*",
			          r->argv[i]);
			return EXIT_USAGE;
		}
		*named = *named || strchr(r->argv[i], '*');
	}
	return EXIT_OK;
}

static void report(const struct tail *t, uint64_t since)
{
	char n[NUM_STR], size[NUM_STR], age[NUM_STR];

	say(t->r, "%s message%s, %s in %s", num_count(t->seen, n), t->seen == 1 ? "" : "s",
	    num_bytes(t->bytes, size), num_age((int64_t)((now_ms() - since) / 1000), age));
}

int cmd_tail(struct run *r)
{
	struct tail t = {.r = r, .terminal = isatty(STDOUT_FILENO)};
	struct listener *l = NULL;
	uint64_t since;
	const char *why;
	int rc = arguments(r, &t.named);

	if (rc)
		return rc;
	l = listen_new(r, r->argv, (size_t)r->argc, on_message, &t);
	if (!l) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	since = now_ms();
	rc = listen_open(l);
	if (!rc) {
		say(r, "listening; Ctrl-C ends it");
		rc = follow(&t, l);
		if (rc == EXIT_LATER)
			say_error("%" PRIu64 " of %" PRIu32 " messages came", t.seen,
			          r->opts.count);
		report(&t, since);
	}
	if (t.broken) {
		/* What is left of a line goes nowhere; of a signal or a reader that left, no words.
		 */
		__fpurge(stdout);
		clearerr(stdout);
		if (t.broken != EPIPE && t.broken != EINTR)
			say_error("can't write the output: %s", strerror(t.broken));
	} else if (rc && r->opts.json) {
		say_json(json_pack("{s:b, s:s, s:i}", "ok", 0, "error",
		                   said_error(&why)         ? why
		                   : rc == EXIT_INTERRUPTED ? "interrupted"
		                                            : "failed",
		                   "exit", rc));
	}
	listen_free(l);
	buf_free(&t.line);
	return rc;
}
