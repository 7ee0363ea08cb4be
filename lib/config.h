/*
 * config: wscale.yaml as one struct. config_load reports everything wrong with the file at once,
 * with positions; what it returns is complete, valid and has every default filled in. Knows neither
 * HAProxy nor Redis; resolves no names and reads no secrets.
 */
#ifndef WSCALE_CONFIG_H
#define WSCALE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "endpoint.h"
#include "num.h"

struct errs;

struct pos {
	int line, col; /* 1-based; 0: a default */
};

enum own { OWN_ALL, OWN_BACKEND };
enum slow { SLOW_CLOSE, SLOW_DROP };
enum may_publish { PUBLISH_ANYONE, PUBLISH_TOKEN, PUBLISH_NOBODY };

struct config_node {
	char *name;
	struct endpoint at;
	uint32_t weight;  /* 0..256, default 100 */
	uint32_t maxconn; /* 0: not given, node.max_clients counts */
	struct pos pos;   /* of the name */
};

struct config_rule {
	char *match;
	enum slow slow;
	enum may_publish publish;
	uint32_t history_size;   /* messages kept; 0: none. 1 with cache_last */
	uint64_t history_ttl_ms; /* after the last message; 0: for good (cache_last) */
	bool cache_last;
	struct pos pos;
};

enum { BALANCERS_MAX = 32 };
struct config_balancer {
	char *name;
	char *ssh; /* what ssh gets: "root@lb2" or "ssh://root@lb2:2222"; NULL: this host */
};

/* One of the Redis servers among which HAProxy looks for the master. */
enum { REDIS_SERVERS_MAX = 16 };
struct config_server {
	struct endpoint at; /* TCP */
	struct pos pos;
};

/* How wsctl reaches a balancer that isn't this host; opaque here (wsctl/fleet.h). */
struct reach;

struct config {
	char *path; /* as opened, for messages and for secrets beside it */
	char cluster[CLUSTER_MAX + 1];

	struct {
		struct redis_url url;
		char *user;          /* NULL */
		char *password_file; /* NULL */
		struct pos password_pos;
		/* In the file's order; none: url is Redis itself, else what HAProxy binds. */
		struct config_server *servers;
		size_t n_servers;
	} redis;

	struct {
		enum own own;
		char *file;
		char *backend;
		struct endpoint bind; /* host "" is all addresses */
		bool tls;
		struct endpoint tls_bind;
		char *tls_cert;
		char *socket;
		char *master;
		char *state_dir;
		struct endpoint stats;
		uint32_t maxconn;
		char *user, *group, *socket_group, *chroot; /* NULL: not rendered */
		uint64_t hard_stop_after_ms;                /* 0: not rendered */
		uint32_t per_source_connections;            /* 0: off */
		struct rate per_source_rate;                /* count 0: off */
		/* At least one, in the file's order; default: "local", this host. */
		struct config_balancer *balancers;
		size_t n_balancers;
		/*
		 * The balancer that hap_*, persist_rendered* and state_* speak to: the one that is
		 * this host, NULL name when none is. wsctl's fleet makes a view of the
		 * configuration for each of the others.
		 */
		const char *balancer; /* borrowed of balancers */
		struct reach *reach;  /* NULL: this host; borrowed */
		char *extra_global, *extra_defaults, *extra_frontend,
			*extra_backend; /* never NULL */
		bool edit;
		char *without_effect; /* own: backend: keys given that only own: all renders; NULL
		                       */
	} haproxy;

	struct {
		uint32_t max_clients;
		uint64_t ping_ms;
		uint64_t max_message;     /* bytes */
		uint64_t max_queue;       /* bytes */
		uint64_t max_queue_total; /* bytes */
		uint64_t max_cache;       /* bytes */
		struct rate message_rate;
		struct {
			struct rate rate;
			uint64_t grace_ms, deadline_ms;
		} drain;
	} node;

	struct {
		char *token_file;   /* NULL */
		char *jwt_key_file; /* NULL */
		struct pos token_pos, jwt_key_pos;
		char **origins; /* NULL-terminated; NULL: any */
	} auth;

	struct {
		char *dflt; /* default channel */
		struct config_rule *rules;
		size_t n_rules;
	} channels;

	struct config_node *nodes; /* in the file's order */
	size_t n_nodes;
};

/* -c, else $WSCALE_CONFIG, else /etc/wscale/wscale.yaml. Borrowed. */
const char *config_path(const char *from_option);
/* NULL with at least one error; the caller frees both. */
struct config *config_load(const char *path, struct errs *);
/*
 * The file read anew, for who has waited for a lock meanwhile. NULL, silently: it isn't valid now,
 * or can't be read twice (a pipe).
 */
struct config *config_reload(const struct config *);
/* The same from memory; path is for messages. */
struct config *config_parse(const char *text, size_t len, const char *path, struct errs *);
/* Every default and no nodes: what wsnode runs on without a file. NULL: out of memory. */
struct config *config_default(void);
void config_free(struct config *);

const struct config_node *config_node(const struct config *, const char *name); /* NULL: none */
/* The first matching rule, or the built-in one (close, anyone); never NULL. */
const struct config_rule *config_rule(const struct config *, const char *channel);
/* Hex of a hash over redis, auth and channels as parsed (not their layout): what every node must
 * share. */
enum { CONFIG_HASH = 17 };
void config_hash(const struct config *, char out[static CONFIG_HASH]);

#endif
