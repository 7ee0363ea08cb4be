/*
 * fuzz_texts: texts that come from elsewhere and that wsctl takes apart line by line: a relay's, a
 * state file, two rendered files that are compared, a picture on its way to the screen. The first
 * byte chooses. What is read never runs off its end, and what is made of it keeps its promise.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/buf.h"
#include "../../wsctl/cmd.h"
#include "../../wsctl/live.h"
#include "../../wsctl/plan.h"
#include "../../wsctl/relay_parse.h"
#include "../../wsctl/render.h"
#include "../../wsctl/statefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
	if (!so)
		abort();
}

/* What comes back is what went in, as bytes of any kind. */
static void relay(const char *text, size_t len)
{
	json_t *o = relay_open(text, len);
	struct relay_stat st;
	char *bytes, *line;
	size_t n;

	if (o) {
		must(strlen(relay_str(o, "line")) <= len);
		relay_true(o, "ok");
		relay_int(o, "n", -1);
		relay_stat(o, &st);
		bytes = relay_bytes(o, "text", &n);
		must(!bytes || n <= len);
		free(bytes);
		json_decref(o);
	}
	o = json_object();
	must(!relay_set_bytes(o, "text", text, len));
	line = relay_close(o, &n);
	must(line && n && line[n - 1] == '\n' && strlen(line) == n &&
	     strchr(line, '\n') == line + n - 1);
	o = relay_open(line, n - 1);
	bytes = relay_bytes(o, "text", &n);
	must(bytes && n == len && !memcmp(bytes, text, len));
	free(bytes);
	free(line);
	json_decref(o);
}

/* What is understood of it is understood again when it is written as our own lines. */
static void state(const char *text)
{
	struct statefile f, again;
	struct buf b = {0};

	must(!statefile_parse(text, &f));
	for (size_t i = 0; i < f.n; i++)
		buf_printf(&b, "# wscale %s %s %lld %s\n", f.v[i].node,
		           node_state_str(f.v[i].note.state), (long long)f.v[i].note.since,
		           f.v[i].note.by);
	must(!statefile_parse(b.p ? b.p : "", &again) && again.n == f.n);
	for (size_t i = 0; i < f.n; i++) {
		const struct node_note *note = statefile_get(&again, f.v[i].node);

		must(note && note->state == f.v[i].note.state && note->since == f.v[i].note.since &&
		     !strcmp(note->by, f.v[i].note.by));
	}
	statefile_free(&f);
	statefile_free(&again);
	buf_free(&b);
}

/* The same text never differs from itself; of two the lines are few and hold no control byte. */
static void lines(char *text, size_t len)
{
	char *second = memchr(text, '\f', len);
	struct plan p = {0};

	if (second)
		*second++ = '\0';
	plan_lines(text, text, 1, 0, &p);
	must(!p.n);
	plan_lines(text, second ? second : "", 1, 7, &p);
	must(p.n < 100);
	free(p.v);
}

/* Exactly so many lines, none longer than the screen, and no escape that isn't ours. */
static void frame(const char *p, size_t len, const struct look *look)
{
	size_t rows = 1, column = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\033') {
			must(p[++i] == '[');
			while (++i < len && ((p[i] >= '0' && p[i] <= '9') || p[i] == ';'))
				;
			must(i < len && strchr("HKm", p[i]));
		} else if (p[i] == '\r') {
			must(p[i + 1] == '\n');
		} else if (p[i] == '\n') {
			rows++;
			column = 0;
		} else {
			must(++column <= look->columns);
		}
	}
	must(rows == look->lines);
}

static void picture(char *text, size_t len)
{
	static const struct table_col cols[] = {
		{"NODE", false}, {"N", true}, {"WORD", false}, {"M/s", true}};
	const struct live v = {.cols = cols, .n_cols = 4, .leave_out = "321"};
	struct look look = {.columns = 20 + (len & 63),
	                    .lines = 4 + (len & 31),
	                    .sort = (int)(len % 5) - 1,
	                    .reverse = len & 1,
	                    .colour = len & 2,
	                    .scroll = len % 7};
	struct picture pic = {0};
	struct buf b = {0};
	char *save;

	/* As the child writes them: without control bytes but for the tabs. */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' && text[i] != '\t' && text[i] != '\n')
			text[i] = '?';
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line != 'N')
			for (char *t = line; *t; t++)
				*t = *t == '\t' ? ' ' : *t;
		if (picture_line(&pic, 4, line) < 0)
			break;
	}
	picture_draw(&pic, &v, &look, &b);
	frame(b.p, b.len, &look);
	buf_free(&b);
	picture_free(&pic);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1 || !(text = malloc(size)))
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 4) {
	case 0:
		relay(text, size - 1);
		break;
	case 1:
		state(text);
		break;
	case 2:
		lines(text, size - 1);
		break;
	case 3:
		picture(text, size - 1);
		break;
	}
	free(text);
	return 0;
}

/* What the units need of the rest, and these readers don't. */
void plan_add(struct plan *p, enum plan_do todo, uint32_t on, const char *name, const char *how,
              const char *fmt, ...)
{
	struct plan_line *v = realloc(p->v, (p->n + 1) * sizeof *v);

	(void)todo, (void)on, (void)fmt;
	must(v && name && how && *name);
	p->v = v;
	v[p->n++] = (struct plan_line){0};
}
void say_error(const char *fmt, ...)
{
	(void)fmt;
}
char *render_state_path(const struct config *cfg)
{
	(void)cfg;
	return NULL;
}
int persist_read_of(const struct config *cfg, const char *path, bool missing_ok,
                    struct file_text *out)
{
	(void)cfg, (void)path, (void)missing_ok, (void)out;
	return -1;
}
int persist_write_of(const struct config *cfg, const char *path, const char *text, size_t len,
                     const struct file_text *read_as, unsigned mode)
{
	(void)cfg, (void)path, (void)text, (void)len, (void)read_as, (void)mode;
	return -1;
}
void persist_text_free(struct file_text *t)
{
	(void)t;
}
