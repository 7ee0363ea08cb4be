/*
 * grow: an array that takes one element after the other. Its capacity is at least the power of two
 * that its length fits in, so what n elements cost grows as n does, whatever realloc does.
 */
#ifndef WSCALE_GROW_H
#define WSCALE_GROW_H

#include <stddef.h>
#include <stdlib.h>

/*
 * v, an array of n elements of so many bytes that only this function has grown (NULL: none yet),
 * with room for one more. Owned as realloc's; NULL: out of memory, v is as it was.
 */
static inline void *grow(void *v, size_t n, size_t size)
{
	if (n & (n - 1))
		return v;
	return realloc(v, (n ? 2 * n : 1) * size);
}

#endif
