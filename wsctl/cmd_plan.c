/*
 * wsctl plan.
 */
#include "cmd.h"

int cmd_plan(struct run *r)
{
	(void)r;
	say_error("not built yet");
	return EXIT_FAILED;
}
