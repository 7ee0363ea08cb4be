/*
 * wsctl relay.
 */
#include "cmd.h"

int cmd_relay(struct run *r)
{
	(void)r;
	say_error("not built yet");
	return EXIT_FAILED;
}
