/*
 * retire: whose clients are moved: a balancer, or one worker process of it, and which X-LB values
 * mean it. Finds out and tells the nodes; cmd_retire.c waits and talks.
 */
#ifndef WSCTL_RETIRE_H
#define WSCTL_RETIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "fleet.h"
#include "hap.h"

struct run;

struct retire {
	struct run *r;
	char name[64];      /* of the balancer, as the YAML has it */
	long pid;           /* 0: all of its workers */
	char text[96];      /* "lb1", "lb1/4711" */
	struct balancer *b; /* of f */
	struct fleet f;
	char host[256];         /* what X-LB begins with */
	bool shared;            /* another balancer is on a host of that name */
	long current;           /* the worker that takes new clients */
	struct hap_workers old; /* those that live */
	bool old_seen;

	uint64_t clients;  /* by the nodes' word, now */
	uint64_t tunnels;  /* of the worker, by HAProxy's; 0 when it can't be seen or pid is 0 */
	uint64_t redis;    /* connections of the worker to redis.servers; 0 likewise */
	double per_second; /* in all; what the nodes share */
	size_t nodes;      /* that have such clients */
};

/* Of "LB" or "LB/PID". EXIT_OK, or an exit code, printed. retire_close in every case. */
int retire_open(struct run *, const char *arg, struct retire *out);
void retire_close(struct retire *);
/*
 * Counts; tell: also asks the nodes that have some to move them, each its share of the pace; asked
 * again and again that changes nothing, but takes in who has come meanwhile. EXIT_OK, or EXIT_AWAY
 * or EXIT_FAILED, printed.
 */
int retire_look(struct retire *, bool tell);

/* X-LB's "HOST-PID". False: it isn't that. */
bool retire_split(const char *value, size_t *host_len, long *pid);

#endif
