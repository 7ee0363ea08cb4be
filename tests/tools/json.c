/* json: see json.h. */
#include "json.h"

#include <string.h>

enum { DEPTH = 16 };

static const char *value(const char *p, const char *end, int depth);

static const char *blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static int hex(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + c - '0';
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + c - 'A' + 10;
		else
			return -1;
	}
	return v;
}

/* After the string that p begins; NULL: none. */
static const char *string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		if (++p == end || !strchr("\"\\/bfnrtu", *p) || !*p)
			return NULL;
		if (*p == 'u' && hex(p + 1, end) < 0)
			return NULL;
	}
	return p < end ? p + 1 : NULL;
}

static const char *digits(const char *p, const char *end)
{
	const char *from = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p > from ? p : NULL;
}

static const char *number(const char *p, const char *end)
{
	if (p < end && *p == '-')
		p++;
	p = p < end && *p == '0' ? p + 1 : digits(p, end);
	if (p && p < end && *p == '.')
		p = digits(p + 1, end);
	if (p && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = digits(p, end);
	}
	return p;
}

/* After the name and the colon of a member. */
static const char *member(const char *p, const char *end)
{
	if (p == end || *p != '"' || !(p = string(p, end)))
		return NULL;
	p = blanks(p, end);
	return p < end && *p == ':' ? blanks(p + 1, end) : NULL;
}

/* An object or an array. */
static const char *composed(const char *p, const char *end, int depth)
{
	char close = *p == '{' ? '}' : ']';

	p = blanks(p + 1, end);
	if (p < end && *p == close)
		return p + 1;
	for (;;) {
		if (close == '}' && !(p = member(p, end)))
			return NULL;
		if (!(p = value(p, end, depth + 1)))
			return NULL;
		p = blanks(p, end);
		if (p < end && *p == close)
			return p + 1;
		if (p == end || *p != ',')
			return NULL;
		p = blanks(p + 1, end);
	}
}

static const char *word(const char *p, const char *end, const char *w)
{
	size_t n = strlen(w);

	return (size_t)(end - p) >= n && memcmp(p, w, n) == 0 ? p + n : NULL;
}

static const char *value(const char *p, const char *end, int depth)
{
	if (p == end || depth > DEPTH)
		return NULL;
	switch (*p) {
	case '{':
	case '[':
		return composed(p, end, depth);
	case '"':
		return string(p, end);
	case 't':
		return word(p, end, "true");
	case 'f':
		return word(p, end, "false");
	case 'n':
		return word(p, end, "null");
	default:
		return number(p, end);
	}
}

int json_read(const char *p, size_t len, struct json *out)
{
	const char *end = p + len, *from = blanks(p, end), *to = value(from, end, 0);

	if (!to || blanks(to, end) != end)
		return -1;
	*out = (struct json){from, (size_t)(to - from)};
	return 0;
}

bool json_is(struct json v, char first)
{
	return v.len && v.p[0] == first;
}

bool json_get(struct json object, const char *name, struct json *out)
{
	const char *end = object.p + object.len;
	size_t n = strlen(name);

	if (!json_is(object, '{'))
		return false;
	for (const char *p = blanks(object.p + 1, end); *p == '"';) {
		bool same = (size_t)(end - p) > n + 1 && memcmp(p + 1, name, n) == 0 &&
		            p[n + 1] == '"';
		const char *v = member(p, end), *to = value(v, end, 0);

		if (same) {
			*out = (struct json){v, (size_t)(to - v)};
			return true;
		}
		p = blanks(to, end);
		if (*p != ',')
			break;
		p = blanks(p + 1, end);
	}
	return false;
}

bool json_true(struct json object, const char *name)
{
	struct json v;

	return json_get(object, name, &v) && json_is(v, 't');
}

bool json_number(struct json object, const char *name, uint64_t *out)
{
	struct json v;

	if (!json_get(object, name, &v) || v.len > 18)
		return false;
	*out = 0;
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		*out = *out * 10 + (uint64_t)(v.p[i] - '0');
	}
	return true;
}

bool json_next(struct json array, struct json *e)
{
	const char *end = array.p + array.len;
	const char *p;

	if (!json_is(array, '['))
		return false;
	p = blanks(e->p ? e->p + e->len : array.p + 1, end);
	if (*p == ']')
		return false;
	if (e->p)
		p = blanks(p + 1, end);
	*e = (struct json){p, (size_t)(value(p, end, 0) - p)};
	return true;
}

static size_t utf8(int c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	out[0] = (char)(0xe0 | c >> 12);
	out[1] = (char)(0x80 | (c >> 6 & 63));
	out[2] = (char)(0x80 | (c & 63));
	return 3;
}

bool json_text(struct json s, char *out, size_t cap)
{
	const char *end = s.p + s.len - 1;
	size_t n = 0;

	if (!json_is(s, '"'))
		return false;
	for (const char *p = s.p + 1; p < end; p++) {
		static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
		int c = (unsigned char)*p;
		const char *at;

		if (n + 4 > cap)
			return false;
		if (c != '\\') {
			out[n++] = *p;
			continue;
		}
		p++;
		if (*p == 'u') {
			c = hex(p + 1, end);
			/* A pair of surrogates: no test sends any. */
			if (c <= 0 || (c >= 0xd800 && c < 0xe000))
				return false;
			n += utf8(c, out + n);
			p += 4;
		} else {
			at = strchr(from, *p);
			out[n++] = at ? to[at - from] : *p;
		}
	}
	if (n >= cap)
		return false;
	out[n] = '\0';
	return true;
}

bool json_string(struct json object, const char *name, char *out, size_t cap)
{
	struct json v;

	return json_get(object, name, &v) && json_text(v, out, cap);
}
