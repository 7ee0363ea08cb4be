/*
 * wsctl apply.
 */
#include "cmd.h"

int cmd_apply(struct run *r)
{
	(void)r;
	say_error("not built yet");
	return EXIT_FAILED;
}
