/*
 * node_yaml: cuts whole sections out of the text, so that comments and the way things are written
 * stay; then looks whether a node would read from it what the whole file says.
 */
#include "node_yaml.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/buf.h"
#include "../lib/errs.h"
#include "../lib/yaml_doc.h"

/* A line that begins a section: its key's length; 0: it belongs to the section before. */
static size_t key(const char *line)
{
	size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz_");

	return n && line[n] == ':' ? n : 0;
}

static bool shared(const char *line, size_t len)
{
	static const char *const keys[] = {"cluster", "redis", "node", "auth", "channels"};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strlen(keys[i]) == len && !strncmp(line, keys[i], len))
			return true;
	return false;
}

static bool aside(const char *line)
{
	return *line == '#' || *line == '\n' || *line == '\r' || !*line;
}

/* Comments and empty lines at the margin belong to what follows them. */
static void cut(const char *text, struct buf *out)
{
	const char *waiting = NULL;
	bool keep = false;

	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n'), n = key(p);

		if (n)
			keep = shared(p, n);
		if (aside(p)) {
			waiting = waiting ? waiting : p;
		} else {
			if (keep && waiting && waiting != text)
				buf_add(out, waiting, (size_t)(p - waiting));
			if (keep)
				buf_add(out, p, len);
			waiting = NULL;
		}
		p += len;
	}
}

/*
 * The text without redis.servers, which is HAProxy's business: on a node's host it would only grow
 * old. What stands in braces stays, where it does no harm. -1: it isn't YAML.
 */
static int without_servers(const char *text, struct buf *out)
{
	struct errs errs = {0};
	size_t len = strlen(text), from = len, to = len;
	struct ydoc *doc = ydoc_parse(text, len, &errs);
	const struct ynode *root = doc ? ydoc_root(doc) : NULL;
	const struct yitem *redis = root ? ynode_item(root, "redis") : NULL,
			   *servers = redis ? ynode_item(redis->value, "servers") : NULL;

	if (servers && !redis->value->flow) {
		/* A section that holds nothing else goes with it. */
		from = (redis->value->n_items > 1 ? servers : redis)->key->start;
		to = servers->value->end;
		while (from > 0 && text[from - 1] != '\n')
			from--;
		to += strcspn(text + to, "\n");
		to += text[to] == '\n';
	}
	buf_add(out, text, from);
	buf_add(out, text + to, len - to);
	ydoc_free(doc);
	errs_free(&errs);
	return doc && !out->oom ? 0 : -1;
}

char *node_yaml(const struct config *cfg, const char *text, const char *name,
                const struct endpoint *listen, struct errs *errs)
{
	char at[ENDPOINT_STR], ours[CONFIG_HASH], theirs[CONFIG_HASH];
	struct endpoint where = *listen;
	struct config *parsed = NULL;
	struct buf b = {0}, less = {0};

	if (!where.is_unix && !*where.host)
		memcpy(where.host, "0.0.0.0", sizeof "0.0.0.0");
	endpoint_str(&where, at);
	buf_printf(&b, "# of the cluster's wscale.yaml what node %s needs\n", name);
	cut(without_servers(text, &less) || !less.p ? text : less.p, &b);
	buf_free(&less);
	buf_printf(&b, "\nnodes:\n  %s: %s%s%s\n", name, at[0] == '[' ? "\"" : "", at,
	           at[0] == '[' ? "\"" : "");
	if (!b.oom)
		parsed = config_parse(b.p, b.len, cfg->path, errs);
	config_hash(cfg, ours);
	if (parsed)
		config_hash(parsed, theirs);
	if (parsed && !strcmp(ours, theirs) && !strcmp(parsed->cluster, cfg->cluster)) {
		config_free(parsed);
		return buf_take(&b);
	}
	errs_free(errs);
	errs_add(errs, 0, 0,
	         "its redis, auth and channels can't be cut out as whole sections in block style; "
	         "copy the file as it is");
	config_free(parsed);
	buf_free(&b);
	return NULL;
}
