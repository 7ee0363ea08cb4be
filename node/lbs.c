/*
 * lbs: an array of names; a place is free when the last of its clients is gone, and so is the mark
 * of those to be retired.
 */
#include "lbs.h"

#include <string.h>

static struct {
	char name[LB_MAX + 1];
	uint32_t n, open; /* all, and those not told to close yet */
	bool retiring;
} lbs[LBS_MAX + 1]; /* 0: no name */
static uint32_t left;

void lbs_name(struct slice header, char out[static LB_MAX + 1])
{
	out[0] = '\0';
	if (!header.p || header.len > LB_MAX)
		return;
	for (size_t i = 0; i < header.len; i++)
		if (header.p[i] <= ' ' || header.p[i] > '~' || header.p[i] == '"' ||
		    header.p[i] == '\\')
			return;
	memcpy(out, header.p, header.len);
	out[header.len] = '\0';
}

static unsigned find(const char *name)
{
	for (unsigned i = 1; i <= LBS_MAX; i++)
		if (lbs[i].n && !strcmp(lbs[i].name, name))
			return i;
	return 0;
}

static unsigned take(const char *name)
{
	for (unsigned i = 1; i <= LBS_MAX; i++)
		if (!lbs[i].n) {
			memcpy(lbs[i].name, name, strlen(name) + 1);
			return i;
		}
	return 0;
}

uint8_t lbs_came(const char *name)
{
	unsigned i = *name ? find(name) : 0;

	if (!i && *name)
		i = take(name);
	lbs[i].n++;
	lbs[i].open++;
	left += lbs[i].retiring;
	return (uint8_t)i;
}

void lbs_closing(uint8_t i)
{
	lbs[i].open--;
	left -= lbs[i].retiring;
}

void lbs_gone(uint8_t i)
{
	if (!--lbs[i].n)
		lbs[i].retiring = false;
}

uint32_t lbs_retire(const char *name)
{
	unsigned i = find(name);

	if (!i)
		return 0;
	if (!lbs[i].retiring)
		left += lbs[i].open;
	lbs[i].retiring = true;
	return lbs[i].n;
}

bool lbs_retiring(uint8_t i)
{
	return lbs[i].retiring;
}

uint32_t lbs_left(void)
{
	return left;
}

json_t *lbs_json(void)
{
	json_t *o = json_object();

	for (unsigned i = 1; i <= LBS_MAX; i++)
		if (lbs[i].n)
			json_object_set_new(o, lbs[i].name, json_integer(lbs[i].n));
	return o;
}
