/*
 * num: the one strict parser of numbers, sizes, durations and rates; nothing else in the tree
 * turns text into a number. No sign, no blanks, no leading zeros, no overflow, nothing left over.
 */
#ifndef WSCALE_NUM_H
#define WSCALE_NUM_H

#include <stdint.h>

/* N per interval: 500/10s is {500, 10000}. */
struct rate {
	uint32_t count;
	uint32_t per_ms;
};

/* All return 0, or -1 with *out untouched. */
int num_u64(const char *, uint64_t min, uint64_t max, uint64_t *out);
int num_u32(const char *, uint32_t min, uint32_t max, uint32_t *out);
/* "64KiB" "1MiB" "2GiB" "512B"; a bare number is refused. Bytes. */
int num_size(const char *, uint64_t *out);
/* "500ms" "25s" "2m" "1h" "1d"; a bare number is refused. Milliseconds, at most 365 days. */
int num_duration_ms(const char *, uint64_t *out);
/* "200/s" "500/10s" "30/m". count 1..1e9 */
int num_rate(const char *, struct rate *out);
/* Messages for humans, shortest exact unit: 1.5KiB -> "1536B"; 120000 -> "2m". out holds 24. */
const char *num_size_str(uint64_t bytes, char out[static 24]);
const char *num_duration_str(uint64_t ms, char out[static 24]);

#endif
