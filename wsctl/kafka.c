/*
 * kafka: one header line of kcat's into a struct. See kafka.h for the format.
 */
#include "kafka.h"

#include <string.h>

#include "../lib/num.h"

enum { FIELDS = 4, FIELD_MAX = 24 };
static const uint64_t OFFSET_MAX = (UINT64_C(1) << 53) - 1;

static bool topic_valid(const char *s, size_t len)
{
	static const char bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._-";

	if (!len || len > KAFKA_TOPIC_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!s[i] || !strchr(bytes, s[i]))
			return false;
	return true;
}

static int number(const char *s, size_t len, uint64_t max, uint64_t *out)
{
	char text[FIELD_MAX];

	if (len >= sizeof text || memchr(s, 0, len))
		return -1;
	memcpy(text, s, len);
	text[len] = 0;
	return num_u64(text, 0, max, out);
}

ssize_t kafka_head(const char *p, size_t size, struct kafka_head *out, const char **why)
{
	const char *field[FIELDS], *at = p;
	const char *end = memchr(p, '\n', size < KAFKA_HEAD_MAX ? size : KAFKA_HEAD_MAX);
	size_t len[FIELDS];
	uint64_t partition, offset, payload = 0;

	if (!end) {
		*why = "no line of topic, partition, offset and length";
		return size < KAFKA_HEAD_MAX ? 0 : -1;
	}
	for (size_t i = 0; i < FIELDS; i++) {
		const char *stop = memchr(at, i + 1 < FIELDS ? ' ' : '\n',
		                          (size_t)(end - at) + (i + 1 == FIELDS));

		if (!stop) {
			*why = "not topic, partition, offset and length";
			return -1;
		}
		field[i] = at;
		len[i] = (size_t)(stop - at);
		at = stop + 1;
	}
	*why = "not a topic's name";
	if (!topic_valid(field[0], len[0]))
		return -1;
	*why = "not a partition's number";
	if (number(field[1], len[1], INT32_MAX, &partition))
		return -1;
	*why = "not an offset below 2^53";
	if (number(field[2], len[2], OFFSET_MAX, &offset))
		return -1;
	out->null = len[3] == 2 && !memcmp(field[3], "-1", 2);
	*why = "not a payload's length";
	if (!out->null && number(field[3], len[3], INT32_MAX, &payload))
		return -1;
	*why = NULL;
	out->topic = field[0];
	out->topic_len = len[0];
	out->partition = (uint32_t)partition;
	out->offset = offset;
	out->len = (size_t)payload;
	return at - p;
}
