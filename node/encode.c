/* encode: see encode.h. */
#include "encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "cf_encode.h"
#include "ring.h"

_Static_assert((int)FORMS == (int)RING_FORMS, "a ring's entry keeps each form");

int encode_message(struct batch *b, enum form form, const char *channel, const struct message *m)
{
	char id[POSITION_STR];
	struct buf text = {0};
	size_t n;
	int rc;

	switch (form) {
	case FORM_ID:
		n = strlen(position_str(m->at, id));
		id[n++] = '\n'; /* in place of the NUL */
		return batch_add(b, (uint8_t)m->kind, id, n, m->p, m->len);
	case FORM_CF:
		cf_push(&text, channel, m);
		rc = text.oom ? -1 : batch_add(b, KIND_TEXT, text.p, text.len, NULL, 0);
		buf_free(&text);
		return rc;
	default:
		return batch_add(b, (uint8_t)m->kind, NULL, 0, m->p, m->len);
	}
}

int encode_entry(struct batch *b, enum form form, const char *channel, struct ring *r,
                 uint64_t offset)
{
	struct ring_entry *e = ring_at(r, offset);
	struct message m = {(enum kind)e->kind, e->p, e->len, {r->epoch, offset}, e->micros};
	size_t before = b->len, len;

	if (e->form[form])
		return batch_add_frame(b, e->form[form], e->form_len[form]);
	if (encode_message(b, form, channel, &m))
		return -1;
	len = b->len - before;
	/* Only what costs more than a copy; the next one does without when there is no memory. */
	if (form != FORM_CF || !(e->form[form] = malloc(len)))
		return 0;
	memcpy(e->form[form], b->p + before, len);
	e->form_len[form] = (uint32_t)len;
	ring_account(r, (uint32_t)len);
	return 0;
}

int encode_notice(struct batch *b, const char *what, struct position at)
{
	char text[16 + POSITION_STR], id[POSITION_STR];
	int n = snprintf(text, sizeof text, "%.10s %s", what, position_str(at, id));

	return batch_add(b, KIND_TEXT, text, (size_t)n, NULL, 0);
}
