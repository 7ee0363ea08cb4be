/* asks: see asks.h. */
#include "asks.h"

#include <stdlib.h>

int asks_push(struct asks *a, struct ask ask)
{
	if (a->n == a->cap) {
		size_t cap = a->cap ? a->cap * 2 : 64;
		struct ask *v = malloc(cap * sizeof *v);

		if (!v)
			return -1;
		for (size_t i = 0; i < a->n; i++)
			v[i] = a->v[(a->first + i) % a->cap];
		free(a->v);
		a->v = v;
		a->first = 0;
		a->cap = cap;
	}
	a->v[(a->first + a->n++) % a->cap] = ask;
	return 0;
}

void asks_unpush(struct asks *a)
{
	a->n--;
}

bool asks_pop(struct asks *a, struct ask *out)
{
	if (!a->n)
		return false;
	*out = a->v[a->first];
	a->first = (a->first + 1) % a->cap;
	a->n--;
	return true;
}

void asks_lost(struct asks *a)
{
	struct ask ask;

	while (asks_pop(a, &ask))
		if (ask.done)
			ask.done(ask.arg, NULL);
}

void asks_free(struct asks *a)
{
	free(a->v);
	*a = (struct asks){0};
}
