/*
 * doctor_local: judges this host: the kernel's limits, who may use HAProxy's sockets, and who may
 * read secrets or write what governs the cluster. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor.h"
#include "render_int.h"
#include "table.h"

/* A listener's queue that a storm of reconnects fills in no time; Linux' default since 5.4 is 4096.
 */
enum { BACKLOG_LEAST = 1024, BACKLOG = 4096 };
/* From where on daemons seldom listen. */
enum { WIDE_LOW = 10240, WIDE = 65535 - WIDE_LOW + 1 };

int64_t doctor_tunnels(const struct config *cfg, const struct config_node *n)
{
	uint32_t most = n->maxconn ? n->maxconn : cfg->node.max_clients;

	if (cfg->haproxy.own == OWN_ALL && most > cfg->haproxy.maxconn)
		most = cfg->haproxy.maxconn;
	return most;
}

static void widen(struct findings *out, int64_t most)
{
	if (most <= WIDE)
		found_mend(out,
		           "sysctl -w net.ipv4.ip_local_port_range=\"%d 65535\"   # and in "
		           "/etc/sysctl.d/90-wscale.conf",
		           WIDE_LOW);
	else
		found_mend(out, "more nodes, each with a lower maxconn; or nodes at unix: "
		                "addresses, which need no ports");
}

void check_ports(const struct doctor_facts *f, struct findings *out)
{
	int64_t ports = f->port_high - f->port_low + 1, most = 0, now = 0;
	struct doctor_names few = {0}, full = {0};
	char a[NUM_STR], b[NUM_STR];

	if (f->port_low < 0 || f->port_high < f->port_low) {
		found(out, DOCTOR_UNCHECKED, "source ports: ip_local_port_range can't be read");
		found_mend(out, "sysctl net.ipv4.ip_local_port_range");
		return;
	}
	for (size_t i = 0; i < f->cfg->n_nodes; i++) {
		const struct config_node *n = &f->cfg->nodes[i];
		const struct hap_server *s = hap_server(&f->servers, n->name);
		int64_t tunnels = doctor_tunnels(f->cfg, n);

		if (n->at.is_unix)
			continue;
		if (s && (int64_t)s->scur >= ports / 10 * 9) {
			names_add(&full, n->name);
			now = (int64_t)s->scur > now ? (int64_t)s->scur : now;
		} else if (tunnels > ports) {
			names_add(&few, n->name);
		}
		most = tunnels > most ? tunnels : most;
	}
	if (full.n) {
		found(out, DOCTOR_FAIL, "%s: %s tunnels, and %s source ports to each address",
		      names_str(&full), num_count((uint64_t)now, a), num_count((uint64_t)ports, b));
		found_why(out, "without a free one HAProxy answers 503 to whoever comes next");
		widen(out, most);
	}
	if (few.n) {
		found(out, DOCTOR_WARN, "%s: up to %s tunnels, but %s source ports to each address",
		      names_str(&few), num_count((uint64_t)most, a), num_count((uint64_t)ports, b));
		found_why(out, "beyond that HAProxy answers 503, though the node has room");
		widen(out, most);
	}
	if (!full.n && !few.n)
		found(out, DOCTOR_OK, "%s source ports to each node, at most %s tunnels",
		      num_count((uint64_t)ports, a), num_count((uint64_t)most, b));
	names_free(&few);
	names_free(&full);
}

void check_conntrack(const struct doctor_facts *f, struct findings *out)
{
	int64_t clients = doctor_number(f->hap_info, "Maxconn"), max = f->conntrack_max,
		count = f->conntrack_count, want;
	char a[NUM_STR], b[NUM_STR];

	if (!f->conntrack) {
		found(out, DOCTOR_OK, "connections aren't tracked on this host");
		return;
	}
	if (max < 0 || count < 0) {
		found(out, DOCTOR_UNCHECKED, "connections are tracked, the limit can't be read");
		found_mend(out, "sudo sysctl net.netfilter.nf_conntrack_max "
		                "net.netfilter.nf_conntrack_count");
		return;
	}
	if (f->cfg->haproxy.own == OWN_ALL && clients < (int64_t)render_maxconn(f->cfg))
		clients = (int64_t)render_maxconn(f->cfg);
	/* One from the client, one to the node. */
	want = clients > 0 ? 2 * clients : 0;
	if (count >= max / 10 * 8 && max) {
		found(out, DOCTOR_FAIL, "conntrack: %s of %s connections are taken",
		      num_count((uint64_t)count, a), num_count((uint64_t)max, b));
		found_why(out, "when it is full the kernel drops packets of new ones, silently");
		if (want < 2 * max)
			want = 2 * max;
	} else if (max && max < want) {
		found(out, DOCTOR_WARN, "conntrack: at most %s connections, maxconn may need %s",
		      num_count((uint64_t)max, a), num_count((uint64_t)want, b));
		found_why(out, "when it is full the kernel drops packets of new ones, silently");
	} else {
		found(out, DOCTOR_OK, "conntrack: %s of %s", num_count((uint64_t)count, a),
		      num_count((uint64_t)max, b));
		return;
	}
	found_mend(out,
	           "sysctl -w net.netfilter.nf_conntrack_max=%lld   # and in "
	           "/etc/sysctl.d/90-wscale.conf",
	           (long long)want * 5 / 4);
}

void check_somaxconn(const struct doctor_facts *f, struct findings *out)
{
	struct doctor_names far = {0};
	char a[NUM_STR];

	if (f->somaxconn < 0) {
		found(out, DOCTOR_UNCHECKED, "net.core.somaxconn can't be read");
		found_mend(out, "sysctl net.core.somaxconn");
	} else if (f->somaxconn < BACKLOG_LEAST) {
		found(out, DOCTOR_WARN, "net.core.somaxconn %s",
		      num_count((uint64_t)f->somaxconn, a));
		found_why(out, "when all clients come back at once, those beyond it lose seconds");
		found_mend(out,
		           "sysctl -w net.core.somaxconn=%d   # and in "
		           "/etc/sysctl.d/90-wscale.conf; then restart haproxy and the nodes",
		           BACKLOG);
	} else {
		found(out, DOCTOR_OK, "net.core.somaxconn %s",
		      num_count((uint64_t)f->somaxconn, a));
	}
	for (size_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].far)
			names_add(&far, f->nodes[i].name);
	if (far.n) {
		found(out, DOCTOR_UNCHECKED, "the hosts of %s", names_str(&far));
		found_why(out, "their kernel's limits and their secrets can't be seen from here");
		found_mend(out, "on each: wsctl doctor");
	}
	names_free(&far);
}

/* What can't be looked at: a finding, and true. */
static bool unseen(const struct doctor_file *x, struct findings *out)
{
	char why[DOCTOR_FIELD];

	if (!x->error)
		return false;
	found(out, DOCTOR_UNCHECKED, "%s: %s", x->path, doctor_reason(x->error, why));
	if (x->error == EACCES)
		found_mend(out, "sudo wsctl doctor");
	return true;
}

static void admin_everywhere(const struct doctor_facts *f, struct findings *out)
{
	for (const char *l = f->hap_sockets; l && *l; l += strcspn(l, "\n"), l += *l == '\n') {
		size_t at = strcspn(l, " \n"), level = at + strspn(l + at, " ");

		if (strncmp(l, "ipv4@", 5) != 0 && strncmp(l, "ipv6@", 5) != 0)
			continue;
		if (!strncmp(l, "ipv4@127.", 9) || !strncmp(l, "ipv6@::1:", 9) ||
		    !strncmp(l, "ipv6@[::1]:", 11) || strncmp(l + level, "admin", 5) != 0)
			continue;
		found(out, DOCTOR_FAIL, "HAProxy's admin socket listens at %.*s", (int)(at - 5),
		      l + 5);
		found_why(out, "who reaches it can cut every client");
		found_mend(out, "stats socket 127.0.0.1:PORT, or a path, in global; then reload");
	}
}

void check_sockets(const struct doctor_facts *f, struct findings *out)
{
	size_t before = out->n;
	char why[DOCTOR_FIELD];

	for (size_t i = 0; i < f->n_files; i++) {
		const struct doctor_file *x = &f->files[i];
		char *word = doctor_word(x->path);
		bool state = x->kind == DOCTOR_STATE;

		if (x->kind != DOCTOR_ADMIN && x->kind != DOCTOR_MASTER && !state)
			goto next;
		if (x->error == ENOENT || x->error == ECONNREFUSED) {
			if (state) {
				found(out, DOCTOR_WARN, "%s: %s", x->path,
				      doctor_reason(x->error, why));
				found_why(out, "cordons and drains are kept there");
				found_mend(out, "install -d -m 755 %s", word);
			} else if (x->kind == DOCTOR_MASTER) {
				found(out, DOCTOR_WARN, "%s: no master socket", x->path);
				found_why(out, "clients on old workers, after a reload, can't be "
				               "seen or moved");
				found_mend(out, "systemctl edit haproxy   # haproxy -Ws -S %s ...",
				           word);
			}
		} else if (!unseen(x, out) && x->mode & S_IWOTH && !x->shut &&
		           !(state && x->mode & S_ISVTX)) {
			found(out, DOCTOR_FAIL, "%s: everybody on this host may write to it",
			      x->path);
			found_why(out, state ? "HAProxy takes over at its start what stands there"
			                     : "who does can cut every client");
			found_mend(out, "chmod o-w %s%s", word,
			           state ? "" : "   # and `mode 660` on its line");
		}
	next:
		free(word);
	}
	admin_everywhere(f, out);
	if (out->n == before && f->hap_info)
		found(out, DOCTOR_OK, "HAProxy's sockets and %s are for its administrators only",
		      f->cfg->haproxy.state_dir);
}

void check_secrets(const struct doctor_facts *f, struct findings *out)
{
	size_t n = 0, before = out->n;
	char why[DOCTOR_FIELD];

	for (size_t i = 0; i < f->n_files; i++) {
		const struct doctor_file *x = &f->files[i];
		char *word;

		if (x->kind != DOCTOR_SECRET)
			continue;
		n++;
		word = doctor_word(x->path);
		if (S_ISDIR(x->mode)) {
			found(out, DOCTOR_UNCHECKED, "%s: the files in it", x->path);
			found_mend(out, "find %s -type f -perm /o+rw", word);
		} else if (x->error == ENOENT) {
			found(out, DOCTOR_FAIL, "%s: %s", x->path, doctor_reason(x->error, why));
			found_why(out, "%s names it; a start or a reload fails", f->cfg->path);
			found_mend(out, "wsctl check");
		} else if (!unseen(x, out) && x->mode & (S_IROTH | S_IWOTH) && !x->shut) {
			found(out, DOCTOR_FAIL, "%s: everybody on this host may %s it", x->path,
			      x->mode & S_IROTH ? "read" : "write");
			found_why(out, "who has it is taken for who should have it");
			if (x->regroup) /* else the nodes would no longer read it */
				found_mend(out, "chgrp wscale %s && chmod 640 %s", word, word);
			else
				found_mend(out, "chmod o-rwx %s", word);
		}
		free(word);
	}
	if (!n)
		found(out, DOCTOR_OK, "no secrets in use");
	else if (out->n == before)
		found(out, DOCTOR_OK, "%zu secret%s, not for everybody", n, n == 1 ? "" : "s");
}

void check_files(const struct doctor_facts *f, struct findings *out)
{
	size_t before = out->n;

	for (size_t i = 0; i < f->n_files; i++) {
		const struct doctor_file *x = &f->files[i];
		char *word;

		if (x->kind != DOCTOR_FILE || x->error == ENOENT || unseen(x, out) ||
		    !(x->mode & S_IWOTH) || x->shut)
			continue;
		word = doctor_word(x->path);
		found(out, DOCTOR_FAIL, "%s: everybody on this host may write to it", x->path);
		found_why(out, "HAProxy and wsctl, as root, do what it says");
		found_mend(out, "chmod o-w %s", word);
		free(word);
	}
	if (out->n == before)
		found(out, DOCTOR_OK, "%s and %s are written by their owners only", f->cfg->path,
		      f->cfg->haproxy.file);
}
