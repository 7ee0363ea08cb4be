/*
 * edit_text: where to cut and what to put in, inside edit*.c. A change is a few splices of the
 * text; all other bytes stay because nothing ever touches them.
 */
#ifndef WSCTL_EDIT_TEXT_H
#define WSCTL_EDIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "../lib/yaml_doc.h"

struct splice {
	size_t at, del;
	char *ins; /* owned */
};

struct change {
	const char *text; /* borrowed */
	size_t len;
	struct splice v[4];
	int n;
	bool failed; /* out of memory, or more splices than there is room for */
};

/* Cuts del bytes at `at` and puts the printed text there. */
void change_add(struct change *, size_t at, size_t del, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void change_cut(struct change *, size_t at, size_t del);
/* The new text, malloc'd; NULL: failed, or splices that overlap. */
char *change_apply(struct change *);
void change_free(struct change *);

/* Lines end with LF, CRLF or a lone CR, as YAML has it. */
size_t line_start(const struct change *, size_t at);
size_t line_end(const struct change *, size_t at);   /* before the line's end mark */
size_t line_after(const struct change *, size_t at); /* behind it */
/* What ends lines here: that of the line at `at`, or of the text's first line, or LF. */
const char *line_mark(const struct change *, size_t at);
bool blank_between(const struct change *, size_t from, size_t to);
/* Only blanks, then nothing or a comment, until the line ends. */
bool nothing_follows(const struct change *, size_t at);
bool first_on_line(const struct change *, size_t at);

/* What stands between two nodes of a flow mapping, where only blanks, comments and a comma can. */
struct gap {
	size_t comma; /* its place; SIZE_MAX: none */
	bool comment, lines;
};
struct gap gap_scan(const struct change *, size_t from, size_t to);

/* `&name` before it: what refers to it would be lost with it. */
bool ynode_anchored(const struct change *, const struct ynode *);
/* "|" and ">": they end where the next thing begins, so nothing can be put behind them. */
bool ynode_block_scalar(const struct change *, const struct ynode *);

/*
 * pair ("name: value") added behind the last item of a mapping that has one, in its own style.
 * 0; -1: no safe place.
 */
int change_append(struct change *, const struct ynode *map, const char *pair);
/* The item's own lines or bytes taken out of a mapping that has others. 0; -1: not safely. */
int change_remove(struct change *, const struct ynode *map, size_t item);

#endif
