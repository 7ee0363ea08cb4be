/* fill_reply: see fill_reply.h. */
#include "fill_reply.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/envelope.h"
#include "../lib/num.h"
#include "ring.h"

static bool is_array(const redisReply *r, size_t elements)
{
	return r->type == REDIS_REPLY_ARRAY && r->elements == elements;
}

static int number(const redisReply *r, uint64_t *out)
{
	if (r->type != REDIS_REPLY_STRING || strlen(r->str) != r->len)
		return -1;
	return num_u64(r->str, 0, UINT64_MAX, out);
}

/* OFFSET-MICROS */
static int entry_id(const redisReply *r, struct message *m)
{
	char text[48];
	char *dash;

	if (r->type != REDIS_REPLY_STRING || r->len >= sizeof text || strlen(r->str) != r->len)
		return -1;
	memcpy(text, r->str, r->len + 1);
	dash = strchr(text, '-');
	if (!dash)
		return -1;
	*dash = '\0';
	return num_u64(text, 1, UINT64_MAX, &m->at.offset) ||
	                       num_u64(dash + 1, 0, UINT64_MAX, &m->micros)
	               ? -1
	               : 0;
}

static int entry(const redisReply *r, struct message *m)
{
	const redisReply *kind, *payload;

	*m = (struct message){0};
	if (!is_array(r, 2) || !is_array(r->element[1], 2) || entry_id(r->element[0], m))
		return -1;
	kind = r->element[1]->element[0];
	payload = r->element[1]->element[1];
	if (kind->type != REDIS_REPLY_STRING || kind->len != 1 ||
	    payload->type != REDIS_REPLY_STRING || payload->len > UINT32_MAX)
		return -1;
	m->p = (const uint8_t *)payload->str;
	m->len = payload->len;
	switch (kind->str[0]) {
	case 't': /* as a numbered envelope is read: see envelope.h */
		m->kind = utf8_valid(m->p, m->len) ? KIND_TEXT : KIND_BINARY;
		return 0;
	case 'b':
		m->kind = KIND_BINARY;
		return 0;
	case 'p':
		m->kind = KIND_PURGE;
		return 0;
	default:
		return -1;
	}
}

static int entries(const redisReply *r, struct page *page)
{
	struct message *v;
	uint64_t before = 0;

	if (r->type != REDIS_REPLY_ARRAY)
		return -1;
	v = malloc((r->elements + 1) * sizeof *v);
	if (!v)
		return -1;
	for (size_t i = 0; i < r->elements; i++) {
		if (entry(r->element[i], &v[i]) || v[i].at.offset <= before ||
		    v[i].at.offset > page->top) {
			free(v);
			return -1;
		}
		before = v[i].at.offset;
	}
	page->entries = v;
	page->n = r->elements;
	return 0;
}

/* "EPOCH:OFFSET " or "EPOCH:OFFSET! " each, the first ones count. */
static int former(const redisReply *r, struct page *page)
{
	const char *p = r->str, *end;
	size_t n = 0;

	if (r->type != REDIS_REPLY_STRING || strlen(p) != r->len)
		return -1;
	for (; n < RING_FORMER && (end = strchr(p, ' ')); p = end + 1) {
		char text[64], *colon;

		if ((size_t)(end - p) >= sizeof text)
			return -1;
		memcpy(text, p, (size_t)(end - p));
		text[end - p] = '\0';
		colon = strchr(text, ':');
		page->former[n].lossy = end > p && end[-1] == '!';
		if (page->former[n].lossy)
			text[end - p - 1] = '\0';
		if (!colon || epoch_parse(text, (size_t)(colon - text), &page->former[n].epoch) ||
		    num_u64(colon + 1, 0, page->top, &page->former[n].end))
			return -1;
		n++;
	}
	return *p && n < RING_FORMER ? -1 : 0;
}

int fill_reply_page(const struct redisReply *r, struct page *page)
{
	*page = (struct page){0};
	if (!is_array(r, 6) || r->element[0]->type != REDIS_REPLY_STRING ||
	    epoch_parse(r->element[0]->str, r->element[0]->len, &page->epoch) ||
	    number(r->element[1], &page->top) || number(r->element[2], &page->top_micros) ||
	    number(r->element[3], &page->base) || page->base > page->top ||
	    former(r->element[5], page))
		return -1;
	return entries(r->element[4], page);
}

void fill_reply_free(struct page *page)
{
	free((void *)(uintptr_t)page->entries);
	page->entries = NULL;
}

int fill_reply_top(const struct redisReply *r, struct position *top, uint64_t *micros)
{
	*top = (struct position){0};
	if (!is_array(r, 3) || r->element[0]->type != REDIS_REPLY_STRING)
		return -1;
	if (r->element[0]->len && epoch_parse(r->element[0]->str, r->element[0]->len, &top->epoch))
		return -1;
	return number(r->element[1], &top->offset) || number(r->element[2], micros) ? -1 : 0;
}
