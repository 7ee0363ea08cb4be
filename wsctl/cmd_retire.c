/*
 * wsctl retire.
 */
#include "cmd.h"

int cmd_retire(struct run *r)
{
	(void)r;
	say_error("not built yet");
	return EXIT_FAILED;
}
