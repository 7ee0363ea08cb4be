/* options: see options.h. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "../lib/channel.h"
#include "../lib/endpoint.h"
#include "../lib/version.h"

static const char usage[] =
	"usage: wsnode [-c FILE] [--listen ADDRESS] [--redis URL | --standalone] [--demo] NAME\n"
	"\n"
	"Holds WebSocket clients and hands them what is published in Redis.\n"
	"\n"
	"  NAME              this node's name under nodes: in the YAML\n"
	"  -c FILE           the YAML; else $WSCALE_CONFIG, else /etc/wscale/wscale.yaml\n"
	"  --listen ADDRESS  HOST:PORT, :PORT or unix:/PATH instead of the file's\n"
	"  --redis URL       redis://HOST:PORT or unix:///PATH instead of the file's\n"
	"  --standalone      without Redis: messages stay within this process\n"
	"  --demo            serves the chat page at /\n"
	"  --help, --version\n"
	"\n"
	"With --listen and one of --redis and --standalone no file is needed.\n"
	"Signals: TERM drains and exits (again: at once), HUP reads the YAML again.\n";

/* What can be judged without a file. */
static bool values_valid(const struct options *o)
{
	struct redis_url url;
	struct endpoint at;
	const char *why;

	if (!node_name_valid(o->name)) {
		fprintf(stderr,
		        "wsnode: \"%s\" is no name for a node: 1 to %d of A-Z a-z 0-9 _ -\n",
		        o->name, NODE_NAME_MAX);
		return false;
	}
	if (o->listen && endpoint_parse(o->listen, true, &at, &why)) {
		fprintf(stderr, "wsnode: --listen %s %s\n", o->listen, why);
		return false;
	}
	if (o->redis && redis_url_parse(o->redis, &url, &why)) {
		fprintf(stderr, "wsnode: --redis %s %s\n", o->redis, why);
		return false;
	}
	return true;
}

int options_parse(int argc, char **argv, struct options *o)
{
	enum { LISTEN = 256, REDIS, STANDALONE, DEMO, HELP, VERSION };
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"listen", required_argument, NULL, LISTEN},
		{"redis", required_argument, NULL, REDIS},
		{"standalone", no_argument, NULL, STANDALONE},
		{"demo", no_argument, NULL, DEMO},
		{"help", no_argument, NULL, HELP},
		{"version", no_argument, NULL, VERSION},
		{NULL, 0, NULL, 0},
	};
	int c;

	memset(o, 0, sizeof *o);
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case LISTEN:
			o->listen = optarg;
			break;
		case REDIS:
			o->redis = optarg;
			break;
		case STANDALONE:
			o->standalone = true;
			break;
		case DEMO:
			o->demo = true;
			break;
		case 'h':
		case HELP:
			fputs(usage, stdout);
			return 1;
		case VERSION:
			puts("wsnode " WSCALE_VERSION);
			return 1;
		default:
			fputs("wsnode: try wsnode --help\n", stderr);
			return -1;
		}
	}
	if (argc - optind != 1) {
		fprintf(stderr, "wsnode: %s; try wsnode --help\n",
		        argc == optind ? "the node's name is missing" : "one name is enough");
		return -1;
	}
	if (o->standalone && o->redis) {
		fputs("wsnode: --standalone and --redis exclude each other\n", stderr);
		return -1;
	}
	o->name = argv[optind];
	return values_valid(o) ? 0 : -1;
}
