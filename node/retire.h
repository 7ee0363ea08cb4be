/*
 * retire: moves those clients away at a pace that came through one balancer, or one worker process
 * of it. The node stays in service: they come back, through another.
 */
#ifndef WSNODE_RETIRE_H
#define WSNODE_RETIRE_H

void retire_init(void);
/* Those that lbs_retire has marked. Starts, or changes the pace. */
void retire_start(double per_second);

#endif
