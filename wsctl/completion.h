/*
 * completion: the script that completes wsctl's command line in bash, made from the tables of
 * commands and options: what a row says in its usage is what is offered. Pure.
 */
#ifndef WSCTL_COMPLETION_H
#define WSCTL_COMPLETION_H

struct buf;

/* Appends it; oom is the buffer's. */
void completion_bash(struct buf *);

#endif
