/*
 * wsctl plan: what apply would do, a line for each difference, and 2 when there is one. A balancer
 * that is away is said, and the others are compared.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "plan_gather.h"

int cmd_plan(struct run *r)
{
	struct fleet f;
	struct plan p = {0};
	char *sum = NULL;
	int rc = fleet_open(r->cfg, &f), away;

	if (rc)
		return rc;
	rc = plan_gather(r->cfg, &f, false, &p);
	if (rc)
		goto out;
	plan_notes(r);
	sum = plan_sum(&p);
	if (r->opts.json) {
		say_json(plan_json(&p, &f));
	} else {
		plan_print(&p, &f);
		if (plan_differs(&p) && sum)
			printf("%s; run: wsctl apply%s\n", sum,
			       plan_count(&p, PLAN_REMOVE) ? " --allow-remove" : "");
	}
	rc = plan_differs(&p) ? EXIT_DIFFERENCE : EXIT_OK;
	away = fleet_whole(&f);
	if (away)
		rc = away;
	else if (rc == EXIT_OK)
		say(r, "no difference");
out:
	free(sum);
	plan_free(&p);
	fleet_close(&f);
	return rc;
}
