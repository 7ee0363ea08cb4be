/*
 * http: the head of one HTTP/1.1 request, taken apart strictly (RFC 9112). Pure; the request
 * borrows from the bytes it was parsed from. What is ambiguous is refused, since a proxy in front
 * could read it otherwise.
 */
#ifndef WSNODE_HTTP_H
#define WSNODE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_HEAD_MAX = 16384 };

struct slice {
	const char *p; /* NULL: not there */
	size_t len;
};

struct http_request {
	struct slice method, path, query; /* path still percent-encoded */
	bool http11, has_host, has_body;
	bool upgrade_websocket, connection_upgrade;
	struct slice ws_key, ws_version, ws_protocols, origin, authorization, lb;
	bool many_protocols; /* more than one Sec-WebSocket-Protocol line */
};

/*
 * Length of the head including its empty line; 0: not complete yet; -400, -431 or -505: answer
 * this. Every byte up to the returned length belongs to the head.
 */
int http_parse(const char *, size_t, struct http_request *);
/* Whether the comma-separated list holds the token, ignoring case. */
bool http_list_has(struct slice list, const char *token);
/* Takes the next element off a comma-separated list; false at its end. */
bool http_list_next(struct slice *list, struct slice *element);
/*
 * The percent-decoded value of a query parameter into out (NUL-terminated): its length, -1: not
 * there, -2: malformed, given twice or too long. '+' stays '+'.
 */
int http_query(struct slice query, const char *name, char *out, size_t cap);
/* Decodes once; length or -1 (bad escape, too long). Not NUL-terminated. */
int http_percent_decode(struct slice, char *out, size_t cap);
bool slice_is(struct slice, const char *);

#endif
