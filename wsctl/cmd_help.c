/*
 * help and version: read from the commands' table, so what they say is what is there.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../lib/version.h"
#include "cmd.h"

enum { WIDTH = 80 };

/* An option of the line, on the next one when it would not fit. */
static void option(FILE *to, const char *text, int len, int *col)
{
	if (*col + 1 + len > WIDTH)
		*col = fprintf(to, "\n        %.*s", len, text) - 1;
	else
		*col += fprintf(to, " %.*s", len, text);
}

void usage_print(FILE *to, const struct command *c)
{
	int col = fprintf(to, "usage: wsctl %s%s%s", c->name, *c->args ? " " : "", c->args);

	for (const char *at = c->options; *at;) {
		size_t len = strcspn(at, "]");

		len += at[len] == ']';
		option(to, at, (int)len, &col);
		at += len;
		at += strspn(at, " ");
	}
	if (c->mutates)
		option(to, "[-n]", 4, &col);
	fputc('\n', to);
}

int cmd_help(struct run *r)
{
	if (r->argc) {
		const struct command *c = command_find(r->argv[0]);

		if (!c) {
			say_error("unknown command \"%s\"; wsctl help lists them", r->argv[0]);
			return EXIT_USAGE;
		}
		usage_print(stdout, c);
		printf("  %s\n", c->summary);
		return EXIT_OK;
	}
	printf("usage: wsctl [-c FILE] [-q] [--json] COMMAND ...\n\n");
	for (const struct command *c = commands; c->name; c++) {
		char call[64];

		snprintf(call, sizeof call, "%s%s%s", c->name, *c->args ? " " : "", c->args);
		printf("  %-29s  %s\n", call, c->summary);
	}
	printf("\n"
	       "  -c FILE    the YAML; else $WSCALE_CONFIG, else /etc/wscale/wscale.yaml\n"
	       "  -q         no talk, only errors\n"
	       "  --json     one JSON object on standard output\n"
	       "  -n         say what would happen and change nothing\n"
	       "wsctl help COMMAND shows its options.\n");
	return EXIT_OK;
}

int cmd_version(struct run *r)
{
	if (r->opts.json)
		say_json(json_pack("{s:s}", "wsctl", WSCALE_VERSION));
	else
		printf("wsctl %s\n", WSCALE_VERSION);
	return EXIT_OK;
}
