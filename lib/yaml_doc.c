/*
 * yaml_doc: libyaml's events into a tree. One stack, no recursion. Anchored nodes are shared, never
 * copied; `weight` is what a walk over them would cost, and bounds it. Must know no key of ours.
 */
#include "yaml_doc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "errs.h"
#include "grow.h"

struct anchor {
	char *name;
	struct ynode *node; /* NULL until it is complete: an alias inside its own anchor */
	struct anchor *next;
};

struct ydoc {
	struct ynode *root;
	struct ynode **all; /* every node, for freeing */
	size_t n_all, cap_all;
	struct anchor *anchors;
};

struct frame {
	struct ynode *node;
	struct anchor *anchor;
	struct ynode *key; /* a map's key that waits for its value */
};

struct builder {
	struct ydoc *doc;
	struct errs *errs;
	const char *text;
	size_t len;
	size_t bom;                   /* its length; libyaml never sees it */
	size_t seen_index, seen_byte; /* the last mark that was turned into bytes */
	struct frame stack[YAML_DEPTH_MAX];
	int depth;
	int documents;
};

/* libyaml counts characters; the text is known to be valid UTF-8 up to the mark. */
static size_t byte_at(struct builder *b, size_t index)
{
	if (index < b->seen_index) {
		b->seen_index = 0;
		b->seen_byte = b->bom;
	}
	while (b->seen_index < index && b->seen_byte < b->len) {
		b->seen_byte++;
		while (b->seen_byte < b->len &&
		       ((unsigned char)b->text[b->seen_byte] & 0xc0) == 0x80)
			b->seen_byte++;
		b->seen_index++;
	}
	return b->seen_byte;
}

static int line_of(yaml_mark_t m)
{
	return (int)m.line + 1;
}

static int col_of(yaml_mark_t m)
{
	return (int)m.column + 1;
}

static int out_of_memory(struct builder *b)
{
	errs_add(b->errs, 0, 0, "out of memory");
	return -1;
}

static struct ynode *new_node(struct builder *b, enum ykind kind, const yaml_event_t *ev)
{
	struct ydoc *d = b->doc;
	if (d->n_all == YAML_NODES_MAX) {
		errs_add(b->errs, line_of(ev->start_mark), col_of(ev->start_mark),
		         "the file has more than %d values", YAML_NODES_MAX);
		return NULL;
	}
	if (d->n_all == d->cap_all) {
		size_t cap = d->cap_all ? d->cap_all * 2 : 64;
		struct ynode **all = realloc(d->all, cap * sizeof(struct ynode *));
		if (!all) {
			out_of_memory(b);
			return NULL;
		}
		d->all = all;
		d->cap_all = cap;
	}
	struct ynode *n = calloc(1, sizeof *n);
	if (!n) {
		out_of_memory(b);
		return NULL;
	}
	d->all[d->n_all++] = n;
	n->kind = kind;
	n->line = line_of(ev->start_mark);
	n->col = col_of(ev->start_mark);
	n->start = byte_at(b, ev->start_mark.index);
	n->end = byte_at(b, ev->end_mark.index);
	n->weight = 1;
	return n;
}

static struct anchor *new_anchor(struct builder *b, const yaml_char_t *name)
{
	struct anchor *a = calloc(1, sizeof *a);
	if (!a || !(a->name = strdup((const char *)name))) {
		free(a);
		out_of_memory(b);
		return NULL;
	}
	a->next = b->doc->anchors; /* the latest of a name counts, as YAML says */
	b->doc->anchors = a;
	return a;
}

static int push_item(struct builder *b, struct ynode *parent, struct yitem item)
{
	struct yitem *v = grow(parent->items, parent->n_items, sizeof *v);
	if (!v)
		return out_of_memory(b);
	parent->items = v;
	v[parent->n_items++] = item;
	if (item.key)
		parent->weight += item.key->weight;
	parent->weight += item.value->weight;
	return 0;
}

/* Puts a complete node where it belongs; ev is the event it ended with, or the alias. */
static int attach(struct builder *b, struct ynode *n, bool alias, const yaml_event_t *ev)
{
	if (b->depth == 0) {
		b->doc->root = n;
		return 0;
	}
	struct frame *f = &b->stack[b->depth - 1];
	if (f->node->kind == Y_MAP && !f->key) {
		if (n->kind != Y_SCALAR || alias) {
			errs_add(b->errs, alias ? line_of(ev->start_mark) : n->line,
			         alias ? col_of(ev->start_mark) : n->col,
			         "a key must be plain text");
			return -1;
		}
		f->key = n;
		return 0;
	}
	struct yitem item = {
		.key = f->key, .value = n, .alias = alias, .at = n->start, .at_end = n->end};
	if (alias) {
		item.at = byte_at(b, ev->start_mark.index);
		item.at_end = byte_at(b, ev->end_mark.index);
	}
	f->key = NULL;
	if (push_item(b, f->node, item))
		return -1;
	if (f->node->weight > YAML_NODES_MAX) {
		errs_add(b->errs, line_of(ev->start_mark), col_of(ev->start_mark),
		         "aliases expand to more than %d values", YAML_NODES_MAX);
		return -1;
	}
	return 0;
}

/* What can stand only on plain data: no tag but the one that goes without saying. */
static int refuse_tag(struct builder *b, const yaml_char_t *tag, const yaml_event_t *ev)
{
	if (!tag)
		return 0;
	errs_add(b->errs, line_of(ev->start_mark), col_of(ev->start_mark),
	         "tags such as \"%s\" are not supported", (const char *)tag);
	return -1;
}

static bool null_text(const char *s)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(s, words[i]) == 0)
			return true;
	}
	return false;
}

static int on_scalar(struct builder *b, const yaml_event_t *ev)
{
	if (refuse_tag(b, ev->data.scalar.tag, ev))
		return -1;
	struct ynode *n = new_node(b, Y_SCALAR, ev);
	if (!n)
		return -1;
	n->len = ev->data.scalar.length;
	n->text = malloc(n->len + 1);
	if (!n->text)
		return out_of_memory(b);
	memcpy(n->text, ev->data.scalar.value, n->len);
	n->text[n->len] = '\0';
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->is_null = n->plain && null_text(n->text);
	n->flow = b->depth && b->stack[b->depth - 1].node->flow;
	if (ev->data.scalar.anchor) {
		struct anchor *a = new_anchor(b, ev->data.scalar.anchor);
		if (!a)
			return -1;
		a->node = n;
	}
	return attach(b, n, false, ev);
}

static int on_start(struct builder *b, const yaml_event_t *ev, enum ykind kind)
{
	bool map = kind == Y_MAP;
	const yaml_char_t *anchor = map ? ev->data.mapping_start.anchor
	                                : ev->data.sequence_start.anchor;
	if (refuse_tag(b, map ? ev->data.mapping_start.tag : ev->data.sequence_start.tag, ev))
		return -1;
	if (b->depth == YAML_DEPTH_MAX) {
		errs_add(b->errs, line_of(ev->start_mark), col_of(ev->start_mark),
		         "more than %d levels deep", YAML_DEPTH_MAX);
		return -1;
	}
	struct ynode *n = new_node(b, kind, ev);
	if (!n)
		return -1;
	n->flow = map ? ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
	              : ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	struct frame *f = &b->stack[b->depth];
	*f = (struct frame){.node = n};
	if (anchor && !(f->anchor = new_anchor(b, anchor)))
		return -1;
	b->depth++;
	return 0;
}

static int by_key(const void *pa, const void *pb)
{
	const struct ynode *a = *(const struct ynode *const *)pa,
			   *b = *(const struct ynode *const *)pb;
	int c = strcmp(a->text, b->text);
	return c ? c : (a->start > b->start) - (a->start < b->start);
}

static int check_duplicates(struct builder *b, const struct ynode *map)
{
	if (map->n_items < 2)
		return 0;
	const struct ynode **v = malloc(map->n_items * sizeof(const struct ynode *));
	if (!v)
		return out_of_memory(b);
	for (size_t i = 0; i < map->n_items; i++)
		v[i] = map->items[i].key;
	qsort(v, map->n_items, sizeof(const struct ynode *), by_key);
	for (size_t i = 1, first = 0; i < map->n_items; i++) {
		if (strcmp(v[i]->text, v[first]->text) == 0)
			errs_add(b->errs, v[i]->line, v[i]->col,
			         "\"%s\" stands here twice, first on line %d", v[i]->text,
			         v[first]->line);
		else
			first = i;
	}
	free(v);
	return 0;
}

static int on_end(struct builder *b, const yaml_event_t *ev)
{
	struct frame f = b->stack[--b->depth];
	struct ynode *n = f.node;
	assert(n); /* libyaml pairs ends with starts, and on_start pushed it */
	if (n->flow)
		n->end = byte_at(b, ev->end_mark.index);
	else if (n->n_items)
		n->end = n->items[n->n_items - 1].at_end;
	if (f.anchor)
		f.anchor->node = n;
	if (n->kind == Y_MAP && check_duplicates(b, n))
		return -1;
	return attach(b, n, false, ev);
}

static int on_alias(struct builder *b, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	const struct anchor *a = b->doc->anchors;
	while (a && strcmp(a->name, name) != 0)
		a = a->next;
	if (a && a->node)
		return attach(b, a->node, true, ev);
	errs_add(b->errs, line_of(ev->start_mark), col_of(ev->start_mark),
	         a ? "alias \"*%s\" stands inside its own anchor"
	           : "alias \"*%s\" has no anchor before it",
	         name);
	return -1;
}

/* 1: the stream has ended. */
static int on_event(struct builder *b, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++b->documents > 1) {
			errs_add(b->errs, line_of(ev->start_mark), col_of(ev->start_mark),
			         "a second document begins here; one file holds one");
			return -1;
		}
		return 0;
	case YAML_SCALAR_EVENT:
		return on_scalar(b, ev);
	case YAML_MAPPING_START_EVENT:
		return on_start(b, ev, Y_MAP);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(b, ev, Y_LIST);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return on_end(b, ev);
	case YAML_ALIAS_EVENT:
		return on_alias(b, ev);
	case YAML_STREAM_END_EVENT:
		return 1;
	default:
		return 0;
	}
}

/* A byte offset, as the reader reports it, to line and column. */
static void reader_error(struct builder *b, const yaml_parser_t *p)
{
	size_t end = p->problem_offset < b->len - b->bom ? p->problem_offset + b->bom : b->len;
	int line = 1, col = 1;
	for (size_t i = b->bom; i < end; i++) {
		unsigned char c = (unsigned char)b->text[i];
		if (c == '\n') {
			line++;
			col = 1;
		} else if ((c & 0xc0) != 0x80) {
			col++;
		}
	}
	bool control = p->problem && strcmp(p->problem, "control characters are not allowed") == 0;
	errs_add(b->errs, line, col,
	         control ? "a control character stands here" : "not valid UTF-8");
}

static void syntax_error(struct builder *b, const yaml_parser_t *p)
{
	const char *problem = p->problem ? p->problem : "not valid YAML";
	int line = line_of(p->problem_mark), col = col_of(p->problem_mark);
	if (p->error == YAML_READER_ERROR)
		reader_error(b, p);
	else if (p->error == YAML_MEMORY_ERROR)
		out_of_memory(b);
	else if (p->context && p->context_mark.line != p->problem_mark.line)
		errs_add(b->errs, line, col, "%s %s (line %d)", problem, p->context,
		         line_of(p->context_mark));
	else if (p->context)
		errs_add(b->errs, line, col, "%s %s", problem, p->context);
	else
		errs_add(b->errs, line, col, "%s", problem);
}

struct ydoc *ydoc_parse(const char *text, size_t len, struct errs *errs)
{
	struct builder b = {.errs = errs, .text = text, .len = len};
	yaml_parser_t parser;
	int state = 0;

	if (len > YAML_TEXT_MAX) {
		errs_add(errs, 0, 0, "larger than %d bytes", YAML_TEXT_MAX);
		return NULL;
	}
	b.doc = calloc(1, sizeof *b.doc);
	if (!b.doc || !yaml_parser_initialize(&parser)) {
		free(b.doc);
		out_of_memory(&b);
		return NULL;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		b.bom = b.seen_byte = 3;
	/* Said outright, so that libyaml never guesses UTF-16; it then refuses a BOM. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text + b.bom, len - b.bom);
	while (state == 0) {
		yaml_event_t ev;
		if (!yaml_parser_parse(&parser, &ev)) {
			syntax_error(&b, &parser);
			state = -1;
			break;
		}
		state = on_event(&b, &ev);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	if (state < 0) {
		ydoc_free(b.doc);
		return NULL;
	}
	return b.doc;
}

const struct ynode *ydoc_root(const struct ydoc *d)
{
	return d->root;
}

void ydoc_free(struct ydoc *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_all; i++) {
		free(d->all[i]->items);
		free(d->all[i]->text);
		free(d->all[i]);
	}
	free(d->all);
	while (d->anchors) {
		struct anchor *next = d->anchors->next;
		free(d->anchors->name);
		free(d->anchors);
		d->anchors = next;
	}
	free(d);
}

const struct yitem *ynode_item(const struct ynode *map, const char *key)
{
	if (!map || map->kind != Y_MAP)
		return NULL;
	for (size_t i = 0; i < map->n_items; i++) {
		if (strcmp(map->items[i].key->text, key) == 0)
			return &map->items[i];
	}
	return NULL;
}

const char *ynode_kind(const struct ynode *n)
{
	return n->kind == Y_MAP ? "a mapping" : n->kind == Y_LIST ? "a list" : "text";
}
