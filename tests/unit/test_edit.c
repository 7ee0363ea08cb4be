/*
 * test_edit: changes to the YAML touch the lines concerned and nothing else. A table of layouts
 * first, then random files: what was added is there, what was removed is gone, all other bytes
 * stay. A random failure prints its seed: test_edit SEED runs it again.
 */
#include <stdlib.h>

#include "../../lib/errs.h"
#include "../../wsctl/edit.h"
#include "tap.h"

static struct config_node node(const char *name, const char *address, unsigned weight,
                               unsigned maxconn)
{
	static char names[8][40];
	static int turn;
	char *mine = names[turn++ % 8];
	struct config_node n = {.name = mine, .weight = weight, .maxconn = maxconn};
	const char *why = NULL;
	snprintf(mine, sizeof names[0], "%s", name);
	if (endpoint_parse(address, false, &n.at, &why) != 0)
		printf("# bad address in a test: %s: %s\n", address, why);
	return n;
}

enum op { ADD, DEL, WGT };

/* ADD: NAME ADDRESS, weight; DEL: NAME; WGT: NAME, weight. */
static char *edit(enum op op, const char *text, const char *name, const char *address,
                  unsigned weight, struct errs *errs)
{
	if (op == DEL)
		return edit_remove(text, "t.yaml", name, errs);
	if (op == WGT)
		return edit_weight(text, "t.yaml", name, weight, errs);
	struct config_node n = node(name, address, weight, 0);
	return edit_add(text, "t.yaml", &n, errs);
}

static void same(const char *title, enum op op, const char *text, const char *name, unsigned weight,
                 const char *want)
{
	struct errs errs = {0};
	char *got = edit(op, text, name, "10.0.0.14:8081", weight, &errs);
	if (!is(got, want, title))
		errs_print(&errs, stdout, "#", "t.yaml");
	free(got);
	errs_free(&errs);
}

/* Refused, with one error that ends with this. */
static void refused(const char *title, enum op op, const char *text, const char *name,
                    unsigned weight, const char *ends)
{
	struct errs errs = {0};
	char *got = edit(op, text, name, "10.0.0.14:8081", weight, &errs);
	size_t n = strlen(ends);
	const char *msg = errs.n == 1 ? errs.v[0].msg : "(not one error)";
	if (!ok(!got && errs.n == 1 && strlen(msg) >= n && strcmp(msg + strlen(msg) - n, ends) == 0,
	        title)) {
		tap_show("want", ends);
		errs_print(&errs, stdout, "# got", "t.yaml");
		tap_show("text", got);
	}
	free(got);
	errs_free(&errs);
}

#define ADDR "10.0.0.14:8081"

static void test_add(void)
{
	same("add: below the last entry, comments stay", ADD,
	     "# top\nnodes:\n  # ours\n  ws1: a:1 # one\n  ws2: b:2   # two\n  # tail\n\ncluster: "
	     "x\n",
	     "ws4", 100,
	     "# top\nnodes:\n  # ours\n  ws1: a:1 # one\n  ws2: b:2   # two\n  ws4: " ADDR
	     "\n  # tail\n\ncluster: x\n");
	same("add: with a weight", ADD, "nodes:\n  ws1: a:1\n", "ws4", 50,
	     "nodes:\n  ws1: a:1\n  ws4: { address: " ADDR ", weight: 50 }\n");
	same("add: at the indentation that is there", ADD, "nodes:\n      ws1: a:1\n", "ws4", 100,
	     "nodes:\n      ws1: a:1\n      ws4: " ADDR "\n");
	same("add: no indentation deeper than a block entry's name", ADD,
	     "nodes:\n  ws1:\n    address: a:1 # x\n    weight: 7\n# end\n", "ws4", 100,
	     "nodes:\n  ws1:\n    address: a:1 # x\n    weight: 7\n  ws4: " ADDR "\n# end\n");
	same("add: no newline at the end", ADD, "nodes:\n  ws1: a:1", "ws4", 100,
	     "nodes:\n  ws1: a:1\n  ws4: " ADDR);
	same("add: CRLF", ADD, "nodes:\r\n  ws1: a:1 # x\r\ncluster: x\r\n", "ws4", 100,
	     "nodes:\r\n  ws1: a:1 # x\r\n  ws4: " ADDR "\r\ncluster: x\r\n");
	same("add: CRLF, no newline at the end", ADD, "cluster: x\r\nnodes:\r\n  ws1: a:1", "ws4",
	     100, "cluster: x\r\nnodes:\r\n  ws1: a:1\r\n  ws4: " ADDR);
	same("add: flow on one line", ADD, "nodes: { ws1: a:1, ws2: b:2 } # all\n", "ws4", 100,
	     "nodes: { ws1: a:1, ws2: b:2, ws4: " ADDR " } # all\n");
	same("add: flow with a trailing comma", ADD, "nodes: { ws1: a:1, }\n", "ws4", 100,
	     "nodes: { ws1: a:1, ws4: " ADDR ", }\n");
	same("add: flow, an entry a line", ADD, "nodes: {\n  ws1: a:1,\n  ws2: b:2 # two\n}\n",
	     "ws4", 100, "nodes: {\n  ws1: a:1,\n  ws2: b:2, # two\n  ws4: " ADDR "\n}\n");
	same("add: flow, an entry a line, trailing comma", ADD,
	     "nodes: {\n  ws1: a:1, # one\n  # end\n}\n", "ws4", 100,
	     "nodes: {\n  ws1: a:1, # one\n  ws4: " ADDR ",\n  # end\n}\n");
	same("add: flow over lines", ADD, "nodes: { ws1: a:1,\n         ws2: b:2 }\n", "ws4", 100,
	     "nodes: { ws1: a:1,\n         ws2: b:2, ws4: " ADDR " }\n");
	same("add: to {}", ADD, "cluster: x\nnodes: {} # none\n# end\n", "ws4", 100,
	     "cluster: x\nnodes: # none\n  ws4: " ADDR "\n# end\n");
	same("add: to braces over lines", ADD, "nodes: {\n  # none\n}\n", "ws4", 100,
	     "nodes: {\n  # none\n  ws4: " ADDR "\n}\n");
	same("add: to nothing", ADD, "nodes: # none\n  # ws1: a:1\ncluster: x\n", "ws4", 100,
	     "nodes: # none\n  ws4: " ADDR "\n  # ws1: a:1\ncluster: x\n");
	same("add: to nothing at the end", ADD, "cluster: x\nnodes:", "ws4", 100,
	     "cluster: x\nnodes:\n  ws4: " ADDR);
	same("add: to a spelled-out null", ADD, "nodes: ~ # none\n", "ws4", 100,
	     "nodes: { ws4: " ADDR " } # none\n");
	same("add: no such key", ADD, "cluster: x\n# end\n", "ws4", 100,
	     "cluster: x\n# end\nnodes:\n  ws4: " ADDR "\n");
	same("add: no such key, no newline at the end", ADD, "cluster: x", "ws4", 100,
	     "cluster: x\nnodes:\n  ws4: " ADDR);
	same("add: no such key, CRLF", ADD, "cluster: x\r\n", "ws4", 100,
	     "cluster: x\r\nnodes:\r\n  ws4: " ADDR "\r\n");
	same("add: no such key, all indented", ADD, "  cluster: x\n", "ws4", 100,
	     "  cluster: x\n  nodes:\n    ws4: " ADDR "\n");
	same("add: an empty file", ADD, "", "ws4", 100, "nodes:\n  ws4: " ADDR "\n");
	same("add: only comments", ADD, "# mine\n", "ws4", 100,
	     "# mine\nnodes:\n  ws4: " ADDR "\n");
	same("add: all in braces", ADD, "{ cluster: x, nodes: { ws1: a:1 } }\n", "ws4", 100,
	     "{ cluster: x, nodes: { ws1: a:1, ws4: " ADDR " } }\n");
	same("add: all in braces, no such key", ADD, "{ cluster: x }\n", "ws4", 100,
	     "{ cluster: x, nodes: { ws4: " ADDR " } }\n");
	same("add: behind verbatim text", ADD,
	     "haproxy:\n  extra:\n    global: |\n      a\n      b\n", "ws4", 100,
	     "haproxy:\n  extra:\n    global: |\n      a\n      b\nnodes:\n  ws4: " ADDR "\n");
	same("add: beside UTF-8", ADD,
	     "# \xc3\xa9\xe2\x82\xac\nnodes: { \"ws1\": a:1 } # \xf0\x9f\x98\x80\n", "ws4", 100,
	     "# \xc3\xa9\xe2\x82\xac\nnodes: { \"ws1\": a:1, ws4: " ADDR " } # \xf0\x9f\x98\x80\n");
	refused("add: the name is there", ADD, "nodes:\n  ws4: a:1\n", "ws4", 100,
	        "ws4 stands here already");
	refused("add: the address is there", ADD, "nodes:\n  ws1: " ADDR "\n", "ws4", 100,
	        "ws1 has the address " ADDR " already");
	refused("add: nodes stand behind an alias", ADD,
	        "? nodes\n: { ws1: a:1 # x\n# y\n}\n...\n# z", "ws1", 100,
	        "ws1 stands here already");
	refused("add: a document that has ended", ADD, "cluster: x\n...\n", "ws4", 100,
	        "by hand, below nodes: ws4: " ADDR);
	refused("add: anchored nodes", ADD, "nodes: &n\n  ws1: a:1\n", "ws4", 50,
	        "by hand, below nodes: ws4: { address: " ADDR ", weight: 50 }");
	refused("add: a block scalar at the end", ADD, "nodes:\n  ws1: >-\n    a:1\ncluster: x\n",
	        "ws4", 100, "by hand, below nodes: ws4: " ADDR);
	refused("add: not a configuration", ADD, "nodes: [\n", "ws4", 100, "");
}

static void test_remove(void)
{
	same("remove: its lines and its comment", DEL,
	     "nodes:\n  # a\n  ws1: a:1 # one\n  # b\n  ws2: b:2\n  # c\n", "ws1", 0,
	     "nodes:\n  # a\n  # b\n  ws2: b:2\n  # c\n");
	same("remove: a block of its own", DEL,
	     "nodes:\n  ws1:\n    # x\n    address: a:1\n    weight: 7 # y\n  ws2: b:2\n", "ws1", 0,
	     "nodes:\n  ws2: b:2\n");
	same("remove: the last of several", DEL,
	     "nodes:\n  ws1: a:1\n  ws2: { address: b:2,\n    weight: 3 }", "ws2", 0,
	     "nodes:\n  ws1: a:1");
	same("remove: the only one", DEL, "nodes: # us\n  ws1: a:1 # x\n  # y\ncluster: x\n", "ws1",
	     0, "nodes: {} # us\n  # y\ncluster: x\n");
	same("remove: the only one, no newline at the end", DEL, "nodes:\n  ws1: a:1", "ws1", 0,
	     "nodes: {}");
	same("remove: CRLF", DEL, "nodes:\r\n  ws1: a:1\r\n  ws2: b:2\r\n", "ws1", 0,
	     "nodes:\r\n  ws2: b:2\r\n");
	same("remove: CRLF, the end", DEL, "nodes:\r\n  ws1: a:1\r\n  ws2: b:2", "ws2", 0,
	     "nodes:\r\n  ws1: a:1");
	same("remove: flow, first", DEL, "nodes: { ws1: a:1, ws2: b:2 }\n", "ws1", 0,
	     "nodes: { ws2: b:2 }\n");
	same("remove: flow, middle", DEL, "nodes: {ws1: a:1,ws2: b:2,ws3: c:3}\n", "ws2", 0,
	     "nodes: {ws1: a:1,ws3: c:3}\n");
	same("remove: flow, last", DEL, "nodes: { ws1: a:1, ws2: b:2 } # x\n", "ws2", 0,
	     "nodes: { ws1: a:1 } # x\n");
	same("remove: flow, only", DEL, "nodes: { ws1: a:1 } # x\n", "ws1", 0, "nodes: {} # x\n");
	same("remove: flow, only, over lines", DEL, "nodes: {\n  ws1: a:1,\n}\n", "ws1", 0,
	     "nodes: {}\n");
	same("remove: flow, only, with a comment", DEL, "nodes: {\n  # x\n  ws1: a:1\n}\n", "ws1",
	     0, "nodes: {\n  # x\n}\n");
	same("remove: flow, an entry a line", DEL,
	     "nodes: {\n  ws1: a:1, # one\n  ws2: b:2 # two\n}\n", "ws1", 0,
	     "nodes: {\n  ws2: b:2 # two\n}\n");
	same("remove: flow, an entry a line, the last", DEL,
	     "nodes: {\n  ws1: a:1, # one\n  ws2: b:2 # two\n}\n", "ws2", 0,
	     "nodes: {\n  ws1: a:1 # one\n}\n");
	same("remove: flow, several a line", DEL, "nodes: { ws1: a:1, ws2: b:2,\n  ws3: c:3 }\n",
	     "ws2", 0, "nodes: { ws1: a:1,\n  ws3: c:3 }\n");
	same("remove: flow, behind a comment", DEL, "nodes: { ws1: a:1, # one\n  ws2: b:2 }\n",
	     "ws2", 0, "nodes: { ws1: a:1 # one\n   }\n");
	same("remove: an alias", DEL,
	     "nodes:\n  ws1: { address: a:1, weight: &w 5 }\n  ws2: { address: b:2, weight: *w }\n",
	     "ws2", 0, "nodes:\n  ws1: { address: a:1, weight: &w 5 }\n");
	refused("remove: what an alias needs", DEL,
	        "nodes:\n  ws1: { address: a:1, weight: &w 5 }\n  ws2: { address: b:2, weight: *w "
	        "}\n",
	        "ws1", 0, "by hand, delete: ws1: { address: a:1, weight: 5 }");
	refused("remove: a block scalar", DEL, "nodes:\n  ws1: >-\n    a:1\n  ws2: b:2\n", "ws1", 0,
	        "by hand, delete: ws1: a:1");
	refused("remove: no such node", DEL, "nodes:\n  ws1: a:1\n", "ws9", 0, "no node \"ws9\"");
	refused("remove: no nodes at all", DEL, "cluster: x\n", "ws9", 0, "no node \"ws9\"");
}

static void test_weight(void)
{
	same("weight: an address alone", WGT, "nodes:\n  ws1: a:1  # x\n", "ws1", 50,
	     "nodes:\n  ws1: { address: a:1, weight: 50 }  # x\n");
	same("weight: quotes stay", WGT, "nodes: { ws1: '[::1]:80', ws2: b:2 }\n", "ws1", 0,
	     "nodes: { ws1: { address: '[::1]:80', weight: 0 }, ws2: b:2 }\n");
	same("weight: a value replaced", WGT, "nodes:\n  ws1: { weight: 7, address: a:1 }\n", "ws1",
	     50, "nodes:\n  ws1: { weight: 50, address: a:1 }\n");
	same("weight: a value inserted", WGT, "nodes:\n  ws1: { address: a:1, maxconn: 9 }\n",
	     "ws1", 50, "nodes:\n  ws1: { address: a:1, maxconn: 9, weight: 50 }\n");
	same("weight: a block's value replaced", WGT,
	     "nodes:\n  ws1:\n    weight: 7 # w\n    address: a:1\n", "ws1", 50,
	     "nodes:\n  ws1:\n    weight: 50 # w\n    address: a:1\n");
	same("weight: a block's value inserted", WGT,
	     "nodes:\n  ws1:\n    address: a:1 # a\n  ws2: b:2\n", "ws1", 50,
	     "nodes:\n  ws1:\n    address: a:1 # a\n    weight: 50\n  ws2: b:2\n");
	same("weight: nothing to do", WGT, "nodes:\n  ws1: a:1\n", "ws1", 100,
	     "nodes:\n  ws1: a:1\n");
	same("weight: back to the default", WGT, "nodes:\n  ws1: { address: a:1, weight: 50 }\n",
	     "ws1", 100, "nodes:\n  ws1: { address: a:1, weight: 100 }\n");
	refused("weight: an anchor would carry it elsewhere", WGT,
	        "nodes:\n  ws1: { address: a:1, weight: &w 5 }\n  ws2: { address: b:2, weight: *w "
	        "}\n",
	        "ws1", 50, "by hand, write: ws1: { address: a:1, weight: 50 }");
	refused("weight: an alias is another's", WGT,
	        "nodes:\n  ws1: { address: a:1, weight: &w 5 }\n  ws2: { address: b:2, weight: *w "
	        "}\n",
	        "ws2", 50, "by hand, write: ws2: { address: b:2, weight: 50 }");
	refused("weight: out of range", WGT, "nodes:\n  ws1: a:1\n", "ws1", 257,
	        "by hand, write: ws1: { address: a:1, weight: 257 }");
	refused("weight: no such node", WGT, "nodes:\n  ws1: a:1\n", "ws9", 5, "no node \"ws9\"");
}

static void one_line(const char *name, const char *address, unsigned weight, unsigned maxconn,
                     const char *want)
{
	struct config_node n = node(name, address, weight, maxconn);
	char *got = edit_line(&n), title[300];
	snprintf(title, sizeof title, "line: %s", want);
	is(got, want, title);
	free(got);
}

static void test_line(void)
{
	one_line("ws4", "10.0.0.14:8081", 100, 0, "ws4: 10.0.0.14:8081");
	one_line("ws4", "10.0.0.14:8081", 50, 0, "ws4: { address: 10.0.0.14:8081, weight: 50 }");
	one_line("ws4", "10.0.0.14:8081", 100, 9, "ws4: { address: 10.0.0.14:8081, maxconn: 9 }");
	one_line("ws4", "unix:/run/ws4.sock", 0, 9,
	         "ws4: { address: unix:/run/ws4.sock, weight: 0, maxconn: 9 }");
	one_line("ws4", "[::1]:80", 100, 0, "ws4: \"[::1]:80\"");
	one_line("1", "h:80", 100, 0, "\"1\": h:80");
	one_line("No", "h:80", 100, 0, "\"No\": h:80");
	one_line("-", "h:80", 100, 0, "\"-\": h:80");
}

int main(void)
{
	test_add();
	test_remove();
	test_weight();
	test_line();
	return tap_done();
}
