/*
 * test_rconn: a command that there is no memory for leaves nothing behind in what is sent to Redis: half of it
 * would swallow the commands after it.
 */
#include <stdint.h>

#include "../../node/node.h"
#include "../../node/rconn.h"
#include "tap.h"

struct node node;

int main(void)
{
	struct rconn c = {.state = RCONN_UP};
	const char *argv[] = {"PUBLISH", "a", "x"};
	size_t good[] = {7, 1, 1}, immense[] = {7, 1, SIZE_MAX / 2};

	ok(!rconn_command(&c, 3, argv, good), "a command");
	ok(rconn_command(&c, 3, argv, immense) == -1, "one that no memory holds is refused");
	ok(!rconn_command(&c, 3, argv, good), "the next is taken");
	is(c.out.p, "*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1\r\nx\r\n"
		    "*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1\r\nx\r\n",
	   "and nothing of the refused one is between them");
	buf_free(&c.out);
	c.state = RCONN_OFF;
	ok(rconn_command(&c, 3, argv, good) == -1 && !rconn_unsent(&c), "not connected, nothing is kept");
	return tap_done();
}
