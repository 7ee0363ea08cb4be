/*
 * drain: moves this node's clients away at a pace, by control message or SIGTERM; the node refuses
 * new ones meanwhile (/healthz 404, upgrades 503).
 */
#ifndef WSNODE_DRAIN_H
#define WSNODE_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

void drain_init(void);
/*
 * Starts, or changes a running one's pace. per_second 0: node.drain.rate. Clients are closed once
 * grace_ms passed. by: who asked, for /healthz; copied.
 */
void drain_start(double per_second, uint64_t grace_ms, const char *by);
/* Back to work; -1 after SIGTERM. */
int drain_undo(void);
bool drain_active(void);
const char *drain_reason(void);
/* Closes per second that the running drain aims at. */
double drain_per_second(void);
/* SIGTERM: drains, then ends the loop when the last client is gone or node.drain.deadline passed;
 * again: now. */
void drain_terminate(void);
/* From SIGTERM to the end of the process, at most. */
uint64_t drain_window_ms(void);

#endif
