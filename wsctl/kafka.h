/*
 * kafka: reads what `kcat -C -f '%t %p %o %S\n%s\n'` prints: for each message one line
 *
 *   TOPIC SP PARTITION SP OFFSET SP LENGTH LF
 *
 * then LENGTH bytes of payload and LF. LENGTH -1 is Kafka's null (a tombstone): no bytes, LF.
 * Strict, since a byte too many or too few would make payloads of headers. Pure.
 */
#ifndef WSCTL_KAFKA_H
#define WSCTL_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	KAFKA_TOPIC_MAX = 249, /* Kafka's own limit */
	KAFKA_HEAD_MAX = KAFKA_TOPIC_MAX + sizeof " 2147483647 9223372036854775807 2147483647\n",
};

struct kafka_head {
	const char *topic; /* borrowed from the input, not terminated */
	size_t topic_len;
	uint32_t partition;
	uint64_t offset; /* below 2^53, what Redis's Lua counts exactly */
	bool null;
	size_t len; /* of the payload, without its LF */
};

/* The header at the beginning of the bytes: its length with its LF; 0: more bytes are needed; -1:
 * malformed, and *why says how (static). */
ssize_t kafka_head(const char *, size_t, struct kafka_head *out, const char **why);

#endif
