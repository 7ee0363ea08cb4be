/*
 * json: reads what a server of JSON sends, for the test tools: a text is checked whole (RFC 8259),
 * then members, elements and values are looked up in it. Values are slices of the text: nothing is
 * allocated. Libc only, and none of the parsers under test.
 */
#ifndef TESTS_JSON_H
#define TESTS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The text of one value, borrowed, without blanks around it. */
struct json {
	const char *p;
	size_t len;
};

/* The whole text must be one value. 0; -1: it isn't. */
int json_read(const char *, size_t, struct json *out);
/* All of these take values from json_read or from each other. A missing member, or a value of
 * another kind, is false. */
bool json_is(struct json, char first); /* '{', '[', '"', 't', 'f', 'n' */
bool json_get(struct json object, const char *name, struct json *out);
bool json_true(struct json object, const char *name);
bool json_number(struct json object, const char *name, uint64_t *out);
/* Unescaped; also false when it doesn't fit with its NUL, or holds a NUL. */
bool json_string(struct json object, const char *name, char *out, size_t cap);
/* The next element; element->p NULL to begin. */
bool json_next(struct json array, struct json *element);
/* A string's own text, unescaped, as json_string. */
bool json_text(struct json string, char *out, size_t cap);

#endif
