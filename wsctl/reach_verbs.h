/*
 * reach_verbs: what can be asked of a balancer through its relay; each is the same as its local
 * counterpart, messages included, with the balancer's name in front. Here is what goes over the
 * line; reach.c carries it, cmd_relay.c does it.
 */
#ifndef WSCTL_REACH_VERBS_H
#define WSCTL_REACH_VERBS_H

#include <stdbool.h>

#include "hap.h"
#include "persist.h"

struct reach;
struct verdict;

/* As hap_ask; pid 0: not a worker's; lines as hap_ask_with's, or NULL. *why, malloc'd, when it
 * isn't HAP_OK. */
int reach_ask(struct reach *, enum hap_socket, long pid, const char *line, const char *lines,
              char **reply, char **why);
/* As persist_read and persist_write, of haproxy.file, the state file or the certificate. */
int reach_read(struct reach *, const char *file, bool missing_ok, struct file_text *out);
int reach_write(struct reach *, const char *file, const char *text, size_t len,
                const struct file_text *read_as);
/* As persist_rendered of that text; NULL: persist_rendered_check. */
int reach_render(struct reach *, const char *text, bool overwrite);
/* As validate. */
int reach_validate(struct reach *, const char *text, struct verdict *out);

#endif
