/*
 * fleet: the views. A view is a copy of the struct with its balancer's name and its way there; what
 * the struct points to stays the configuration's.
 */
#include "fleet.h"

#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static void look_through(struct balancer *b, const struct config *cfg, size_t i)
{
	struct reach *reach = b->cfg->haproxy.reach;

	*b->cfg = *cfg;
	b->name = cfg->haproxy.balancers[i].name;
	b->cfg->haproxy.balancer = b->name;
	b->cfg->haproxy.reach = reach;
}

int fleet_open(const struct config *cfg, struct fleet *f)
{
	f->n = cfg->haproxy.n_balancers;
	f->v = calloc(f->n, sizeof *f->v);
	for (size_t i = 0; f->v && i < f->n; i++) {
		f->v[i].cfg = calloc(1, sizeof *f->v[i].cfg);
		if (!f->v[i].cfg)
			break;
		f->v[i].here = !cfg->haproxy.balancers[i].ssh;
		look_through(&f->v[i], cfg, i);
	}
	if (f->v && f->v[f->n - 1].cfg)
		return EXIT_OK;
	say_error("out of memory");
	fleet_close(f);
	return EXIT_FAILED;
}

void fleet_close(struct fleet *f)
{
	for (size_t i = 0; f->v && i < f->n; i++)
		free(f->v[i].cfg);
	free(f->v);
	memset(f, 0, sizeof *f);
}

int fleet_follow(struct fleet *f, const struct config *cfg)
{
	for (size_t i = 0; i < f->n; i++)
		look_through(&f->v[i], cfg, i);
	return EXIT_OK;
}

int fleet_whole(const struct fleet *f)
{
	int rc = EXIT_OK;

	for (size_t i = 0; i < f->n; i++) {
		if (!f->v[i].why[0])
			continue;
		say_error("%s", f->v[i].why);
		rc = EXIT_AWAY;
	}
	return rc;
}
