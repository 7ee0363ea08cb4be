/* closes: see closes.h. */
#include "closes.h"

static const uint16_t ranges[] = {1000, 3000, 3500};
enum { RANGES = sizeof ranges / sizeof ranges[0], WIDTH = 16 };
static uint64_t seen[RANGES][WIDTH], other;

void closes_count(uint16_t code)
{
	for (int i = 0; i < RANGES; i++)
		if (code >= ranges[i] && code < ranges[i] + WIDTH) {
			seen[i][code - ranges[i]]++;
			return;
		}
	other++;
}

void closes_each(void (*f)(uint16_t code, uint64_t n, void *), void *arg)
{
	for (int i = 0; i < RANGES; i++)
		for (int j = 0; j < WIDTH; j++)
			if (seen[i][j])
				f((uint16_t)(ranges[i] + j), seen[i][j], arg);
	if (other)
		f(0, other, arg);
}
