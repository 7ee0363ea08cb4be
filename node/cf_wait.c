/* cf_wait: a client's commands that wait for Redis: see cf_int.h. */
#include <stdlib.h>

#include "bus.h"
#include "cf_int.h"
#include "node.h"

enum {
	WAITS_MAX = 3,  /* subscribed, filled, filled with all that is kept */
	WAIT_MS = 4000, /* the clients' own timeout is 5 s, and then they drop the connection */
};

struct cf_ask *cf_ask_new(struct cf *cf, struct channel *c, const struct cf_command *cmd,
                          void (*done)(struct waiter *, bool ok))
{
	struct cf_ask *ask = cf->waiting < CF_WAITING_MAX ? calloc(1, sizeof *ask) : NULL;

	if (!ask) {
		cf_say_error(cf, cmd->id,
		             cf->waiting < CF_WAITING_MAX ? &cf_internal : &cf_too_many_waiting);
		return NULL;
	}
	cf->waiting++;
	ask->waiter.done = done;
	ask->cf = cf;
	ask->c = c;
	ask->began_ms = (uint32_t)node_now_ms();
	ask->cmd = *cmd;
	/* What they point to is gone when it is answered. */
	ask->cmd.token = ask->cmd.data = (struct cf_text){NULL, 0};
	return ask;
}

void cf_ask_free(struct cf_ask *ask)
{
	hub_unwait(&ask->waiter);
	ask->cf->waiting--;
	free(ask);
}

bool cf_ready(struct cf_ask *ask, const struct position *since, bool *away)
{
	*away = false;
	if (hub_ready(ask->c, NULL) &&
	    (!since || ask->waits >= WAITS_MAX || hub_ready(ask->c, since)))
		return true;
	*away = !bus_ready();
	if (*away)
		return false;
	ask->waits++;
	if (!ask->cf->timer.next)
		wheel_set(&node.cf_wheel, &ask->cf->timer, WAIT_MS);
	hub_wait(ask->c, &ask->waiter, since);
	return false;
}

bool cf_ask_overdue(const struct cf_ask *ask)
{
	return (uint32_t)node_now_ms() - ask->began_ms >= WAIT_MS;
}

void cf_overdue(struct cf *cf)
{
	struct buf out = {0};

	if (!cf_begin(cf, &out))
		return;
	cf_subs_overdue(cf);
	cf_history_overdue(cf);
	/* Publishes wait too, but Redis answers them or is given up. */
	if (cf->waiting && !cf->timer.next)
		wheel_set(&node.cf_wheel, &cf->timer, WAIT_MS / 4);
	cf_end(cf);
}
