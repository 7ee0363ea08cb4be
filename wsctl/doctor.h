/*
 * doctor: what is wrong around a cluster and hurts only later: limits, rights, Redis's settings,
 * faulty versions. Facts are gathered first (doctor_host.c: this host; doctor_ask.c: HAProxy,
 * Redis, the nodes), then judged by a table of pure functions (doctor_local.c, doctor_haproxy.c,
 * doctor_redis.c,
 * doctor_servers.c, doctor_nodes.c) that know only the facts. cmd_doctor.c prints.
 */
#ifndef WSCTL_DOCTOR_H
#define WSCTL_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/buf.h"
#include "../lib/config.h"
#include "ctl.h"
#include "hap.h"

/* UNCHECKED: it can't be seen from here or with these rights; what would see it is in mend. */
enum doctor_level { DOCTOR_OK, DOCTOR_UNCHECKED, DOCTOR_WARN, DOCTOR_FAIL };

struct finding {
	const char *check; /* static */
	enum doctor_level level;
	char *what, *why, *mend; /* malloc'd; why and mend may be NULL */
};
struct findings {
	struct finding *v;
	size_t n;
	const char *check; /* of what is found now */
	bool oom;
};

enum doctor_kind {
	DOCTOR_SECRET, /* or a certificate with its key */
	DOCTOR_FILE,   /* whoever writes it governs the cluster */
	DOCTOR_STATE,  /* state_dir */
	DOCTOR_ADMIN,  /* sockets */
	DOCTOR_MASTER,
};
struct doctor_file {
	enum doctor_kind kind;
	char *path;
	int error;     /* errno of looking at it; 0 */
	unsigned mode; /* st_mode */
	bool shut;     /* a directory above keeps other users out */
	bool regroup;  /* nodes read it as everybody does, not by their group */
};

/* One of redis.servers, asked as HAProxy's check asks it. */
struct doctor_server {
	bool answered, master;
	bool no_user;    /* it lacks the ACL user of the check */
	size_t replicas; /* of a master: those that are linked to it */
	char why[256];   /* not answered */
};

struct doctor_node {
	const char *name;
	bool far;             /* on another host */
	const json_t *report; /* NULL: silent */
	int64_t skew_ms;      /* its clock minus ours, by as much as is certain */
};

struct doctor_facts {
	const struct config *cfg;

	/* This host. -1: can't be read */
	int64_t port_low, port_high, somaxconn, conntrack_max, conntrack_count, cpus;
	bool conntrack; /* connections are tracked */
	struct doctor_file *files;
	size_t n_files;

	/* HAProxy in its own words; NULL: it can't be asked, hap_why */
	char *hap_info, *hap_sockets;
	bool hap_denied; /* ... for want of rights */
	char hap_why[512], backend_why[512];
	struct hap_servers servers;
	int64_t hap_nofile; /* hard limit of its process; -1 not known */
	char *file;         /* haproxy.file as it is; NULL: file_error */
	int file_error;
	char *rendered; /* haproxy.file as it should be */

	/* Redis in its own words; a setting is NULL where CONFIG is refused */
	bool redis_ok;
	char redis_why[512], config_why[256];
	char *redis_info, *bind, *protected_mode, *buffers, *save, *appendfsync;
	int open; /* 1: it answers without a password, 0: not, -1: not known */
	bool far; /* and was asked on an address of a network, not on loopback */
	struct doctor_server servers_of_redis[REDIS_SERVERS_MAX]; /* as many as cfg has */
	bool has_time;
	int64_t skew_ms;

	struct doctor_node *nodes; /* those of the file */
	size_t n_nodes;
	struct ctl_replies replies; /* what the nodes' reports are borrowed from */
};

/* Gathers; what can't be had is in the facts. 0, or -1: out of memory. doctor_free in both cases.
 */
int doctor_look(const struct config *, struct doctor_facts *);
void doctor_free(struct doctor_facts *);
/* root: "" or where another /proc is, for tests. */
int doctor_host(const struct config *, const char *root, struct doctor_facts *);
int doctor_ask(const struct config *, struct doctor_facts *);

/* Runs every check of the table. findings_free. */
void doctor_judge(const struct doctor_facts *, struct findings *);
void findings_free(struct findings *);

/* For checks: something found, then why it matters and what mends it. */
void found(struct findings *, enum doctor_level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void found_why(struct findings *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void found_mend(struct findings *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "ws1, ws2, ws3 and 9 more" */
struct doctor_names {
	struct buf b;
	size_t n;
};
void names_add(struct doctor_names *, const char *);
const char *names_str(struct doctor_names *); /* borrowed until names_free */
void names_free(struct doctor_names *);
/* The value of a line "KEY: VALUE" or "KEY:VALUE"; "" when there is none. Returns out. */
enum { DOCTOR_FIELD = 128 };
const char *doctor_field(const char *text, const char *key, char out[static DOCTOR_FIELD]);
int64_t doctor_number(const char *text, const char *key); /* -1: none */
/* strerror as it stands in a sentence. Returns out. */
const char *doctor_reason(int error, char out[static DOCTOR_FIELD]);
/* A word for a shell, quoted where needed. malloc'd; NULL: out of memory. */
char *doctor_word(const char *);
/* How many tunnels HAProxy may open to that node. */
int64_t doctor_tunnels(const struct config *, const struct config_node *);
/* Whether a rule keeps messages in Redis. */
bool doctor_keeps(const struct config *);
/* `timeout tunnel` of that backend in a haproxy.cfg, in ms; -1: none, or not understood. */
int64_t doctor_tunnel_ms(const char *cfg_text, const char *backend);

void check_haproxy(const struct doctor_facts *, struct findings *);
void check_haproxy_nofile(const struct doctor_facts *, struct findings *);
void check_haproxy_version(const struct doctor_facts *, struct findings *);
void check_haproxy_threads(const struct doctor_facts *, struct findings *);
void check_haproxy_loaded(const struct doctor_facts *, struct findings *);
void check_ping(const struct doctor_facts *, struct findings *);
void check_sockets(const struct doctor_facts *, struct findings *);
void check_ports(const struct doctor_facts *, struct findings *);
void check_conntrack(const struct doctor_facts *, struct findings *);
void check_somaxconn(const struct doctor_facts *, struct findings *);
void check_secrets(const struct doctor_facts *, struct findings *);
void check_files(const struct doctor_facts *, struct findings *);
void check_redis(const struct doctor_facts *, struct findings *);
void check_redis_access(const struct doctor_facts *, struct findings *);
void check_redis_buffers(const struct doctor_facts *, struct findings *);
void check_redis_memory(const struct doctor_facts *, struct findings *);
void check_redis_disk(const struct doctor_facts *, struct findings *);
void check_redis_servers(const struct doctor_facts *, struct findings *);
void check_nodes(const struct doctor_facts *, struct findings *);
void check_nodes_nofile(const struct doctor_facts *, struct findings *);
void check_nodes_config(const struct doctor_facts *, struct findings *);
void check_nodes_version(const struct doctor_facts *, struct findings *);
void check_clock(const struct doctor_facts *, struct findings *);

#endif
