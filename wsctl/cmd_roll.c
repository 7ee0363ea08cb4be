/*
 * wsctl roll.
 */
#include "cmd.h"

int cmd_roll(struct run *r)
{
	(void)r;
	say_error("not built yet");
	return EXIT_FAILED;
}
