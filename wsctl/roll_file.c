/*
 * roll_file: three kinds of lines: since, request, node. A line that isn't understood makes the
 * whole of it worthless, and a roll begins anew.
 */
#include "roll_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/grow.h"
#include "../lib/num.h"
#include "cmd.h"
#include "persist.h"

static const char *const steps[] = {"waits", "begun", "done", "gone"};

static int path_of(const struct config *cfg, char out[static PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/roll", cfg->haproxy.state_dir);

	return n > 0 && n < PATH_MAX ? 0 : -1;
}

static int node(char *line, struct roll_file *f)
{
	struct roll_node r = {0}, *v;
	char step[16];

	if (sscanf(line, "node %64s %15s %64s", r.name, step, r.start_id) < 2)
		return -1;
	for (int i = ROLL_WAITS; i <= ROLL_GONE; i++) {
		if (strcmp(step, steps[i]) != 0)
			continue;
		r.step = (enum roll_step)i;
		v = grow(f->v, f->n, sizeof *v);
		if (!v)
			return -1;
		f->v = v;
		v[f->n++] = r;
		return 0;
	}
	return -1;
}

static int parse(char *text, struct roll_file *f)
{
	char *save, *line;
	uint64_t since;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "since ", 6) && !num_u64(line + 6, 0, INT64_MAX, &since))
			f->since = (int64_t)since;
		else if (!strncmp(line, "request ", 8) && !f->request)
			f->request = strdup(line + 8);
		else if (node(line, f))
			return -1;
	}
	return f->request && f->since ? 0 : -1;
}

int roll_file_read(const struct config *cfg, struct roll_file *out)
{
	char path[PATH_MAX];
	struct file_text text;

	*out = (struct roll_file){0};
	if (path_of(cfg, path) || persist_read(path, true, &text))
		return -1;
	if (!text.exists || parse(text.p, out))
		roll_file_free(out);
	persist_text_free(&text);
	return 0;
}

int roll_file_write(const struct config *cfg, const struct roll_file *f)
{
	char path[PATH_MAX];
	struct buf b = {0};
	int rc = -1;

	buf_printf(&b, "since %lld\nrequest %s\n", (long long)f->since, f->request);
	for (size_t i = 0; i < f->n; i++)
		buf_printf(&b, "node %s %s%s%s\n", f->v[i].name, steps[f->v[i].step],
		           f->v[i].start_id[0] ? " " : "", f->v[i].start_id);
	if (b.oom)
		say_error("out of memory");
	else if (!path_of(cfg, path))
		rc = persist_write(path, b.p, b.len, NULL, 0644);
	buf_free(&b);
	return rc;
}

void roll_file_remove(const struct config *cfg)
{
	char path[PATH_MAX];

	if (!path_of(cfg, path))
		unlink(path);
}

void roll_file_free(struct roll_file *f)
{
	free(f->request);
	free(f->v);
	*f = (struct roll_file){0};
}
