/*
 * wsctl apply: makes it so, and looks whether it is. --rollback puts an earlier YAML in place
 * first; --state leaves the YAML alone (restore.c). One at a time; whoever stops it anywhere finds
 * what is left in the next plan.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/errs.h"
#include "apply.h"
#include "cmd.h"
#include "generation.h"
#include "persist.h"
#include "plan_gather.h"
#include "restore.h"

enum { LOCK_MS = 5000, AGAIN = 5, AGAIN_MS = 400 };

/* What is applied, and where its YAML comes from. */
struct job {
	struct run *r;
	const struct config *cfg; /* the run's, or back */
	struct config *back;      /* --rollback; owned */
	struct file_text yaml;    /* --rollback: what becomes the YAML */
	uint64_t number;          /* --rollback: of that generation */
	struct fleet f;
	struct plan p;
};

static int roll_back(struct job *j)
{
	struct run *r = j->r;
	struct errs errs = {0};

	if (!r->opts.rollback)
		return EXIT_OK;
	if (!r->cfg->haproxy.edit) {
		say_error("haproxy.edit is false: take %s back where it comes from, then: wsctl "
		          "apply",
		          r->cfg->path);
		return EXIT_FAILED;
	}
	if (generation_before(r->cfg, &j->yaml, &j->number))
		return EXIT_FAILED;
	j->back = config_parse(j->yaml.p, j->yaml.len, r->cfg->path, &errs);
	if (!j->back)
		say_errs(&errs, r->cfg->path);
	errs_free(&errs);
	if (!j->back)
		return EXIT_FAILED;
	j->cfg = j->back;
	return EXIT_OK;
}

/* --rollback: the YAML, before anything follows from it. */
static int put_yaml(const struct job *j)
{
	const struct run *r = j->r;
	struct file_text now;
	struct lock lock;
	int rc;

	if (!j->back)
		return EXIT_OK;
	rc = lock_take(r->cfg, "edit", "apply --rollback", LOCK_MS, &lock);
	if (rc)
		return rc;
	rc = EXIT_FAILED;
	if (!persist_read(r->cfg->path, false, &now)) {
		if (!persist_write(r->cfg->path, j->yaml.p, j->yaml.len, &now, 0644))
			rc = EXIT_OK;
		persist_text_free(&now);
	}
	lock_drop(&lock);
	if (!rc)
		say(r, "%s is generation %llu's again", r->cfg->path,
		    (unsigned long long)j->number);
	return rc;
}

/* What was applied becomes a generation; what came after the one gone back to is forgotten. */
static int keep(const struct job *j)
{
	struct lock lock;
	int rc = lock_take(j->r->cfg, "edit", "apply", LOCK_MS, &lock);

	if (rc)
		return rc;
	if ((j->back && generation_cut(j->r->cfg, j->number)) || generation_keep(j->cfg))
		rc = EXIT_FAILED;
	lock_drop(&lock);
	return rc;
}

/* A second plan, and a third: a new worker needs a moment. */
static int verify(struct job *j)
{
	struct plan left = {0};
	int rc = EXIT_OK;

	for (int i = 0; !rc && i < AGAIN; i++) {
		plan_free(&left);
		rc = plan_gather(j->cfg, &j->f, j->r->opts.allow_remove, &left);
		if (!plan_differs(&left) || (i + 1 < AGAIN && pause_ms(AGAIN_MS)))
			break;
	}
	if (!rc && plan_differs(&left)) {
		say_error("not all of it is done; what is left:");
		fflush(stdout);
		if (!j->r->opts.json)
			plan_print(&left, &j->f);
		rc = EXIT_FAILED;
	}
	plan_free(&left);
	return rc;
}

static int carry_out(struct job *j)
{
	struct run *r = j->r;
	char *sum = plan_sum(&j->p);
	int rc = EXIT_OK;

	if (plan_differs(&j->p)) {
		if (!r->opts.quiet && !r->opts.json)
			plan_print(&j->p, &j->f);
		fflush(stdout);
		rc = apply_plan(r, j->cfg, &j->f, &j->p);
	}
	if (rc == EXIT_INTERRUPTED)
		say_error("interrupted; what is left: wsctl plan");
	else if (!rc)
		rc = verify(j);
	if (!rc)
		rc = keep(j);
	if (!rc && fleet_whole(&j->f))
		say(r, "the rest is done; once that is mended: wsctl apply");
	else if (!rc && plan_differs(&j->p))
		say(r, "%s: done", sum ? sum : "");
	else if (!rc)
		say(r, "nothing to do");
	free(sum);
	return rc;
}

static int run(struct job *j)
{
	struct run *r = j->r;
	int rc = plan_gather(j->cfg, &j->f, r->opts.allow_remove, &j->p), away;

	if (!rc)
		rc = apply_allowed(r, j->cfg, &j->f, &j->p);
	if (rc)
		return rc;
	if (r->opts.dry_run) {
		if (!r->opts.json)
			plan_print(&j->p, &j->f);
		if (j->back)
			say(r, "%s would be generation %llu's again", r->cfg->path,
			    (unsigned long long)j->number);
		say(r, "%s; nothing changed",
		    plan_differs(&j->p) ? "would do this" : "nothing to do");
	} else {
		rc = put_yaml(j);
		if (!rc)
			rc = carry_out(j);
	}
	if (r->opts.json && (!rc || rc == EXIT_FAILED)) {
		json_t *o = plan_json(&j->p, &j->f);

		json_object_set_new(o, "ok", json_boolean(!rc));
		json_object_set_new(o, "dry_run", json_boolean(r->opts.dry_run));
		say_json(o);
	}
	away = fleet_whole(&j->f);
	return rc ? rc : away;
}

static int state_alone(const struct opts *o)
{
	if (!o->rollback && !o->allow_remove && !o->overwrite && !o->deadline_ms)
		return EXIT_OK;
	say_error("--state brings back cordons and drains and nothing else: without %s",
	          o->rollback       ? "--rollback"
	          : o->allow_remove ? "--allow-remove"
	          : o->overwrite    ? "--overwrite"
	                            : "--deadline");
	return EXIT_USAGE;
}

int cmd_apply(struct run *r)
{
	struct job j = {.r = r, .cfg = r->cfg};
	struct lock lock = {.fd = -1};
	int rc;

	if (r->opts.state) {
		rc = state_alone(&r->opts);
		return rc ? rc : restore_here(r);
	}
	rc = r->opts.dry_run ? EXIT_OK : lock_take(r->cfg, "apply", "apply", 0, &lock);
	if (rc)
		return rc;
	rc = roll_back(&j);
	if (!rc)
		rc = fleet_open(j.cfg, &j.f);
	if (!rc) {
		rc = run(&j);
		fleet_close(&j.f);
	}
	plan_free(&j.p);
	persist_text_free(&j.yaml);
	config_free(j.back);
	if (!r->opts.dry_run)
		lock_drop(&lock);
	return rc;
}
