/*
 * pace: so many a second, spread evenly: how many are due by now. A tick that comes late catches
 * up; one that comes very late doesn't make up for it in one burst. Pure.
 */
#ifndef WSNODE_PACE_H
#define WSNODE_PACE_H

#include <stdint.h>

struct pace {
	double per_second, owed;
	uint64_t begin_ms, last_ms;
};

/* The first is due at begin_ms. */
void pace_begin(struct pace *, uint64_t begin_ms);
/* All that are due now are counted as done. */
uint32_t pace_due(struct pace *, uint64_t now_ms);

#endif
