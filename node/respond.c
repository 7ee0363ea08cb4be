/* respond: see respond.h. Every answer closes the connection: probes and scrapes are rare. */
#include "respond.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "health.h"
#include "metrics.h"
#include "node.h"
#include "page.h"

static const char *phrase(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 413:
		return "Content Too Large";
	case 426:
		return "Upgrade Required";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Internal Server Error";
	}
}

static const char *extra(int status)
{
	switch (status) {
	case 401:
		return "WWW-Authenticate: Bearer\r\n";
	case 405:
		return "Allow: GET, HEAD\r\n";
	case 426: /* RFC 9110 15.5.22, RFC 6455 4.4 */
		return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
	default:
		return "";
	}
}

static void whole(struct buf *b, int status, const char *type, const char *body, size_t len,
                  bool head_only)
{
	buf_printf(b,
	           "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	           "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s"
	           "Connection: close\r\n\r\n",
	           status, phrase(status), type, len, extra(status));
	if (!head_only)
		buf_add(b, body, len);
}

void respond_status(struct buf *b, int status, const char *why, bool head_only)
{
	struct buf body = {0};

	buf_printf(&body, "%s\n", why);
	if (!body.oom)
		whole(b, status, "text/plain; charset=utf-8", body.p, body.len, head_only);
	b->oom |= body.oom;
	buf_free(&body);
}

static int healthz(struct buf *b, bool head_only)
{
	int status;
	char *body = health_json(&status);

	if (!body) {
		b->oom = true;
		return 500;
	}
	whole(b, status, "application/json", body, strlen(body), head_only);
	free(body);
	return status;
}

static int metrics(struct buf *b, bool head_only)
{
	struct buf body = {0};

	metrics_text(&body);
	if (!body.oom)
		whole(b, 200, "text/plain; version=0.0.4; charset=utf-8", body.p, body.len,
		      head_only);
	b->oom |= body.oom;
	buf_free(&body);
	return 200;
}

int respond(struct buf *b, const struct http_request *r)
{
	bool head_only = slice_is(r->method, "HEAD");
	int status = 404;

	if (!head_only && !slice_is(r->method, "GET")) {
		respond_status(b, 405, "only GET and HEAD", false);
		return 405;
	}
	if (r->has_body) {
		respond_status(b, 413, "a request has no body here", head_only);
		return 413;
	}
	if (slice_is(r->path, "/healthz"))
		return healthz(b, head_only);
	if (slice_is(r->path, "/metrics"))
		return metrics(b, head_only);
	if (slice_is(r->path, "/") && node.demo) {
		whole(b, 200, "text/html; charset=utf-8", page_html, page_html_len, head_only);
		return 200;
	}
	if (slice_is(r->path, "/"))
		respond_status(b, status, "a WebSocket is here; the chat page needs --demo",
		               head_only);
	else
		respond_status(b, status, "no such path", head_only);
	return status;
}
