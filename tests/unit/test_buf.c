/* test_buf: bytes go in and come out, and running out of memory is told once, at the end. */
#include <stdint.h>
#include <stdlib.h>

#include "../../lib/buf.h"
#include "tap.h"

int main(void)
{
	struct buf b = {0};
	char *s = buf_take(&b);
	is(s, "", "an empty buffer gives the empty string");
	free(s);

	buf_str(&b, "a");
	buf_printf(&b, "%d-%s", 42, "x");
	buf_add(&b, "\0z", 2);
	ok(b.len == 7 && memcmp(b.p, "a42-x\0z", 8) == 0,
	   "additions follow each other, NUL-terminated");
	buf_reset(&b);
	ok(b.len == 0 && b.p && *b.p == '\0', "reset empties and keeps the memory");
	buf_add(&b, "", 0);
	buf_add(&b, NULL, 0);
	ok(b.len == 0 && !b.oom, "nothing can be added");
	buf_free(&b);
	ok(!b.p && !b.cap, "free leaves an empty buffer");

	for (int i = 0; i < 100000; i++)
		buf_printf(&b, "%d,", i % 10);
	ok(b.len == 200000 && strcmp(b.p + b.len - 4, "8,9,") == 0, "it grows");
	s = buf_take(&b);
	ok(strlen(s) == 200000 && !b.p && b.len == 0, "take hands the bytes over");
	free(s);

	buf_str(&b, "kept");
	buf_add(&b, "x", SIZE_MAX - 2);
	ok(b.oom && strcmp(b.p, "kept") == 0,
	   "a size beyond all memory sets oom and changes nothing");
	buf_str(&b, "more");
	ok(b.len == 4, "oom is sticky");
	ok(buf_take(&b) == NULL && !b.p, "take of what is incomplete gives NULL");
	buf_str(&b, "again");
	ok(!b.oom && b.len == 5, "afterwards the buffer works again");
	buf_free(&b);
	return tap_done();
}
