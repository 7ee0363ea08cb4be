/*
 * wsctl doctor: everything that is wrong around the cluster, the worst first, each with why it
 * matters and the command that mends it; then what could not be looked at. 0 when nothing is found.
 * Changes nothing.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "doctor.h"

static const char *const level_names[] = {"ok", "unchecked", "warning", "failure"};

/* A path, a name or Redis' word may be in it. */
static void line(const char *before, char *text)
{
	if (!text)
		return;
	tame(text);
	printf("%s%s\n", before, text);
}

static void print_one(const struct finding *x)
{
	static const char *const labels[] = {"ok   ", "?    ", "WARN ", "FAIL "};
	static const char *const colours[] = {"", "", "\033[33m", "\033[31m"};
	const char *colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") ? colours[x->level] : "";

	printf("%s%s%s", colour, labels[x->level], *colour ? "\033[m" : "");
	line("", x->what);
	if (x->level == DOCTOR_OK)
		return;
	line("     ", x->why);
	line(x->level == DOCTOR_UNCHECKED ? "     look: " : "     mend: ", x->mend);
}

static size_t count(const struct findings *l, enum doctor_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->v[i].level == level;
	return n;
}

static void print_all(const struct run *r, const struct findings *l)
{
	size_t fail = count(l, DOCTOR_FAIL), warn = count(l, DOCTOR_WARN),
	       blind = count(l, DOCTOR_UNCHECKED), fine = count(l, DOCTOR_OK);

	for (int level = DOCTOR_FAIL; level >= DOCTOR_OK; level--)
		for (size_t i = 0; i < l->n; i++)
			if ((int)l->v[i].level == level && (level != DOCTOR_OK || r->opts.verbose))
				print_one(&l->v[i]);
	if (!r->opts.verbose)
		printf("ok   %zu check%s (-v lists them)\n", fine, fine == 1 ? "" : "s");
	if (fail || warn)
		printf("%zu failure%s, %zu warning%s", fail, fail == 1 ? "" : "s", warn,
		       warn == 1 ? "" : "s");
	else
		printf("nothing found");
	if (blind)
		printf(", %zu not checked", blind);
	printf("\n");
}

static json_t *text(char *s)
{
	if (!s)
		return json_null();
	tame(s);
	return json_string(s);
}

static void print_json(const struct findings *l, bool ok)
{
	json_t *all = json_array();

	for (size_t i = 0; i < l->n; i++) {
		const struct finding *x = &l->v[i];

		json_array_append_new(all, json_pack("{s:s, s:s, s:o, s:o, s:o}", "check", x->check,
		                                     "level", level_names[x->level], "what",
		                                     text(x->what), "why", text(x->why), "mend",
		                                     text(x->mend)));
	}
	say_json(json_pack("{s:b, s:o}", "ok", ok, "findings", all));
}

int cmd_doctor(struct run *r)
{
	struct findings l = {0};
	struct doctor_facts f;
	int rc = EXIT_FAILED;
	bool bad;

	if (doctor_look(r->cfg, &f))
		goto oom;
	if (interrupted()) {
		rc = EXIT_INTERRUPTED;
		goto out;
	}
	doctor_judge(&f, &l);
	if (l.oom)
		goto oom;
	bad = count(&l, DOCTOR_FAIL) || count(&l, DOCTOR_WARN);
	if (r->opts.json)
		print_json(&l, !bad);
	else
		print_all(r, &l);
	rc = bad ? EXIT_FAILED : EXIT_OK;
	goto out;
oom:
	say_error("out of memory");
out:
	findings_free(&l);
	doctor_free(&f);
	return rc;
}
