/*
 * buf: a growable byte string, always NUL-terminated once something was added.
 * Out of memory is sticky: later additions do nothing, and the owner tests `oom` once at the end.
 */
#ifndef WSCALE_BUF_H
#define WSCALE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *p; /* owned; NULL while empty */
	size_t len, cap;
	bool oom;
};

void buf_add(struct buf *, const void *, size_t);
void buf_str(struct buf *, const char *);
void buf_printf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Hands the bytes over (free() them) and empties the buffer; NULL when oom. "" is never NULL. */
char *buf_take(struct buf *);
/* Empties, keeps the memory. */
void buf_reset(struct buf *);
void buf_free(struct buf *);

#endif
