/*
 * envelope: kind and payload of a message in Redis. Pure, copies nothing. Whatever says "text" here
 * is valid UTF-8: a browser closes the connection when a text frame isn't (RFC 6455 8.1).
 */
#include "envelope.h"

#include <string.h>

#include "num.h"

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(const uint8_t *p, size_t n)
{
	size_t i = 0;
	while (i < n) {
		uint64_t eight;
		if (n - i >= sizeof eight) {
			memcpy(&eight, p + i, sizeof eight);
			if (!(eight & UINT64_C(0x8080808080808080))) {
				i += sizeof eight;
				continue;
			}
		}
		uint8_t c = p[i++];
		uint8_t low = 0x80, high = 0xbf;
		unsigned more;
		if (c < 0x80)
			continue;
		if (c >= 0xc2 && c <= 0xdf)
			more = 1;
		else if (c >= 0xe0 && c <= 0xef)
			more = 2;
		else if (c >= 0xf0 && c <= 0xf4)
			more = 3;
		else
			return false;
		if (c == 0xe0)
			low = 0xa0;
		else if (c == 0xed)
			high = 0x9f;
		else if (c == 0xf0)
			low = 0x90;
		else if (c == 0xf4)
			high = 0x8f;
		for (; more; more--) {
			if (i == n || p[i] < low || p[i] > high)
				return false;
			i++;
			low = 0x80;
			high = 0xbf;
		}
	}
	return true;
}

static const uint8_t head[ENVELOPE_HEAD] = {'\0', 'W', 'S', '1', ' ', '?', ' ', '-', '\n'};
enum { KIND_AT = 5, PLACE_AT = 7, PLACE_MAX = POSITION_STR + 21 };
static const uint64_t EXACT = UINT64_C(1) << 53; /* what Lua in Redis counts up to */

/* "EPOCH-OFFSET MICROSECONDS" or "-". */
static bool place(const char *s, size_t n, struct message *out)
{
	const char *sp = memchr(s, ' ', n);
	char micros[21];
	size_t len = sp ? (size_t)(s + n - sp - 1) : 0;
	if (n == 1 && *s == '-')
		return true;
	if (!sp || len >= sizeof micros || position_parse(s, (size_t)(sp - s), &out->at) ||
	    !out->at.offset || out->at.epoch > EXACT || out->at.offset > EXACT)
		return false;
	memcpy(micros, sp + 1, len);
	micros[len] = '\0';
	return strlen(micros) == len && num_u64(micros, 1, EXACT, &out->micros) == 0;
}

static bool wrapped(const uint8_t *p, size_t n, struct message *out)
{
	struct message m = {0};
	if (n < ENVELOPE_HEAD || memcmp(p, head, KIND_AT) != 0 || p[KIND_AT + 1] != ' ')
		return false;
	size_t most = n - PLACE_AT < PLACE_MAX ? n - PLACE_AT : PLACE_MAX;
	const uint8_t *lf = memchr(p + PLACE_AT, '\n', most);
	if (!lf || !place((const char *)p + PLACE_AT, (size_t)(lf - p) - PLACE_AT, &m))
		return false;
	m.p = lf + 1;
	m.len = n - (size_t)(m.p - p);
	switch (p[KIND_AT]) {
	case 't':
		m.kind = utf8_valid(m.p, m.len) ? KIND_TEXT : KIND_BINARY;
		if (m.kind == KIND_BINARY && !m.at.epoch)
			return false;
		break;
	case 'b':
		m.kind = KIND_BINARY;
		break;
	case 'p':
		m.kind = KIND_PURGE;
		if (!m.at.epoch || m.len)
			return false;
		break;
	default:
		return false;
	}
	*out = m;
	return true;
}

void envelope_open(const uint8_t *p, size_t n, struct message *out)
{
	if (n && p[0] == '\0' && wrapped(p, n, out))
		return;
	*out = (struct message){
		.kind = utf8_valid(p, n) ? KIND_TEXT : KIND_BINARY, .p = p, .len = n};
}

size_t envelope_head(enum kind kind, const uint8_t *p, size_t n, char out[static ENVELOPE_HEAD])
{
	bool nul = n && p[0] == '\0';
	if (!nul && (kind == KIND_TEXT || !utf8_valid(p, n)))
		return 0;
	memcpy(out, head, ENVELOPE_HEAD);
	out[KIND_AT] = kind == KIND_TEXT ? 't' : 'b';
	return ENVELOPE_HEAD;
}
