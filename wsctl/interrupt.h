/*
 * interrupt: the signals that end wsctl early, and the clock and pauses of its loops. Milliseconds
 * of CLOCK_MONOTONIC.
 */
#ifndef WSCTL_INTERRUPT_H
#define WSCTL_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* SIGINT, SIGTERM or SIGHUP came; waits look at it and return EXIT_INTERRUPTED. */
bool interrupted(void);
void interrupts_catch(void);

uint64_t now_ms(void);
/* -1: interrupted, before or meanwhile; then it doesn't wait, or no longer. */
int pause_ms(uint64_t ms);
/* For what is finished although somebody interrupted it: only a signal that comes meanwhile ends
 * it. */
void rest_ms(uint64_t ms);

#endif
