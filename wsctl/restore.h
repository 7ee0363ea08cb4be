/*
 * restore: cordons and drains that HAProxy forgot in a start or a reload. It reads them from the
 * state file itself, but on 32-bit systems it finds no server there. Nothing else of the YAML is
 * applied.
 */
#ifndef WSCTL_RESTORE_H
#define WSCTL_RESTORE_H

struct config;
struct run;

/*
 * One look at the balancer that cfg is the view of, under the edit lock: a server that its state
 * file has out of service and that gets clients all the same gets none from now on; each is told.
 * EXIT_OK, also when there was nothing to do, or an exit code, printed.
 */
int restore(const struct run *, const struct config *);
/* apply --state: on this host, until no new worker can be on its way any more. An exit code. */
int restore_here(struct run *);

#endif
