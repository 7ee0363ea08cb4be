/*
 * roll_plan: which nodes a roll is about, and in which order: those of the roll that was stopped,
 * if it was the same; else new ones, and first what that one left in the middle.
 */
#ifndef WSCTL_ROLL_PLAN_H
#define WSCTL_ROLL_PLAN_H

struct roll;

/* Fills in o->file and says what becomes of an earlier roll; writes nothing. EXIT_OK, or an exit
 * code, printed. */
int roll_plan(struct roll *o);

#endif
