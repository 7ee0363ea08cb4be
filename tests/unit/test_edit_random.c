/*
 * test_edit_random: random files in every style that people write. What was added is there, what
 * was removed is gone, adding and removing gives the old bytes back, all other lines stay. A
 * failure prints its seed: test_edit_random SEED runs it again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "../../lib/buf.h"
#include "../../lib/errs.h"
#include "../../wsctl/edit.h"
#include "tap.h"

static uint64_t rnd_state;

static unsigned rnd(unsigned below)
{
	rnd_state = rnd_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((rnd_state >> 33) % below);
}

static const char *pick(const char *const *v, unsigned n)
{
	return v[rnd(n)];
}
#define PICK(...)                                \
	pick((const char *const[]){__VA_ARGS__}, \
	     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

struct style {
	const char *eol;
	bool flow, lines, trailing;
	const char *indent;
};

static void noise(struct buf *b, const struct style *s)
{
	while (rnd(4) == 0)
		buf_printf(b, "%s%s%s", PICK("", "  ", "      "),
		           PICK("", "# note", "# ws9: a:1 { } , \xc3\xa9", "#"), s->eol);
}

static void random_value(struct buf *b, const struct style *s, int i, bool flow)
{
	char at[64];
	const char *form = PICK("10.0.0.%d:80", "host-%d:8081", "unix:/run/ws%d.sock",
	                        "\"[::1]:%d\"", "'h%d.example:1'");
	/* The forms are these, each with one %d. */
	const char *d = strstr(form, "%d");
	snprintf(at, sizeof at, "%.*s%d%s", (int)(d - form), form, i + 1, d + 2);
	switch (rnd(flow ? 2 : 3)) {
	case 0:
		buf_str(b, at);
		return;
	case 1:
		if (rnd(2))
			buf_printf(b, "{ address: %s, weight: %u }", at, rnd(257));
		else
			buf_printf(b, "{address: %s%s}", at, PICK("", ", ", " "));
		return;
	default:
		buf_printf(b, "%s%s%saddress: %s", s->eol, s->indent, "   ", at);
		if (rnd(2))
			buf_printf(b, "%s%s%sweight: %u", s->eol, s->indent, "   ", rnd(257));
	}
}

static void random_nodes(struct buf *b, const struct style *s, int n)
{
	const char *name = PICK("nodes:", "\"nodes\":", "nodes :");
	buf_str(b, name);
	if (n == 0) {
		buf_printf(b, "%s%s", PICK("", " {}", " ~", " {  }"), PICK("", " # none"));
		return;
	}
	buf_str(b, s->flow ? PICK(" {", " { ") : "");
	for (int i = 0; i < n; i++) {
		bool own = !s->flow || s->lines;
		if (own) {
			if (!s->flow || i == 0 || rnd(5) == 0)
				buf_str(b, s->flow ? "" : PICK("", "", "  # c"));
			buf_str(b, s->eol);
			noise(b, s);
			buf_str(b, s->indent);
		}
		buf_printf(b, rnd(6) ? "ws%d: " : "\"ws%d\": ", i);
		random_value(b, s, i, s->flow);
		if (s->flow && (i + 1 < n || s->trailing))
			buf_str(b, PICK(",", ", "));
		if (own && rnd(4) == 0)
			buf_str(b, " # mine");
	}
	if (s->flow && s->lines)
		buf_str(b, s->eol);
	if (s->flow)
		buf_str(b, PICK("}", " }"));
}

static char *random_file(int *n_nodes)
{
	struct buf b = {0};
	struct style s = {
		.eol = rnd(4) ? "\n" : "\r\n",
		.flow = rnd(2),
		.lines = rnd(2),
		.trailing = rnd(3) == 0,
		.indent = PICK("  ", "    ", " "),
	};
	int n = (int)rnd(5), keys = (int)rnd(4), place = (int)rnd((unsigned)keys + 1);
	static const char *const other[] = {
		"cluster: chat # name", "node: { ping: 25s }",
		"channels:\n  default: \"x\" # d\xc3\xa9j\xc3\xa0",
		"haproxy:\n  extra:\n    global: |\n      # {\n      nodes: x"};
	const char *const *next = other; /* keys is at most their number */
	noise(&b, &s);
	for (int i = 0; i <= keys; i++) {
		if (i == place && rnd(8))
			random_nodes(&b, &s, n);
		else if (i == place)
			n = 0;
		else
			for (const char *p = *next++; *p; p++)
				buf_str(&b, *p == '\n' ? s.eol : (char[]){*p, '\0'});
		if (i == keys && rnd(3) == 0)
			break;
		buf_str(&b, s.eol);
		noise(&b, &s);
	}
	*n_nodes = n;
	return buf_take(&b);
}

static char *without_commas(const char *s)
{
	char *out = calloc(1, strlen(s) + 1), *o = out;
	for (; *s; s++)
		if (*s != ',')
			*o++ = *s;
	return out;
}

/* Whether b is a with bytes put in at one place, apart from a comma that may come or go elsewhere.
 */
static bool one_place(const char *less, const char *more)
{
	char *a = without_commas(less), *b = without_commas(more);
	size_t la = strlen(a), lb = strlen(b), head = 0, tail = 0;
	while (head < la && a[head] == b[head])
		head++;
	while (tail < la && tail < lb && a[la - 1 - tail] == b[lb - 1 - tail])
		tail++;
	free(a);
	free(b);
	return la <= lb && head + tail >= la && strlen(more) + 1 >= strlen(less);
}

static size_t count_lines(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static struct config *reload(const char *text, uint64_t seed, const char *when)
{
	struct errs errs = {0};
	struct config *cfg = config_parse(text, strlen(text), "r.yaml", &errs);
	if (!cfg) {
		printf("# seed %llu: %s does not parse\n", (unsigned long long)seed, when);
		errs_print(&errs, stdout, "#", "r.yaml");
		tap_show("text", text);
	}
	errs_free(&errs);
	return cfg;
}

static bool complain(uint64_t seed, const char *what, const char *before, const char *after)
{
	printf("# seed %llu: %s\n", (unsigned long long)seed, what);
	tap_show("before", before);
	tap_show("after", after);
	return false;
}

static int refusals;

static char fresh_name[] = "ws77";

static bool random_round(uint64_t seed)
{
	rnd_state = seed * 2654435761u + 12345;
	(void)rnd(2);
	int n = 0;
	char *text = random_file(&n), *added = NULL, *back = NULL, *weighed = NULL, name[16];
	struct config *cfg = text ? reload(text, seed, "a generated file") : NULL, *cfg2 = NULL;
	struct errs errs = {0};
	bool good = cfg && cfg->n_nodes == (size_t)n;

	if (!good)
		goto out;
	struct config_node fresh = {
		.name = fresh_name, .weight = rnd(2) ? 100 : rnd(257), .maxconn = rnd(2) ? 0 : 5};
	const char *why;
	if (endpoint_parse("[fe80::7]:77", false, &fresh.at, &why) != 0)
		return false;
	added = edit_add(text, "r.yaml", &fresh, &errs);
	if (!added) {
		refusals++;
	} else {
		cfg2 = reload(added, seed, "add's result");
		good = cfg2 && cfg2->n_nodes == (size_t)n + 1;
		/* An empty nodes: may lose its {} for it. */
		if (good &&
		    (n > 0 ? !one_place(text, added) : count_lines(added) > count_lines(text) + 2))
			good = complain(seed, "add touched more than its line", text, added);
		back = good ? edit_remove(added, "r.yaml", "ws77", &errs) : NULL;
		if (good && !back)
			good = complain(seed, "what was added can't be removed", text, added);
		if (good && n > 0 && strcmp(back, text) != 0)
			good = complain(seed, "remove did not undo add", text, back);
	}
	if (good && n > 0) {
		unsigned i = rnd((unsigned)n), w = rnd(257);
		snprintf(name, sizeof name, "ws%u", i);
		weighed = edit_weight(text, "r.yaml", name, w, &errs);
		if (!weighed)
			refusals++;
		else if (count_lines(weighed) > count_lines(text) + 1)
			good = complain(seed, "weight touched more than its line", text, weighed);
		free(back);
		back = edit_remove(text, "r.yaml", name, &errs);
		if (!back)
			refusals++;
		else if (n > 1 ? !one_place(back, text) : count_lines(back) > count_lines(text))
			good = complain(seed, "remove touched more than its lines", text, back);
	}
out:
	if (!good && cfg)
		printf("# seed %llu: %d nodes\n", (unsigned long long)seed, n);
	config_free(cfg);
	config_free(cfg2);
	errs_free(&errs);
	free(text);
	free(added);
	free(back);
	free(weighed);
	return good;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL) * 1000003u;
	int rounds = argc > 1 ? 1 : 4000, failed = 0;

	for (int i = 0; i < rounds && failed < 3; i++)
		failed += !random_round(seed + (uint64_t)i);
	ok(failed == 0,
	   "random files: adding, weighing and removing touch only the lines concerned");
	printf("# %d refusals in %d rounds from seed %llu\n", refusals, rounds,
	       (unsigned long long)seed);
	ok(refusals * 20 <= rounds, "few random files are refused");
	return tap_done();
}
