/*
 * fuzz_http: any bytes as a request's head: the length lies within, every slice lies within the
 * head, a shorter piece decides the same or nothing yet, and lists and queries stay inside what
 * they were given.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../node/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int good)
{
	if (!good)
		abort();
}

static void within(struct slice s, const char *p, size_t len)
{
	if (!s.p) {
		must(!s.len);
		return;
	}
	must(s.p >= p && s.p <= p + len && s.len <= (size_t)(p + len - s.p));
	must(!memchr(s.p, '\n', s.len) && !memchr(s.p, '\0', s.len));
}

static void slices(const struct http_request *r, const char *p, size_t len)
{
	within(r->method, p, len);
	within(r->path, p, len);
	within(r->query, p, len);
	within(r->ws_key, p, len);
	within(r->ws_version, p, len);
	within(r->ws_protocols, p, len);
	within(r->origin, p, len);
	within(r->authorization, p, len);
	within(r->lb, p, len);
	must(r->method.len && r->path.len && r->path.p[0] == '/');
	must(r->has_host || !r->http11);
}

static void values(const struct http_request *r)
{
	struct slice list = r->ws_protocols, e;
	char out[64];
	int n, again;

	for (size_t k = 0; http_list_next(&list, &e); k++) {
		must(k < r->ws_protocols.len && e.len && !memchr(e.p, ',', e.len));
		within(e, r->ws_protocols.p, r->ws_protocols.len);
	}
	http_list_has(r->ws_protocols, "wscale.raw");
	n = http_query(r->query, "token", out, sizeof out);
	must(n >= -2 && n < (int)sizeof out && (n < 0 || strlen(out) == (size_t)n));
	again = http_query(r->query, "token", out, 2);
	must(n < 2 ? again == n : again == -2);
	n = http_percent_decode(r->path, out, sizeof out);
	must(n >= -1 && n <= (int)sizeof out && (n < 0 || (size_t)n <= r->path.len));
}

/* How the bytes of one connection came makes no difference. */
static void pieces(const char *p, size_t size, int whole)
{
	struct http_request r;
	size_t step = size / 97 + 1;
	int n = 0;

	for (size_t i = 0; i < size && !n; i += step) {
		char *copy = malloc(i ? i : 1);

		must(copy != NULL);
		memcpy(copy, p, i);
		n = http_parse(copy, i, &r);
		free(copy);
	}
	must(!n || (n > 0) == (whole > 0));
	must(n <= 0 || n == whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request r;
	char *p;
	int n;

	/* More is never given to it, see front.c. */
	if (size > HTTP_HEAD_MAX)
		size = HTTP_HEAD_MAX;
	p = malloc(size ? size : 1);
	if (!p)
		return 0;
	memcpy(p, data, size);
	n = http_parse(p, size, &r);
	must(n <= (int)size);
	must(n >= 0 || n == -400 || n == -431 || n == -505);
	if (n > 0) {
		must(!memcmp(p + n - 4, "\r\n\r\n", 4));
		slices(&r, p, (size_t)n);
		values(&r);
	}
	pieces(p, size, n);
	free(p);
	return 0;
}
