/*
 * batch: see batch.h. A few empty batches are kept for reuse, so that a tick of the fan-out
 * allocates nothing; an unusually large one is given back.
 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

enum { SPARES = 16, SPARE_CAP_MAX = 256 * 1024 };

static struct batch *spares[SPARES];
static unsigned n_spares;

struct batch *batch_new(void)
{
	struct batch *b;

	if (n_spares) {
		b = spares[--n_spares];
	} else {
		b = calloc(1, sizeof *b);
		if (!b)
			return NULL;
	}
	b->refs = 1;
	b->n = 0;
	b->len = 0;
	return b;
}

struct batch *batch_ref(struct batch *b)
{
	b->refs++;
	return b;
}

void batch_unref(struct batch *b)
{
	if (!b || --b->refs)
		return;
	if (n_spares < SPARES && b->cap <= SPARE_CAP_MAX) {
		spares[n_spares++] = b;
		return;
	}
	free(b->ends);
	free(b->p);
	free(b);
}

void batch_trim(struct batch *b)
{
	uint8_t *p = b->len < b->cap ? realloc(b->p, b->len ? b->len : 1) : NULL;
	size_t *ends = b->n < b->cap_n ? realloc(b->ends, (b->n ? b->n : 1) * sizeof *ends) : NULL;

	if (p) {
		b->p = p;
		b->cap = b->len ? b->len : 1;
	}
	if (ends) {
		b->ends = ends;
		b->cap_n = b->n ? b->n : 1;
	}
}

static int reserve(struct batch *b, size_t more)
{
	if (b->n == b->cap_n) {
		uint32_t cap_n = b->cap_n > 8 ? b->cap_n * 2 : 16;
		size_t *ends = realloc(b->ends, cap_n * sizeof *ends);

		if (!ends)
			return -1;
		b->ends = ends;
		b->cap_n = cap_n;
	}
	if (b->cap - b->len < more) {
		size_t cap = b->cap > 1024 ? b->cap : 1024;
		uint8_t *p;

		while (cap - b->len < more)
			cap *= 2;
		p = realloc(b->p, cap);
		if (!p)
			return -1;
		b->p = p;
		b->cap = cap;
	}
	return 0;
}

static void put(struct batch *b, const void *p, size_t len)
{
	if (len)
		memcpy(b->p + b->len, p, len);
	b->len += len;
}

int batch_add(struct batch *b, uint8_t opcode, const void *head, size_t head_len, const void *p,
              size_t len)
{
	if (reserve(b, FRAME_HEAD_MAX + head_len + len))
		return -1;
	b->len += frame_head(opcode, head_len + len, b->p + b->len);
	put(b, head, head_len);
	put(b, p, len);
	b->ends[b->n++] = b->len;
	return 0;
}

int batch_add_frame(struct batch *b, const uint8_t *frame, size_t len)
{
	if (reserve(b, len))
		return -1;
	put(b, frame, len);
	b->ends[b->n++] = b->len;
	return 0;
}

size_t batch_start(const struct batch *b, uint32_t i)
{
	return i ? b->ends[i - 1] : 0;
}

uint32_t batch_frame_at(const struct batch *b, size_t at)
{
	uint32_t low = 0, high = b->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (b->ends[mid] <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t frame_head(uint8_t opcode, size_t len, uint8_t out[static FRAME_HEAD_MAX])
{
	out[0] = 0x80 | opcode;
	if (len < 126) {
		out[1] = (uint8_t)len;
		return 2;
	}
	if (len <= 0xffff) {
		out[1] = 126;
		out[2] = (uint8_t)(len >> 8);
		out[3] = (uint8_t)len;
		return 4;
	}
	out[1] = 127;
	for (int i = 0; i < 8; i++)
		out[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
	return 10;
}

size_t frame_close(uint16_t code, const char *reason, uint8_t out[static FRAME_CLOSE_MAX])
{
	size_t n = strnlen(reason, 123);

	out[0] = 0x88;
	out[1] = (uint8_t)(2 + n);
	out[2] = (uint8_t)(code >> 8);
	out[3] = (uint8_t)code;
	memcpy(out + 4, reason, n);
	return 4 + n;
}
