/*
 * wsctl cert.
 */
#include "cmd.h"

int cmd_cert(struct run *r)
{
	(void)r;
	say_error("not built yet");
	return EXIT_FAILED;
}
