/*
 * test_yaml_doc: the tree knows where each value stands, byte for byte, and no text makes it large,
 * deep or endless.
 */
#include <stdlib.h>

#include "../../lib/errs.h"
#include "../../lib/yaml_doc.h"
#include "tap.h"

static const struct ynode *at(const struct ynode *n, const char *key)
{
	const struct yitem *i = n ? ynode_item(n, key) : NULL;
	return i ? i->value : NULL;
}

/* The bytes that the node says are its own. */
static void spans(const char *text, const struct ynode *n, const char *want, const char *name)
{
	char got[256] = "(no node)";
	if (n && n->end >= n->start && n->end - n->start < sizeof got) {
		memcpy(got, text + n->start, n->end - n->start);
		got[n->end - n->start] = '\0';
	}
	is(got, want, name);
}

static void refused(const char *text, size_t len, const char *want, const char *name)
{
	struct errs e = {0};
	char got[300] = "accepted";
	struct ydoc *d = ydoc_parse(text, len, &e);
	if (e.n)
		snprintf(got, sizeof got, "%d:%d: %s", e.v[0].line, e.v[0].col, e.v[0].msg);
	is(got, want, name);
	ydoc_free(d);
	errs_free(&e);
}

static void positions(void)
{
	static const char text[] = "# Größe €\n"
				   "a: 1 # one\n"
				   "b:\n"
				   "  c: \"x y\"\n"
				   "  d: [1, two]\n"
				   "\n"
				   "  # end of b\n"
				   "e: { f: g,\n"
				   "  h: \xf0\x9f\x98\x80 }\n"
				   "k: |\n"
				   "  one\n"
				   "  two\n"
				   "l:\n"
				   "m: ~\n";
	struct errs e = {0};
	struct ydoc *d = ydoc_parse(text, sizeof text - 1, &e);
	ok(d && e.n == 0, "a document");
	const struct ynode *r = ydoc_root(d), *n;
	ok(r->kind == Y_MAP && r->n_items == 6, "its keys");
	n = at(r, "a");
	ok(n->line == 2 && n->col == 4 && n->plain && !n->is_null, "line and column");
	spans(text, n, "1", "the bytes of a plain scalar");
	spans(text, at(at(r, "b"), "c"), "\"x y\"", "the bytes of a quoted scalar");
	is(at(at(r, "b"), "c")->text, "x y", "its text");
	n = at(at(r, "b"), "d");
	ok(n->flow && n->kind == Y_LIST && n->n_items == 2, "a flow list");
	spans(text, n, "[1, two]", "its bytes");
	spans(text, at(r, "b"), "c: \"x y\"\n  d: [1, two]", "a block ends with its last value");
	n = at(r, "e");
	spans(text, n, "{ f: g,\n  h: \xf0\x9f\x98\x80 }", "a flow map");
	n = at(n, "h");
	ok(n->line == 9 && n->col == 6 && n->flow, "a scalar inside one");
	spans(text, n, "\xf0\x9f\x98\x80", "offsets are bytes, not characters");
	is(at(r, "k")->text, "one\ntwo\n", "a block scalar");
	ok(at(r, "l")->is_null && at(r, "l")->start == at(r, "l")->end && at(r, "m")->is_null,
	   "nulls");
	ok(!ynode_item(r, "x") && !ynode_item(at(r, "a"), "x"), "what isn't there");
	ydoc_free(d);
	errs_free(&e);

	static const char crlf[] = "\xef\xbb\xbf"
				   "a: 1\r\nb: 2\r\n";
	d = ydoc_parse(crlf, sizeof crlf - 1, &e);
	spans(crlf, at(ydoc_root(d), "b"), "2", "a BOM and CR LF don't move offsets");
	ok(at(ydoc_root(d), "b")->line == 2 && at(ydoc_root(d), "b")->col == 4, "nor lines");
	ydoc_free(d);
	errs_free(&e);
}

static void aliases(void)
{
	static const char text[] = "a: &x { p: 1 }\nb: *x\nc: *x # again\nd: [*x, &y 2, *y]\n";
	struct errs e = {0};
	struct ydoc *d = ydoc_parse(text, sizeof text - 1, &e);
	const struct ynode *r = ydoc_root(d);
	const struct yitem *b = ynode_item(r, "b");
	ok(b->alias && b->value == at(r, "a") && b->at == 18 && b->at_end == 20,
	   "an alias is its anchor's node");
	ok(!ynode_item(r, "a")->alias && at(r, "d")->items[2].alias, "the anchor itself is none");
	is(at(r, "d")->items[2].value->text, "2", "an alias of a scalar");
	ydoc_free(d);
	errs_free(&e);

	char bomb[2048];
	int n = sprintf(bomb, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 12; i++)
		n += sprintf(bomb + n,
		             "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
		             i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	refused(bomb, strlen(bomb), "6:30: aliases expand to more than 200000 values",
	        "an alias bomb");
	refused("a: &x [*x]\n", 11, "1:8: alias \"*x\" stands inside its own anchor",
	        "an alias in itself");
	refused("a: *x\n", 6, "1:4: alias \"*x\" has no anchor before it", "an alias of nothing");
	refused("&x a: 1\n*x : 2\n", 15, "2:1: a key must be plain text", "an alias as a key");
}

int main(void)
{
	struct errs e = {0};
	positions();
	aliases();

	struct ydoc *d = ydoc_parse("", 0, &e);
	ok(d && !ydoc_root(d), "an empty text is an empty document");
	ydoc_free(d);
	d = ydoc_parse("# only this\n", 12, &e);
	ok(d && !ydoc_root(d), "so are comments");
	ydoc_free(d);
	d = ydoc_parse("---\n...\n", 8, &e);
	ok(d && ydoc_root(d)->is_null, "an empty document's root is null");
	ydoc_free(d);
	d = ydoc_parse("a: \"x\\0y\"\n", 10, &e);
	ok(d && at(ydoc_root(d), "a")->len == 3, "an escaped NUL is in the text's length");
	ydoc_free(d);
	ok(e.n == 0, "none of these is an error");
	d = ydoc_parse("a: 1\nb: 2\na: 3\nc:\n  x: 1\n  x: 2\na: 4\n", 37, &e);
	errs_sort(&e);
	ok(d && e.n == 3 && e.v[0].line == 3 && e.v[1].line == 6 && e.v[1].col == 3 &&
	           e.v[2].line == 7,
	   "every duplicate key is found, and the document is still there");
	is(e.n ? e.v[2].msg : "", "\"a\" stands here twice, first on line 1",
	   "with the first one's line");
	ydoc_free(d);
	errs_free(&e);

	refused("a: 1\n--- \nb: 2\n", 15, "2:1: a second document begins here; one file holds one",
	        "a second document");
	refused("a: 1\n\tb: 2\n", 11,
	        "2:1: found a tab character that violates indentation while scanning a plain "
	        "scalar (line 1)",
	        "a tab");
	refused("a: [1, 2\nb: 3\n", 14,
	        "2:2: did not find expected ',' or ']' while parsing a flow sequence (line 1)",
	        "a bracket left open");
	refused("a: \"x\n", 6,
	        "2:1: found unexpected end of stream while scanning a quoted scalar (line 1)",
	        "a quote left open");
	refused("a: \xff\n", 5, "1:4: not valid UTF-8", "bytes that are no UTF-8");
	refused("a: 1\nb: \xc3\xa9\xed\xa0\x80\n", 14, "2:5: not valid UTF-8",
	        "a surrogate, with its position");
	refused("a: 1\nb: x\x01\n", 11, "2:5: a control character stands here",
	        "a control character");
	refused("a: x\0y\n", 7, "1:5: a control character stands here", "a NUL");
	refused("a: !!python/object x\n", 21,
	        "1:4: tags such as \"tag:yaml.org,2002:python/object\" are not supported", "a tag");
	refused("? [a]\n: 1\n", 10, "1:3: a key must be plain text", "a list as a key");
	char *deep = malloc(2000);
	memset(deep, '[', 2000);
	refused(deep, 2000, "1:33: more than 32 levels deep", "depth is bounded");
	free(deep);
	size_t n = YAML_TEXT_MAX + 1;
	char *large = malloc(n);
	memset(large, '#', n);
	refused(large, n, "0:0: larger than 1048576 bytes", "size is bounded");
	for (size_t i = 0; i < n - 1; i++)
		large[i] = i % 2 ? 'x' : ',';
	large[0] = '[';
	refused(large, n - 1, "1:400000: the file has more than 200000 values",
	        "the number of values is bounded");
	free(large);
	return tap_done();
}
