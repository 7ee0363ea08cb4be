/* test_script: every call is what its script takes, whatever the names' lengths are. */
#include <stdlib.h>

#include "../../lib/script.h"
#include "tap.h"

static const struct keep hundred = {.size = 100, .ttl_ms = 3600000};

/* The arguments with '|' between them; a NUL in one shows as '0'. */
static void call_is(const struct call *c, const char *want, const char *name)
{
	char got[2048] = "", *p = got;
	for (int i = 0; i < c->argc; i++) {
		if (i == 1 && strcmp(c->argv[0], "EVALSHA") == 0)
			continue;
		if (i)
			*p++ = '|';
		for (size_t k = 0; k < c->len[i]; k++)
			*p++ = c->argv[i][k] ? c->argv[i][k] : '0';
	}
	*p = '\0';
	is(got, want, name);
}

static void texts(void)
{
	struct call c;
	for (enum script s = 0; s < SCRIPTS; s++) {
		size_t len = 0;
		const char *t = script_text(s, &len);
		ok(len > 100 && strlen(t) == len && t[len - 1] == '\n' && strncmp(t, "-- ", 3) == 0,
		   "a text, whole and terminated");
		ok(strlen(script_sha(s)) == SCRIPT_SHA - 1 && script_sha(s) == script_sha(s) &&
		           strspn(script_sha(s), "0123456789abcdef") == SCRIPT_SHA - 1,
		   "its name");
		for (enum script o = 0; o < s; o++)
			ok(strcmp(script_sha(s), script_sha(o)) != 0, "which no other has");
		script_load(&c, s);
		ok(c.argc == 3 && c.argv[2] == t && c.len[2] == len, "is what gets loaded");
	}
}

static void calls(void)
{
	struct call c;
	struct position at = {36, 7};
	script_publish(&c, "chat", "news:uk", hundred, KIND_TEXT, "a\0b", 3, NULL, 0, 0, "0f");
	call_is(&c,
	        "EVALSHA|2|chat.h:m:news:uk|chat.h:s:news:uk|chat:news:uk|100|3600000|t|a0b|||"
	        "|0f",
	        "publish");
	ok(strcmp(c.argv[1], script_sha(SCRIPT_PUBLISH)) == 0, "by its name");
	script_publish(&c, "chat", "x", hundred, KIND_BINARY, NULL, 0, "topic/3", 42, 60000, "0f");
	call_is(&c,
	        "EVALSHA|3|chat.h:m:x|chat.h:s:x|chat.h:q:x/topic/"
	        "3|chat:x|100|3600000|b||42|60000||"
	        "0f",
	        "with a source");
	script_behind(&c, 41);
	call_is(&c,
	        "EVALSHA|3|chat.h:m:x|chat.h:s:x|chat.h:q:x/topic/3|chat:x|100|3600000|b||42|60000|"
	        "41|0f",
	        "behind another");
	script_fill(&c, "chat", "x", hundred, at, 5000, false, "0f");
	call_is(&c, "EVALSHA|2|chat.h:m:x|chat.h:s:x|100|3600000|10|7|5000|0|0f", "fill");
	script_fill(&c, "chat", "x", hundred, (struct position){0}, 0, true, "0f");
	call_is(&c, "EVALSHA|2|chat.h:m:x|chat.h:s:x|100|3600000||0|0|1|0f", "fill from nothing");
	script_check(&c, "chat", "x", hundred);
	call_is(&c, "EVALSHA|2|chat.h:m:x|chat.h:s:x|3600000", "check");
	script_purge(&c, "chat", "x", (struct keep){1, 0});
	call_is(&c, "EVALSHA|2|chat.h:m:x|chat.h:s:x|chat:x|0", "purge");
}

static void longest(void)
{
	struct call c;
	char cluster[CLUSTER_MAX + 1], channel[CHANNEL_MAX + 1], source[SOURCE_MAX];
	struct keep most = {UINT32_MAX, UINT64_MAX};
	memset(cluster, 'c', sizeof cluster);
	memset(channel, 'n', sizeof channel);
	memset(source, 's', sizeof source);
	cluster[CLUSTER_MAX] = channel[CHANNEL_MAX] = source[SOURCE_MAX - 1] = '\0';
	script_publish(&c, cluster, channel, most, KIND_TEXT, "x", 1, source, UINT64_MAX,
	               UINT64_MAX, "0f");
	ok(c.argc == 15 && c.len[3] == CLUSTER_MAX + 5 + CHANNEL_MAX &&
	           c.len[5] == CLUSTER_MAX + 5 + CHANNEL_MAX + 1 + SOURCE_MAX - 1 &&
	           c.argv[5][c.len[5] - 1] == 's' && c.len[6] == CLUSTER_MAX + 1 + CHANNEL_MAX,
	   "the longest names fit");
	ok(!strcmp(c.argv[8], "18446744073709551615") && !strcmp(c.argv[12], c.argv[8]),
	   "and the largest numbers");
}

int main(void)
{
	texts();
	calls();
	longest();
	return tap_done();
}
