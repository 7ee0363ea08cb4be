/*
 * fuzz_config: whatever the file holds, loading ends with a whole configuration or with errors in
 * order, each one line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/config.h"
#include "../../lib/errs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void whole(const struct config *c)
{
	char hash[CONFIG_HASH];
	config_hash(c, hash);
	check(strlen(hash) == CONFIG_HASH - 1);
	check(cluster_valid(c->cluster) && c->haproxy.file && c->haproxy.backend &&
	      c->haproxy.socket && c->haproxy.master && c->haproxy.state_dir &&
	      c->haproxy.balancer && c->haproxy.extra_global && c->channels.dflt);
	check(c->node.max_queue >= c->node.max_message && c->node.ping_ms >= 1000);
	for (size_t i = 0; i < c->n_nodes; i++) {
		check(node_name_valid(c->nodes[i].name) && c->nodes[i].weight <= 256);
		check(config_node(c, c->nodes[i].name) == &c->nodes[i]);
		for (size_t j = 0; j < i; j++)
			check(!endpoint_equal(&c->nodes[i].at, &c->nodes[j].at));
	}
	for (size_t i = 0; i < c->channels.n_rules; i++) {
		const struct config_rule *r = &c->channels.rules[i];
		check(channel_pattern_valid(r->match) && r->history_size <= 100000);
		check(r->cache_last ? r->history_size == 1 && !r->history_ttl_ms
		                    : !r->history_size == !r->history_ttl_ms);
		check(!r->history_size || r->cache_last || r->slow == SLOW_CLOSE);
	}
	check(config_rule(c, "news:sport") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errs e = {0};
	struct config *c = config_parse((const char *)data, size, "fuzz.yaml", &e);
	check((c == NULL) == (e.n > 0));
	if (c)
		whole(c);
	for (size_t i = 0; i < e.n; i++) {
		check(!strpbrk(e.v[i].msg, "\n\r\x1b") && strlen(e.v[i].msg) > 0);
		check(i == 0 || e.v[i - 1].line <= e.v[i].line);
	}
	config_free(c);
	errs_free(&e);
	return 0;
}
