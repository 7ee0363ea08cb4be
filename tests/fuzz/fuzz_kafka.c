/*
 * fuzz_kafka: whatever comes down the pipe, a header never reaches beyond its bytes, and the same
 * bytes in any smaller piece either wait for more or say the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../wsctl/kafka.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *why = NULL;
	struct kafka_head h;
	ssize_t n = kafka_head(p, size, &h, &why);

	if (n < 0 && !why)
		abort();
	if (n > 0 &&
	    ((size_t)n > size || n > KAFKA_HEAD_MAX || p[n - 1] != '\n' || h.topic < p ||
	     h.topic + h.topic_len > p + n || h.topic_len > KAFKA_TOPIC_MAX || (h.null && h.len)))
		abort();
	for (size_t part = 0; n > 0 && part < size; part++) {
		struct kafka_head again;
		ssize_t m = kafka_head(p, part, &again, &why);

		if (part < (size_t)n ? m != 0 : m != n || again.len != h.len)
			abort();
	}
	return 0;
}
