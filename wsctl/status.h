/*
 * status: one picture of the cluster: for every node that the YAML, HAProxy or Redis knows, what
 * each of them says. Gathers and judges; cmd_status.c prints.
 */
#ifndef WSCTL_STATUS_H
#define WSCTL_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "../lib/config.h"
#include "hap.h"
#include "persist.h"

struct run;

/* One balancer. */
struct status_balancer {
	const char *name; /* borrowed of the configuration */
	bool here, ok, old_seen;
	char why[512];          /* not ok: the cause, its name in front where there are several */
	char version[32];       /* of the wsctl there; "": here, or away */
	struct hap_workers old; /* its old workers */
};

/* A node on one balancer. */
struct status_at {
	bool in_hap;
	struct hap_server hap;
};

struct status_node {
	char name[64];
	const struct config_node *node; /* NULL: not in the YAML */
	/* All balancers in one (members.h): connections added up, of state and health the worst. */
	bool in_hap;
	struct hap_server hap;
	struct status_at *at; /* each, in the order of struct status.lb; NULL: on none */
	struct node_note note;
	char *rolled_by; /* the living roll that has it: "admin@lb1 (pid 4211, roll)"; NULL */
	json_t *report;  /* its word: a control report, or /healthz when Redis is away; NULL: silent
	                  */
	int answers;     /* above 1: several processes of one name */
	double in_s, out_s; /* messages a second; -1: not known */
	char *why;          /* silent to /healthz: the cause; NULL */
};

struct status {
	struct status_node *v;
	size_t n;
	struct status_balancer *lb; /* at least one */
	size_t n_lb;
	bool hap_ok, redis_ok; /* hap_ok: every balancer */
	char hap_why[512];     /* of the first that isn't */
	char redis_why[512];
	int64_t now; /* Unix seconds */
};

/* 0, or -1: out of memory, printed. What is away is no error here. */
int status_gather(struct run *, struct status *out);
/* Fills in what every node says over HTTP, all at once; within some seconds in all. */
void status_ask_http(struct status *);
void status_free(struct status *);
const struct status_node *status_find(const struct status *, const char *name);

/* "ready", "cordoned", "draining", "drained", "removed", "maint"; "-": not a member. */
const char *status_state(const struct status_node *);
enum status_health { HEALTH_UP, HEALTH_LEAVING, HEALTH_DOWN, HEALTH_NONE };
enum status_health status_health(const struct status_node *);
bool status_serving(const struct status_node *);
int64_t status_clients(const struct status_node *); /* by its own word; -1: not known */

struct status_warning {
	const char *line;               /* without the "! " */
	const struct status_node *node; /* whom it is about; NULL: nobody in particular */
	bool planned; /* somebody did that, and not long ago: nobody needs to be woken */
};
/* Calls say with each thing an operator should know. */
void status_warn(const struct run *, const struct status *,
                 void (*say)(void *arg, const struct status_warning *), void *arg);
/* status_json.c: the whole picture on stdout, or only one of its nodes. */
void status_print_json(const struct run *, const struct status *, const struct status_node *only);

#endif
