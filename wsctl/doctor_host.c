/*
 * doctor_host: gathers what this host has: kernel limits, CPUs, modes of files, and which of the
 * nodes' addresses are its own. Judges nothing, changes nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/secret.h"
#include "doctor.h"
#include "render.h"

enum { FILE_MOST = 8 << 20 };

/* Up to n numbers of a file below root; how many there were, -1 with errno. */
static int numbers(const char *root, const char *path, int64_t *v, int n)
{
	char name[PATH_MAX];
	long long x;
	int got = 0;
	FILE *file;

	if (snprintf(name, sizeof name, "%s%s", root, path) >= (int)sizeof name)
		return -1;
	file = fopen(name, "re");
	if (!file)
		return -1;
	while (got < n && fscanf(file, "%lld", &x) == 1)
		v[got++] = x;
	fclose(file);
	return got;
}

static int64_t number(const char *root, const char *path)
{
	int64_t v;

	return numbers(root, path, &v, 1) == 1 ? v : -1;
}

static void kernel(const char *root, struct doctor_facts *f)
{
	static const char max[] = "/proc/sys/net/netfilter/nf_conntrack_max";
	int64_t range[2];
	cpu_set_t set;

	f->port_low = f->port_high = -1;
	if (numbers(root, "/proc/sys/net/ipv4/ip_local_port_range", range, 2) == 2) {
		f->port_low = range[0];
		f->port_high = range[1];
	}
	f->somaxconn = number(root, "/proc/sys/net/core/somaxconn");
	errno = 0;
	f->conntrack_max = number(root, max);
	f->conntrack = f->conntrack_max >= 0 || errno != ENOENT;
	f->conntrack_count = number(root, "/proc/sys/net/netfilter/nf_conntrack_count");
	f->cpus = sched_getaffinity(0, sizeof set, &set) ? -1 : CPU_COUNT(&set);
}

/* Whether a directory above keeps other users from coming near. */
static bool shut_above(const char *path)
{
	char real[PATH_MAX], *slash;
	struct stat st;

	if (!realpath(path, real))
		return false;
	while ((slash = strrchr(real, '/')) && slash != real) {
		*slash = '\0';
		if (!stat(real, &st) && !(st.st_mode & S_IXOTH))
			return true;
	}
	return false;
}

/* Takes path over. */
static int add_file(struct doctor_facts *f, enum doctor_kind kind, char *path)
{
	struct doctor_file *v = path ? realloc(f->files, (f->n_files + 1) * sizeof *v) : NULL;
	struct stat st;

	if (!v) {
		free(path);
		return -1;
	}
	f->files = v;
	v = &v[f->n_files++];
	*v = (struct doctor_file){.kind = kind, .path = path};
	if (stat(path, &st))
		v->error = errno;
	else
		v->mode = st.st_mode;
	v->shut = !v->error && shut_above(path);
	return 0;
}

/* One that the nodes of this host read, as the user of their unit. */
static int add_secret(struct doctor_facts *f, char *path)
{
	const struct group *g = getgrnam("wscale");
	struct stat st;

	if (add_file(f, DOCTOR_SECRET, path))
		return -1;
	f->files[f->n_files - 1].regroup = g && !stat(path, &st) && st.st_gid != g->gr_gid;
	return 0;
}

static int modes(const struct config *cfg, struct doctor_facts *f)
{
	const char *secrets[] = {cfg->redis.password_file, cfg->auth.token_file,
	                         cfg->auth.jwt_key_file};

	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		if (secrets[i] && add_secret(f, secret_path(cfg->path, secrets[i])))
			return -1;
	if (cfg->haproxy.tls && add_file(f, DOCTOR_SECRET, strdup(cfg->haproxy.tls_cert)))
		return -1;
	return add_file(f, DOCTOR_FILE, strdup(cfg->path)) ||
	                       add_file(f, DOCTOR_FILE, strdup(cfg->haproxy.file)) ||
	                       add_file(f, DOCTOR_STATE, strdup(cfg->haproxy.state_dir)) ||
	                       add_file(f, DOCTOR_ADMIN, strdup(cfg->haproxy.socket)) ||
	                       add_file(f, DOCTOR_MASTER, strdup(cfg->haproxy.master))
	               ? -1
	               : 0;
}

/* persist_read would print. */
static char *read_file(const char *path, int *error)
{
	FILE *file = fopen(path, "re");
	struct buf b = {0};
	char chunk[65536];
	size_t n;

	if (!file) {
		*error = errno;
		return NULL;
	}
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0 && b.len < FILE_MOST)
		buf_add(&b, chunk, n);
	*error = ferror(file) ? EIO : 0;
	fclose(file);
	if (*error) {
		buf_free(&b);
		return NULL;
	}
	return buf_take(&b);
}

static bool same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	if (!b || a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
	return a->sa_family == AF_INET6 &&
	       !memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
	               &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr,
	               sizeof(struct in6_addr));
}

static bool loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >>
		               24 ==
		       127;
	return a->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

static bool is_far(const struct endpoint *at, const struct ifaddrs *own)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	bool far = true;

	/* A name that doesn't resolve is check's business. */
	if (at->is_unix || getaddrinfo(at->host, NULL, &hints, &list))
		return false;
	for (const struct addrinfo *a = list; a && far; a = a->ai_next) {
		far = !loopback(a->ai_addr);
		for (const struct ifaddrs *i = own; i && far; i = i->ifa_next)
			far = !same_host(a->ai_addr, i->ifa_addr);
	}
	freeaddrinfo(list);
	return far;
}

static int nodes(const struct config *cfg, struct doctor_facts *f)
{
	struct ifaddrs *own = NULL;

	if (!cfg->n_nodes)
		return 0;
	f->nodes = calloc(cfg->n_nodes, sizeof *f->nodes);
	if (!f->nodes)
		return -1;
	f->n_nodes = cfg->n_nodes;
	if (getifaddrs(&own))
		own = NULL;
	for (size_t i = 0; i < cfg->n_nodes; i++) {
		f->nodes[i].name = cfg->nodes[i].name;
		f->nodes[i].far = own && is_far(&cfg->nodes[i].at, own);
	}
	freeifaddrs(own);
	return 0;
}

int doctor_host(const struct config *cfg, const char *root, struct doctor_facts *f)
{
	kernel(root, f);
	f->file = read_file(cfg->haproxy.file, &f->file_error);
	f->rendered = render(cfg);
	return !f->rendered || modes(cfg, f) || nodes(cfg, f) ? -1 : 0;
}
