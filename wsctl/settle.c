/*
 * settle: waits for what the check says of a server, pass or fail, before HAProxy may send it
 * clients: a new server counts as up until its first checks have failed.
 */
#include "settle.h"

#include <string.h>

#include "cmd.h"
#include "ctl.h"
#include "members.h"

enum { POLL_MS = 100, ASK_MS = 1000 };

void settle_tell(const struct config *cfg, const char *name)
{
	struct ctl_replies replies;

	if (!ctl_ask(cfg, name, request_new("ready"), ASK_MS, &replies))
		ctl_replies_free(&replies);
}

/* 1: it is in service; 0: its check hasn't said anything yet; else a hap_result. */
static int look(const struct config *view, const char *name, bool late, bool *down)
{
	const struct hap_server *s;
	struct hap_servers all;
	int result = hap_servers(view, &all);
	bool known, in;

	if (result != HAP_OK)
		return result;
	s = hap_server(&all, name);
	in = s && !member_drain(s) && !member_maint(s);
	*down = s && s->op == 0;
	known = s && (*down || !strcmp(s->check, "L7OK") || late);
	hap_servers_free(&all);
	if (!s)
		return HAP_OK; /* it was taken out meanwhile: the next plan says so */
	if (in)
		return 1;
	return known ? hap_set_ready(view, name) == HAP_OK ? 1 : HAP_REFUSED : 0;
}

int settle(const struct config *cfg, struct fleet *f, const char *name, uint32_t on,
           uint64_t wait_ms)
{
	uint64_t until = now_ms() + wait_ms;
	uint32_t left = on;
	bool down = false, any_down = false;
	int rc = EXIT_OK;

	settle_tell(cfg, name);
	for (;;) {
		bool late = now_ms() >= until;

		for (size_t i = 0; i < f->n; i++) {
			uint32_t bit = UINT32_C(1) << i;
			int one;

			if (!(left & bit))
				continue;
			one = f->v[i].why[0] ? 1 : look(f->v[i].cfg, name, late, &down);
			if (one < 0)
				rc = hap_exit(one);
			any_down = any_down || (one == 1 && down);
			if (one)
				left &= ~bit;
		}
		if (!left || late)
			break;
		if (interrupted() || pause_ms(POLL_MS))
			return EXIT_INTERRUPTED;
	}
	if (any_down)
		say_error("note: %s fails its check: it gets clients as soon as that passes", name);
	return rc;
}
