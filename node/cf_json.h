/*
 * cf_json: JSON (RFC 8259) read in place: where a value ends, an object's members, single values.
 * Pure, allocates nothing. A library's tree would not do: payloads must keep their bytes, numbers
 * of any size included.
 */
#ifndef WSNODE_CF_JSON_H
#define WSNODE_CF_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CF_JSON_DEPTH = 256
}; /* deeper nesting is taken for no JSON: readers' own limits are near */

/* A piece of the text that was given; p NULL: not there. */
struct cf_text {
	const char *p;
	size_t len;
};

/* The whole text is one value, blanks around it allowed. */
bool cf_json_valid(struct cf_text);
/* The end of the value that begins at p, NULL: none does. */
const char *cf_json_end(const char *p, const char *end);
/*
 * Takes the next member off an object's text, which is valid; it begins at the brace and moves on.
 * key is between its quotes, value as it stands. False: no more.
 */
bool cf_json_member(struct cf_text *object, struct cf_text *key, struct cf_text *value);
/*
 * Values by type; the text is one valid value. 0; -1: of another type or beyond the range. A string
 * is decoded to UTF-8 (a lone surrogate to U+FFFD); it isn't terminated and *len may be above cap:
 * then only cap bytes were written.
 */
int cf_json_string(struct cf_text, char *out, size_t cap, size_t *len);
int cf_json_u64(struct cf_text, uint64_t max, uint64_t *out);
int cf_json_i64(struct cf_text, int64_t min, int64_t max, int64_t *out);
int cf_json_bool(struct cf_text, bool *out);
bool cf_json_null(struct cf_text);

#endif
