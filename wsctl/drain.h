/*
 * drain: moves the clients of one node away: HAProxy first, so that no new ones come, then the
 * node, which closes its own at a pace; then watches until every worker of HAProxy and the node are
 * at zero. Shared by `drain` and `remove`.
 */
#ifndef WSCTL_DRAIN_H
#define WSCTL_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "members.h"
#include "persist.h"

struct run;

struct drain {
	struct run *r;
	struct members *ms; /* the caller's */
	const char *name;
	uint64_t clients;  /* when it began */
	double per_second; /* 0: not known */
	uint64_t killed;
	uint64_t
		unknown; /* it stopped answering while it had them: moved or cut, nobody can tell */
	uint64_t started_ms, deadline_ms; /* deadline: how long in all */
	bool silent;                      /* the node doesn't answer: only HAProxy's half */
	bool already;                     /* nothing had to be done */
	bool blind;                       /* no master socket: old workers can't be seen */
	bool following;                   /* another drain does it, this one looks on */
	bool removed;                     /* somebody removed it meanwhile */
	char where[160];                  /* "lb1, lb2 and old workers": what was seen at zero */
	double seconds;
};

/*
 * Everything from the refusals to zero, on every balancer that is reached. EXIT_OK when drained
 * there (their state files say so) or, with --no-wait, begun; what the others lack is fleet_rest's
 * to say. Other codes are printed, but for d->removed. m is from member_find, and found again.
 */
int drain_run(struct run *, struct member *m, struct members *, struct drain *out);
/* The same from a name alone, with the report said; for roll, apply and others. EXIT_AWAY also when
 * it is drained on some balancers and others are away. */
int drain_node(struct run *, const char *name, struct drain *out);
/*
 * Would its clients be served, and find a place? seen: how many HAProxy has of them; was: its
 * state. EXIT_OK with the room of the others, for room_free in every case; or EXIT_FAILED, printed.
 */
struct room;
int drain_may(const struct drain *, const struct member *m, uint64_t seen, enum node_state was,
              struct room *);
/* The loop: EXIT_OK at zero, EXIT_LATER at the deadline, EXIT_INTERRUPTED, EXIT_AWAY, EXIT_FAILED.
 */
int drain_watch(struct drain *);
/* A silent node that may be there by now: Redis was away from it when the drain began. */
void drain_tell_again(struct drain *);
/* EXIT_OK, or EXIT_FAILED when someone made it ready, printed, or removed it, meanwhile. */
int drain_overtaken(struct drain *);
uint64_t drain_moved(const struct drain *);
/* "ws2 drained in 47s: ..." */
void drain_report(const struct drain *);

#endif
