/*
 * hap: HAProxy's Runtime API over its sockets: the admin socket of the current worker, and the
 * master socket for old workers. One command per connection, newline-terminated, read to its end,
 * always with a deadline. Replies are matched word for word; what is not known is an error. Source:
 * HAProxy management guide, "Unix Socket commands".
 */
#ifndef WSCTL_HAP_H
#define WSCTL_HAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interrupt.h"

struct config;
struct endpoint;

enum hap_result {
	HAP_OK = 0,
	HAP_REFUSED = -1, /* HAProxy answered with an error: hap_why() has it */
	HAP_AWAY = -2,    /* no socket, permission, deadline: hap_why() says which and what to do */
};

/* What the last call that wasn't HAP_OK was about. Borrowed until the next call. */
const char *hap_why(void);

enum hap_socket { HAP_ADMIN, HAP_MASTER };
/*
 * Sends one command to a socket of the balancer that cfg is the view of (fleet.h), and returns its
 * whole reply, malloc'd, "" when silent. "Permission denied" in it becomes HAP_REFUSED with a word
 * about `level admin`.
 */
int hap_ask(const struct config *, enum hap_socket, char **reply, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/*
 * To the admin socket, with lines that follow the command ("<<" in the management guide): each ends
 * in a newline, none is empty.
 */
int hap_ask_with(const struct config *, char **reply, const char *lines, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same through the master to one worker: "@!PID command". */
int hap_ask_worker(const struct config *, long pid, char **reply, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* One server as HAProxy has it, from `show servers state`, `show stat` and `show servers conn`, by
 * column name. */
struct hap_server {
	char name[64];
	char addr[128]; /* "10.0.0.1"; "unix": a Unix socket, whose path HAProxy doesn't tell */
	int port;
	unsigned admin;    /* srv_admin_state bits */
	unsigned op;       /* srv_op_state: 0 is down */
	unsigned uweight;  /* srv_uweight: the configured one */
	char status[32];   /* show stat: "UP", "DOWN", "DRAIN", "NOLB", "MAINT", "no check";
	                      prefix-match */
	char check[64];    /* check_status: "L7OK", "* L4TOUT", ... */
	int64_t lastchg_s; /* seconds since the status changed */
	uint64_t scur;     /* sessions now, on this worker */
	uint64_t maxconn;  /* slim, 0: none */
	uint64_t stot;
};

enum { HAP_ADMIN_MAINT = 0x01 | 0x02 | 0x04 | 0x20, HAP_ADMIN_DRAIN = 0x08 | 0x10 };

struct hap_servers {
	struct hap_server *v;
	size_t n;
	int64_t be_id; /* the backend's; -1: it has no servers to tell */
};

/* All servers of cfg's backend. No such backend: HAP_REFUSED, "HAProxy has no backend B; ...". */
int hap_servers(const struct config *, struct hap_servers *out);
const struct hap_server *hap_server(const struct hap_servers *, const char *name);
void hap_servers_free(struct hap_servers *);
/* Whether it is there, as far as HAProxy tells: a name is shown resolved, so of one only the port
 * counts, and a Unix socket's path isn't shown. */
bool hap_server_at(const struct hap_server *, const struct endpoint *);
/* "10.0.0.1:8081", "[::1]:8081" or "unix", of up to 140 bytes. Returns out. */
enum { HAP_ADDRESS = 140 };
const char *hap_server_address(const struct hap_server *, char out[static HAP_ADDRESS]);

/* Old workers (after a reload) that still live, with their tunnels to a server of the backend. */
struct hap_worker {
	long pid;
	int64_t uptime_s;
	uint64_t tunnels; /* to the server asked for; NULL asked: to the whole backend */
	uint64_t redis;   /* connections to redis.servers; only counted for the whole backend */
};
struct hap_workers {
	struct hap_worker *v;
	size_t n;
	uint64_t tunnels; /* sum */
};
/* HAP_AWAY when there is no master socket: the caller says that old workers can't be seen. */
int hap_old_workers(const struct config *, const char *server, struct hap_workers *out);
void hap_workers_free(struct hap_workers *);
/* Kills the server's tunnels on the current and on every old worker; returns how many, or < 0. */
int64_t hap_kill_tunnels(const struct config *, const char *server);
/* Ends an old worker's connections to redis.servers; returns how many, or < 0. */
int64_t hap_end_redis(const struct config *, long pid);

/*
 * Changes, each read back afterwards. Idempotent.
 * hap_add: add server with every keyword that render gives it, health checks on, state drain, so
 * that checks run and no traffic comes in; then the caller waits for L7OK and calls hap_set_ready.
 */
int hap_add(const struct config *, const char *server);
int hap_checks_on(const struct config *, const char *server);
int hap_set_ready(const struct config *, const char *server);
int hap_set_drain(const struct config *, const char *server);
int hap_set_maint(const struct config *, const char *server);
int hap_set_maxconn(const struct config *, const char *server, unsigned maxconn);
int hap_set_weight(const struct config *, const char *server, unsigned weight);
/* maint, waits until no session is attached (deadline), del server. Before 2.6.16: see
 * haproxy-facts 8. */
int hap_del(const struct config *, const char *server, uint64_t deadline_ms);
/* A certificate that HAProxy has loaded, by its file's path. */
struct hap_cert {
	char serial[64], until[64], subject[256], sha1[41]; /* as HAProxy writes them */
};
int hap_cert(const struct config *, const char *path, struct hap_cert *out);
/* Replaced by this PEM (certificate, chain, key; no empty lines), and read back. */
int hap_set_cert(const struct config *, const char *path, const char *pem);
/* The value of a line of `show info`, "" when there is none. HAP_OK, HAP_AWAY or HAP_REFUSED. */
int hap_info(const struct config *, const char *name, char *out, size_t size);
/* "2.6.12", NULL when away. malloc'd */
char *hap_version(const struct config *);

#endif
