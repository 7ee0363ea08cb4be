/*
 * members: one node as the YAML and every balancer's HAProxy have it, and the questions that
 * several commands ask about it. Prints what is wrong; changes nothing.
 */
#ifndef WSCTL_MEMBERS_H
#define WSCTL_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>

#include "../lib/config.h"
#include "fleet.h"
#include "hap.h"

struct run;

/* What every balancer has. One that can't be asked is empty, and the fleet's why says so. */
struct members {
	struct fleet f;
	struct hap_servers *each; /* of each balancer, in the fleet's order */
	/*
	 * All in one: sessions and places added up, of admin state and status the worst: what
	 * serves here serves on every balancer that has it.
	 */
	struct hap_servers all;
};

struct member {
	const char *name;
	const struct config_node *node;  /* NULL: not in the YAML */
	const struct hap_server *server; /* of all; NULL: in no HAProxy that was asked */
};

/* Prints hap_why() for a result that isn't HAP_OK and returns the exit code that belongs to it. */
int hap_exit(int hap_result);
/* Prints ctl_why() and returns EXIT_AWAY. */
int ctl_exit(void);

/*
 * Reaches every balancer and reads its servers. EXIT_OK when at least one could be asked; else an
 * exit code, with every cause printed. members_close in every case.
 */
int members_open(const struct config *, struct members *out);
/* The same without a word and whoever is away; EXIT_FAILED, printed: out of memory. */
int members_look(const struct config *, struct members *out);
/* Reads the servers again of those that are reached. EXIT_OK, or as members_open. */
int members_again(struct members *);
void members_close(struct members *);
/* The one of that name; EXIT_FAILED, printed, when it is in neither. */
int member_find(const struct config *, const struct members *, const char *name,
                struct member *out);
/* As the i-th balancer has it; NULL: it lacks it, or can't be asked. */
const struct hap_server *member_at(const struct members *, size_t i, const char *name);

bool member_maint(const struct hap_server *);
bool member_drain(const struct hap_server *);
/* HAProxy gives it new clients. */
bool member_serving(const struct hap_server *);
/* Serving servers other than name; names, if not NULL, becomes "ws1, ws3 and ws4" (malloc'd, NULL
 * when none). */
size_t member_others(const struct hap_servers *, const char *name, char **names);
/* A count in a node's reply; def when it isn't there or can't be one. */
int64_t reply_int(const json_t *, const char *key, int64_t def);
/* A text of a node's reply, "" when it isn't there. Borrowed. */
const char *reply_str(const json_t *, const char *key);
/* {"do": verb} */
json_t *request_new(const char *verb);
/* The node takes --name as its name: prints and returns EXIT_USAGE when it can't be one. */
int member_name_check(const char *name);

#endif
