/*
 * opts: the one table of options and the parser over it. Options stand anywhere after `wsctl`, `--`
 * ends them, values come as `--x V` or `--x=V`. Which command takes which stands in the commands'
 * table. Prints nothing, exits nowhere.
 */
#ifndef WSCTL_OPTS_H
#define WSCTL_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct opts;

enum { OPTS_WHY = 256 };

struct parsed {
	int argc;           /* positional arguments, in argv's order */
	char **argv;        /* borrowed strings; the array is malloc'd: opts_free */
	uint64_t seen;      /* bit i: option i of the table was given */
	bool version;       /* --version */
	char why[OPTS_WHY]; /* after -1: what is wrong, for "wsctl: ..." */
};

/* argv without the program's name. 0, or -1 with why. */
int opts_parse(int argc, char **argv, struct opts *, struct parsed *);
void opts_free(struct parsed *);
/*
 * The first option given that `takes` ("[--weight N] [--runtime]") doesn't name and that isn't for
 * every command; NULL: all fine. dry_run: -n is fine too.
 */
const char *opts_refused(const struct parsed *, const char *takes, bool dry_run);
/* An option of the table, as usage and completion see it. */
struct opts_row {
	char letter;      /* 0: none */
	const char *name; /* the long one, without its dashes */
	bool value, everywhere;
};
/* Row i; false: there are no more. */
bool opts_row(size_t i, struct opts_row *out);
/* A command's options ("[--weight N] [--runtime]") name it, long or short, or it is for all of
 * them. */
bool opts_taken(const struct opts_row *, const char *takes, bool dry_run);
/* The word of the NULL-terminated list that is nearest to it, NULL when none is near enough. */
const char *opts_nearest(const char *word, const char *const *list);

#endif
