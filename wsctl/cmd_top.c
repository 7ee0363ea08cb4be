/*
 * wsctl top.
 */
#include "cmd.h"

int cmd_top(struct run *r)
{
	(void)r;
	say_error("not built yet");
	return EXIT_FAILED;
}
