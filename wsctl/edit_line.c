/*
 * edit_line: one node as a line of YAML, with quotes only where they are needed. Plain where every
 * parser reads plain text; quoted where an older one would see a number, a boolean or null.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../lib/buf.h"
#include "edit.h"

/* YAML 1.1's words that are not text. */
static bool is_word(const char *s)
{
	static const char *const words[] = {"y",   "n",    "yes",   "no",  "on",
	                                    "off", "true", "false", "null"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

static bool name_plain(const char *s)
{
	return (isalpha((unsigned char)*s) || *s == '_') && !is_word(s);
}

static bool address_plain(const char *s)
{
	/* 10:59 is 659 in base 60 for YAML 1.1. */
	if (s[strspn(s, "0123456789:")] == '\0' || !isalnum((unsigned char)*s))
		return false;
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._/:@%+-=~", *p))
			return false;
	return s[strlen(s) - 1] != ':';
}

static void add_scalar(struct buf *b, const char *s, bool plain)
{
	if (plain) {
		buf_str(b, s);
		return;
	}
	/* Neither a name nor an address holds a quote, a backslash or a control byte. */
	buf_printf(b, "\"%s\"", s);
}

char *edit_line(const struct config_node *n)
{
	struct buf b = {0};
	char at[ENDPOINT_STR];
	const char *address = endpoint_str(&n->at, at);
	bool more = n->weight != 100 || n->maxconn != 0;

	add_scalar(&b, n->name, name_plain(n->name));
	buf_str(&b, more ? ": { address: " : ": ");
	add_scalar(&b, address, address_plain(address));
	if (n->weight != 100)
		buf_printf(&b, ", weight: %u", (unsigned)n->weight);
	if (n->maxconn)
		buf_printf(&b, ", maxconn: %u", (unsigned)n->maxconn);
	if (more)
		buf_str(&b, " }");
	return buf_take(&b);
}
