/*
 * config_keys: every key of wscale.yaml in one table: its path, its type, its default, where its
 * value goes, and what it may be. config.c walks the file by it; the manual is checked against it.
 */
#ifndef WSCALE_CONFIG_KEYS_H
#define WSCALE_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct errs;

enum key_type {
	KEY_MAP,   /* a section: its keys are the rows below its path; arg: an example, or NULL */
	KEY_NODES, /* these five are read by config.c */
	KEY_RULES,
	KEY_ORIGINS,
	KEY_BALANCERS,
	KEY_SERVERS,
	KEY_CLUSTER,  /* char[CLUSTER_MAX + 1] */
	KEY_TEXT,     /* char *, valid() and arg say what it may be */
	KEY_VERBATIM, /* char *, many lines */
	KEY_BOOL,     /* bool */
	KEY_ENUM,     /* an enum from 0 on; arg: its words, "all backend" */
	KEY_WORD,     /* bool: true if it says the one word that it can, arg */
	KEY_U32,      /* uint32_t, min..max */
	KEY_DURATION, /* uint64_t milliseconds, min..max */
	KEY_SIZE,     /* uint64_t bytes, min..max */
	KEY_RATE,     /* struct rate */
	KEY_BIND,     /* struct endpoint, TCP, the host may be left out */
	KEY_ADDRESS,  /* struct endpoint, with a host, or a Unix socket */
	KEY_REDIS,    /* struct redis_url */
};

struct key {
	const char
		*path; /* "node.drain.rate"; "nodes.*.weight" and "channels.rules[].slow" in each */
	enum key_type type;
	const char *dflt; /* as it would stand in the file; NULL: none, or made from other keys */
	size_t at;        /* offset in struct config, config_node or config_rule */
	uint64_t min, max;
	const char *arg;
	bool (*valid)(const char *);
};

extern const struct key config_keys[]; /* path NULL ends it */
enum { CONFIG_KEYS_MAX = 80 };         /* more rows than the table has */

/* The row of parent's key ("" is the root); NULL: unknown. Neither text is held on to. */
const struct key *config_key(const char *parent, const char *name);
/* Adds 'unknown key "bindd", did you mean "bind"?' */
void config_unknown(struct errs *, int line, int col, const char *parent, const char *name);
/* Whether the row's values stand in struct config itself, not in one of many nodes or rules. */
bool config_key_single(const struct key *);
/* How messages name it: "ping", "drain.rate". Borrowed from the row. */
const char *config_key_label(const struct key *);

enum { CONFIG_WHY = 256 };
/*
 * Turns one scalar into the row's type and puts it at base + at. -1: why says what is wrong, as the
 * end of a sentence that begins with the key and the value: 'needs a unit, such as "25s"'.
 */
int config_set(const struct key *, void *base, const char *text, char why[static CONFIG_WHY]);

#endif
