/*
 * yaml_doc: one YAML document as a tree of nodes that know where they stand in the text. Finds
 * duplicate keys, resolves aliases, and is bounded in size, depth and what aliases expand to. Knows
 * no key of ours. Byte offsets let an editor change single lines.
 */
#ifndef WSCALE_YAML_DOC_H
#define WSCALE_YAML_DOC_H

#include <stdbool.h>
#include <stddef.h>

struct errs;

enum { YAML_TEXT_MAX = 1 << 20, YAML_DEPTH_MAX = 32, YAML_NODES_MAX = 200000 };

enum ykind { Y_SCALAR, Y_LIST, Y_MAP };

struct ynode {
	enum ykind kind;
	int line, col; /* 1-based; col counts characters */
	/* Bytes [start, end) of the text. A block list or map ends where its last child ends. */
	size_t start, end;
	bool flow; /* a list or map in brackets; a scalar inside one */

	/* Y_SCALAR */
	char *text;   /* NUL-terminated, owned by the document */
	size_t len;   /* may be more than strlen: escapes can spell a NUL */
	bool plain;   /* neither quoted nor a block */
	bool is_null; /* plain and empty, ~ or null */

	/* Y_LIST: items[i].value; Y_MAP: both. In the text's order. */
	struct yitem {
		struct ynode *key;
		struct ynode *value;
		bool alias; /* value is another place's node; at..at_end is the *NAME here */
		size_t at, at_end;
	} * items;
	size_t n_items;

	size_t weight; /* nodes that this one expands to */
};

struct ydoc;

/*
 * The document, or NULL with one more error at least. Duplicate keys are reported too, but such a
 * document is returned, so that the caller finds what else is wrong. text must outlive nothing.
 */
struct ydoc *ydoc_parse(const char *text, size_t len, struct errs *);
/* NULL: the text is empty (or only comments). Borrowed, as are all nodes. */
const struct ynode *ydoc_root(const struct ydoc *);
void ydoc_free(struct ydoc *);

/* The item of a map whose key is this; NULL: none, or no map. */
const struct yitem *ynode_item(const struct ynode *map, const char *key);
/* "a mapping", "a list", "text": for messages. */
const char *ynode_kind(const struct ynode *);

#endif
