/* test_channel: no spelling of a channel reaches what is ours, and patterns match what they say. */
#include "../../lib/channel.h"
#include "tap.h"

static void match(const char *pattern, const char *name, bool want)
{
	char text[400];
	snprintf(text, sizeof text, "%.60s %s %.60s", pattern, want ? "reaches" : "misses", name);
	ok(channel_match(pattern, name) == want, text);
}

int main(void)
{
	char s[300], out[REDIS_NAME_MAX];
	memset(s, 'a', sizeof s);
	ok(channel_valid("a", 1) && channel_valid("news:sport.uk-1_X", 17), "names");
	ok(channel_valid(s, 128) && !channel_valid(s, 129) && !channel_valid("", 0),
	   "1 to 128 bytes");
	static const char *const bad[] = {"a b",      "a/b", "a*",  "a\n", "a%20",
	                                  "\xc3\xa9", "a,b", "{a}", "a\"", "a!"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!channel_valid(bad[i], strlen(bad[i])),
		   bad[i][1] == '\n' ? "no line break" : bad[i]);
	ok(!channel_valid("a\0b", 3), "no NUL");

	ok(cluster_valid("chat-2") && !cluster_valid("") && !cluster_valid("Chat") &&
	           !cluster_valid("a.b") && !cluster_valid("a:b") && !cluster_valid("a_b"),
	   "a cluster is [a-z0-9-]");
	s[32] = '\0';
	ok(cluster_valid(s) && node_name_valid(s), "32 bytes");
	s[32] = 'a';
	s[33] = '\0';
	ok(!cluster_valid(s) && !node_name_valid(s), "33 bytes are too many");
	ok(node_name_valid("Ws_1-a") && !node_name_valid("") && !node_name_valid("a.b") &&
	           !node_name_valid("a b") && !node_name_valid("a/b"),
	   "a node is [A-Za-z0-9_-]");

	ok(channel_pattern_valid("*") && channel_pattern_valid("news:*") &&
	           !channel_pattern_valid("") && !channel_pattern_valid("a b") &&
	           !channel_pattern_valid("[ab]"),
	   "patterns");
	memset(s, '*', sizeof s);
	s[128] = '\0';
	ok(channel_pattern_valid(s), "a pattern of 128 bytes");
	s[128] = '*';
	s[129] = '\0';
	ok(!channel_pattern_valid(s), "a pattern of 129 bytes is refused");

	match("a", "a", true);
	match("a", "b", false);
	match("a", "aa", false);
	match("aa", "a", false);
	match("*", "", true);
	match("*", "anything", true);
	match("news:*", "news:", true);
	match("news:*", "news:sport", true);
	match("news:*", "news", false);
	match("*:sport", "news:sport", true);
	match("*:sport", "news:sports", false);
	match("a*b*c", "abc", true);
	match("a*b*c", "axxbyybzzc", true);
	match("a*b*c", "axxbyyb", false);
	match("**a**", "a", true);
	match("*a", "aaab", false);
	match("a.c", "abc", false);
	memset(s, 'a', sizeof s);
	s[128] = '\0';
	match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", s, false);

	ok(channel_redis("chat", "news", out) == 9 && strcmp(out, "chat:news") == 0,
	   "a channel in Redis");
	ok(channel_ctl("chat", NULL, out) == 8 && strcmp(out, "chat.ctl") == 0, "control of all");
	ok(channel_ctl("chat", "ws1", out) == 12 && strcmp(out, "chat.ctl.ws1") == 0,
	   "control of one");
	channel_canary("chat", "ws1", out);
	is(out, "chat.canary.ws1", "canary");
	channel_reply("chat", "k3", out);
	is(out, "chat.reply.k3", "replies");
	channel_redis("chat", ".ctl", out);
	ok(strncmp(out, "chat:", 5) == 0, "a channel named .ctl stays a channel");
	char cluster[33];
	memset(cluster, 'c', 32);
	cluster[32] = '\0';
	ok(channel_redis(cluster, s, out) == 161 && strlen(out) == 161, "the longest name fits");
	return tap_done();
}
