/*
 * commands: the one table of subcommands. Dispatch, help, completion and the test against the
 * manual read it; an option exists for a command when its row names it. Holds no logic of any
 * command.
 */
#include <string.h>

#include "cmd.h"

const struct command commands[] = {
	{"init", "",
         "[--node NAME=ADDRESS] [--cluster NAME] [--redis URL] [--bind ADDRESS] [--own "
         "all|backend] "
         "[--overwrite]",
         "write a first wscale.yaml", 0, 0, false, true, cmd_init},
	{"check", "", "", "the YAML and, by haproxy -c, what it renders", 0, 0, false, false,
         cmd_check},
	{"generate", "", "[-o FILE] [--overwrite] [--node NAME] [--listen ADDRESS]",
         "print or write haproxy.cfg, or a node's YAML", 0, 0, true, false,
         cmd_generate},
	{"plan", "", "", "what apply would do", 0, 0, true,
         false, cmd_plan},
	{"apply", "", "[--allow-remove] [--rollback] [--overwrite] [--deadline D] [--state]",
         "make HAProxy what the YAML says", 0, 0, true, true,
         cmd_apply},
	{"status", "[NAME]", "[--check]", "HAProxy's view and the nodes', side by side", 0, 1, true,
         false, cmd_status},
	{"add", "NAME ADDRESS", "[--weight N] [--maxconn N] [--runtime]",
         "take a running node into the cluster", 2, 2, true, true, cmd_add},
	{"cordon", "NAME", "", "no new clients; those it has stay", 1, 1, true, true, cmd_cordon},
	{"drain", "NAME", "[--over D] [--rate N/s] [--deadline D] [--no-wait] [--kill] [--force]",
         "move its clients to the other nodes and wait", 1, 1, true, true, cmd_drain},
	{"ready", "NAME", "[--wait D]", "back to work, after a cordon or a drain", 1, 1, true, true,
         cmd_ready},
	{"remove", "NAME", "[--over D] [--rate N/s] [--deadline D] [--kill] [--force]",
         "drain, delete, forget", 1, 1, true, true, cmd_remove},
	{"weight", "NAME N", "", "its share of new clients, 0 to 256", 2, 2, true, true,
         cmd_weight},
	{"roll", "[NAME...]",
         "[--exec CMD] [--shell] [--reboot] [--max-unavailable N] [--over D] [--rate N/s] "
         "[--deadline D] [--wait D] [--force]",
         "node after node: drain, restart, check, ready", 0, 1000, true, true, cmd_roll},
	{"retire", "LB[/PID]", "[--over D] [--rate N/s] [--deadline D] [--no-wait]",
         "move clients off a balancer or an old worker", 1, 1, true, true,
         cmd_retire},
	{"cert", "[FILE]", "", "a renewed certificate, without a reload", 0, 1, true,
         true, cmd_cert},
	{"top", "", "[--interval D] [--sort COLUMN]", "status, live", 0, 0, true, false, cmd_top},
	{"channels", "[NAME|PATTERN]", "[--watch] [--interval D] [--sort COLUMN]",
         "who listens to what; one channel: per node", 0, 1, true, false, cmd_channels},
	{"publish", "CHANNEL [MESSAGE|-]", "[--from kafka] [--skip-large] [--deadline D]",
         "send a message; -: each line of standard input", 1, 2, true, false, cmd_publish},
	{"tail", "CHANNEL...", "[--count N] [--for D]",
         "each message of these channels as it comes", 1, 100, true, false, cmd_tail},
	{"purge", "CHANNEL", "", "take a channel's history away", 1, 1, true, true, cmd_purge},
	{"latency", "", "[--count N]", "from a publish to each node's answer",
         0, 0, true, false, cmd_latency},
	{"token", "", "[--sub WHO] [--subscribe A,B] [--publish A,B] [--expires D]",
         "sign a token for a client", 0, 0, true, false, cmd_token},
	{"doctor", "", "[-v]", "what will hurt later, and what mends it", 0, 0,
         true, false, cmd_doctor},
	{"relay", "", "", "this balancer's end of a wsctl on another host", 0, 0, false, false,
         cmd_relay},
	{"completion", "bash", "", "a script that completes all this in bash", 1, 2, false, false,
         cmd_completion},
	{"help", "[COMMAND]", "", "this, or one command's usage", 0, 1, false, false, cmd_help},
	{"version", "", "", "print the version", 0, 0, false, false, cmd_version},
	{NULL, NULL, NULL, NULL, 0, 0, false, false, NULL},
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}
