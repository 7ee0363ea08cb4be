/*
 * fuzz_edit: any text, any change: the editor refuses it, or returns a configuration that differs
 * by exactly that change, in which all lines but a few are the old ones.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/errs.h"
#include "../../wsctl/edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config *parse(const char *text)
{
	struct errs errs = {0};
	struct config *cfg = config_parse(text, strlen(text), "fuzz", &errs);
	errs_free(&errs);
	return cfg;
}

static void check(char *text, size_t n_nodes)
{
	if (!text)
		return;
	struct config *cfg = parse(text);
	if (!cfg || cfg->n_nodes != n_nodes)
		abort();
	config_free(cfg);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errs errs = {0};
	static char fresh[] = "fresh77";
	struct config_node node = {.name = fresh, .weight = size % 3 ? 100 : 7};
	const char *why;
	char *text = malloc(size + 1);

	if (!text || endpoint_parse("[fd00::77]:65535", false, &node.at, &why) != 0)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	struct config *cfg = parse(text);
	if (!cfg) {
		if (edit_add(text, "fuzz", &node, &errs) || !errs.n)
			abort();
	} else {
		if (!config_node(cfg, fresh))
			check(edit_add(text, "fuzz", &node, &errs), cfg->n_nodes + 1);
		for (size_t i = 0; i < cfg->n_nodes && i < 4; i++) {
			check(edit_remove(text, "fuzz", cfg->nodes[i].name, &errs),
			      cfg->n_nodes - 1);
			check(edit_weight(text, "fuzz", cfg->nodes[i].name, 7, &errs),
			      cfg->n_nodes);
		}
		config_free(cfg);
	}
	errs_free(&errs);
	free(text);
	return 0;
}
