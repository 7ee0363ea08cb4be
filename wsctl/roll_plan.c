/*
 * roll_plan: reads how far an earlier roll came. One with another command is forgotten, but for the
 * nodes that it has drained: nobody else would bring those back.
 */
#include "roll_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/buf.h"
#include "../lib/grow.h"
#include "cmd.h"
#include "fleet.h"
#include "persist.h"
#include "roll.h"
#include "table.h"

enum { DAY_S = 86400, NAMED = 8 };

/* What makes two rolls the same one; a line. malloc'd. */
static char *request(const struct run *r)
{
	struct buf b = {0};

	buf_printf(&b, "%s%s", r->opts.reboot ? "--reboot" : "", r->opts.shell ? "--shell " : "");
	buf_printf(&b, "%s", r->opts.exec ? r->opts.exec : "");
	for (int i = 0; i < r->argc; i++)
		buf_printf(&b, " %s", r->argv[i]);
	for (char *p = b.p; p && *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	return buf_take(&b);
}

static int take(struct roll *o, const char *name, enum roll_step step)
{
	struct roll_node *v = grow(o->file.v, o->file.n, sizeof *v), *n;

	if (!v) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	o->file.v = v;
	n = &v[o->file.n++];
	*n = (struct roll_node){.step = step};
	snprintf(n->name, sizeof n->name, "%s", name);
	/* Its command is yet to come: what it did under the earlier one doesn't count. */
	return step == ROLL_BEGUN && !o->r->opts.dry_run
	               ? roll_start_id(o->r->cfg, name, n->start_id)
	               : EXIT_OK;
}

static bool taken(const struct roll *o, const char *name)
{
	for (size_t i = 0; i < o->file.n; i++)
		if (!strcmp(o->file.v[i].name, name))
			return true;
	return false;
}

/* "ws1", "ws1 and ws2", "ws1, ws2, ... and 9 more" */
struct names {
	const char *v[NAMED];
	size_t n;
};

static void name(struct names *l, const char *one)
{
	if (l->n++ < NAMED)
		l->v[l->n - 1] = one;
}

static const char *text_of(const struct names *l, struct buf *b)
{
	buf_reset(b);
	for (size_t i = 0; i < l->n && i < NAMED; i++)
		buf_printf(b, "%s%s", !i ? "" : i + 1 == l->n ? " and " : ", ", l->v[i]);
	if (l->n > NAMED)
		buf_printf(b, " and %zu more", l->n - NAMED);
	return b->p ? b->p : "";
}

/* The earlier roll has drained it, and nobody has brought it back. -1: printed. */
static int left(struct fleet *f, const struct roll_file *old, const char *node)
{
	struct node_note note;

	for (size_t i = 0; i < old->n; i++)
		if (old->v[i].step == ROLL_BEGUN && !strcmp(old->v[i].name, node))
			return fleet_note(f, node, &note, NULL) ? -1 : note.state != STATE_READY;
	return 0;
}

static int take_left(struct roll *o, struct fleet *f, const struct roll_file *old)
{
	const struct run *r = o->r;
	struct names first = {0}, others = {0};
	struct buf b = {0};
	int rc = EXIT_OK;

	for (size_t i = 0; i < old->n && !rc; i++) {
		const char *one = old->v[i].name;
		bool named = !r->argc;
		int is = config_node(r->cfg, one) ? left(f, old, one) : 0;

		for (int k = 0; k < r->argc; k++)
			named = named || !strcmp(r->argv[k], one);
		if (is < 0)
			rc = EXIT_FAILED;
		else if (is && named)
			rc = take(o, one, ROLL_BEGUN);
		if (is > 0)
			name(named ? &first : &others, one);
	}
	if (!rc && first.n)
		say(r, "%s, left in the middle, %s first", text_of(&first, &b),
		    first.n == 1 ? "goes" : "go");
	if (!rc && others.n)
		say(r, "%s stay%s drained, left in the middle; to roll %s too, name %s",
		    text_of(&others, &b), others.n == 1 ? "s" : "", others.n == 1 ? "it" : "them",
		    others.n == 1 ? "it" : "them");
	buf_free(&b);
	return rc;
}

/* Those that were named, or all but those that an operator keeps out of service. */
static int choose(struct roll *o, const struct roll_file *old)
{
	struct run *r = o->r;
	struct fleet f;
	int rc = fleet_open(r->cfg, &f);

	if (rc)
		return rc;
	rc = take_left(o, &f, old);
	for (int i = 0; i < r->argc && !rc; i++)
		if (!taken(o, r->argv[i]))
			rc = take(o, r->argv[i], ROLL_WAITS);
	for (size_t i = 0; i < r->cfg->n_nodes && !rc && !r->argc; i++) {
		const char *one = r->cfg->nodes[i].name;
		struct node_note note;

		if (taken(o, one))
			continue;
		if (fleet_note(&f, one, &note, NULL))
			rc = EXIT_FAILED;
		else if (note.state == STATE_READY)
			rc = take(o, one, ROLL_WAITS);
		else
			say(r, "%s is %s by %s and stays so; to roll it too, name it", one,
			    node_state_str(note.state), note.by[0] ? note.by : "someone");
	}
	fleet_close(&f);
	return rc;
}

/* "done: ws1; in the middle: ws2; left: ws3 and ws4" */
static void say_forgotten(const struct roll *o, const struct roll_file *old)
{
	static const char *const words[] = {"left", "in the middle", "done"};
	struct buf all = {0}, b = {0};

	for (int step = ROLL_DONE; step >= ROLL_WAITS; step--) {
		struct names l = {0};

		for (size_t i = 0; i < old->n; i++)
			if ((int)old->v[i].step == step)
				name(&l, old->v[i].name);
		if (l.n)
			buf_printf(&all, "%s%s: %s", all.len ? "; " : "", words[step],
			           text_of(&l, &b));
	}
	say(o->r, "note: another roll was stopped before its end; it %s forgotten (%s)",
	    o->r->opts.dry_run ? "would be" : "is", all.p ? all.p : "");
	buf_free(&all);
	buf_free(&b);
}

/* Those that are done may have been so for another release under the same file name. */
static void say_resumed(const struct run *r, const struct roll_file *old, int64_t now)
{
	struct names done = {0};
	struct buf b = {0};
	char age[NUM_STR];

	for (size_t i = 0; i < old->n; i++)
		if (old->v[i].step == ROLL_DONE)
			name(&done, old->v[i].name);
	say(r, "going on with the roll that was stopped: %zu of %zu done", done.n, old->n);
	if (done.n)
		say(r, "%s %s done already, in the last %s; to roll %s again, name %s",
		    text_of(&done, &b), done.n == 1 ? "is" : "are",
		    num_age(now - old->since + 1, age), done.n == 1 ? "it" : "them",
		    done.n == 1 ? "it" : "them");
	buf_free(&b);
}

int roll_plan(struct roll *o)
{
	struct run *r = o->r;
	struct roll_file old;
	char *asked = request(r);
	int64_t now = (int64_t)time(NULL);
	int rc;

	if (!asked) {
		say_error("out of memory");
		return EXIT_FAILED;
	}
	if (roll_file_read(r->cfg, &old)) {
		free(asked);
		return EXIT_FAILED;
	}
	if (now - old.since >= DAY_S)
		roll_file_free(&old);
	if (old.n && !strcmp(old.request, asked)) {
		say_resumed(r, &old, now);
		o->file = old;
		free(asked);
		return EXIT_OK;
	}
	if (old.n)
		say_forgotten(o, &old);
	o->file.request = asked;
	o->file.since = now;
	rc = choose(o, &old);
	roll_file_free(&old);
	return rc;
}
