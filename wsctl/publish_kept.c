/*
 * publish_kept: standard input, or one message, into histories through a window. Reads only while
 * there is room and Redis answers, so that a pipe holds its writer back. A line's number under a
 * name of this run's own is what makes a message the same one when it is sent again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../lib/num.h"
#include "cmd.h"
#include "feed.h"
#include "hap.h"
#include "publish.h"

enum { CHUNK = 64 * 1024, DEADLINE_MS = 30000, INTERRUPTED_MS = 2000, MEMORY_MS = 600000 };

void feed_end(struct feed *f, int rc)
{
	f->end = rc;
	f->eof = true;
	f->at = f->in.len;
}

static int add(struct feed *f, const char *p, size_t len)
{
	uint64_t max = f->p->r->cfg->node.max_message;
	char limit[24];

	if (len <= max)
		return window_add(f->w, &f->lines, f->taken, p, len);
	num_size_str(max, limit);
	if (f->p->message)
		say_error("the message is longer than node.max_message (%s)", limit);
	else
		say_error("line %llu is longer than node.max_message (%s)",
		          (unsigned long long)f->taken, limit);
	feed_end(f, EXIT_FAILED);
	return EXIT_OK;
}

/* Each whole line, and at the end what is left. */
static int take_lines(struct feed *f)
{
	int rc = EXIT_OK;

	while (!rc && f->at < f->in.len && !window_full(f->w)) {
		size_t from = f->scanned > f->at ? f->scanned : f->at, start = f->at;
		const char *nl = memchr(f->in.p + from, '\n', f->in.len - from);
		size_t end = nl ? (size_t)(nl - f->in.p) : f->in.len;

		if (!nl && !f->eof && end - start <= f->p->r->cfg->node.max_message) {
			f->scanned = end;
			break;
		}
		f->taken++;
		f->at = end + (nl != NULL);
		rc = add(f, f->in.p + start, end - start);
	}
	return rc;
}

static int take(struct feed *f)
{
	int rc = f->p->kafka ? feed_kafka(f) : take_lines(f);

	/* What was taken goes once it is much, not for each line. */
	if (f->at && (f->at == f->in.len || f->at >= CHUNK)) {
		memmove(f->in.p, f->in.p + f->at, f->in.len - f->at);
		f->in.len -= f->at;
		f->scanned -= f->scanned < f->at ? f->scanned : f->at;
		f->before += f->at;
		f->at = 0;
	}
	return rc;
}

static void read_some(struct feed *f)
{
	static char chunk[CHUNK];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);

	if (n > 0)
		buf_add(&f->in, chunk, (size_t)n);
	if (f->in.oom) {
		say_error("out of memory");
		feed_end(f, EXIT_FAILED);
	} else if (!n) {
		f->eof = true;
	} else if (n < 0 && errno != EINTR && errno != EAGAIN) {
		say_error("can't read standard input: %s", strerror(errno));
		feed_end(f, EXIT_FAILED);
	}
}

static int run(struct feed *f)
{
	uint64_t give_up_ms = 0;

	for (;;) {
		bool readable;
		int rc = f->end ? EXIT_OK : take(f);

		if (rc)
			return rc;
		if (f->eof && f->at == f->in.len && window_empty(f->w))
			return f->end;
		rc = window_turn(f->w, f->eof || window_full(f->w) ? -1 : STDIN_FILENO, &readable);
		if (rc)
			return rc;
		if (interrupted() && !give_up_ms) {
			feed_end(f, EXIT_INTERRUPTED);
			give_up_ms = now_ms() + INTERRUPTED_MS;
		}
		if (give_up_ms && now_ms() > give_up_ms)
			return EXIT_INTERRUPTED;
		if (readable && !f->eof)
			read_some(f);
	}
}

/* A name that nobody else has. */
static int name_lines(struct feed *f)
{
	const struct publish *p = f->p;
	const struct config_rule *rule = config_rule(p->r->cfg, p->channel);
	unsigned char raw[16];

	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
		say_error("getrandom: %s", strerror(errno));
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(f->lines.name + 2 * i, 3, "%02x", raw[i]);
	snprintf(f->lines.channel, sizeof f->lines.channel, "%s", p->channel);
	f->lines.keep = (struct keep){rule->history_size, rule->history_ttl_ms};
	if (!p->message)
		snprintf(f->lines.label, sizeof f->lines.label, "line ");
	return EXIT_OK;
}

int publish_kept(struct publish *p)
{
	uint64_t deadline = p->r->opts.deadline_ms ? p->r->opts.deadline_ms : DEADLINE_MS;
	struct tally tally = {0};
	struct feed f = {.p = p, .w = window_new(p->r, deadline, &tally)};
	int rc = EXIT_FAILED;

	if (!f.w) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	/* What was sent before Redis went away must still be known to it when it is back. */
	f.lines.ttl_ms = deadline + MEMORY_MS;
	if (!p->kafka && (rc = name_lines(&f)))
		goto out;
	rc = window_open(f.w);
	if (rc)
		goto out;
	if (p->message) {
		f.taken = 1;
		f.eof = true;
		rc = add(&f, p->message, strlen(p->message));
	}
	if (!rc)
		rc = run(&f);
	p->acked = tally.acked - tally.seen;
	p->seen += tally.seen;
	p->heard = tally.heard;
	p->unknown = window_waiting(f.w);
out:
	feed_kafka_free(&f);
	window_free(f.w);
	buf_free(&f.in);
	return rc;
}
