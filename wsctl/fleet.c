/*
 * fleet: the views. A view is a copy of the struct with its balancer's name and its way there; what
 * the struct points to stays the configuration's.
 */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "reach.h"

static void look_through(struct balancer *b, const struct config *cfg, size_t i)
{
	struct reach *reach = b->cfg->haproxy.reach;

	*b->cfg = *cfg;
	b->name = cfg->haproxy.balancers[i].name;
	b->cfg->haproxy.balancer = b->name;
	b->cfg->haproxy.reach = reach;
}

/* Greets who is new, was dead for a while, or knows an older YAML. */
static void reach_all(struct fleet *f)
{
	struct reach *v[BALANCERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		if (!f->v[i].here)
			v[n++] = f->v[i].cfg->haproxy.reach;
	if (n)
		reach_open(v, n, f->v[0].cfg);
	fleet_look(f);
}

void fleet_look(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct balancer *b = &f->v[i];
		const char *why = b->here ? NULL : reach_why(b->cfg->haproxy.reach);

		snprintf(b->why, sizeof b->why, "%s", why ? why : "");
	}
}

int fleet_open(const struct config *cfg, struct fleet *f)
{
	f->n = cfg->haproxy.n_balancers;
	f->v = calloc(f->n, sizeof *f->v);
	for (size_t i = 0; f->v && i < f->n; i++) {
		struct balancer *b = &f->v[i];

		b->cfg = calloc(1, sizeof *b->cfg);
		if (!b->cfg)
			goto fail;
		b->here = !cfg->haproxy.balancers[i].ssh;
		if (!b->here && !(b->cfg->haproxy.reach = reach_get(cfg, i)))
			goto fail;
		look_through(b, cfg, i);
	}
	if (!f->v)
		goto fail;
	reach_all(f);
	return EXIT_OK;
fail:
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
	reach_all(f);
	return EXIT_OK;
}

void fleet_retry(struct fleet *f)
{
	reach_all(f);
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
