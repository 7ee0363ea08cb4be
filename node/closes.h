/*
 * closes: how connections ended, by close code: RFC 6455's (7.4.1; 1006 is an abnormal end),
 * Centrifugo's, and 0 for all others.
 */
#ifndef WSNODE_CLOSES_H
#define WSNODE_CLOSES_H

#include <stdint.h>

void closes_count(uint16_t code);
/* Calls f for each code that was seen. */
void closes_each(void (*f)(uint16_t code, uint64_t n, void *), void *);

#endif
