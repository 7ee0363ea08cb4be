/*
 * test_statefile: cordons and drains in the form that HAProxy restores them from, and what we read
 * back.
 */
#include <stdlib.h>

#include "../../lib/errs.h"
#include "../../wsctl/statefile.h"
#include "stubs_ctl.h"
#include "tap.h"

/* What the pure half needs to link; a test of files is in the bats. */
int persist_read_of(const struct config *cfg, const char *path, bool missing_ok,
                    struct file_text *out)
{
	(void)cfg, (void)path, (void)missing_ok, (void)out;
	return -1;
}
int persist_write_of(const struct config *cfg, const char *path, const char *text, size_t len,
                     const struct file_text *read, unsigned mode)
{
	(void)cfg, (void)path, (void)text, (void)len, (void)read, (void)mode;
	return -1;
}
void persist_text_free(struct file_text *t)
{
	(void)t;
}

static struct config *config(void)
{
	static const char yaml[] = "nodes:\n"
				   "  ws1: 10.0.0.1:8081\n"
				   "  ws2: { address: 10.0.0.2:8082, weight: 50 }\n"
				   "  ws3: unix:/run/ws3.sock\n";
	struct errs errs = {0};
	return config_parse(yaml, sizeof(yaml) - 1, "t.yaml", &errs);
}

static int count(const char *text, const char *what)
{
	int n = 0;
	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void fields(const char *text)
{
	const char *row = strstr(text, "\n0 wscale_wscale 0 ws2 ");
	int n = 1;
	ok(row != NULL, "a drained node has a row");
	if (!row)
		return;
	for (const char *p = row + 1; *p && *p != '\n'; p++)
		n += *p == ' ';
	ok(n == 25, "of the 25 fields that HAProxy counts");
	ok(strstr(row, " ws2 - 2 8 50 50 ") != NULL, "forced drain, the YAML's weight, no address");
	ok(strstr(row, " 8082 - 0 0 - - 0\n") != NULL,
	   "the YAML's port, which HAProxy takes from the row");
}

int main(void)
{
	struct config *cfg = config();
	struct statefile f = {0}, again;
	ok(cfg != NULL, "a configuration");

	char *empty = statefile_text(cfg, &f);
	ok(strncmp(empty, "1\n# be_id be_name ", 18) == 0 && count(empty, "\n") == 2,
	   "nothing to say: version and header");
	free(empty);

	statefile_set(&f, "ws2", STATE_DRAINED, 1732574000, "ad min\n\x1b");
	statefile_set(&f, "ws3", STATE_CORDONED, 1732574001, "root");
	statefile_set(&f, "ws1", STATE_READY, 1732574002, "root");
	statefile_set(&f, "ws9", STATE_CORDONED, 1732574003, "");
	char *text = statefile_text(cfg, &f);
	fields(text);
	ok(count(text, "\n0 ") == 2, "no row for a ready node, nor for one that the YAML lacks");
	ok(strstr(text, " ws3 - 2 8 100 100 ") && strstr(text, " 0 - 0 0 - - 0\n"),
	   "a Unix socket has no port");

	ok(statefile_parse(text, &again) == 0 && again.n == 4, "read back: every note");
	const struct node_note *n = statefile_get(&again, "ws2");
	ok(n && n->state == STATE_DRAINED && n->since == 1732574000, "its state and when");
	is(n ? n->by : NULL, "ad_min__", "and who, as one word");
	n = statefile_get(&again, "ws9");
	ok(n && n->state == STATE_CORDONED && !n->by[0], "also when nobody is named");
	ok(!statefile_get(&again, "ws4"), "nothing of a node that was never touched");

	statefile_set(&again, "ws2", STATE_REMOVED, 1, "root");
	ok(!statefile_get(&again, "ws2") && again.n == 3, "a removed node is forgotten");
	statefile_set(&again, "ws2", STATE_REMOVED, 1, "root");
	ok(again.n == 3, "twice is once");
	statefile_free(&again);

	ok(statefile_parse("1\n# wscale ws1 drained 5 a\n# wscale ws1 ready 6 b\n", &again) == 0 &&
	           again.n == 1 && again.v[0].note.state == STATE_READY,
	   "the last word counts");
	statefile_free(&again);
	ok(statefile_parse("# wscale\n# wscale ws1\n# wscale ws1 asleep 5 a\n# wscale ws1 drained "
	                   "x a\n#wscale\n\n",
	                   &again) == 0 &&
	           again.n == 0,
	   "lines that aren't ours are skipped");
	statefile_free(&again);
	is(node_state_str(STATE_DRAINING), "draining", "a state's name");

	free(text);
	statefile_free(&f);
	config_free(cfg);
	return tap_done();
}
