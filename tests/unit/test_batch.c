/*
 * test_batch: frames as RFC 6455 5.2 and 5.5.1 have them, where each ends, who holds a batch and
 * what becomes of it.
 */
#include <stdlib.h>

#include "../../lib/envelope.h"
#include "../../node/batch.h"
#include "tap.h"

static uint8_t *bytes(size_t n)
{
	uint8_t *p = malloc(n ? n : 1);

	for (size_t i = 0; p && i < n; i++)
		p[i] = (uint8_t)(i * 7 + n);
	return p;
}

static bool head_is(size_t len, const char *want, size_t want_len)
{
	uint8_t head[FRAME_HEAD_MAX];

	return frame_head(1, len, head) == want_len && !memcmp(head, want, want_len);
}

static void heads(void)
{
	uint8_t out[FRAME_CLOSE_MAX];
	char reason[200];

	ok(head_is(0, "\x81\x00", 2), "an empty frame");
	ok(head_is(125, "\x81\x7d", 2), "125 bytes fit the short length");
	ok(head_is(126, "\x81\x7e\x00\x7e", 4), "126 need two more");
	ok(head_is(65535, "\x81\x7e\xff\xff", 4), "65535 still do");
	ok(head_is(65536, "\x81\x7f\0\0\0\0\0\x01\0\0", 10), "65536 need eight");
	ok(frame_close(1012, "bye", out) == 7 && !memcmp(out,
	                                                 "\x88\x05\x03\xf4"
	                                                 "bye",
	                                                 7),
	   "a Close with code and reason");
	ok(frame_close(1000, "", out) == 4 && !memcmp(out, "\x88\x02\x03\xe8", 4),
	   "a Close without a reason");
	memset(reason, 'x', sizeof reason);
	reason[sizeof reason - 1] = 0;
	ok(frame_close(1000, reason, out) == FRAME_CLOSE_MAX && out[1] == 125,
	   "a long reason is cut: control frames hold 125 bytes");
}

static void adding(void)
{
	static const size_t lens[] = {0, 1, 125, 126, 3, 65535, 65536, 0, 7};
	enum { N = sizeof lens / sizeof lens[0] };
	struct batch *b = batch_new();
	size_t at = 0;
	bool whole = true, found = true;

	for (size_t i = 0; i < N; i++) {
		uint8_t *p = bytes(lens[i]);
		struct message m = {.kind = i % 2 ? KIND_BINARY : KIND_TEXT,
		                    .p = lens[i] ? p : NULL,
		                    .len = lens[i]};

		whole &= !batch_add(b, (uint8_t)m.kind, NULL, 0, m.p, m.len);
		free(p);
	}
	whole &= b->n == N;
	for (uint32_t i = 0; i < N; i++) {
		uint8_t head[FRAME_HEAD_MAX], *p = bytes(lens[i]);
		size_t head_len = frame_head(i % 2 ? 2 : 1, lens[i], head);

		whole &= batch_start(b, i) == at && !memcmp(b->p + at, head, head_len) &&
		         !memcmp(b->p + at + head_len, p, lens[i]);
		found &= batch_frame_at(b, at) == i;
		at += head_len + lens[i];
		found &= batch_frame_at(b, at - 1) == i;
		whole &= b->ends[i] == at;
		free(p);
	}
	ok(whole && b->len == at, "frames stand one behind the other, each with its end");
	ok(found, "a frame is found by its first and by its last byte");
	ok(batch_frame_at(b, at) == N, "behind the last byte is no frame");
	batch_unref(b);
}

static void references(void)
{
	struct message m = {.kind = KIND_TEXT, .p = (const uint8_t *)"hi", .len = 2};
	struct batch *many[40], *b = batch_new();
	bool clean = true;

	batch_unref(NULL);
	batch_add(b, (uint8_t)m.kind, NULL, 0, m.p, m.len);
	ok(batch_ref(b) == b && b->refs == 2, "a reference");
	batch_unref(b);
	ok(b->refs == 1 && b->n == 1 && b->len == 4,
	   "one given back leaves the batch to the other");
	batch_unref(b);
	b = batch_new();
	ok(b->refs == 1 && !b->n && !b->len, "one used before comes empty");
	batch_unref(b);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 40; i++) {
			many[i] = batch_new();
			clean &= many[i]->refs == 1 && !many[i]->n && !many[i]->len;
			for (int k = 0; k <= i; k++)
				clean &= !batch_add(many[i], (uint8_t)m.kind, NULL, 0, m.p, m.len);
			clean &= many[i]->n == (uint32_t)i + 1 &&
			         many[i]->len == 4 * (size_t)(i + 1);
		}
		for (int i = 0; i < 40; i++)
			batch_unref(many[i]);
	}
	ok(clean, "more of them than are kept for reuse, again and again");
}

static void large(void)
{
	size_t n = 300 * 1024;
	uint8_t *p = bytes(n);
	struct message m = {.kind = KIND_BINARY, .p = p, .len = n};
	struct batch *b = batch_new();

	batch_add(b, (uint8_t)m.kind, NULL, 0, m.p, m.len);
	batch_unref(b);
	b = batch_new();
	ok(b->cap <= 256 * 1024, "a large one is not kept");
	batch_unref(b);
	free(p);
}

int main(void)
{
	heads();
	adding();
	references();
	large();
	return tap_done();
}
