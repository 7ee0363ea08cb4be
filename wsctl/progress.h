/*
 * progress: one line that draws over itself while clients move. Only on a terminal's stderr and
 * without -q; silent elsewhere.
 */
#ifndef WSCTL_PROGRESS_H
#define WSCTL_PROGRESS_H

#include <stdint.h>

struct run;

/* "[####------] 4,914/9,102  200/s  WHERE  21s left"; per_second 0: not known; where may be "". */
void progress_draw(const struct run *, uint64_t total, uint64_t left, double per_second,
                   const char *where);
/* Takes the line away, before anything else is said. */
void progress_end(void);
/* "200/s", or "30/m" for a slow one; out is returned. */
const char *progress_pace(double per_second, char out[static 40]);

#endif
