/*
 * cmd: what every subcommand sees: the options, the configuration, and how to say things. One table
 * (commands.c) carries name, arguments, summary and function; it feeds dispatch, help and
 * completion. Data goes to stdout, talk to stderr; only main.c exits.
 */
#ifndef WSCTL_CMD_H
#define WSCTL_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../lib/config.h"
#include "interrupt.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,     /* failed or refused */
	EXIT_DIFFERENCE = 2, /* plan */
	EXIT_USAGE = 64,
	EXIT_AWAY = 69,  /* HAProxy or Redis out of reach */
	EXIT_LATER = 75, /* deadline passed or lock held */
	EXIT_CONFIG = 78,
	EXIT_INTERRUPTED = 130,
};

/* An option that may be given several times; borrowed of argv. */
enum { TEXTS_MAX = 256 };
struct texts {
	const char *v[TEXTS_MAX];
	size_t n;
};

/* Every option wsctl knows; which of them a command takes stands in its table row. */
struct opts {
	const char *config; /* -c */
	bool json, quiet, verbose, dry_run, help;
	bool runtime, force, kill, no_wait, overwrite, skip_large;
	bool has_weight, has_maxconn;
	uint32_t weight, maxconn;
	uint64_t over_ms, deadline_ms, wait_ms; /* 0: not given */
	struct rate rate;                       /* count 0: not given */
	const char *output;                     /* -o */
	const char *from;                       /* publish --from */
	const char *sub;                        /* token --sub */
	const char *subscribe, *publish;        /* token: comma-separated patterns */
	uint64_t expires_ms;                    /* token --expires, 0: not given */
	uint32_t count;                         /* tail and latency --count, 0: not given */
	uint64_t for_ms;                        /* tail --for, 0: not given */
	bool allow_remove, rollback, state;     /* apply */
	bool check;                             /* status --check */
	bool watch;                             /* channels --watch */
	uint64_t interval_ms;                   /* top, channels --watch; 0: not given */
	const char *sort;                       /* top, channels: a column */
	const char *exec;                       /* roll --exec */
	bool shell, reboot;                     /* roll */
	uint32_t max_unavailable;               /* roll, 0: not given */
	struct texts nodes;                     /* --node: NAME=ADDRESS of init, NAME of generate */
	const char *listen;                     /* generate --listen */
	const char *cluster, *redis, *bind, *own; /* init */
};

struct run {
	struct opts opts;
	struct config *cfg; /* NULL for commands that need none */
	bool rolls;         /* roll: it holds the roll lock of the nodes it works at */
	int argc;           /* positional arguments behind the command's name */
	char **argv;
};

struct command {
	const char *name;
	const char *args;    /* "NAME ADDRESS" for usage */
	const char *options; /* the options it takes, as in usage: "[--weight N] [--runtime]" */
	const char *summary; /* one line */
	int min_args, max_args;
	bool needs_config, mutates;
	int (*run)(struct run *);
};

extern const struct command commands[]; /* ends with name NULL */
const struct command *command_find(const char *name);
/* "usage: wsctl NAME ...", broken at 80 columns. */
void usage_print(FILE *, const struct command *);

/* "wsctl: MSG" on stderr. */
void say_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Until it is told NULL, say_error's lines and say's are added there, each with its end. */
struct buf;
void say_into(struct buf *);
/* Talk on stderr, silent with -q. */
void say(const struct run *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Replaces what could drive a terminal or forge a line, in texts that come from elsewhere. */
void tame(char *);
/* Every error of a list, each with "FILE:LINE:COL: "; file NULL: without. */
struct errs;
void say_errs(const struct errs *, const char *file);
/* Fills out with the first message of say_error; false: there was none. For --json. */
bool said_error(const char **out);
/*
 * --json: one object on stdout, with "version": 1 added, and "ok": true unless "ok" is there. Taken
 * over. A command that failed without it gets {"version": 1, "ok": false, "error": ...} from
 * main.c.
 */
struct json_t;
void say_json(struct json_t *);
bool said_json(void);
/* Who is at the keyboard: $SUDO_USER, else the login name. Borrowed. */
const char *whoami(void);
/* The audit line: syslog(LOG_NOTICE, AUTHPRIV-less "who, what, before, after"). */
void audit(const char *what, const char *node, const char *before, const char *after);

int cmd_check(struct run *);
int cmd_generate(struct run *);
int cmd_init(struct run *);
int cmd_plan(struct run *);
int cmd_apply(struct run *);
int cmd_roll(struct run *);
int cmd_retire(struct run *);
int cmd_cert(struct run *);
int cmd_top(struct run *);
int cmd_relay(struct run *);
int cmd_add(struct run *);
int cmd_cordon(struct run *);
int cmd_drain(struct run *);
int cmd_ready(struct run *);
int cmd_remove(struct run *);
int cmd_weight(struct run *);
int cmd_status(struct run *);
int cmd_channels(struct run *);
int cmd_publish(struct run *);
int cmd_tail(struct run *);
int cmd_purge(struct run *);
int cmd_latency(struct run *);
int cmd_token(struct run *);
int cmd_doctor(struct run *);
int cmd_completion(struct run *);
int cmd_help(struct run *);
int cmd_version(struct run *);

#endif
