/*
 * statefile: cordons and drains as HAProxy restores them after a reload or a restart. Only nodes
 * that aren't ready have a row: HAProxy takes the port from a row, not from its configuration, so a
 * row that nobody needs is one that can go stale. Addresses stay "-" (the configuration's own
 * counts). Source of the format: HAProxy configuration manual, "server-state-file";
 * src/server_state.c.
 */
#include "statefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/buf.h"
#include "../lib/grow.h"
#include "../lib/num.h"
#include "cmd.h"
#include "render.h"
#include "render_int.h"

#define NOTE "# wscale "

static const char header[] =
	"# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
	"srv_iweight "
	"srv_time_since_last_change srv_check_status srv_check_result srv_check_health "
	"srv_check_state "
	"srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl "
	"srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n";

const char *node_state_str(enum node_state s)
{
	switch (s) {
	case STATE_READY:
		return "ready";
	case STATE_CORDONED:
		return "cordoned";
	case STATE_DRAINING:
		return "draining";
	case STATE_DRAINED:
		return "drained";
	case STATE_REMOVED:
		return "removed";
	}
	return "unknown";
}

static int state_of(const char *word, enum node_state *out)
{
	for (int s = STATE_READY; s <= STATE_REMOVED; s++) {
		if (strcmp(word, node_state_str((enum node_state)s)) == 0) {
			*out = (enum node_state)s;
			return 0;
		}
	}
	return -1;
}

static struct statefile_note *find(const struct statefile *f, const char *node)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].node, node) == 0)
			return &f->v[i];
	return NULL;
}

const struct node_note *statefile_get(const struct statefile *f, const char *node)
{
	const struct statefile_note *n = find(f, node);
	return n ? &n->note : NULL;
}

/* One word on one line, whoever is at the keyboard. */
static void word(char *to, size_t size, const char *from)
{
	size_t n = 0;
	for (; from[n] && n + 1 < size; n++)
		to[n] = from[n] > ' ' && from[n] <= '~' ? from[n] : '_';
	to[n] = '\0';
}

int statefile_set(struct statefile *f, const char *node, enum node_state state, int64_t since,
                  const char *by)
{
	struct statefile_note *n = find(f, node);
	if (state == STATE_REMOVED) {
		if (n) {
			size_t i = (size_t)(n - f->v);
			memmove(n, n + 1, (f->n - i - 1) * sizeof(*n));
			f->n--;
		}
		return 0;
	}
	if (strlen(node) >= sizeof(n->node))
		return 0;
	if (!n) {
		n = grow(f->v, f->n, sizeof(*n));
		if (!n)
			return -1;
		f->v = n;
		n += f->n++;
		*n = (struct statefile_note){0};
		word(n->node, sizeof(n->node), node);
	}
	n->note.state = state;
	n->note.since = since;
	word(n->note.by, sizeof(n->note.by), by);
	return 0;
}

/* Up to 4 words of a line, cut apart in place; how many. */
static size_t words(char *line, char *out[static 4])
{
	size_t n = 0;
	while (n < 4) {
		line += strspn(line, " ");
		if (!*line)
			break;
		out[n++] = line;
		line += strcspn(line, " ");
		if (*line)
			*line++ = '\0';
	}
	return n;
}

int statefile_parse(const char *text, struct statefile *out)
{
	*out = (struct statefile){0};
	for (const char *p = text; *p;) {
		char line[256], *w[4];
		size_t len = strcspn(p, "\n"), head = strlen(NOTE), n = 0;
		enum node_state state;
		uint64_t since;
		if (len > head && len < sizeof(line) && memcmp(p, NOTE, head) == 0) {
			memcpy(line, p + head, len - head);
			line[len - head] = '\0';
			n = words(line, w);
		}
		p += len + (p[len] == '\n');
		if (n < 3 || !node_name_valid(w[0]) || state_of(w[1], &state) ||
		    num_u64(w[2], 0, INT64_MAX, &since))
			continue;
		if (statefile_set(out, w[0], state, (int64_t)since, n > 3 ? w[3] : "")) {
			statefile_free(out);
			return -1;
		}
	}
	return 0;
}

/* Fields that aren't known are as HAProxy writes them for a server that was never touched. */
static void row(struct buf *b, const struct config *cfg, const struct config_node *node)
{
	enum { RUNNING = 2, FORCED_DRAIN = 8, CHECK_INI = 1, CHECK_UNKNOWN = 0, CHECKS_ON = 6 };
	buf_printf(b, "0 %s 0 %s - %d %d %u %u 0 %d %d %d %d 0 0 0 - %d - 0 0 - - 0\n",
	           cfg->haproxy.backend, node->name, RUNNING, FORCED_DRAIN, node->weight,
	           node->weight, CHECK_INI, CHECK_UNKNOWN, RENDER_RISE + RENDER_FALL - 1, CHECKS_ON,
	           node->at.is_unix ? 0 : node->at.port);
}

char *statefile_text(const struct config *cfg, const struct statefile *f)
{
	struct buf b = {0};
	buf_str(&b, "1\n");
	buf_str(&b, header);
	for (size_t i = 0; i < f->n; i++) {
		const struct statefile_note *n = &f->v[i];
		buf_printf(&b, NOTE "%s %s %lld %s\n", n->node, node_state_str(n->note.state),
		           (long long)n->note.since, n->note.by);
	}
	for (size_t i = 0; i < cfg->n_nodes; i++) {
		const struct node_note *note = statefile_get(f, cfg->nodes[i].name);
		if (note && note->state != STATE_READY)
			row(&b, cfg, &cfg->nodes[i]);
	}
	return buf_take(&b);
}

void statefile_free(struct statefile *f)
{
	free(f->v);
	*f = (struct statefile){0};
}

static int load(const struct config *cfg, char **path, struct file_text *text,
                struct statefile *out)
{
	*out = (struct statefile){0};
	*path = render_state_path(cfg);
	if (!*path) {
		say_error("out of memory");
		return -1;
	}
	if (persist_read_of(cfg, *path, true, text)) {
		free(*path);
		return -1;
	}
	if (text->exists && statefile_parse(text->p, out)) {
		say_error("out of memory");
		persist_text_free(text);
		free(*path);
		return -1;
	}
	return 0;
}

int statefile_load(const struct config *cfg, struct statefile *out)
{
	struct file_text text;
	char *path;

	if (load(cfg, &path, &text, out))
		return -1;
	persist_text_free(&text);
	free(path);
	return 0;
}

int state_read(const struct config *cfg, const char *node, struct node_note *out)
{
	struct statefile f;
	struct file_text text;
	char *path;

	*out = (struct node_note){0};
	if (load(cfg, &path, &text, &f))
		return -1;
	const struct node_note *note = statefile_get(&f, node);
	if (note)
		*out = *note;
	statefile_free(&f);
	persist_text_free(&text);
	free(path);
	return 0;
}

/*
 * Since cfg was read another wsctl may have added nodes or changed weights: everybody's row is
 * written, so it is today's YAML that counts.
 */
static char *text_of_today(const struct config *cfg, const struct statefile *f)
{
	struct config *now = config_reload(cfg);
	bool same = now && strcmp(now->haproxy.backend, cfg->haproxy.backend) == 0;
	char *text = statefile_text(same ? now : cfg, f);
	config_free(now);
	return text;
}

/* since 0: now, or since when it is so already. */
static int write_note(const struct config *cfg, const char *node, enum node_state state,
                      int64_t since, const char *by)
{
	struct statefile f;
	struct file_text text;
	char *path, *now = NULL;
	int rc = -1;

	if (load(cfg, &path, &text, &f))
		return -1;
	/* Said again, a state keeps its beginning. */
	const struct node_note *was = statefile_get(&f, node);
	if (!since)
		since = was && was->state == state ? was->since : (int64_t)time(NULL);
	if (statefile_set(&f, node, state, since, by) == 0)
		now = text_of_today(cfg, &f);
	if (!now)
		say_error("out of memory");
	else
		rc = persist_write_of(cfg, path, now, strlen(now), &text, 0644);
	free(now);
	statefile_free(&f);
	persist_text_free(&text);
	free(path);
	return rc;
}

int state_write(const struct config *cfg, const char *node, enum node_state state, const char *by)
{
	return write_note(cfg, node, state, 0, by);
}

int state_restore(const struct config *cfg, const char *node, const struct node_note *n)
{
	return write_note(cfg, node, n->since ? n->state : STATE_REMOVED, n->since, n->by);
}

int statefile_refresh(const struct config *cfg)
{
	struct statefile f;
	struct file_text text;
	char *path, *now;
	int rc = 0;

	if (load(cfg, &path, &text, &f))
		return -1;
	now = text_of_today(cfg, &f);
	if (!now) {
		say_error("out of memory");
		rc = -1;
	} else if (text.exists && strcmp(text.p, now) != 0) {
		rc = persist_write_of(cfg, path, now, strlen(now), &text, 0644);
	}
	free(now);
	statefile_free(&f);
	persist_text_free(&text);
	free(path);
	return rc;
}
