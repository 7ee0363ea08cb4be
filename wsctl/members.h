/*
 * members: one node as the YAML and HAProxy have it, and the questions that several commands ask
 * about it. Prints what is wrong; changes nothing.
 */
#ifndef WSCTL_MEMBERS_H
#define WSCTL_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>

#include "../lib/config.h"
#include "hap.h"

struct run;

struct member {
	const char *name;
	const struct config_node *node;  /* NULL: not in the YAML */
	const struct hap_server *server; /* NULL: not in HAProxy */
};

/* Prints hap_why() for a result that isn't HAP_OK and returns the exit code that belongs to it. */
int hap_exit(int hap_result);
/* Prints ctl_why() and returns EXIT_AWAY. */
int ctl_exit(void);
/*
 * Reads HAProxy's servers and finds name. EXIT_OK, or an exit code with the message printed:
 * HAProxy away, or a name that is in neither. servers is the caller's in every case:
 * hap_servers_free.
 */
int member_find(const struct config *, const char *name, struct hap_servers *servers,
                struct member *out);
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
