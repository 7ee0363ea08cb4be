/*
 * wsctl init.
 */
#include "cmd.h"

int cmd_init(struct run *r)
{
	(void)r;
	say_error("not built yet");
	return EXIT_FAILED;
}
