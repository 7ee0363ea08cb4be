/*
 * doctor_servers: judges redis.servers as HAProxy's check sees them: who is the master, whether the
 * check gets its answer, and whether anybody could take over. Pure.
 */
#include <string.h>

#include "doctor.h"
#include "render_int.h"

enum { CLI = ENDPOINT_STR + 32 };

/* How redis-cli is called for that server. */
static const char *cli(const struct doctor_facts *f, size_t i, char out[static CLI])
{
	const struct endpoint *at = &f->cfg->redis.servers[i].at;

	snprintf(out, CLI, "redis-cli -h %s -p %d%s", at->host, at->port,
	         f->cfg->redis.password_file ? " --askpass" : "");
	return out;
}

static void silent(const struct doctor_facts *f, size_t i, struct findings *out)
{
	const struct doctor_server *s = &f->servers_of_redis[i];
	char at[ENDPOINT_STR], c[CLI];

	endpoint_str(&f->cfg->redis.servers[i].at, at);
	if (s->no_user) {
		found(out, DOCTOR_FAIL, "redis %s knows no user " RENDER_CHECK_USER, at);
		found_why(out, "HAProxy can't ask it for its role and takes it for down");
		found_mend(out,
		           "%s ACL SETUSER " RENDER_CHECK_USER
		           " on nopass -@all +role   # and in redis.conf",
		           cli(f, i, c));
	} else {
		found(out, DOCTOR_WARN, "redis %s of redis.servers: %s", at, s->why);
		found_why(out, "while it is away it can't take over");
		found_mend(out, "%s ROLE", cli(f, i, c));
	}
}

void check_redis_servers(const struct doctor_facts *f, struct findings *out)
{
	struct doctor_names masters = {0};
	char at[ENDPOINT_STR];
	size_t master = 0, faults = 0;

	if (!f->cfg->redis.n_servers)
		return;
	for (size_t i = 0; i < f->cfg->redis.n_servers; i++) {
		if (!f->servers_of_redis[i].answered) {
			silent(f, i, out);
			faults++;
		} else if (f->servers_of_redis[i].master) {
			names_add(&masters, endpoint_str(&f->cfg->redis.servers[i].at, at));
			master = i;
		}
	}
	if (masters.n > 1) {
		found(out, DOCTOR_FAIL, "redis: %s all say that they are the master",
		      names_str(&masters));
		found_why(out,
		          "HAProxy passes no new connection on; for seconds, after a failover, "
		          "that is right");
		found_mend(out, "redis-cli -p 26379 SENTINEL MASTERS   # the other: REPLICAOF HOST "
		                "PORT");
	} else if (!masters.n && faults) {
		found(out, DOCTOR_FAIL, "redis: none of redis.servers that answered is a master");
		found_why(out, "no node delivers, unless one that couldn't be asked is");
		found_mend(out, "the others first, as above; then: wsctl doctor");
	} else if (!masters.n) {
		found(out, DOCTOR_FAIL, "redis: none of redis.servers is a master");
		found_why(out, "no node delivers");
		found_mend(out,
		           "redis-cli -p 26379 SENTINEL MASTERS   # or by hand: REPLICAOF NO ONE");
	} else if (f->cfg->redis.n_servers > 1 && !f->servers_of_redis[master].replicas) {
		found(out, DOCTOR_WARN, "redis %s has no replica now", names_str(&masters));
		found_why(out, "when it dies its histories are gone, or nobody takes over");
		found_mend(out, "on another of redis.servers: redis-cli REPLICAOF %s %d",
		           f->cfg->redis.servers[master].at.host,
		           f->cfg->redis.servers[master].at.port);
	} else if (!faults) {
		found(out, DOCTOR_OK, "redis %s is the master of redis.servers",
		      names_str(&masters));
	}
	names_free(&masters);
}
