/*
 * near: how far one word is from another, for "did you mean". What is near enough is the caller's
 * judgement.
 */
#ifndef WSCALE_NEAR_H
#define WSCALE_NEAR_H

#include <stddef.h>

/* Letters added, dropped, changed or swapped with their neighbour; SIZE_MAX for words above 64
 * bytes. */
size_t near_distance(const char *, const char *);

#endif
