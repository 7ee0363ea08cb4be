/* cf_wait: a client's commands that wait for Redis: see cf_int.h. */
#include <stdlib.h>

#include "bus.h"
#include "cf_int.h"

enum { WAITS_MAX = 3 }; /* subscribed, filled, filled with all that is kept */

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
	hub_wait(ask->c, &ask->waiter, since);
	return false;
}
