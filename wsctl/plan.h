/*
 * plan: what lies between the YAML and a running HAProxy, as lines that say what is to be done.
 * Compares what was gathered (plan_gather.c) and asks nobody. One plan holds the differences of
 * every balancer; the same line on several of them is one.
 */
#ifndef WSCTL_PLAN_H
#define WSCTL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/config.h"
#include "hap.h"
#include "render.h"
#include "statefile.h"

enum plan_do {
	PLAN_ADD,       /* not in HAProxy */
	PLAN_READDRESS, /* there under another address */
	PLAN_WEIGHT,
	PLAN_MAXCONN,
	PLAN_READY,    /* in drain or maintenance, and no note says so */
	PLAN_DRAIN,    /* a note says so, and HAProxy sends it clients */
	PLAN_REMOVE,   /* serves, but not in the YAML */
	PLAN_LEFTOVER, /* the same, out of service and empty: what a remove left */
	PLAN_FILE,     /* haproxy.file is behind */
	PLAN_STATE,    /* the state file is behind */
	PLAN_RELOAD,
	PLAN_KEPT, /* a cordon or a drain: no difference */
};

struct plan_line {
	enum plan_do todo;
	char name[65]; /* of the node, or of what differs: "bind" */
	char what[224];
	char how[96];
	uint32_t on; /* bit i: the i-th balancer */
};

struct plan {
	struct plan_line *v;
	size_t n;
	bool oom;
};

/* What one balancer has. */
struct plan_live {
	size_t i;        /* its place in the fleet */
	bool reached;    /* its HAProxy answers */
	bool backend;    /* and has ours */
	bool loaded;     /* and loaded today's, but for the servers */
	bool may_remove; /* --allow-remove */
	struct hap_servers servers;
	uint64_t *old;    /* of each server: tunnels on old workers; NULL: none that is known */
	const char *file; /* haproxy.file; NULL: there is none */
	enum rendered is; /* what kind of file that is */
	bool pristine;    /* FOREIGN, but the package's own, which nobody touched */
	struct statefile notes;         /* its own state file */
	const struct statefile *agreed; /* the newest note on each node, of all balancers */
	int64_t now;                    /* Unix seconds */
};

/* want: what the YAML renders to. Adds this balancer's lines; plan->oom when memory is short. */
void plan_compare(const struct config *, const char *want, const struct plan_live *, struct plan *);
/* Is there anything but what is kept? */
bool plan_differs(const struct plan *);
size_t plan_count(const struct plan *, enum plan_do);
void plan_free(struct plan *);
/* Where two texts of ours part, their servers left out: a PLAN_RELOAD line for each, few. */
void plan_lines(const char *have, const char *want, uint32_t on, uint64_t tunnels, struct plan *);
void plan_add(struct plan *, enum plan_do, uint32_t on, const char *name, const char *how,
              const char *fmt, ...) __attribute__((format(printf, 6, 7)));

#endif
