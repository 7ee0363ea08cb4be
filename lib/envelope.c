/*
 * envelope: kind and payload of a message in Redis. Pure, copies nothing. Whatever says "text" here
 * is valid UTF-8: a browser closes the connection when a text frame isn't (RFC 6455 8.1).
 */
#include "envelope.h"

#include <string.h>

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
enum { KIND_AT = 5 };

static bool wrapped(const uint8_t *p, size_t n, struct message *out)
{
	if (n < ENVELOPE_HEAD || memcmp(p, head, KIND_AT) != 0 ||
	    memcmp(p + KIND_AT + 1, head + KIND_AT + 1, ENVELOPE_HEAD - KIND_AT - 1) != 0)
		return false;
	const uint8_t *payload = p + ENVELOPE_HEAD;
	size_t len = n - ENVELOPE_HEAD;
	if (p[KIND_AT] == 't') {
		if (!utf8_valid(payload, len))
			return false;
		*out = (struct message){.kind = KIND_TEXT, .p = payload, .len = len};
		return true;
	}
	if (p[KIND_AT] == 'b') {
		*out = (struct message){.kind = KIND_BINARY, .p = payload, .len = len};
		return true;
	}
	return false;
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
