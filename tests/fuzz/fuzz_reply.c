/*
 * fuzz_reply: a node's answer to a control request is somebody's JSON. Whatever it holds, the
 * status made of it is words and numbers: each cell is terminated, what is said is known to be of a
 * length, and the X-LB values in it are taken apart without running off their end.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../wsctl/cmd.h"
#include "../../wsctl/members.h"
#include "../../wsctl/retire.h"
#include "../../wsctl/status.h"
#include "../../wsctl/status_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void warned(void *arg, const struct status_warning *w)
{
	size_t *n = arg;

	*n += strlen(w->line) + 1;
}

static void retired(const json_t *report)
{
	const char *value;
	json_t *n;

	json_object_foreach(json_object_get(report, "lbs"), value, n)
	{
		size_t len = 0;
		long pid = 0;

		if (retire_split(value, &len, &pid) &&
		    (len >= strlen(value) || value[len] != '-' || pid < 1))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config *cfg;
	json_t *report = json_loadb((const char *)data, size, 0, NULL);
	struct status_balancer lb = {.name = "lb1", .here = true, .ok = true, .old_seen = true};
	struct status_node nodes[2] = {{.name = "ws1", .report = report, .answers = 1},
	                               {.name = "ws2", .report = report, .answers = 2}};
	struct status s = {
		.v = nodes, .n = 2, .lb = &lb, .n_lb = 1, .hap_ok = true, .redis_ok = true};
	struct run r = {0};
	size_t said = 0;
	char *head;

	if (!cfg)
		cfg = config_default();
	if (!json_is_object(report) || !cfg) {
		json_decref(report);
		return 0;
	}
	r.cfg = cfg;
	cfg->path = cfg->path ? cfg->path : strdup("t.yaml");
	strcpy(nodes[1].hap.status, "DOWN");
	nodes[1].in_hap = size & 1;
	for (size_t i = 0; i < s.n; i++) {
		struct status_cell c[STATUS_COLS];

		status_row(&s, &nodes[i], c);
		for (size_t k = 0; k < STATUS_COLS; k++)
			if (!memchr(c[k].text, 0, sizeof c[k].text))
				abort();
	}
	status_warn(&r, &s, warned, &said);
	head = status_head(&r, &s);
	if (!head || strchr(head, '\n'))
		abort();
	free(head);
	retired(report);
	json_decref(report);
	return 0;
}
