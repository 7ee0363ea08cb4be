/* cf_encode: see cf_encode.h. */
#include "cf_encode.h"

#include <inttypes.h>
#include <string.h>

#include "cf_json.h"

/* JSON is kept as it came; line breaks can only stand between its tokens. */
static void json(struct buf *out, const char *p, size_t len)
{
	size_t from = out->len;

	buf_add(out, p, len);
	if (out->oom || (!memchr(p, '\n', len) && !memchr(p, '\r', len)))
		return;
	for (char *at = out->p + from; len--; at++)
		if (*at == '\n' || *at == '\r')
			*at = ' ';
}

/* Without printf: a client may send nothing but these. */
static void escape(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	if (c >= 0x20 || c == '\n') {
		text[1] = c == '\n' ? 'n' : (char)c;
		buf_add(out, text, 2);
		return;
	}
	buf_add(out, text, sizeof text);
}

static void string(struct buf *out, const char *p, size_t len)
{
	const char *end = p + len, *from = p;

	buf_str(out, "\"");
	for (; p < end; p++) {
		if ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
			continue;
		buf_add(out, from, (size_t)(p - from));
		escape(out, (unsigned char)*p);
		from = p + 1;
	}
	buf_add(out, from, (size_t)(end - from));
	buf_str(out, "\"");
}

/* RFC 4648 4, padded. */
static void base64(struct buf *out, const uint8_t *p, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[1024];
	size_t n = 0;

	buf_str(out, "{\"base64\":\"");
	while (len) {
		size_t take = len < 3 ? len : 3;
		uint32_t bits = (uint32_t)p[0] << 16 | (take > 1 ? (uint32_t)p[1] << 8 : 0) |
		                (take > 2 ? p[2] : 0);

		text[n++] = digits[bits >> 18];
		text[n++] = digits[bits >> 12 & 63];
		text[n++] = take > 1 ? digits[bits >> 6 & 63] : '=';
		text[n++] = take > 2 ? digits[bits & 63] : '=';
		p += take;
		len -= take;
		if (n == sizeof text || !len) {
			buf_add(out, text, n);
			n = 0;
		}
	}
	buf_str(out, "\"}");
}

void cf_publication(struct buf *out, const struct message *m)
{
	const char *p = (const char *)m->p;

	buf_str(out, "{\"data\":");
	if (m->kind == KIND_BINARY)
		base64(out, m->p, m->len);
	else if (cf_json_valid((struct cf_text){p, m->len}))
		json(out, p, m->len);
	else
		string(out, p, m->len);
	if (m->at.epoch)
		buf_printf(out, ",\"offset\":%" PRIu64, m->at.offset);
	buf_str(out, "}");
}

#define PUSH "{\"push\":{\"channel\":\""
#define PUB "\",\"pub\":"
#define END "}}"

void cf_push(struct buf *out, const char *channel, const struct message *m)
{
	/* A channel's name needs no escapes, see channel_valid. */
	buf_printf(out, PUSH "%s" PUB, channel);
	cf_publication(out, m);
	buf_str(out, END);
}

const char *cf_push_pub(const char *push, size_t push_len, size_t channel_len, size_t *len)
{
	size_t before = strlen(PUSH) + channel_len + strlen(PUB);

	*len = push_len - before - strlen(END);
	return push + before;
}
