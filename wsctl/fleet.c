/*
 * fleet: the views. A view is a copy of the struct with its balancer's name and its way there; what
 * the struct points to stays the configuration's.
 */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "cmd.h"
#include "hap.h"
#include "persist.h"
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

size_t fleet_look(struct fleet *f)
{
	size_t dead = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct balancer *b = &f->v[i];
		const char *why = b->here ? NULL : reach_why(b->cfg->haproxy.reach);

		if (!why)
			continue;
		dead++;
		b->refused = false;
		if (!b->why[0])
			snprintf(b->why, sizeof b->why, "%s", why);
	}
	return dead;
}

bool fleet_files(const struct balancer *b)
{
	return b->here || !reach_why(b->cfg->haproxy.reach);
}

void fleet_lost(struct balancer *b, int hap_result)
{
	snprintf(b->why, sizeof b->why, "%s", hap_why());
	b->refused = hap_result == HAP_REFUSED;
	b->said = false;
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
	for (size_t i = 0; i < f->n; i++) {
		f->v[i].why[0] = '\0';
		f->v[i].refused = f->v[i].said = false;
	}
	reach_all(f);
}

int fleet_whole(struct fleet *f)
{
	int rc = EXIT_OK;

	for (size_t i = 0; i < f->n; i++) {
		struct balancer *b = &f->v[i];

		if (!b->why[0])
			continue;
		if (!b->said)
			say_error("%s", b->why);
		b->said = true;
		if (rc != EXIT_AWAY)
			rc = b->refused ? EXIT_FAILED : EXIT_AWAY;
	}
	return rc;
}

int fleet_any(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (!f->v[i].why[0])
			return EXIT_OK;
	return fleet_whole(f);
}

char *fleet_names(const struct fleet *f, bool reached)
{
	struct buf b = {0};
	size_t n = 0, at = 0;

	for (size_t i = 0; i < f->n; i++)
		n += !f->v[i].why[0] == reached;
	for (size_t i = 0; i < f->n; i++) {
		if (!f->v[i].why[0] != reached)
			continue;
		buf_printf(&b, "%s%s", !at ? "" : at + 1 == n ? " and " : ", ", f->v[i].name);
		at++;
	}
	return n ? buf_take(&b) : NULL;
}

int fleet_rest(struct fleet *f, const char *done)
{
	int rc = fleet_whole(f);
	char *with, *without;

	if (!rc)
		return rc;
	with = fleet_names(f, true);
	without = fleet_names(f, false);
	if (with && without)
		say_error("%s on %s, not on %s; once %s %s: wsctl apply", done, with, without,
		          without,
		          rc == EXIT_FAILED          ? "works"
		          : strstr(without, " and ") ? "are back"
		                                     : "is back");
	free(with);
	free(without);
	return rc;
}

/* Its files can be written: also while its HAProxy is down, which reads them when it starts. */
static bool has_files(const struct balancer *b)
{
	return !b->refused && (b->here || !reach_why(b->cfg->haproxy.reach));
}

int fleet_note(struct fleet *f, const char *node, struct node_note *out, bool *same)
{
	bool any = false, alike = true, failed = false;

	*out = (struct node_note){0};
	for (size_t i = 0; i < f->n; i++) {
		struct balancer *b = &f->v[i];
		struct node_note note;

		if (!has_files(b))
			continue;
		if (state_read(b->cfg, node, &note)) {
			failed = true;
			if (fleet_look(f) && b->why[0])
				b->said = true;
			continue;
		}
		alike = alike && (!any || note.state == out->state);
		if (!any || note.since > out->since || (b->here && note.since == out->since))
			*out = note;
		any = true;
	}
	if (same)
		*same = alike;
	return any || !failed ? 0 : -1;
}

int fleet_state(struct fleet *f, const char *node, int state, const char *by)
{
	bool any = false;

	for (size_t i = 0; i < f->n; i++) {
		struct balancer *b = &f->v[i];

		if (!has_files(b))
			continue;
		if (!state_write(b->cfg, node, (enum node_state)state, by)) {
			any = true;
			continue;
		}
		if (fleet_look(f) && b->why[0])
			b->said = true;
		else if (f->n == 1)
			return EXIT_FAILED;
		else
			snprintf(b->why, sizeof b->why, "%s: its state file isn't written",
			         b->name),
				b->refused = true;
	}
	return any ? EXIT_OK : EXIT_FAILED;
}

void fleet_restore(struct fleet *f, const char *node, const struct node_note *was, bool all)
{
	for (size_t i = 0; i < f->n; i++) {
		struct balancer *b = &f->v[i];

		if (b->why[0] && (b->refused || (all && has_files(b))))
			state_restore(b->cfg, node, was);
	}
}
