/*
 * config: walks the YAML tree by the table of keys, reads what no row describes (nodes, rules,
 * origins, balancers) and never stops at the first error. Must know neither HAProxy nor
 * Redis; opens nothing but the file itself.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "config_check.h"
#include "config_keys.h"
#include "errs.h"
#include "yaml_doc.h"

enum { NODES_MAX = 4096, RULES_MAX = 1024, ORIGINS_MAX = 1024, VERBATIM_MAX = 65536 };
enum { HISTORY_SIZE = 100, HISTORY_TTL_MS = 3600000 }; /* what `history: {}` means */

static const struct config_rule builtin_rule = {.slow = SLOW_CLOSE, .publish = PUBLISH_ANYONE};

static struct pos pos_of(const struct ynode *n)
{
	return (struct pos){n->line, n->col};
}

/* Text that can be quoted in a message and compared: no lists, no control bytes. */
static const char *scalar(struct load *l, const struct ynode *n, const char *label)
{
	if (n->kind != Y_SCALAR) {
		errs_add(l->errs, n->line, n->col, "%s must be text, not %s", label, ynode_kind(n));
		return NULL;
	}
	for (size_t i = 0; i < n->len; i++) {
		unsigned char c = (unsigned char)n->text[i];
		if (c < 0x20 || c == 0x7f) {
			errs_add(l->errs, n->line, n->col,
			         "%s holds a line break or control character", label);
			return NULL;
		}
	}
	return n->text;
}

/* Lines for haproxy.cfg: as they are, but a NUL would cut them. */
static const char *verbatim(struct load *l, const struct ynode *n, const char *label)
{
	if (n->kind != Y_SCALAR) {
		errs_add(l->errs, n->line, n->col, "%s must be text, not %s", label, ynode_kind(n));
		return NULL;
	}
	if (n->len > VERBATIM_MAX) {
		errs_add(l->errs, n->line, n->col, "%s is longer than %d bytes", label,
		         VERBATIM_MAX);
		return NULL;
	}
	for (size_t i = 0; i < n->len; i++) {
		unsigned char c = (unsigned char)n->text[i];
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
			errs_add(l->errs, n->line, n->col, "%s holds a control character", label);
			return NULL;
		}
	}
	return n->text;
}

static int set(struct load *l, const struct key *k, void *base, const struct ynode *n)
{
	char why[CONFIG_WHY];
	const char *label = config_key_label(k);
	const char *text = k->type == KEY_VERBATIM ? verbatim(l, n, label) : scalar(l, n, label);
	if (!text)
		return -1;
	if (config_set(k, base, text, why) == 0)
		return 0;
	errs_add(l->errs, n->line, n->col, "%s \"%.60s%s\" %s", label, text,
	         strlen(text) > 60 ? "..." : "", why);
	return -1;
}

static bool want(struct load *l, const struct ynode *n, enum ykind kind, const char *label)
{
	if (n->kind == kind)
		return true;
	errs_add(l->errs, n->line, n->col, "%s must be %s, not %s", label,
	         kind == Y_MAP ? "a mapping" : "a list", ynode_kind(n));
	return false;
}

static bool too_many(struct load *l, const struct ynode *n, size_t max, const char *label)
{
	if (n->n_items <= max)
		return false;
	errs_add(l->errs, n->line, n->col, "%s holds more than %zu", label, max);
	return true;
}

static void walk(struct load *l, const char *parent, const struct ynode *map, void *base);

static bool origin_valid(const char *s)
{
	size_t scheme = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
	if (!scheme || strncmp(s + scheme, "://", 3) != 0 || strlen(s) > 255)
		return false;
	const char *host = s + scheme + 3;
	return *host && !host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                                   "0123456789._:[]-")];
}

static void read_origins(struct load *l, const struct ynode *n)
{
	struct config *c = l->c;
	size_t count = 0;
	if (!want(l, n, Y_LIST, "origins") || too_many(l, n, ORIGINS_MAX, "origins"))
		return;
	if (n->n_items == 0)
		errs_add(l->errs, n->line, n->col, "origins is empty: leave it out to allow any");
	if (c->auth.origins) /* the key stands twice, which is an error already */
		return;
	c->auth.origins = config_or_abort(calloc(n->n_items + 1, sizeof(char *)));
	for (size_t i = 0; i < n->n_items; i++) {
		const struct ynode *v = n->items[i].value;
		const char *text = scalar(l, v, "an origin");
		if (!text)
			continue;
		if (!origin_valid(text)) {
			errs_add(l->errs, v->line, v->col,
			         "origin \"%.60s\" must look like \"https://example.com\"", text);
			continue;
		}
		char *copy = config_or_abort(strdup(text));
		for (char *p = copy; *p; p++) /* RFC 6454 6.2: browsers send it in lower case */
			*p = (char)tolower((unsigned char)*p);
		c->auth.origins[count++] = copy;
	}
}

/* One word of ssh's command line: nothing that it or a shell could take for more than a host. */
static bool ssh_valid(const char *text)
{
	const char *host = text + strlen("ssh://");
	size_t n = strspn(host,
	                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-@:[]");

	return n && n <= 255 && !host[n] && host[0] != '-' && !strstr(host, "@-");
}

static void read_balancers(struct load *l, const struct ynode *n)
{
	struct config *c = l->c;
	bool here = false;

	/* A key that is there twice is an error already. */
	if (c->haproxy.balancers || !want(l, n, Y_MAP, "balancers") ||
	    too_many(l, n, BALANCERS_MAX, "balancers"))
		return;
	if (!n->n_items) {
		errs_add(l->errs, n->line, n->col, "balancers is empty");
		return;
	}
	c->haproxy.balancers = config_or_abort(calloc(n->n_items, sizeof *c->haproxy.balancers));
	for (size_t i = 0; i < n->n_items; i++) {
		const struct ynode *name = n->items[i].key, *v = n->items[i].value;
		const char *text = scalar(l, v, "a balancer");
		struct config_balancer *b = &c->haproxy.balancers[c->haproxy.n_balancers];
		bool local = text && strcmp(text, "local") == 0;

		if (!node_name_valid(name->text))
			errs_add(l->errs, name->line, name->col,
			         "balancer \"%.60s\" must be 1 to %d letters, digits, _ -",
			         name->text, NODE_NAME_MAX);
		if (!text)
			continue;
		if (local && here)
			errs_add(l->errs, v->line, v->col, "only one balancer can be this host");
		if (!local && (strncmp(text, "ssh://", 6) != 0 || !ssh_valid(text)))
			errs_add(l->errs, v->line, v->col,
			         "balancer \"%.60s\" must be local or such as \"ssh://root@lb2\"",
			         text);
		here = here || local;
		b->name = config_or_abort(strdup(name->text));
		b->ssh = local ? NULL : config_or_abort(strdup(text));
		c->haproxy.n_balancers++;
	}
}

/* What a rule keeps, once all of its keys are read. */
static void read_history(struct load *l, const struct ynode *rule, struct config_rule *r)
{
	const struct yitem *history = ynode_item(rule, "history"),
			   *cache = ynode_item(rule, "cache"), *slow = ynode_item(rule, "slow");
	if (history && cache) {
		const struct ynode *second = history->key->start > cache->key->start ? history->key
		                                                                     : cache->key;
		errs_add(l->errs, second->line, second->col,
		         "history and cache in one rule: cache keeps the newest message alone, "
		         "history as many as its size");
		return;
	}
	if (history && r->slow == SLOW_DROP) {
		errs_add(l->errs, slow->value->line, slow->value->col,
		         "slow \"drop\" loses messages, which history is against: use \"close\", "
		         "the client resumes; or cache: last");
		return;
	}
	if (history && !ynode_item(history->value, "size"))
		r->history_size = HISTORY_SIZE;
	if (history && !ynode_item(history->value, "ttl"))
		r->history_ttl_ms = HISTORY_TTL_MS;
	if (r->cache_last)
		r->history_size = 1;
}

static void read_rules(struct load *l, const struct ynode *n)
{
	struct config *c = l->c;
	if (!want(l, n, Y_LIST, "rules") || too_many(l, n, RULES_MAX, "rules") || c->channels.rules)
		return;
	c->channels.rules = config_or_abort(calloc(n->n_items + 1, sizeof *c->channels.rules));
	for (size_t i = 0; i < n->n_items; i++) {
		const struct ynode *v = n->items[i].value;
		if (!want(l, v, Y_MAP, "a rule"))
			continue;
		struct config_rule *r = &c->channels.rules[c->channels.n_rules++];
		r->pos = pos_of(v);
		walk(l, "channels.rules[]", v, r);
		read_history(l, v, r);
		if (!ynode_item(v, "match"))
			errs_add(l->errs, v->line, v->col, "a rule needs \"match\"");
		for (size_t j = 0; r->match && j + 1 < c->channels.n_rules; j++) {
			const struct config_rule *o = &c->channels.rules[j];
			if (o->match && strcmp(o->match, r->match) == 0) {
				errs_add(l->errs, v->line, v->col,
				         "a rule for \"%s\" stands before this one (line %d), "
				         "which never counts",
				         r->match, o->pos.line);
				break;
			}
		}
	}
}

static void read_node(struct load *l, const struct yitem *it, struct config_node *node)
{
	const struct ynode *v = it->value, *at = v;
	bool ok = true;
	node->name = config_or_abort(strdup(it->key->text));
	node->weight = 100;
	node->pos = pos_of(it->key);
	if (!node_name_valid(node->name))
		errs_add(l->errs, node->pos.line, node->pos.col,
		         "node \"%.60s\" must be named with 1 to %d letters, digits, _ -",
		         node->name, NODE_NAME_MAX);
	if (v->kind == Y_MAP) {
		size_t before = l->errs->n;
		const struct yitem *a = ynode_item(v, "address");
		walk(l, "nodes.*", v, node);
		if (!a)
			errs_add(l->errs, node->pos.line, node->pos.col, "%.60s has no address",
			         node->name);
		ok = a && l->errs->n == before;
		at = a ? a->value : v;
	} else if (v->kind == Y_SCALAR && v->is_null) {
		errs_add(l->errs, node->pos.line, node->pos.col, "%.60s has no address",
		         node->name);
		ok = false;
	} else {
		ok = set(l, config_key("nodes.*", "address"), node, v) == 0;
	}
	for (struct config_node *o = l->c->nodes; ok && o < node; o++) {
		if (o->at.port + o->at.is_unix && endpoint_equal(&o->at, &node->at)) {
			errs_add(l->errs, at->line, at->col, "%s has the address of %s (line %d)",
			         node->name, o->name, o->pos.line);
			break;
		}
	}
}

static void read_nodes(struct load *l, const struct ynode *n)
{
	struct config *c = l->c;
	if (n->kind == Y_SCALAR && n->is_null) /* all of them commented out, or none yet */
		return;
	if (!want(l, n, Y_MAP, "nodes") || too_many(l, n, NODES_MAX, "nodes") || c->nodes)
		return;
	c->nodes = config_or_abort(calloc(n->n_items + 1, sizeof *c->nodes));
	for (size_t i = 0; i < n->n_items; i++)
		read_node(l, &n->items[i], &c->nodes[c->n_nodes++]);
}

static void read_value(struct load *l, const struct key *k, const struct ynode *v, void *base)
{
	switch (k->type) {
	case KEY_MAP:
		if (k->arg && v->kind != Y_MAP) {
			errs_add(l->errs, v->line, v->col, "%s must be a mapping, such as %s",
			         config_key_label(k), k->arg);
			break;
		}
		if (!want(l, v, Y_MAP, config_key_label(k)))
			break;
		/* An empty section means its defaults, but who writes auth wants to be protected.
		 */
		if (v->n_items == 0 && strcmp(k->path, "auth") == 0)
			errs_add(l->errs, v->line, v->col,
			         "auth names neither token_file, jwt_key_file nor origins");
		walk(l, k->path, v, base);
		break;
	case KEY_NODES:
		read_nodes(l, v);
		break;
	case KEY_RULES:
		read_rules(l, v);
		break;
	case KEY_ORIGINS:
		read_origins(l, v);
		break;
	case KEY_BALANCERS:
		read_balancers(l, v);
		break;
	case KEY_SERVERS:
		config_servers(l, v);
		break;
	default:
		set(l, k, base, v);
	}
}

/* base is struct config, or the rule or node that the map describes. */
static void walk(struct load *l, const char *parent, const struct ynode *map, void *base)
{
	for (size_t i = 0; i < map->n_items; i++) {
		const struct ynode *key = map->items[i].key, *v = map->items[i].value;
		const struct key *k = config_key(parent, key->text);
		if (!k) {
			config_unknown(l->errs, key->line, key->col, parent, key->text);
			continue;
		}
		l->given[k - config_keys] = pos_of(v);
		if (v->kind == Y_SCALAR && v->is_null && k->type != KEY_NODES)
			errs_add(l->errs, key->line, key->col, "%s has no value",
			         config_key_label(k));
		else
			read_value(l, k, v, base);
	}
}

/* All but config_fill(). */
static struct config *defaults(const char *path)
{
	char why[CONFIG_WHY];
	struct config *c = config_or_abort(calloc(1, sizeof *c));
	c->path = config_or_abort(strdup(path));
	for (const struct key *k = config_keys; k->path; k++) {
		if (k->dflt && config_set(k, c, k->dflt, why))
			abort(); /* the table itself is wrong */
	}
	return c;
}

struct config *config_default(void)
{
	struct config *c = defaults("");
	config_fill(c);
	return c;
}

struct config *config_parse(const char *text, size_t len, const char *path, struct errs *errs)
{
	size_t before = errs->n;
	struct load *l = config_or_abort(calloc(1, sizeof *l));
	struct ydoc *doc = ydoc_parse(text, len, errs);
	l->errs = errs;
	l->c = defaults(path);
	if (doc) {
		const struct ynode *root = ydoc_root(doc);
		if (root && !(root->kind == Y_SCALAR && root->is_null) &&
		    want(l, root, Y_MAP, "the file"))
			walk(l, "", root, l->c);
		config_check(l);
		config_fill(l->c);
		ydoc_free(doc);
	}
	struct config *c = l->c;
	free(l);
	if (errs->n > before) {
		errs_sort(errs);
		config_free(c);
		return NULL;
	}
	return c;
}

const char *config_path(const char *from_option)
{
	if (from_option)
		return from_option;
	const char *env = getenv("WSCALE_CONFIG");
	return env && *env ? env : "/etc/wscale/wscale.yaml";
}

/* "no such file or directory": strerror begins with a capital, our messages don't. */
static void add_errno(struct errs *errs, const char *what, int error)
{
	const char *s = strerror(error);
	errs_add(errs, 0, 0, "%s: %c%s", what, tolower((unsigned char)*s), *s ? s + 1 : "");
}

struct config *config_load(const char *path, struct errs *errs)
{
	struct buf b = {0};
	struct config *c = NULL;
	char block[8192];
	size_t n;
	FILE *f = fopen(path, "re");
	if (!f) {
		add_errno(errs, "cannot open", errno);
		return NULL;
	}
	errno = 0;
	while (b.len <= YAML_TEXT_MAX && (n = fread(block, 1, sizeof block, f)) > 0)
		buf_add(&b, block, n);
	if (ferror(f))
		add_errno(errs, "cannot read", errno);
	else if (b.oom)
		errs_add(errs, 0, 0, "out of memory");
	else
		c = config_parse(b.p ? b.p : "", b.len, path, errs);
	fclose(f);
	buf_free(&b);
	return c;
}

struct config *config_reload(const struct config *old)
{
	struct errs ignored = {0};
	struct stat st;
	struct config *c = NULL;
	if (stat(old->path, &st) == 0 && S_ISREG(st.st_mode))
		c = config_load(old->path, &ignored);
	errs_free(&ignored);
	return c;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (const struct key *k = config_keys; k->path; k++) {
		if ((k->type == KEY_TEXT || k->type == KEY_VERBATIM) && config_key_single(k))
			free(*(char **)((char *)c + k->at));
	}
	for (char **o = c->auth.origins; o && *o; o++)
		free(*o);
	free(c->auth.origins);
	for (size_t i = 0; i < c->channels.n_rules; i++)
		free(c->channels.rules[i].match);
	free(c->channels.rules);
	for (size_t i = 0; i < c->n_nodes; i++)
		free(c->nodes[i].name);
	free(c->nodes);
	for (size_t i = 0; i < c->haproxy.n_balancers; i++) {
		free(c->haproxy.balancers[i].name);
		free(c->haproxy.balancers[i].ssh);
	}
	free(c->haproxy.balancers);
	free(c->redis.servers);
	free(c->haproxy.without_effect);
	free(c->path);
	free(c);
}

const struct config_node *config_node(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_nodes; i++) {
		if (strcmp(c->nodes[i].name, name) == 0)
			return &c->nodes[i];
	}
	return NULL;
}

const struct config_rule *config_rule(const struct config *c, const char *channel)
{
	for (size_t i = 0; i < c->channels.n_rules; i++) {
		if (channel_match(c->channels.rules[i].match, channel))
			return &c->channels.rules[i];
	}
	return &builtin_rule;
}
