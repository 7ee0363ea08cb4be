/*
 * test_hap_csv: what HAProxy prints is read by column name, from every version and also when it is
 * cut off, quoted, or has columns that nobody knew of.
 */
#include <stdlib.h>

#include "../../wsctl/hap_int.h"
#include "tap.h"

static int open_copy(struct hap_table *t, const char *text, char sep)
{
	char *copy = strdup(text);
	int rc = hap_table_open(t, copy, sep);
	if (rc)
		free(copy);
	return rc;
}

static void test_stat(void)
{
	struct hap_table t;
	ok(open_copy(&t,
	             "# pxname,svname,scur,new_in_4_0,status,desc,slim,\n"
	             "b,ws1,12,x,UP 2/3,\"a, \"\"b\"\"\",,\n"
	             "b,ws2,3\n"
	             "\n",
	             ',') == 0,
	   "a header is found");
	ok(hap_table_next(&t) == 1, "a row");
	is(hap_table_get(&t, "svname"), "ws1", "by name");
	is(hap_table_get(&t, "status"), "UP 2/3", "behind a column that is new");
	is(hap_table_get(&t, "desc"), "a, \"b\"", "quoted, with comma and quotes");
	is(hap_table_get(&t, "slim"), "", "an empty field, behind a quoted one");
	is(hap_table_get(&t, "nosuch"), "", "a column that this version lacks");
	ok(hap_table_int(&t, "scur", -1) == 12, "a number");
	ok(hap_table_int(&t, "slim", 0) == 0, "an empty one is the default");
	ok(hap_table_int(&t, "status", -7) == -7, "text is no number");
	ok(hap_table_next(&t) == 1, "a row that was cut off");
	ok(hap_table_int(&t, "scur", -1) == 3, "keeps what it has");
	is(hap_table_get(&t, "status"), "", "and lacks the rest");
	ok(hap_table_next(&t) == 0, "an empty line is no row");
	hap_table_close(&t);
}

static void test_words(void)
{
	struct hap_table t;
	ok(open_copy(&t,
	             "1\n# be_id be_name srv_id srv_name srv_addr srv_admin_state\r\n3 b 1 ws1 - "
	             "8\r\n",
	             ' ') == 0,
	   "lines before the header are skipped");
	ok(hap_table_next(&t) == 1 && hap_table_int(&t, "srv_admin_state", 0) == 8,
	   "words, with CR LF");
	ok(hap_table_next(&t) == 0, "the end");
	hap_table_close(&t);
	ok(open_copy(&t, "#PID type\n1 a", ' ') == 0 && hap_table_next(&t) == 1,
	   "no blank behind #, no last line end");
	is(hap_table_get(&t, "PID"), "1", "its first column");
	hap_table_close(&t);
	ok(open_copy(&t, "Can't find backend.\n", ' ') == -1, "a refusal is no table");
	ok(open_copy(&t, "", ',') == -1, "nothing is no table");
	ok(open_copy(&t, "#\n", ' ') == -1, "a header without columns is none");
	ok(open_copy(&t, "# a,\"b", ',') == 0, "an unclosed quote ends with the text");
	ok(hap_table_next(&t) == 0, "and has no rows");
	hap_table_close(&t);
}

static void test_sess(void)
{
	static const char line[] = "0x55bb471a0db0: proto=tcpv4 src=127.0.0.1:41862 fe=f be=chat "
				   "srv=ws2 ts=00 age=2s srv=evil\n";
	static const char own[] =
		"0x7f5a1c04ecd0: proto=sockpair src=unix:2 fe=GLOBAL be=<NONE> srv=<none> ts=00";
	struct hap_sess s;
	ok(hap_sess_parse(line, sizeof(line) - 1, &s) == 0, "a tunnel");
	ok(s.id_len == 14 && memcmp(s.id, "0x55bb471a0db0", 14) == 0, "its id without the colon");
	ok(hap_sess_is(&s, "chat", "ws2"), "backend and server");
	ok(hap_sess_is(&s, "chat", NULL), "any server");
	ok(!hap_sess_is(&s, "chat", "ws"), "not by prefix");
	ok(!hap_sess_is(&s, "cha", "ws2") && !hap_sess_is(&s, "chat2", "ws2"),
	   "not of another backend");
	ok(hap_sess_parse(own, sizeof(own) - 1, &s) == 0 && !hap_sess_is(&s, "chat", NULL),
	   "our own question");
	ok(hap_sess_parse(line, 30, &s) == -1, "cut off before the server");
	ok(hap_sess_parse("0x: be=a srv=b", 14, &s) == -1, "no id");
	ok(hap_sess_parse("0x1 be=a srv=b", 14, &s) == -1, "no colon");
	ok(hap_sess_parse("Permission denied", 17, &s) == -1, "no session at all");
}

static void test_proc(void)
{
	static const char *const lines[] = {
		"#<PID>          <type>          <reloads>       <uptime>        <version>      ",
		"7100            master          1 [failed: 0]   0d00h00m03s     2.6.12-1+deb12u4",
		"# workers",
		"7251            worker          0               0d00h00m02s     2.6.12-1+deb12u4",
		"# old workers",
		"7137            worker          1               1d02h03m04s     2.6.12-1+deb12u4",
		"# programs",
		"99              my-program      0               0d00h00m02s     -",
	};
	struct hap_worker w, old_one = {0};
	bool old = false;
	int workers = 0, olds = 0, masters = 0;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		int kind = hap_proc_parse(lines[i], strlen(lines[i]), &old, &w);
		masters += kind == 2 && w.pid == 7100 && w.uptime_s == 3;
		workers += kind == 1;
		if (kind == 1 && old) {
			olds++;
			old_one = w;
		}
	}
	ok(masters == 1, "the master, and its uptime behind [failed: 0]");
	ok(workers == 2 && olds == 1, "one worker now, one of before");
	ok(old_one.pid == 7137 && old_one.uptime_s == 93784, "the old one's pid and uptime");
	ok(hap_proc_parse("", 0, &old, &w) == 0, "an empty line");
	ok(hap_proc_parse("-1 worker 0 0d", 14, &old, &w) == 0, "an odd pid");
}

static void test_version(void)
{
	unsigned v[3];
	ok(hap_version_parse("2.6.12-1+deb12u4", v) == 0 && v[0] == 2 && v[1] == 6 && v[2] == 12,
	   "Debian's");
	ok(hap_version_del_risky(v), "2.6.12 is risky");
	ok(hap_version_parse("2.6.16", v) == 0 && !hap_version_del_risky(v), "2.6.16 is not");
	ok(hap_version_parse("3.0.11-1", v) == 0 && !hap_version_del_risky(v), "3.0 is not");
	ok(hap_version_parse("3.5-dev5-abc", v) == 0 && v[1] == 5, "a development version");
	ok(hap_version_parse("dev", v) == -1 && hap_version_parse("", v) == -1 &&
	           hap_version_parse("3", v) == -1,
	   "no version");
}

int main(void)
{
	test_stat();
	test_words();
	test_sess();
	test_proc();
	test_version();
	return tap_done();
}
