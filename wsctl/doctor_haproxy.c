/*
 * doctor_haproxy: judges HAProxy: that it can be asked, its descriptors, version and threads,
 * whether what it loaded is the file and the file is what the YAML says, and the tunnel timeout
 * against the nodes' ping. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/num.h"
#include "doctor.h"
#include "hap_int.h"
#include "render.h"
#include "render_int.h"
#include "table.h"

enum { FDS_BESIDE = 100, MANY_CPUS = 4 };

void check_haproxy(const struct doctor_facts *f, struct findings *out)
{
	if (!f->hap_info && f->hap_denied) {
		found(out, DOCTOR_UNCHECKED, "HAProxy: %s", f->hap_why);
		found_why(out, "its limits, version, sockets and what it loaded aren't checked");
		found_mend(out, "sudo wsctl doctor");
	} else if (!f->hap_info) {
		found(out, DOCTOR_FAIL, "HAProxy can't be asked: %s", f->hap_why);
		found_why(out, "its limits, version, sockets and what it loaded aren't checked");
		found_mend(out, "systemctl start haproxy || journalctl -u haproxy");
	} else if (f->backend_why[0]) {
		found(out, DOCTOR_FAIL, "%s", f->backend_why);
		found_why(out, "no client reaches a node");
		found_mend(out, "systemctl reload haproxy   # with %s", f->cfg->haproxy.file);
	} else {
		found(out, DOCTOR_OK, "HAProxy answers and has backend %s",
		      f->cfg->haproxy.backend);
	}
}

void check_haproxy_nofile(const struct doctor_facts *f, struct findings *out)
{
	int64_t has = doctor_number(f->hap_info, "Ulimit-n"),
		uses = doctor_number(f->hap_info, "Maxsock"),
		loaded = doctor_number(f->hap_info, "Maxconn"), beside = FDS_BESIDE, need;
	char a[NUM_STR], b[NUM_STR], c[NUM_STR];

	if (!f->hap_info)
		return;
	if (has < 0 || uses < 0 || loaded < 0) {
		found(out, DOCTOR_UNCHECKED,
		      "haproxy: `show info` has no Ulimit-n, Maxsock or "
		      "Maxconn");
		return;
	}
	if (uses - 2 * loaded > beside)
		beside = uses - 2 * loaded;
	if (uses > has) {
		found(out, DOCTOR_FAIL, "haproxy nofile %s; its maxconn %s needs %s",
		      num_count((uint64_t)has, a), num_count((uint64_t)loaded, b),
		      num_count((uint64_t)uses, c));
		found_why(out, "it stops taking clients before its limit is reached");
		found_mend(out,
		           "systemctl edit haproxy   # [Service] LimitNOFILE=%lld; then restart it",
		           (long long)uses);
		return;
	}
	if (f->cfg->haproxy.own == OWN_BACKEND) {
		if (loaded < (int64_t)f->cfg->node.max_clients) {
			found(out, DOCTOR_WARN,
			      "haproxy takes %s connections in all, one node alone up to %s",
			      num_count((uint64_t)loaded, a),
			      num_count(f->cfg->node.max_clients, b));
			found_why(out,
			          "without `maxconn` in global it takes what its nofile (%s) "
			          "allows",
			          num_count((uint64_t)has, a));
			found_mend(out,
			           "systemctl edit haproxy   # [Service] LimitNOFILE=%lld; then "
			           "restart it",
			           2LL * f->cfg->node.max_clients + beside);
		} else {
			found(out, DOCTOR_OK, "haproxy nofile %s is enough for its maxconn %s",
			      num_count((uint64_t)has, a), num_count((uint64_t)loaded, b));
		}
		return;
	}
	need = 2 * (int64_t)render_maxconn(f->cfg) + beside;
	if (f->hap_nofile < 0) {
		found(out, DOCTOR_UNCHECKED, "haproxy: the limit of its process can't be read");
		found_why(out, "maxconn %s needs %s descriptors at its next start",
		          num_count(render_maxconn(f->cfg), a), num_count((uint64_t)need, b));
		found_mend(out, "systemctl show haproxy -p LimitNOFILE");
	} else if (need > f->hap_nofile) {
		found(out, DOCTOR_FAIL, "haproxy nofile %s; maxconn %s needs %s",
		      num_count((uint64_t)f->hap_nofile, a), num_count(render_maxconn(f->cfg), b),
		      num_count((uint64_t)need, c));
		found_why(out, "it runs, but will not start again with this file");
		found_mend(out,
		           "systemctl edit haproxy   # [Service] LimitNOFILE=%lld; then restart it",
		           (long long)need);
	} else {
		found(out, DOCTOR_OK, "haproxy nofile %s is enough for maxconn %s",
		      num_count((uint64_t)f->hap_nofile, a), num_count(render_maxconn(f->cfg), b));
	}
}

/* Debian 12 has 2.6.12. */
static void upgrade(struct findings *out)
{
	found_mend(out, "apt install haproxy   # 2.6.16 or later: haproxy.debian.net has it");
}

void check_haproxy_version(const struct doctor_facts *f, struct findings *out)
{
	char s[DOCTOR_FIELD];
	unsigned v[3];

	if (!f->hap_info)
		return;
	if (hap_version_parse(doctor_field(f->hap_info, "Version", s), v)) {
		found(out, DOCTOR_UNCHECKED, "haproxy has a version that says nothing: \"%s\"", s);
	} else if (v[0] < 2 || (v[0] == 2 && v[1] < 6)) {
		found(out, DOCTOR_FAIL, "haproxy %u.%u.%u is older than 2.6", v[0], v[1], v[2]);
		found_why(out, "nodes can't be added and removed while it runs");
		upgrade(out);
	} else if (hap_version_del_risky(v)) {
		found(out, DOCTOR_WARN, "haproxy %u.%u.%u: del server may crash", v[0], v[1], v[2]);
		found_why(out, "so removed nodes wait in MAINT until the next reload");
		upgrade(out);
	} else {
		found(out, DOCTOR_OK, "haproxy %u.%u.%u", v[0], v[1], v[2]);
	}
}

void check_haproxy_threads(const struct doctor_facts *f, struct findings *out)
{
	int64_t n = doctor_number(f->hap_info, "Nbthread");

	if (!f->hap_info)
		return;
	if (n < 0 || f->cpus < 1) {
		found(out, DOCTOR_UNCHECKED, "haproxy: its threads or the CPUs can't be counted");
	} else if (n > f->cpus) {
		found(out, DOCTOR_WARN, "haproxy has %lld threads on %lld CPUs", (long long)n,
		      (long long)f->cpus);
		found_why(out, "they spin while they wait for one another");
		found_mend(out, "nbthread %lld in global, or no nbthread at all; then reload",
		           (long long)f->cpus);
	} else if (n == 1 && f->cpus >= MANY_CPUS) {
		found(out, DOCTOR_WARN, "haproxy has 1 thread on %lld CPUs", (long long)f->cpus);
		found_why(out, "one core carries every client and, with TLS, every handshake");
		found_mend(out, "take nbthread out of global; then reload");
	} else {
		found(out, DOCTOR_OK, "haproxy has %lld thread%s on %lld CPU%s", (long long)n,
		      n == 1 ? "" : "s", (long long)f->cpus, f->cpus == 1 ? "" : "s");
	}
}

/* What global's `description` says: cluster and hash of all but the servers. */
static void identity(const char *text, char out[static DOCTOR_FIELD])
{
	const char *l = text;

	out[0] = '\0';
	while (l && *l) {
		const char *word = l + strspn(l, " \t");

		if (!strncmp(word, "description ", 12)) {
			snprintf(out, DOCTOR_FIELD, "%.*s", (int)strcspn(word + 12, "\n"),
			         word + 12);
			return;
		}
		l += strcspn(l, "\n");
		l += *l == '\n';
	}
}

/* By what HAProxy shows of each: the description of a whole file, the id of a backend. */
static bool loaded(const struct doctor_facts *f, const char *disk)
{
	struct render_ident ident;
	char live[DOCTOR_FIELD];

	if (f->cfg->haproxy.own == OWN_ALL)
		return !strcmp(doctor_field(f->hap_info, "description", live), disk);
	return !render_ident(f->cfg, &ident) && f->servers.be_id == ident.id;
}

void check_haproxy_loaded(const struct doctor_facts *f, struct findings *out)
{
	char live[DOCTOR_FIELD], disk[DOCTOR_FIELD], wanted[DOCTOR_FIELD];
	bool all = f->cfg->haproxy.own == OWN_ALL, same;
	const char *path = f->cfg->haproxy.file;
	char *word = doctor_word(path);

	if (!f->file) {
		found(out, f->file_error == ENOENT ? DOCTOR_FAIL : DOCTOR_UNCHECKED, "%s: %s", path,
		      doctor_reason(f->file_error, live));
		found_why(out, "what HAProxy loaded, and its tunnel timeout, aren't checked");
		if (f->file_error == ENOENT)
			found_mend(out, "wsctl apply");
		else
			found_mend(out, "sudo wsctl doctor");
		free(word);
		return;
	}
	identity(f->file, disk);
	identity(f->rendered, wanted);
	/* Servers come and go over the socket: they aren't part of the identity. */
	same = all ? !strcmp(disk, wanted) : !strcmp(f->file, f->rendered);
	if (!same) {
		found(out, DOCTOR_WARN, "%s is not what %s renders", path, f->cfg->path);
		found_why(out, "a key was changed since, or the file by hand; HAProxy goes by it");
		found_mend(out, "wsctl plan   # then: wsctl apply");
	}
	if (!all && f->servers.be_id < 0) {
		found(out, DOCTOR_UNCHECKED, "whether HAProxy has loaded %s as it is now", path);
		found_why(out, "a backend without servers doesn't tell HAProxy's id of it");
		found_mend(out, "wsctl add NAME ADDRESS");
	} else if (f->hap_info && !loaded(f, disk)) {
		found(out, DOCTOR_WARN, "HAProxy runs with another file than %s", path);
		found_why(out, "what was changed in it since is not in force");
		found_mend(out, "wsctl plan   # then: wsctl apply");
	} else if (f->hap_info && same) {
		found(out, DOCTOR_OK, "HAProxy has loaded what %s renders", f->cfg->path);
	}
	free(word);
}

static bool is_section(const char *word, size_t len)
{
	static const char *const all[] = {
		"global",  "defaults",    "frontend", "backend",     "listen",  "peers",
		"mailers", "resolvers",   "userlist", "cache",       "program", "ring",
		"traces",  "http-errors", "fcgi-app", "log-forward",
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strlen(all[i]) == len && !memcmp(all[i], word, len))
			return true;
	return false;
}

/* HAProxy's times: a bare number is milliseconds. */
static int64_t time_ms(const char *word, size_t len)
{
	char s[32];
	uint64_t ms;

	if (len >= sizeof s)
		return -1;
	memcpy(s, word, len);
	s[len] = '\0';
	if (!num_u64(s, 0, INT64_MAX, &ms) || !num_duration_ms(s, &ms))
		return (int64_t)ms;
	return -1;
}

int64_t doctor_tunnel_ms(const char *text, const char *backend)
{
	bool inside = false;
	int64_t ms = -1;

	for (const char *l = text; l && *l; l += strcspn(l, "\n"), l += *l == '\n') {
		const char *w[3];
		size_t len[3];

		w[0] = l;
		for (int i = 0; i < 3; i++) {
			w[i] += strspn(w[i], " \t");
			len[i] = strcspn(w[i], " \t\r\n");
			if (i < 2)
				w[i + 1] = w[i] + len[i];
		}
		if (is_section(w[0], len[0]))
			inside = len[0] == 7 && !memcmp(w[0], "backend", 7) &&
			         len[1] == strlen(backend) && !memcmp(w[1], backend, len[1]);
		else if (inside && len[0] == 7 && !memcmp(w[0], "timeout", 7) && len[1] == 6 &&
		         !memcmp(w[1], "tunnel", 6))
			ms = time_ms(w[2], len[2]);
	}
	return ms;
}

void check_ping(const struct doctor_facts *f, struct findings *out)
{
	int64_t ping = (int64_t)f->cfg->node.ping_ms, tunnel;
	char a[24], b[24], c[24];

	if (!f->file)
		return;
	tunnel = doctor_tunnel_ms(f->file, f->cfg->haproxy.backend);
	num_duration_str((uint64_t)ping, a);
	if (tunnel < 0) {
		found(out, DOCTOR_UNCHECKED,
		      "%s has no `timeout tunnel` for backend %s that can be read",
		      f->cfg->haproxy.file, f->cfg->haproxy.backend);
		found_why(out, "it must be well above node.ping, %s", a);
		return;
	}
	num_duration_str((uint64_t)tunnel, b);
	num_duration_str((uint64_t)ping * 3, c);
	if (tunnel < 2 * ping) {
		found(out, tunnel <= ping ? DOCTOR_FAIL : DOCTOR_WARN,
		      "timeout tunnel %s, node.ping %s", b, a);
		found_why(out, tunnel <= ping
		                       ? "HAProxy cuts every client that is quiet between two pings"
		                       : "one late ping, and HAProxy cuts a quiet client");
		found_mend(out,
		           "timeout tunnel %s, three pings, is what wsctl renders: see "
		           "haproxy.extra.backend and %s",
		           c, f->cfg->haproxy.file);
	} else {
		found(out, DOCTOR_OK, "timeout tunnel %s leaves room for node.ping %s", b, a);
	}
}
