/*
 * test_plan: what lies between a YAML and HAProxy, each difference as one line; and, over random
 * clusters, that doing what a plan says leaves nothing to do. A failing run prints its seed.
 */
#include <stdlib.h>
#include <time.h>

#include "../../lib/buf.h"
#include "../../lib/errs.h"
#include "../../wsctl/members.h"
#include "../../wsctl/plan.h"
#include "../../wsctl/render.h"
#include "tap.h"

static struct config *parse(const char *yaml)
{
	struct errs errs = {0};
	struct config *cfg = config_parse(yaml, strlen(yaml), "t.yaml", &errs);

	for (size_t i = 0; i < errs.n; i++)
		printf("# %s\n", errs.v[i].msg);
	errs_free(&errs);
	return cfg;
}

/* Two nodes, and a HAProxy that has them as the YAML says. */
static const char yaml[] = "nodes:\n  ws1: 10.0.0.1:8081\n  ws2: 10.0.0.2:8081\n";
static struct config *cfg;
static char *want;
static struct hap_server servers[8];
static struct plan_live live;
static struct statefile agreed;

static struct hap_server *put(const char *name, const char *addr)
{
	struct hap_server *s = &servers[live.servers.n++];

	memset(s, 0, sizeof *s);
	strcpy(s->name, name);
	strcpy(s->addr, addr);
	strcpy(s->status, "UP");
	s->port = 8081;
	s->op = 2;
	s->uweight = 100;
	s->maxconn = 20000;
	return s;
}

static void begin(const char *text)
{
	config_free(cfg);
	free(want);
	statefile_free(&agreed);
	statefile_free(&live.notes);
	cfg = parse(text);
	want = render(cfg);
	live = (struct plan_live){.reached = true,
	                          .backend = true,
	                          .loaded = true,
	                          .file = want,
	                          .is = RENDERED_OURS,
	                          .agreed = &agreed,
	                          .now = 1000000};
	live.servers.v = servers;
	put("ws1", "10.0.0.1");
	put("ws2", "10.0.0.2");
}

/* The whole plan: "NAME: WHAT (HOW)" lines. */
static const char *planned(void)
{
	static char text[2048];
	struct plan p = {0};
	size_t at = 0;

	plan_compare(cfg, want, &live, &p);
	text[0] = '\0';
	for (size_t i = 0; i < p.n; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s: %s (%s)\n", p.v[i].name,
		                       p.v[i].what, p.v[i].how);
	plan_free(&p);
	return text;
}

static void differences(void)
{
	begin(yaml);
	is(planned(), "", "HAProxy as the YAML says: no line");
	servers[0].uweight = 50;
	servers[1].maxconn = 7;
	is(planned(), "ws1: weight 50 -> 100 (runtime)\nws2: maxconn 7 -> 20000 (runtime)\n",
	   "a weight and a maxconn");
	begin(yaml);
	live.servers.n = 1;
	is(planned(), "ws2: 10.0.0.2:8081 (runtime)\n", "a node that HAProxy lacks");
	begin(yaml);
	servers[1].port = 9;
	is(planned(), "ws2: address 10.0.0.2:9 -> 10.0.0.2:8081 (runtime; drains it first)\n",
	   "another address");
	begin("nodes:\n  ws1: host.example:8081\n  ws2: \"[2001:db8::2]:8081\"\n");
	strcpy(servers[1].addr, "2001:db8:0::2");
	is(planned(), "", "a name, and IPv6 however it is written: nothing to compare, the same");
	begin(yaml);
	put("ws3", "10.0.0.3")->scur = 1204;
	is(planned(), "ws3: 1,204 clients, 7s drain (runtime; needs --allow-remove)\n",
	   "one that the YAML lacks");
	servers[2].scur = 0;
	servers[2].admin = HAP_ADMIN_MAINT;
	is(planned(), "ws3: removed, still in maintenance (runtime)\n", "what a remove has left");
}

static void notes(void)
{
	begin(yaml);
	servers[0].admin = 0x08;
	is(planned(), "ws1: drain -> ready, no note says so (runtime)\n", "a drain of nobody's");
	statefile_set(&agreed, "ws1", STATE_DRAINED, 999000, "admin");
	statefile_set(&live.notes, "ws1", STATE_DRAINED, 999000, "admin");
	ok(strstr(planned(), "drained by admin ") && strstr(planned(), ", kept ()"),
	   "a drain of somebody's is kept");
	servers[0].admin = 0;
	ok(strstr(planned(), "ws1: ready -> drain, drained by admin ") != NULL,
	   "one that HAProxy forgot is done again");
	statefile_set(&live.notes, "ws1", STATE_REMOVED, 0, "");
	ok(strstr(planned(), "ws1: the state file says ready, not drained (file)\n") != NULL,
	   "a state file that was away when it was written");
	begin(yaml);
	statefile_set(&live.notes, "ws9", STATE_DRAINED, 999000, "admin");
	is(planned(), "ws9: the state file has a note of it, nobody else knows it (file)\n",
	   "a note of a node that is gone");
}

static void files(void)
{
	char *old;
	struct config *before;

	begin(yaml);
	live.file = NULL;
	is(planned(), "file: /etc/haproxy/haproxy.cfg is missing (file)\n", "no file");
	live.file = "x";
	live.is = RENDERED_FOREIGN;
	is(planned(),
	   "file: /etc/haproxy/haproxy.cfg is not written by wsctl (file; needs --overwrite)\n",
	   "somebody else's");
	live.pristine = true;
	is(planned(), "file: /etc/haproxy/haproxy.cfg is the package's own (file)\n",
	   "the package's");
	live.is = RENDERED_EDITED;
	is(planned(),
	   "file: /etc/haproxy/haproxy.cfg is edited by hand (file; needs --overwrite)\n",
	   "edited");
	before = parse("haproxy: { bind: \":8080\" }\nnodes:\n  ws1: 10.0.0.1:8081\n  ws2: "
	               "10.0.0.2:8081\n");
	old = render(before);
	begin(yaml);
	live.file = old;
	live.loaded = false;
	servers[0].scur = 3;
	is(planned(), "bind: :8080 -> :80 (reload; 3 stay on the old worker)\n",
	   "what needs a reload, and who stays behind");
	live.backend = false;
	is(planned(), "haproxy: has no backend wscale_wscale yet (reload)\n", "no backend of ours");
	live.reached = false;
	is(planned(), "file: /etc/haproxy/haproxy.cfg is behind the YAML (file)\n",
	   "HAProxy is away: the file can be put right all the same");
	free(old);
	config_free(before);
}

/* --- random clusters: a model does what the lines say */

static unsigned rnd(unsigned n)
{
	return (unsigned)rand() % n;
}

static struct hap_server *find(struct hap_servers *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i].name, name))
			return &all->v[i];
	return NULL;
}

static void add(struct hap_servers *all, const struct config_node *n)
{
	struct hap_server *s = &all->v[all->n++];

	memset(s, 0, sizeof *s);
	strcpy(s->name, n->name);
	strcpy(s->status, "UP");
	strcpy(s->addr, n->at.host);
	s->port = n->at.port;
	s->uweight = n->weight;
	s->maxconn = n->maxconn ? n->maxconn : 20000;
}

static void drop(struct hap_servers *all, const char *name)
{
	struct hap_server *s = find(all, name);

	*s = all->v[--all->n];
}

static void do_line(const struct plan_line *l, const struct config *c, struct plan_live *at)
{
	const struct config_node *n = config_node(c, l->name);
	struct hap_server *s = find(&at->servers, l->name);

	switch (l->todo) {
	case PLAN_ADD:
		add(&at->servers, n);
		break;
	case PLAN_READDRESS:
		drop(&at->servers, l->name);
		add(&at->servers, n);
		break;
	case PLAN_WEIGHT:
		s->uweight = n->weight;
		break;
	case PLAN_MAXCONN:
		s->maxconn = n->maxconn ? n->maxconn : 20000;
		break;
	case PLAN_READY:
		s->admin = 0;
		break;
	case PLAN_DRAIN:
		s->admin = 0x08;
		break;
	case PLAN_REMOVE:
	case PLAN_LEFTOVER:
		drop(&at->servers, l->name);
		break;
	case PLAN_STATE: {
		const struct node_note *note = n ? statefile_get(at->agreed, l->name) : NULL;

		statefile_set(&at->notes, l->name, note ? note->state : STATE_REMOVED,
		              note ? note->since : 0, "x");
		break;
	}
	case PLAN_FILE:
	case PLAN_RELOAD:
	case PLAN_KEPT:
		break;
	}
}

/* Some of ws0..ws7 in the YAML, others in HAProxy, with whatever state. */
static bool settles(void)
{
	static struct hap_server v[64];
	struct statefile all = {0};
	struct plan_live at = {.reached = true,
	                       .backend = true,
	                       .loaded = true,
	                       .is = RENDERED_OURS,
	                       .agreed = &all,
	                       .now = 1000};
	struct buf b = {0};
	struct config *c;
	char name[8], *text;
	bool good = false;

	buf_str(&b, "nodes:\n  ws9: 10.0.0.9:1\n");
	at.servers.v = v;
	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof name, "ws%u", i);
		if (rnd(2))
			buf_printf(&b, "  %s: { address: \"10.0.0.%u:%u\", weight: %u }\n", name, i,
			           1 + rnd(2), rnd(3) * 50);
		if (rnd(2)) {
			struct hap_server *s = &v[at.servers.n++];

			memset(s, 0, sizeof *s);
			strcpy(s->name, name);
			snprintf(s->addr, sizeof s->addr, "10.0.0.%u", i);
			strcpy(s->status, "UP");
			s->port = 1 + (int)rnd(2);
			s->uweight = rnd(3) * 50;
			s->maxconn = rnd(2) ? 20000 : 5;
			s->admin = (unsigned[]){0, 0x08, 0x01, 0x09}[rnd(4)];
			s->scur = rnd(2) * 10;
		}
		if (!rnd(3))
			statefile_set(&all, name, (enum node_state)rnd(STATE_REMOVED), 900, "a");
		if (!rnd(3))
			statefile_set(&at.notes, name, (enum node_state)rnd(STATE_REMOVED), 800,
			              "b");
	}
	c = parse(b.p);
	text = c ? render(c) : NULL;
	at.file = text;
	/* A new server comes as ready; a drain that was noted is the next round's. */
	for (int round = 0; text && round < 3 && !good; round++) {
		struct plan p = {0};

		plan_compare(c, text, &at, &p);
		good = !plan_differs(&p) && !p.oom;
		for (size_t i = 0; i < p.n; i++)
			do_line(&p.v[i], c, &at);
		plan_free(&p);
	}
	free(text);
	config_free(c);
	buf_free(&b);
	statefile_free(&all);
	statefile_free(&at.notes);
	return good;
}

static void random_clusters(void)
{
	const char *given = getenv("SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	bool good = true;

	for (int i = 0; i < 2000 && good; i++, seed++) {
		srand(seed);
		good = settles();
		if (!good)
			printf("# SEED=%u\n", seed);
	}
	ok(good, "2,000 random clusters: what a plan says, done, leaves no difference");
}

int main(void)
{
	differences();
	notes();
	files();
	random_clusters();
	config_free(cfg);
	free(want);
	statefile_free(&agreed);
	statefile_free(&live.notes);
	return tap_done();
}
