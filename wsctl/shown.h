/*
 * shown: what a message holds, written so that nothing of it drives a terminal or forges a line,
 * whole or cut to so many columns. Pure.
 */
#ifndef WSCTL_SHOWN_H
#define WSCTL_SHOWN_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * Both append; room: the most columns, at least 3, or 0: all of it. What doesn't fit is "...".
 * Text: a backslash is doubled, so that \n, \t, \r, \xNN (control bytes, and what is no UTF-8) and
 * \u{N} (control characters beyond ASCII, and those that turn the direction of text) are no
 * message's own.
 */
void shown_text(struct buf *, const uint8_t *, size_t, size_t room);
void shown_hex(struct buf *, const uint8_t *, size_t, size_t room);

#endif
