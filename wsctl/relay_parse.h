/*
 * relay_parse: the lines that a wsctl and the `wsctl relay` on a balancer exchange through ssh: one
 * JSON object each. A request is {"do": VERB, "n": N, ...}, its reply {"n": N, "ok": ...}. Pure:
 * knows neither ssh nor HAProxy nor files. What comes in is somebody else's text: bounded, and each
 * field is there in its kind or not at all.
 */
#ifndef WSCTL_RELAY_PARSE_H
#define WSCTL_RELAY_PARSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Both ends must have the same number; whatever changes a verb's meaning changes it.
 *   hello    relay, version, yaml, balancer        -> relay, version
 *   ask      socket (admin, master), pid, line,
 *            lines (that follow it)             -> result, text; why
 *   read     file (haproxy, state, cert), missing_ok     -> stat, text
 *   write    file, text, stat (as it was read)     -> done
 *   render   text (none: only look), overwrite     -> done
 *   validate text                                  -> passed, loaded, master, text
 * A reply that isn't ok has "errors", an array of lines.
 */
enum { RELAY_PROTOCOL = 1 };
enum { RELAY_LINE_MAX = 64 << 20, RELAY_ERRORS_MAX = 32, RELAY_ERROR_MAX = 1000 };

/* One line without its end as an object; NULL: it is none. A new reference. */
json_t *relay_open(const char *line, size_t len);
/* The object as a line, with its end. malloc'd; NULL: out of memory. The object is taken over. */
char *relay_close(json_t *, size_t *len);

/* A text without NUL; "" when it isn't there. Borrowed. */
const char *relay_str(const json_t *, const char *key);
bool relay_true(const json_t *, const char *key);
/* A whole number; dflt when it isn't there. */
int64_t relay_int(const json_t *, const char *key, int64_t dflt);
/*
 * Bytes of any kind: a file's, HAProxy's. They travel as KEY when they are UTF-8 without NUL, else
 * as KEY_hex. relay_bytes: malloc'd, NUL-terminated; NULL: not there, or out of memory.
 */
int relay_set_bytes(json_t *, const char *key, const char *p, size_t len);
char *relay_bytes(const json_t *, const char *key, size_t *len);

/* What a file was when it was read. */
struct relay_stat {
	bool exists;
	uint64_t dev, ino, mtime_ns, size;
};
int relay_set_stat(json_t *, const struct relay_stat *);
/* false: there is none, or not a whole one. */
bool relay_stat(const json_t *, struct relay_stat *out);

#endif
