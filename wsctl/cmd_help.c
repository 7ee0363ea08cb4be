/*
 * help and version: read from the commands' table, so what they say is what is there.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../lib/version.h"
#include "cmd.h"

static void one(const struct command *c)
{
	printf("usage: wsctl %s%s%s%s%s%s\n  %s\n", c->name, *c->args ? " " : "", c->args,
	       *c->options ? " " : "", c->options, c->mutates ? " [-n]" : "", c->summary);
}

int cmd_help(struct run *r)
{
	if (r->argc) {
		const struct command *c = command_find(r->argv[0]);

		if (!c) {
			say_error("unknown command \"%s\"; wsctl help lists them", r->argv[0]);
			return EXIT_USAGE;
		}
		one(c);
		return EXIT_OK;
	}
	printf("usage: wsctl [-c FILE] [-q] [--json] COMMAND ...\n\n");
	for (const struct command *c = commands; c->name; c++) {
		char call[64];

		snprintf(call, sizeof call, "%s%s%s", c->name, *c->args ? " " : "", c->args);
		printf("  %-29s  %s\n", call, c->summary);
	}
	printf("\n"
	       "  -c FILE    the configuration; else $WSCALE_CONFIG, else /etc/wscale/wscale.yaml\n"
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
