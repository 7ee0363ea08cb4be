/*
 * edit: membership and weights changed in the YAML's text. Finds the place, has edit_text make the
 * change, then parses the result: it must hold exactly the nodes that were asked for, and outside
 * of `nodes` the same tree as before. What can't be done safely is refused with the line to write
 * by hand. Does no I/O.
 */
#include "edit.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/errs.h"
#include "edit_text.h"

struct job {
	struct change c;
	const char *path;
	struct errs *errs;
	struct ydoc *doc;
	const struct ynode *root;  /* NULL: no document */
	const struct yitem *nodes; /* NULL: no such key */
	struct config *cfg;
};

static int job_open(struct job *j, const char *text, const char *path, struct errs *errs)
{
	*j = (struct job){.c = {.text = text, .len = strlen(text)}, .path = path, .errs = errs};
	j->cfg = config_parse(text, j->c.len, path, errs);
	if (!j->cfg)
		return -1;
	j->doc = ydoc_parse(text, j->c.len, errs);
	if (!j->doc)
		return -1;
	j->root = ydoc_root(j->doc);
	j->nodes = ynode_item(j->root, "nodes");
	return 0;
}

static void job_close(struct job *j)
{
	change_free(&j->c);
	ydoc_free(j->doc);
	config_free(j->cfg);
}

/* Why it isn't done, with the line that does it; n is the node as it should be, or the one to go.
 */
static char *refuse(struct job *j, const char *what, const char *by_hand,
                    const struct config_node *n)
{
	const struct ynode *at = j->nodes ? j->nodes->key : NULL;
	char *line = edit_line(n);
	int row = n->pos.line ? n->pos.line : at ? at->line : 0;
	int col = n->pos.line ? n->pos.col : at ? at->col : 0;

	errs_add(j->errs, row, col,
	         "can't %s %s safely in a file written like this; by hand, %s: %s", what, n->name,
	         by_hand, line ? line : n->name);
	free(line);
	return NULL;
}

static bool same_node(const struct config_node *a, const struct config_node *b)
{
	return strcmp(a->name, b->name) == 0 && endpoint_equal(&a->at, &b->at) &&
	       a->weight == b->weight && a->maxconn == b->maxconn;
}

static bool same_tree(const struct ynode *a, const struct ynode *b)
{
	if (a->kind != b->kind || a->n_items != b->n_items || a->is_null != b->is_null)
		return false;
	if (a->kind == Y_SCALAR)
		return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
	for (size_t i = 0; i < a->n_items; i++) {
		const struct yitem *x = &a->items[i], *y = &b->items[i];
		if (a->kind == Y_MAP && strcmp(x->key->text, y->key->text) != 0)
			return false;
		if (!same_tree(x->value, y->value))
			return false;
	}
	return true;
}

static const struct yitem *next_but_nodes(const struct ynode *root, size_t *i)
{
	if (!root || root->kind != Y_MAP)
		return NULL;
	while (*i < root->n_items && strcmp(root->items[*i].key->text, "nodes") == 0)
		(*i)++;
	return *i < root->n_items ? &root->items[(*i)++] : NULL;
}

static bool same_rest(const struct ynode *a, const struct ynode *b)
{
	size_t i = 0, k = 0;
	for (;;) {
		const struct yitem *x = next_but_nodes(a, &i), *y = next_but_nodes(b, &k);
		if (!x || !y)
			return x == y;
		if (strcmp(x->key->text, y->key->text) != 0 || !same_tree(x->value, y->value))
			return false;
	}
}

/* The new text, if it says what was wanted and nothing else; NULL silently. */
static char *proven(struct job *j, const struct config_node *want, size_t n)
{
	struct errs ignored = {0};
	char *text = change_apply(&j->c);
	struct config *cfg = NULL;
	struct ydoc *doc = NULL;
	bool good = false;

	if (!text)
		return NULL;
	cfg = config_parse(text, strlen(text), j->path, &ignored);
	doc = ydoc_parse(text, strlen(text), &ignored);
	if (cfg && doc && cfg->n_nodes == n && same_rest(j->root, ydoc_root(doc))) {
		good = true;
		for (size_t i = 0; i < n && good; i++)
			good = same_node(&cfg->nodes[i], &want[i]);
	}
	ydoc_free(doc);
	config_free(cfg);
	errs_free(&ignored);
	if (good)
		return text;
	free(text);
	return NULL;
}

/* Where the ":" of a key stands; SIZE_MAX: not behind it on its line ("? key"). */
static size_t colon_of(const struct change *c, const struct ynode *key)
{
	size_t at = key->end;
	while (at < c->len && (c->text[at] == ' ' || c->text[at] == '\t'))
		at++;
	return at < c->len && c->text[at] == ':' ? at : (size_t)-1;
}

/* `nodes:` gets its first entry as a block below it. -1: its line has no room for that. */
static int first_as_block(struct job *j, const char *pair, size_t cut_to)
{
	struct change *c = &j->c;
	const struct ynode *key = j->nodes->key;
	size_t colon = colon_of(c, key), start = line_start(c, key->start);

	if (j->root->flow || colon == (size_t)-1 || !first_on_line(c, key->start))
		return -1;
	size_t behind = cut_to ? cut_to : colon + 1;
	if (!nothing_follows(c, behind))
		return -1;
	if (cut_to)
		change_cut(c, colon + 1, cut_to - colon - 1);
	change_add(c, line_end(c, behind), 0, "%s%.*s  %s", line_mark(c, behind),
	           (int)(key->start - start), c->text + start, pair);
	return 0;
}

static int first_in_braces(struct job *j, const char *pair)
{
	struct change *c = &j->c;
	const struct ynode *map = j->nodes->value;
	size_t brace = map->end - 1, start = line_start(c, brace);

	if (blank_between(c, map->start + 1, brace)) {
		if (first_as_block(j, pair, map->end) == 0)
			return 0;
		change_add(c, map->start + 1, brace - map->start - 1, " %s ", pair);
		return 0;
	}
	if (!first_on_line(c, brace))
		return -1;
	change_add(c, start, 0, "%.*s  %s%s", (int)(brace - start), c->text + start, pair,
	           line_mark(c, map->start));
	return 0;
}

/* A whole `nodes:` at the end of the text, at the depth of the other keys. */
static int add_nodes_key(struct job *j, const char *pair)
{
	struct change *c = &j->c;
	const struct ynode *r = j->root;
	const char *mark = line_mark(c, 0);
	const char *indent = "";
	int depth = 0;

	if (r && r->kind == Y_MAP && r->flow) {
		char *whole = NULL;
		struct change print = {0};
		change_add(&print, 0, 0, "nodes: { %s }", pair);
		whole = print.failed ? NULL : print.v[0].ins;
		int rc = whole && r->n_items ? change_append(c, r, whole) : -1;
		change_free(&print);
		return rc;
	}
	if (r && r->kind == Y_MAP) {
		size_t key = r->items[0].key->start, start = line_start(c, key);
		if (!first_on_line(c, key))
			return -1;
		indent = c->text + start;
		depth = (int)(key - start);
	} else if (r && r->start != r->end) {
		return -1; /* a spelled-out null */
	}
	bool open = c->len > 0 && line_after(c, line_start(c, c->len)) == c->len &&
	            line_start(c, c->len) != c->len;
	change_add(c, c->len, 0, "%s%.*snodes:%s%.*s  %s%s", open ? mark : "", depth, indent, mark,
	           depth, indent, pair, open ? "" : mark);
	return 0;
}

static int place_new(struct job *j, const char *pair)
{
	if (!j->nodes)
		return add_nodes_key(j, pair);
	const struct ynode *v = j->nodes->value;
	if (j->nodes->alias || ynode_anchored(&j->c, v))
		return -1;
	if (v->kind == Y_MAP && v->n_items > 0)
		return change_append(&j->c, v, pair);
	if (v->kind == Y_MAP)
		return first_in_braces(j, pair);
	if (v->kind != Y_SCALAR || !v->is_null)
		return -1;
	if (v->start == v->end)
		return first_as_block(j, pair, 0);
	change_add(&j->c, v->start, v->end - v->start, "{ %s }", pair);
	return 0;
}

/* The configuration's nodes in a new array with room for one more; shares their names. */
static struct config_node *wanted(const struct config *cfg)
{
	struct config_node *v = calloc(cfg->n_nodes + 1, sizeof *v);
	if (v && cfg->n_nodes)
		memcpy(v, cfg->nodes, cfg->n_nodes * sizeof *v);
	return v;
}

static char *add(struct job *j, const struct config_node *node)
{
	const struct config *cfg = j->cfg;
	char at[ENDPOINT_STR];

	for (size_t i = 0; i < cfg->n_nodes; i++) {
		const struct config_node *n = &cfg->nodes[i];
		bool same_name = strcmp(n->name, node->name) == 0;
		if (!same_name && !endpoint_equal(&n->at, &node->at))
			continue;
		errs_add(j->errs, n->pos.line, n->pos.col,
		         same_name ? "%s stands here already" : "%s has the address %s already",
		         n->name, endpoint_str(&n->at, at));
		return NULL;
	}
	struct config_node *want = wanted(cfg);
	char *pair = edit_line(node), *text = NULL;
	if (!want || !pair) {
		errs_add(j->errs, 0, 0, "out of memory");
	} else {
		want[cfg->n_nodes] = *node;
		if (place_new(j, pair) == 0)
			text = proven(j, want, cfg->n_nodes + 1);
		if (!text)
			refuse(j, "add", "below nodes", node);
	}
	free(want);
	free(pair);
	return text;
}

char *edit_add(const char *text, const char *path, const struct config_node *node,
               struct errs *errs)
{
	struct job j;
	char *out = NULL;
	if (job_open(&j, text, path, errs) == 0) {
		struct config_node n = *node;
		n.pos = (struct pos){0}; /* of wherever the caller has it from */
		out = add(&j, &n);
	}
	job_close(&j);
	return out;
}

/* The place of name among the configuration's nodes, which is its place in the map too. -1: none.
 */
static long find(struct job *j, const char *name)
{
	for (size_t i = 0; i < j->cfg->n_nodes; i++)
		if (strcmp(j->cfg->nodes[i].name, name) == 0)
			return (long)i;
	errs_add(j->errs, j->nodes ? j->nodes->key->line : 0, j->nodes ? j->nodes->key->col : 0,
	         "no node \"%s\"", name);
	return -1;
}

static int take_out(struct job *j, size_t i)
{
	struct change *c = &j->c;
	const struct ynode *map = j->nodes->value;
	size_t colon = colon_of(c, j->nodes->key);

	if (j->nodes->alias || ynode_anchored(c, map) || i >= map->n_items)
		return -1;
	if (map->n_items > 1)
		return change_remove(c, map, i);
	if (map->flow) {
		if (gap_scan(c, map->start + 1, map->items[0].key->start).comment ||
		    gap_scan(c, map->items[0].at_end, map->end - 1).comment)
			return change_remove(c, map, i);
		change_cut(c, map->start + 1, map->end - map->start - 2);
		return 0;
	}
	if (colon == (size_t)-1)
		return -1;
	change_add(c, colon + 1, 0, " {}");
	return change_remove(c, map, i);
}

char *edit_remove(const char *text, const char *path, const char *name, struct errs *errs)
{
	struct job j;
	char *out = NULL;
	long i = job_open(&j, text, path, errs) == 0 ? find(&j, name) : -1;
	if (i >= 0) {
		size_t n = j.cfg->n_nodes - 1, at = (size_t)i;
		struct config_node *want = wanted(j.cfg);
		if (want)
			memmove(want + at, want + at + 1, (n - at) * sizeof *want);
		if (want && take_out(&j, at) == 0)
			out = proven(&j, want, n);
		if (!out)
			refuse(&j, "remove", "delete", &j.cfg->nodes[at]);
		free(want);
	}
	job_close(&j);
	return out;
}

/* The address as it stands there: no address holds a byte that braces would give a meaning. */
static int weigh_scalar(struct job *j, const struct ynode *v, const struct config_node *node)
{
	if (ynode_block_scalar(&j->c, v))
		return -1;
	change_add(&j->c, v->start, 0, "{ address: ");
	change_add(&j->c, v->end, 0, ", weight: %u }", (unsigned)node->weight);
	return 0;
}

static int weigh(struct job *j, size_t i, const struct config_node *node)
{
	struct change *c = &j->c;
	const struct ynode *map = j->nodes->value;

	if (j->nodes->alias || i >= map->n_items || map->items[i].alias)
		return -1;
	const struct ynode *v = map->items[i].value;
	if (ynode_anchored(c, v))
		return -1; /* others would get the weight too */
	if (v->kind == Y_SCALAR)
		return weigh_scalar(j, v, node);
	const struct yitem *w = ynode_item(v, "weight");
	if (w) {
		if (w->alias || w->value->kind != Y_SCALAR || w->value->start == w->value->end ||
		    ynode_anchored(c, w->value) || ynode_block_scalar(c, w->value))
			return -1;
		change_add(c, w->value->start, w->value->end - w->value->start, "%u",
		           (unsigned)node->weight);
		return 0;
	}
	struct change print = {0};
	change_add(&print, 0, 0, "weight: %u", (unsigned)node->weight);
	int rc = print.failed ? -1 : change_append(c, v, print.v[0].ins);
	change_free(&print);
	return rc;
}

char *edit_weight(const char *text, const char *path, const char *name, unsigned weight,
                  struct errs *errs)
{
	struct job j;
	char *out = NULL;
	long i = job_open(&j, text, path, errs) == 0 ? find(&j, name) : -1;
	if (i >= 0) {
		size_t at = (size_t)i;
		bool same = j.cfg->nodes[at].weight == weight;
		struct config_node *want = wanted(j.cfg);
		if (want)
			want[at].weight = weight;
		if (want && (same || weigh(&j, at, &want[at]) == 0))
			out = proven(&j, want, j.cfg->n_nodes);
		if (!out && want)
			refuse(&j, "change", "write", &want[at]);
		free(want);
	}
	job_close(&j);
	return out;
}
