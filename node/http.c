/* http: see http.h. */
#include "http.h"

#include <string.h>
#include <strings.h>

bool slice_is(struct slice s, const char *text)
{
	return s.p && s.len == strlen(text) && !memcmp(s.p, text, s.len);
}

/* RFC 9110 5.6.2 */
static bool is_tchar(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static struct slice trim(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct slice){p, (size_t)(end - p)};
}

static int request_line(const char *p, const char *end, struct http_request *r)
{
	const char *sp = memchr(p, ' ', (size_t)(end - p)), *target, *mark;

	if (!sp || sp == p)
		return -400;
	for (const char *q = p; q < sp; q++)
		if (!is_tchar((unsigned char)*q))
			return -400;
	r->method = (struct slice){p, (size_t)(sp - p)};
	target = sp + 1;
	sp = memchr(target, ' ', (size_t)(end - target));
	if (!sp || sp == target || *target != '/')
		return -400;
	for (const char *q = target; q < sp; q++)
		if ((unsigned char)*q <= ' ' || *q == '#' || (unsigned char)*q >= 0x7f)
			return -400;
	mark = memchr(target, '?', (size_t)(sp - target));
	r->path = (struct slice){target, (size_t)((mark ? mark : sp) - target)};
	if (mark)
		r->query = (struct slice){mark + 1, (size_t)(sp - mark - 1)};
	if (end - sp != 9 || memcmp(sp, " HTTP/", 6) || sp[7] != '.')
		return -400;
	if (sp[6] != '1')
		return -505;
	r->http11 = sp[8] >= '1' && sp[8] <= '9';
	return r->http11 || sp[8] == '0' ? 0 : -400;
}

static bool name_is(struct slice name, const char *text)
{
	return name.len == strlen(text) && !strncasecmp(name.p, text, name.len);
}

/* A header that must not be repeated. */
static int once(struct slice *at, struct slice value)
{
	if (at->p)
		return -400;
	*at = value;
	return 0;
}

static int header(struct slice name, struct slice value, struct http_request *r)
{
	if (name_is(name, "host")) {
		if (r->has_host)
			return -400;
		r->has_host = true;
	} else if (name_is(name, "upgrade")) {
		r->upgrade_websocket |= http_list_has(value, "websocket");
	} else if (name_is(name, "connection")) {
		r->connection_upgrade |= http_list_has(value, "upgrade");
	} else if (name_is(name, "sec-websocket-key")) {
		return once(&r->ws_key, value);
	} else if (name_is(name, "sec-websocket-version")) {
		return once(&r->ws_version, value);
	} else if (name_is(name, "sec-websocket-protocol")) {
		r->many_protocols |= r->ws_protocols.p != NULL;
		r->ws_protocols = value;
	} else if (name_is(name, "origin")) {
		return once(&r->origin, value);
	} else if (name_is(name, "authorization")) {
		return once(&r->authorization, value);
	} else if (name_is(name, "x-lb")) {
		r->lb = value;
	} else if (name_is(name, "transfer-encoding")) {
		r->has_body = true;
	} else if (name_is(name, "content-length")) {
		r->has_body |= !slice_is(value, "0");
	}
	return 0;
}

static int header_line(const char *p, const char *end, struct http_request *r)
{
	const char *colon = memchr(p, ':', (size_t)(end - p));

	if (!colon || colon == p)
		return -400;
	for (const char *q = p; q < colon; q++)
		if (!is_tchar((unsigned char)*q))
			return -400;
	for (const char *q = colon + 1; q < end; q++)
		if (((unsigned char)*q < ' ' && *q != '\t') || *q == 0x7f)
			return -400;
	return header((struct slice){p, (size_t)(colon - p)}, trim(colon + 1, end), r);
}

int http_parse(const char *p, size_t len, struct http_request *r)
{
	const char *line = p, *end = p + len, *nl;
	bool first = true;

	memset(r, 0, sizeof *r);
	while ((nl = memchr(line, '\n', (size_t)(end - line)))) {
		int n;

		if (nl == line || nl[-1] != '\r')
			return -400;
		if (nl - 1 == line) {
			if (first)
				return -400;
			if (r->http11 && !r->has_host)
				return -400;
			return (int)(nl + 1 - p);
		}
		if (nl + 1 - p > HTTP_HEAD_MAX)
			return -431;
		n = first ? request_line(line, nl - 1, r) : header_line(line, nl - 1, r);
		if (n)
			return n;
		first = false;
		line = nl + 1;
	}
	/* Bytes that no HTTP request begins with need not wait for a line end. */
	for (const char *q = p; first && q < end && *q != ' '; q++)
		if (!is_tchar((unsigned char)*q) && *q != '\r')
			return -400;
	return len >= HTTP_HEAD_MAX ? -431 : 0;
}

bool http_list_next(struct slice *list, struct slice *element)
{
	while (list->p && list->len) {
		const char *comma = memchr(list->p, ',', list->len);
		const char *end = comma ? comma : list->p + list->len;

		*element = trim(list->p, end);
		list->len -= (size_t)(end - list->p) + (comma ? 1 : 0);
		list->p = end + (comma ? 1 : 0);
		if (element->len)
			return true;
	}
	return false;
}

bool http_list_has(struct slice list, const char *token)
{
	struct slice e;

	while (http_list_next(&list, &e))
		if (name_is(e, token))
			return true;
	return false;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int http_percent_decode(struct slice s, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c == '%') {
			bool whole = s.len - i > 2;
			int high = whole ? hex(s.p[i + 1]) : -1;
			int low = whole ? hex(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (n == cap)
			return -1;
		out[n++] = c;
	}
	return (int)n;
}

int http_query(struct slice query, const char *name, char *out, size_t cap)
{
	size_t name_len = strlen(name);
	int found = -1;

	for (const char *p = query.p, *end = p ? p + query.len : NULL; p < end;) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		const char *stop = amp ? amp : end;

		if ((size_t)(stop - p) > name_len && !memcmp(p, name, name_len) &&
		    p[name_len] == '=') {
			struct slice value = {p + name_len + 1, (size_t)(stop - p) - name_len - 1};

			if (found != -1)
				return -2;
			found = http_percent_decode(value, out, cap - 1);
			if (found < 0 || memchr(out, 0, (size_t)found))
				return -2;
			out[found] = 0;
		}
		p = stop + 1;
	}
	return found;
}
