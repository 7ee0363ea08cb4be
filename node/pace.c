/* pace: see pace.h. */
#include "pace.h"

enum { CATCH_UP_MS = 250 };

void pace_begin(struct pace *p, uint64_t begin_ms)
{
	p->owed = 1;
	p->begin_ms = p->last_ms = begin_ms;
}

uint32_t pace_due(struct pace *p, uint64_t now)
{
	uint64_t passed;
	uint32_t n;

	if (now < p->begin_ms)
		return 0;
	passed = now - p->last_ms;
	p->last_ms = now;
	p->owed += p->per_second * (double)(passed < CATCH_UP_MS ? passed : CATCH_UP_MS) / 1000;
	n = p->owed < 1 ? 0 : p->owed < (double)UINT32_MAX ? (uint32_t)p->owed : UINT32_MAX;
	p->owed -= n;
	return n;
}
