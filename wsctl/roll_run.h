/*
 * roll_run: one command of a roll, from its start to its end.
 */
#ifndef WSCTL_ROLL_RUN_H
#define WSCTL_ROLL_RUN_H

struct roll_cmd;

/*
 * Its output goes to stderr behind "NAME: ". EXIT_OK; EXIT_FAILED, printed; EXIT_INTERRUPTED: it
 * was ended. With status (as of waitpid) an end that isn't 0 is the caller's to judge, and
 * unprinted.
 */
int roll_run(const struct roll_cmd *, int *status);

#endif
