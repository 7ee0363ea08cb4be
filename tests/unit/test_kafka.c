/*
 * test_kafka: what kcat prints is read to the byte, and what it doesn't print is refused.
 */
#include "../../wsctl/kafka.h"
#include "tap.h"

static struct kafka_head h;
static const char *why;

static ssize_t read_head(const char *text)
{
	memset(&h, 0, sizeof h);
	return kafka_head(text, strlen(text), &h, &why);
}

/* line: without its LF */
static void refused(const char *line, const char *want)
{
	char text[KAFKA_HEAD_MAX + 16];

	snprintf(text, sizeof text, "%s\n", line);
	ok(read_head(text) == -1, line);
	is(why, want, "  ... and it says how");
}

static void test_good(void)
{
	ok(read_head("t1 0 0 1\na\n") == 9, "kcat's own line");
	ok(h.topic_len == 2 && !memcmp(h.topic, "t1", 2), "topic");
	ok(h.partition == 0 && h.offset == 0 && h.len == 1 && !h.null, "offset 0 is one");
	ok(read_head("a.b_c-D 12 3456 0\n\n") == 18 && h.len == 0 && !h.null, "an empty payload");
	ok(read_head("t 0 3 -1\n\n") == 9 && h.null && h.len == 0, "null");
	ok(read_head("t 2147483647 9007199254740991 2147483647\n") > 0 &&
	           h.partition == 2147483647 && h.offset == 9007199254740991 && h.len == 2147483647,
	   "the largest of each");
}

static void test_short(void)
{
	static const char whole[] = "topic 1 22 333\n";
	bool all = true;

	for (size_t n = 0; n < sizeof whole - 1; n++)
		all = all && kafka_head(whole, n, &h, &why) == 0;
	ok(all, "every beginning of a header waits for more");
}

static void test_bad(void)
{
	char text[KAFKA_HEAD_MAX + 16];

	refused("", "not topic, partition, offset and length");
	refused("t 0 0", "not topic, partition, offset and length");
	refused("t 0 0 1 1", "not a payload's length");
	refused(" 0 0 1", "not a topic's name");
	refused("t/1 0 0 1", "not a topic's name");
	refused("t x 0 1", "not a partition's number");
	refused("t 2147483648 0 1", "not a partition's number");
	refused("t 0 01 1", "not an offset below 2^53");
	refused("t 0 -1 1", "not an offset below 2^53");
	refused("t 0 9007199254740992 1", "not an offset below 2^53");
	refused("t 0 0 -2", "not a payload's length");
	refused("t 0 0 2147483648", "not a payload's length");
	refused("t 0 0 1\r", "not a payload's length");
	ok(kafka_head("t\0 0 0 1\n", 9, &h, &why) == -1, "a NUL in the topic");
	ok(kafka_head("t 0\0 0 1\n", 9, &h, &why) == -1, "a NUL in a number");
	memset(text, 'x', sizeof text);
	ok(kafka_head(text, KAFKA_HEAD_MAX - 1, &h, &why) == 0, "a long line may yet be one");
	ok(kafka_head(text, sizeof text, &h, &why) == -1, "a longer one may not");
	memset(text, 'x', KAFKA_TOPIC_MAX + 1);
	memcpy(text + KAFKA_TOPIC_MAX, " 0 0 1\n", 8);
	ok(read_head(text) == KAFKA_TOPIC_MAX + 7, "the longest topic");
	memcpy(text + KAFKA_TOPIC_MAX, "x 0 0 1", 8);
	refused(text, "not a topic's name");
}

int main(void)
{
	test_good();
	test_short();
	test_bad();
	return tap_done();
}
