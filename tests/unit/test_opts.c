/* test_opts: options stand anywhere, say what they need, and a typing error is named with its cure.
 */
#include <stdlib.h>

#include "../../wsctl/cmd.h"
#include "../../wsctl/opts.h"
#include "tap.h"

static struct opts o;
static struct parsed p;

/* Parses a NULL-terminated list. */
static int parse(char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	opts_free(&p);
	return opts_parse(argc, argv, &o, &p);
}

#define PARSE(...) parse((char *[]){__VA_ARGS__, NULL})

static char *w(const char *s)
{
	static char copies[16][64];
	static size_t at;
	char *c = copies[at++ % 16];

	snprintf(c, 64, "%s", s);
	return c;
}

static void places(void)
{
	ok(!PARSE(w("drain"), w("--over"), w("2m"), w("ws2"), w("-q")) && p.argc == 2 && o.quiet &&
	           o.over_ms == 120000,
	   "options stand between and after arguments");
	is(p.argv[1], "ws2", "arguments keep their order");
	ok(!PARSE(w("-q"), w("drain"), w("ws2"), w("--over=30s")) && o.over_ms == 30000,
	   "--x=V is --x V");
	ok(!PARSE(w("publish"), w("news"), w("--"), w("--json")) && p.argc == 3 && !o.json,
	   "-- ends the options");
	is(p.argv[2], "--json", "what follows -- is an argument");
	ok(!PARSE(w("publish"), w("news"), w("-")) && p.argc == 3, "- is an argument");
	ok(!PARSE(w("-qn"), w("ready"), w("-cfile.yaml")) && o.quiet && o.dry_run,
	   "short options join");
	is(o.config, "file.yaml", "-cFILE is -c FILE");
	ok(!PARSE(w("status"), w("-c"), w("other.yaml")), "-c FILE");
	is(o.config, "other.yaml", "... takes the next word");
	ok(!PARSE(w("--version")) && p.version && !p.argc, "--version needs no command");
}

static void values(void)
{
	ok(!PARSE(w("--weight"), w("0")) && o.has_weight && o.weight == 0,
	   "a weight of 0 is given");
	ok(!PARSE(w("--rate"), w("500/10s")) && o.rate.count == 500 && o.rate.per_ms == 10000,
	   "a rate with its interval");
	ok(PARSE(w("--weight"), w("257")) == -1, "a weight above 256 is refused");
	is(p.why, "--weight 257 is not a number from 0 to 256", "... with its range");
	ok(PARSE(w("--deadline"), w("25")) == -1, "a duration without a unit is refused");
	is(p.why, "--deadline 25 is not a duration such as 500ms, 25s or 2m",
	   "... with an example");
	ok(PARSE(w("--deadline"), w("0s")) == -1, "no time at all is refused");
	is(p.why, "--deadline 0s: it must be above 0", "... for what it is");
	ok(PARSE(w("--rate=200")) == -1, "a rate without an interval is refused");
	is(p.why, "--rate 200 is not a rate such as 200/s or 30/m", "... with an example");
	ok(PARSE(w("drain"), w("--over")) == -1, "a value that is missing");
	is(p.why, "--over needs a value", "... is asked for");
	ok(PARSE(w("-o")) == -1, "the same with a letter");
	is(p.why, "-o needs a value", "... is asked for by that letter");
	ok(PARSE(w("--config=")) == -1, "an empty value is none");
	ok(PARSE(w("--over"), w("2m"), w("--over=3m")) == -1 && strstr(p.why, "given twice"),
	   "of two values none is silently ignored");
	ok(PARSE(w("--force=yes")) == -1, "a switch takes no value");
	is(p.why, "--force takes no value", "... and says so");
}

static void typing_errors(void)
{
	const char *const words[] = {"drain", "ready", "remove", "status", NULL};

	ok(PARSE(w("--no-wiat")) == -1, "swapped letters");
	is(p.why, "unknown option --no-wiat, did you mean --no-wait?", "... are recognised");
	ok(PARSE(w("--dead=2m")) == -1, "a beginning");
	is(p.why, "unknown option --dead, did you mean --deadline?", "... is completed, not taken");
	ok(PARSE(w("--zzzzzz")) == -1, "nonsense");
	is(p.why, "unknown option --zzzzzz", "... gets no suggestion");
	ok(PARSE(w("-x")) == -1, "an unknown letter");
	is(p.why, "unknown option -x", "... is named");
	is(opts_nearest("drian", words), "drain", "the nearest word");
	is(opts_nearest("stat", words), "status", "a word by its beginning");
	ok(!opts_nearest("xyz", words), "no word is near");
	ok(!opts_nearest("", words), "no word is near nothing");
}

static void who_takes_what(void)
{
	const char *drain = "[--over D] [--no-wait] [--kill]";

	PARSE(w("drain"), w("--kill"), w("-n"), w("--json"));
	ok(!opts_refused(&p, drain, true),
	   "options that the row names, and those of every command");
	is(opts_refused(&p, drain, false), "--dry-run", "-n only where something changes");
	PARSE(w("drain"), w("--overwrite"));
	is(opts_refused(&p, drain, true), "--overwrite", "--over is not --overwrite");
	PARSE(w("generate"), w("-o"), w("file"));
	ok(!opts_refused(&p, "[-o FILE]", false), "a row that names the letter");
}

int main(void)
{
	places();
	values();
	typing_errors();
	who_takes_what();
	opts_free(&p);
	return tap_done();
}
