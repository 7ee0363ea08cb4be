/*
 * doctor_nodes: judges the nodes by their reports: how many clients each takes, whether all run the
 * same program with the same keys, and everybody's clock. Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "members.h"
#include "table.h"

/* What a node needs beside its clients: connections before their upgrade, and its own. */
enum { NODE_FDS = 1088, SKEW_MS = 2000, GROUPS = 4 };

void check_nodes(const struct doctor_facts *f, struct findings *out)
{
	struct doctor_names silent = {0};

	if (!f->redis_ok)
		return;
	for (size_t i = 0; i < f->n_nodes; i++)
		if (!f->nodes[i].report)
			names_add(&silent, f->nodes[i].name);
	if (silent.n) {
		found(out, DOCTOR_UNCHECKED, "%s: no answer over redis", names_str(&silent));
		found_why(out, "limits, version, keys and clock there aren't checked");
		found_mend(out, "wsctl status");
	} else if (f->n_nodes) {
		found(out, DOCTOR_OK, "%zu node%s answer%s", f->n_nodes, f->n_nodes == 1 ? "" : "s",
		      f->n_nodes == 1 ? "s" : "");
	} else {
		found(out, DOCTOR_OK, "no nodes in %s yet", f->cfg->path);
	}
	names_free(&silent);
}

void check_nodes_nofile(const struct doctor_facts *f, struct findings *out)
{
	int64_t wanted = f->cfg->node.max_clients, least = INT64_MAX, sent = 0;
	struct doctor_names low = {0}, high = {0};
	const char *first_low = NULL, *first_high = NULL;
	char a[NUM_STR], b[NUM_STR];
	size_t n = 0;

	for (size_t i = 0; i < f->n_nodes; i++) {
		const struct doctor_node *v = &f->nodes[i];
		int64_t takes = reply_int(v->report, "max_clients", -1);

		if (takes < 0)
			continue;
		n++;
		if (takes < wanted) {
			names_add(&low, v->name);
			first_low = first_low ? first_low : v->name;
			least = takes < least ? takes : least;
			if (takes < doctor_tunnels(f->cfg, &f->cfg->nodes[i]))
				sent = doctor_tunnels(f->cfg, &f->cfg->nodes[i]);
		} else if (takes > wanted) {
			names_add(&high, v->name);
			first_high = first_high ? first_high : v->name;
		}
	}
	if (low.n) {
		found(out, DOCTOR_WARN, "%s: %s clients of node.max_clients %s", names_str(&low),
		      num_count((uint64_t)least, a), num_count((uint64_t)wanted, b));
		if (sent)
			found_why(out, "HAProxy sends it up to %s and the rest are refused",
			          num_count((uint64_t)sent, a));
		else
			found_why(out, "its nofile allows no more, or it was not restarted since");
		found_mend(out,
		           "systemctl edit wsnode@%s   # [Service] LimitNOFILE=%lld; then wsctl "
		           "drain %s, restart it, wsctl ready %s",
		           first_low, (long long)wanted + NODE_FDS, first_low, first_low);
	}
	if (high.n) {
		found(out, DOCTOR_WARN, "%s: more clients than node.max_clients %s",
		      names_str(&high), num_count((uint64_t)wanted, a));
		found_why(out, "its host has another file, or it was not reloaded since");
		found_mend(out, "with this file there: systemctl reload wsnode@%s", first_high);
	}
	if (n && !low.n && !high.n)
		found(out, DOCTOR_OK, "each node takes its %s clients",
		      num_count((uint64_t)wanted, a));
	names_free(&low);
	names_free(&high);
}

void check_nodes_config(const struct doctor_facts *f, struct findings *out)
{
	struct doctor_names other = {0};
	char ours[CONFIG_HASH];
	const char *first = NULL;
	bool split = false;
	size_t n = 0;

	config_hash(f->cfg, ours);
	for (size_t i = 0; i < f->n_nodes; i++) {
		const char *theirs = reply_str(f->nodes[i].report, "config");

		if (!*theirs)
			continue;
		n++;
		if (!strcmp(theirs, ours))
			continue;
		names_add(&other, f->nodes[i].name);
		split = split || (first && strcmp(first, theirs) != 0);
		first = first ? first : theirs;
	}
	if (other.n) {
		found(out, DOCTOR_WARN, "%s: other redis, auth or channels keys than %s",
		      names_str(&other), f->cfg->path);
		if (other.n == n && !split)
			found_why(out, "all nodes agree; none has read this file");
		else
			found_why(out,
			          "a client that moves between nodes meets other rules or tokens");
		found_mend(out, "this file on each of their hosts, then there: systemctl reload "
		                "'wsnode@*.service'");
	} else if (n) {
		found(out, DOCTOR_OK, "the nodes run with the redis, auth and channels keys of %s",
		      f->cfg->path);
	}
	names_free(&other);
}

void check_nodes_version(const struct doctor_facts *f, struct findings *out)
{
	struct {
		const char *version;
		struct doctor_names names;
	} groups[GROUPS] = {0};
	struct buf all = {0};
	size_t n = 0;

	for (size_t i = 0; i < f->n_nodes; i++) {
		const char *v = reply_str(f->nodes[i].report, "version");
		size_t g = 0;

		if (!*v)
			continue;
		while (g < n && strcmp(groups[g].version, v) != 0)
			g++;
		if (g == GROUPS)
			g--; /* more than that are "and more" of the last */
		else if (g == n)
			groups[n++].version = v;
		names_add(&groups[g].names, f->nodes[i].name);
	}
	for (size_t g = 0; g < n; g++)
		buf_printf(&all, "%swsnode %.40s (%s)", g ? ", " : "", groups[g].version,
		           names_str(&groups[g].names));
	if (n > 1) {
		found(out, DOCTOR_WARN, "%zu versions: %s", n, all.p ? all.p : "");
		found_why(out, "fine for the time of an upgrade, not for longer");
		found_mend(out, "the same package on each host, then for each: wsctl drain NAME, "
		                "systemctl restart wsnode@NAME there, wsctl ready NAME");
	} else if (n) {
		found(out, DOCTOR_OK, "%s", all.p ? all.p : "");
	}
	for (size_t g = 0; g < n; g++)
		names_free(&groups[g].names);
	buf_free(&all);
}

static void skewed(struct findings *out, const char *who, int64_t ms)
{
	char a[NUM_STR];

	found(out, DOCTOR_WARN, "the clock of %s is %s %s of this host's", who,
	      num_age((ms < 0 ? -ms : ms) / 1000, a), ms < 0 ? "behind" : "ahead");
}

void check_clock(const struct doctor_facts *f, struct findings *out)
{
	struct doctor_names blind = {0};
	size_t before = out->n, n = 0;

	if (!f->redis_ok)
		return;
	if (!f->has_time) {
		found(out, DOCTOR_UNCHECKED, "redis doesn't tell its clock");
		found_mend(out, "on its host: timedatectl");
	} else if (f->skew_ms > SKEW_MS || f->skew_ms < -SKEW_MS) {
		skewed(out, "redis", f->skew_ms);
		found_why(out, "it dates the histories: one that is made anew must look newer");
		found_mend(out, "on both hosts: timedatectl set-ntp true");
	}
	for (size_t i = 0; i < f->n_nodes; i++) {
		const struct doctor_node *v = &f->nodes[i];

		if (!v->report)
			continue;
		if (reply_int(v->report, "time_ms", -1) < 0) {
			names_add(&blind, v->name);
		} else if (v->skew_ms > SKEW_MS || v->skew_ms < -SKEW_MS) {
			skewed(out, v->name, v->skew_ms);
			found_why(out, "tokens expire there by it, and its log doesn't line up");
			found_mend(out, "on its host: timedatectl set-ntp true");
		} else {
			n++;
		}
	}
	if (blind.n) {
		found(out, DOCTOR_UNCHECKED, "%s: the clock (an older wsnode)", names_str(&blind));
		found_mend(out, "on its host: timedatectl");
	}
	if (out->n == before)
		found(out, DOCTOR_OK, "the clocks of redis%s agree with this host's",
		      n ? " and of the nodes" : "");
	names_free(&blind);
}
