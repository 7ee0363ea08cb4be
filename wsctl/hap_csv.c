/*
 * hap_csv: reads what HAProxy prints: tables by column name (129 columns on 2.6, 206 on 3.0, and
 * new ones between old ones on 3.4), sessions by key, processes, versions. Pure: text in, values
 * out. Knows no socket and no configuration.
 */
#include <stdlib.h>
#include <string.h>

#include "../lib/num.h"
#include "hap_int.h"

static int push(char ***v, size_t *n, size_t *cap, char *s)
{
	if (*n == *cap) {
		size_t want = *cap ? *cap * 2 : 64;
		char **p = realloc(*v, want * sizeof(*p));
		if (!p)
			return -1;
		*v = p;
		*cap = want;
	}
	(*v)[(*n)++] = s;
	return 0;
}

/* A quoted CSV field: "" inside is one quote. Returns behind the closing quote; the text shrinks in
 * place. */
static char *unquote(char *s)
{
	char *to = s, *from = s + 1;
	while (*from) {
		if (*from == '"' && from[1] == '"')
			from++;
		else if (*from == '"')
			break;
		*to++ = *from++;
	}
	if (*from == '"')
		from++;
	char *end = from;
	*to = '\0';
	return end;
}

static int split(char *line, char sep, char ***v, size_t *n, size_t *cap)
{
	*n = 0;
	for (char *s = line;;) {
		if (sep == ' ') {
			s += strspn(s, " \t");
			if (!*s)
				return 0;
		}
		char *field = s, *end;
		if (sep == ',' && *s == '"')
			end = unquote(s);
		else
			end = s;
		end += strcspn(end, sep == ' ' ? " \t" : ",");
		char was = *end;
		*end = '\0';
		if (push(v, n, cap, field))
			return -1;
		if (!was)
			return 0;
		s = end + 1;
	}
}

static char *take_line(struct hap_table *t)
{
	char *line = t->next;
	if (!line || !*line)
		return NULL;
	char *end = strchr(line, '\n');
	if (end) {
		*end = '\0';
		t->next = end + 1;
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
	} else {
		t->next = NULL;
	}
	return line;
}

int hap_table_open(struct hap_table *t, char *text, char sep)
{
	*t = (struct hap_table){.sep = sep};
	char *head = text;
	while (head && *head != '#') {
		head = strchr(head, '\n');
		if (head)
			head++;
	}
	if (!head)
		return -1;
	t->next = head + 1;
	char *line = take_line(t);
	if (line && *line == ' ')
		line++;
	if (!line || split(line, sep, &t->cols, &t->n_cols, &t->cap_cols) || !t->n_cols) {
		free(t->cols);
		*t = (struct hap_table){0};
		return -1;
	}
	t->text = text;
	return 0;
}

int hap_table_next(struct hap_table *t)
{
	char *line;
	while ((line = take_line(t)) != NULL) {
		if (!*line || *line == '#')
			continue;
		if (split(line, t->sep, &t->row, &t->n_row, &t->cap_row))
			return 0;
		return 1;
	}
	return 0;
}

const char *hap_table_get(const struct hap_table *t, const char *column)
{
	for (size_t i = 0; i < t->n_cols && i < t->n_row; i++)
		if (strcmp(t->cols[i], column) == 0)
			return t->row[i];
	return "";
}

int64_t hap_table_int(const struct hap_table *t, const char *column, int64_t dflt)
{
	uint64_t n;
	return num_u64(hap_table_get(t, column), 0, INT64_MAX, &n) ? dflt : (int64_t)n;
}

void hap_table_close(struct hap_table *t)
{
	free(t->text);
	free(t->cols);
	free(t->row);
	*t = (struct hap_table){0};
}

static bool is(const char *s, size_t len, const char *want)
{
	return strlen(want) == len && memcmp(s, want, len) == 0;
}

int hap_sess_parse(const char *line, size_t len, struct hap_sess *out)
{
	const char *end = line + len, *colon = memchr(line, ':', len);
	*out = (struct hap_sess){0};
	if (len < 3 || line[0] != '0' || line[1] != 'x' || !colon)
		return -1;
	out->id = line;
	out->id_len = (size_t)(colon - line);
	if (strspn(line + 2, "0123456789abcdefABCDEF") != out->id_len - 2 || out->id_len < 3)
		return -1;
	for (const char *p = colon + 1; p < end;) {
		while (p < end && *p == ' ')
			p++;
		const char *word = p;
		while (p < end && *p != ' ' && *p != '\n')
			p++;
		size_t n = (size_t)(p - word);
		if (!out->be && n > 3 && memcmp(word, "be=", 3) == 0) {
			out->be = word + 3;
			out->be_len = n - 3;
		} else if (!out->srv && n > 4 && memcmp(word, "srv=", 4) == 0) {
			out->srv = word + 4;
			out->srv_len = n - 4;
		}
		if (p < end && *p == '\n')
			break;
	}
	return out->be && out->srv ? 0 : -1;
}

bool hap_sess_is(const struct hap_sess *s, const char *backend, const char *server)
{
	if (!is(s->be, s->be_len, backend))
		return false;
	return server ? is(s->srv, s->srv_len, server) : !is(s->srv, s->srv_len, "<none>");
}

/* "0d01h02m03s" */
static int64_t uptime(const char *s, size_t len)
{
	int64_t total = 0, n = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] >= '0' && s[i] <= '9') {
			if (n > 1000000)
				return 0;
			n = n * 10 + (s[i] - '0');
			continue;
		}
		total += n * (s[i] == 'd' ? 86400 : s[i] == 'h' ? 3600 : s[i] == 'm' ? 60 : 1);
		n = 0;
	}
	return total;
}

int hap_proc_parse(const char *line, size_t len, bool *old, struct hap_worker *out)
{
	if (len && line[0] == '#') {
		*old = len >= 13 && memcmp(line, "# old workers", 13) == 0;
		return 0;
	}
	const char *word[8];
	size_t size[8], n = 0;
	for (size_t i = 0; i < len && n < 8;) {
		while (i < len && (line[i] == ' ' || line[i] == '\t'))
			i++;
		size_t from = i;
		while (i < len && line[i] != ' ' && line[i] != '\t')
			i++;
		if (i > from) {
			word[n] = line + from;
			size[n++] = i - from;
		}
	}
	char pid[16];
	uint64_t number;
	if (n < 4 || size[0] >= sizeof(pid))
		return 0;
	memcpy(pid, word[0], size[0]);
	pid[size[0]] = '\0';
	if (num_u64(pid, 1, INT32_MAX, &number))
		return 0;
	/* "[failed: 0]" stands between reloads and uptime on the master's line. */
	size_t up = 3;
	while (up < n &&
	       (word[up][0] < '0' || word[up][0] > '9' || !memchr(word[up], 'd', size[up])))
		up++;
	*out = (struct hap_worker){.pid = (long)number,
	                           .uptime_s = up < n ? uptime(word[up], size[up]) : 0};
	return is(word[1], size[1], "worker") ? 1 : is(word[1], size[1], "master") ? 2 : 0;
}

int hap_version_parse(const char *s, unsigned out[static 3])
{
	out[0] = out[1] = out[2] = 0;
	for (int i = 0; i < 3; i++) {
		if (*s < '0' || *s > '9')
			return i >= 2 ? 0 : -1;
		while (*s >= '0' && *s <= '9' && out[i] < 100000)
			out[i] = out[i] * 10 + (unsigned)(*s++ - '0');
		if (*s != '.')
			return i >= 1 ? 0 : -1;
		s++;
	}
	return 0;
}

bool hap_version_del_risky(const unsigned v[static 3])
{
	return v[0] < 2 || (v[0] == 2 && (v[1] < 6 || (v[1] == 6 && v[2] < 16)));
}
