/* cf_json: see cf_json.h. No recursion: what is open is one bit a level. */
#include "cf_json.h"

#include <string.h>

struct open {
	uint64_t object[CF_JSON_DEPTH / 64]; /* by level: an object, else an array */
	unsigned depth;
};

static const char *blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0..15, -1. */
static int hex(char c)
{
	if (digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits, -1: not there. */
static int hex4(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		if (hex(p[i]) < 0)
			return -1;
		v = v << 4 | hex(p[i]);
	}
	return v;
}

static const char *string_end(const char *p, const char *end)
{
	if (p == end || *p != '"')
		return NULL;
	for (p++; p < end && *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		if (++p == end || !*p || !strchr("\"\\/bfnrtu", *p))
			return NULL;
		if (*p == 'u') {
			if (hex4(p + 1, end) < 0)
				return NULL;
			p += 4;
		}
	}
	return p < end ? p + 1 : NULL;
}

static const char *digits(const char *p, const char *end)
{
	if (p == end || !digit(*p))
		return NULL;
	while (p < end && digit(*p))
		p++;
	return p;
}

static const char *number_end(const char *p, const char *end)
{
	if (p < end && *p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if (!(p = digits(p, end)))
		return NULL;
	if (p < end && *p == '.' && !(p = digits(p + 1, end)))
		return NULL;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = digits(p, end);
	}
	return p;
}

static const char *literal_end(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) >= n && !memcmp(p, word, n) ? p + n : NULL;
}

static const char *scalar_end(const char *p, const char *end)
{
	switch (*p) {
	case '"':
		return string_end(p, end);
	case 't':
		return literal_end(p, end, "true");
	case 'f':
		return literal_end(p, end, "false");
	case 'n':
		return literal_end(p, end, "null");
	default:
		return number_end(p, end);
	}
}

static bool in_object(const struct open *o)
{
	return o->object[(o->depth - 1) / 64] >> ((o->depth - 1) % 64) & 1;
}

static bool push(struct open *o, bool object)
{
	uint64_t bit;

	if (o->depth == CF_JSON_DEPTH)
		return false;
	bit = (uint64_t)1 << (o->depth % 64);
	if (object)
		o->object[o->depth / 64] |= bit;
	else
		o->object[o->depth / 64] &= ~bit;
	o->depth++;
	return true;
}

/* A member's key and colon, blanks included. */
static const char *key_end(const char *p, const char *end)
{
	p = string_end(blanks(p, end), end);
	if (!p)
		return NULL;
	p = blanks(p, end);
	return p < end && *p == ':' ? p + 1 : NULL;
}

/* After a value: closes what ends here. Where the next value begins; *done: nothing is open. */
static const char *after_value(const char *p, const char *end, struct open *o, bool *done)
{
	while (o->depth) {
		p = blanks(p, end);
		if (p == end)
			return NULL;
		if (*p == ',')
			return in_object(o) ? key_end(p + 1, end) : p + 1;
		if (*p != (in_object(o) ? '}' : ']'))
			return NULL;
		o->depth--;
		p++;
	}
	*done = true;
	return p;
}

/* At a brace or bracket: where its first value begins, or past it when it is empty. */
static const char *enter(const char *p, const char *end, struct open *o, bool *empty)
{
	bool object = *p == '{';

	if (!push(o, object))
		return NULL;
	p = blanks(p + 1, end);
	*empty = p < end && *p == (object ? '}' : ']');
	if (!*empty)
		return object ? key_end(p, end) : p;
	o->depth--;
	return p + 1;
}

const char *cf_json_end(const char *p, const char *end)
{
	struct open o = {.depth = 0};
	bool done = false;

	while (p && !done) {
		bool value = true;

		p = blanks(p, end);
		if (p == end)
			return NULL;
		if (*p == '{' || *p == '[')
			p = enter(p, end, &o, &value);
		else
			p = scalar_end(p, end);
		if (p && value)
			p = after_value(p, end, &o, &done);
	}
	return p;
}

bool cf_json_valid(struct cf_text t)
{
	const char *end = t.p + t.len, *p = t.len ? cf_json_end(t.p, end) : NULL;

	return p && blanks(p, end) == end;
}

bool cf_json_member(struct cf_text *object, struct cf_text *key, struct cf_text *value)
{
	const char *end = object->p + object->len, *p = blanks(object->p, end);

	if (p == end || (*p != '{' && *p != ','))
		return false;
	p = blanks(p + 1, end);
	if (p == end || *p != '"')
		return false;
	key->p = p + 1;
	p = string_end(p, end);
	if (!p)
		return false;
	key->len = (size_t)(p - 1 - key->p);
	p = blanks(p, end);
	if (p == end || *p != ':')
		return false;
	value->p = blanks(p + 1, end);
	p = cf_json_end(value->p, end);
	if (!p)
		return false;
	value->len = (size_t)(p - value->p);
	*object = (struct cf_text){p, (size_t)(end - p)};
	return true;
}

static void put(char *out, size_t cap, size_t *len, uint32_t c)
{
	char b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		b[0] = (char)c;
	} else {
		for (size_t i = n; i-- > 1; c >>= 6)
			b[i] = (char)(0x80 | (c & 0x3f));
		b[0] = (char)((0xf00 >> n & 0xf0) | c);
	}
	for (size_t i = 0; i < n; i++, ++*len)
		if (*len < cap)
			out[*len] = b[i];
}

/* After "\u": the character, and how many bytes it takes from here on. */
static uint32_t unicode(const char *p, const char *end, size_t *n)
{
	int hi = hex4(p, end), lo = -1;

	*n = 4;
	if (hi < 0xd800 || hi > 0xdfff)
		return (uint32_t)hi;
	if (hi < 0xdc00 && end - p >= 10 && p[4] == '\\' && p[5] == 'u')
		lo = hex4(p + 6, end);
	if (lo < 0xdc00 || lo > 0xdfff)
		return 0xfffd;
	*n = 10;
	return 0x10000 + ((uint32_t)(hi - 0xd800) << 10) + (uint32_t)(lo - 0xdc00);
}

int cf_json_string(struct cf_text t, char *out, size_t cap, size_t *len)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *end = t.p + t.len - 1; /* the closing quote */
	size_t n;

	if (t.len < 2 || t.p[0] != '"')
		return -1;
	*len = 0;
	for (const char *p = t.p + 1; p < end; p++) {
		if (*p != '\\') {
			if (*len < cap)
				out[*len] = *p;
			++*len;
		} else if (*++p == 'u') {
			put(out, cap, len, unicode(p + 1, end, &n));
			p += n;
		} else {
			put(out, cap, len, (uint32_t)to[strchr(from, *p) - from]);
		}
	}
	return 0;
}

int cf_json_u64(struct cf_text t, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!t.len || (t.p[0] == '0' && t.len > 1))
		return -1;
	for (size_t i = 0; i < t.len; i++) {
		uint64_t d = (uint64_t)(t.p[i] - '0');

		if (!digit(t.p[i]) || v > (max - d) / 10 || d > max)
			return -1;
		v = v * 10 + d;
	}
	*out = v;
	return 0;
}

int cf_json_i64(struct cf_text t, int64_t min, int64_t max, int64_t *out)
{
	bool minus = t.len && t.p[0] == '-';
	uint64_t v;

	if (minus)
		t = (struct cf_text){t.p + 1, t.len - 1};
	if (cf_json_u64(t, minus ? (uint64_t)(-(min + 1)) + 1 : (uint64_t)max, &v))
		return -1;
	*out = minus ? -(int64_t)(v - (v > 0)) - (v > 0) : (int64_t)v;
	return 0;
}

int cf_json_bool(struct cf_text t, bool *out)
{
	*out = t.len == 4 && !memcmp(t.p, "true", 4);
	return *out || (t.len == 5 && !memcmp(t.p, "false", 5)) ? 0 : -1;
}

bool cf_json_null(struct cf_text t)
{
	return t.len == 4 && !memcmp(t.p, "null", 4);
}
