/*
 * hapctl: drives wsctl's own conversation with HAProxy (hap.h, persist.h) one call at a time, so
 * that the bats files see what each does. Prints results, and "refused: WHY" or "away: WHY". hapctl
 * YAML servers | version | old [NAME] | kill NAME | state NAME [STATE BY] hapctl YAML
 * add|ready|drain|maint NAME | weight NAME N | del NAME MS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/errs.h"
#include "../../lib/num.h"
#include "../../wsctl/hap.h"
#include "../../wsctl/persist.h"

static int end(int result)
{
	if (result == HAP_OK)
		return 0;
	printf("%s: %s\n", result == HAP_AWAY ? "away" : "refused", hap_why());
	return 1;
}

static int servers(const struct config *cfg)
{
	struct hap_servers all;
	int result = hap_servers(cfg, &all);
	if (result != HAP_OK)
		return end(result);
	for (size_t i = 0; i < all.n; i++) {
		const struct hap_server *s = &all.v[i];
		printf("%s addr=%s:%d admin=%u weight=%u status=%s check=%s scur=%llu "
		       "maxconn=%llu\n",
		       s->name, s->addr, s->port, s->admin, s->uweight, s->status, s->check,
		       (unsigned long long)s->scur, (unsigned long long)s->maxconn);
	}
	hap_servers_free(&all);
	return 0;
}

static int old_workers(const struct config *cfg, const char *name)
{
	struct hap_workers w;
	int result = hap_old_workers(cfg, name, &w);
	if (result != HAP_OK)
		return end(result);
	printf("%zu workers, %llu tunnels\n", w.n, (unsigned long long)w.tunnels);
	hap_workers_free(&w);
	return 0;
}

static int state(const struct config *cfg, const char *name, const char *to, const char *by)
{
	struct node_note note;
	for (int s = STATE_READY; to && s <= STATE_REMOVED; s++)
		if (strcmp(node_state_str((enum node_state)s), to) == 0)
			return state_write(cfg, name, (enum node_state)s, by) ? 1 : 0;
	if (state_read(cfg, name, &note))
		return 1;
	printf("%s %s\n", node_state_str(note.state), note.by);
	return 0;
}

static int run(const struct config *cfg, const char *verb, char **arg)
{
	const char *name = arg[0] ? arg[0] : "";
	const char *more = arg[0] && arg[1] ? arg[1] : "";
	uint64_t n = 0;
	if (num_u64(more, 0, UINT32_MAX, &n))
		n = 0;
	if (strcmp(verb, "servers") == 0)
		return servers(cfg);
	if (strcmp(verb, "old") == 0)
		return old_workers(cfg, arg[0]);
	if (strcmp(verb, "add") == 0)
		return end(hap_add(cfg, name));
	if (strcmp(verb, "ready") == 0)
		return end(hap_set_ready(cfg, name));
	if (strcmp(verb, "drain") == 0)
		return end(hap_set_drain(cfg, name));
	if (strcmp(verb, "maint") == 0)
		return end(hap_set_maint(cfg, name));
	if (strcmp(verb, "weight") == 0)
		return end(hap_set_weight(cfg, name, (unsigned)n));
	if (strcmp(verb, "del") == 0)
		return end(hap_del(cfg, name, n));
	if (strcmp(verb, "state") == 0)
		return state(cfg, name, *more ? more : NULL, *more && arg[2] ? arg[2] : "");
	if (strcmp(verb, "kill") == 0) {
		int64_t killed = hap_kill_tunnels(cfg, name);
		if (killed < 0)
			return end((int)killed);
		printf("killed %lld\n", (long long)killed);
		return 0;
	}
	if (strcmp(verb, "version") == 0) {
		char *v = hap_version(cfg);
		if (!v)
			return end(HAP_AWAY);
		printf("%s\n", v);
		free(v);
		return 0;
	}
	return 64;
}

int main(int argc, char **argv)
{
	struct errs errs = {0};
	if (argc < 3)
		return 64;
	struct config *cfg = config_load(argv[1], &errs);
	if (!cfg) {
		errs_print(&errs, stdout, "hapctl", argv[1]);
		errs_free(&errs);
		return 78;
	}
	int rc = run(cfg, argv[2], argv + 3);
	config_free(cfg);
	errs_free(&errs);
	return rc;
}
