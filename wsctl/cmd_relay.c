/*
 * wsctl relay: a balancer's end of a wsctl on another host, started by its ssh: does here what that
 * one asks for, one line after the other, until the connection ends. Acts on HAProxy's two sockets
 * and on the three files that the other's YAML names, and on nothing else. Keeps nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "../lib/errs.h"
#include "../lib/version.h"
#include "cmd.h"
#include "hap.h"
#include "persist.h"
#include "relay_parse.h"
#include "render.h"
#include "validate.h"

struct relay {
	struct config *cfg; /* of the hello; NULL before it */
	char *state;        /* the state file's path */
	struct file_text read[3];
	bool was_read[3]; /* haproxy, state, cert: a write is compared to what was read */
};

static void hello(struct relay *l, const json_t *q, json_t *a)
{
	const char *yaml = relay_str(q, "yaml");
	struct errs errs = {0};
	struct config *cfg;

	json_object_set_new(a, "relay", json_integer(RELAY_PROTOCOL));
	json_object_set_new(a, "version", json_string(WSCALE_VERSION));
	if (relay_int(q, "relay", -1) != RELAY_PROTOCOL) {
		say_error("wsctl %.30s asks for another relay than that of %s",
		          relay_str(q, "version"), WSCALE_VERSION);
		return;
	}
	cfg = config_parse(yaml, strlen(yaml), "YAML", &errs);
	if (cfg) {
		config_free(l->cfg);
		free(l->state);
		l->cfg = cfg;
		l->state = render_state_path(cfg);
		json_object_set_new(a, "ok", json_boolean(l->state != NULL));
	} else {
		say_errs(&errs, "the configuration that was sent");
	}
	errs_free(&errs);
}

static void ask(struct relay *l, const json_t *q, json_t *a)
{
	const char *line = relay_str(q, "line");
	int64_t pid = relay_int(q, "pid", 0);
	char *reply = NULL;
	size_t len;
	char *lines = relay_bytes(q, "lines", &len);
	int result = lines ? hap_ask_with(l->cfg, &reply, lines, "%s", line)
	             : !strcmp(relay_str(q, "socket"), "admin")
	                     ? hap_ask(l->cfg, HAP_ADMIN, &reply, "%s", line)
	             : pid > 0 ? hap_ask_worker(l->cfg, (long)pid, &reply, "%s", line)
	                       : hap_ask(l->cfg, HAP_MASTER, &reply, "%s", line);

	json_object_set_new(a, "ok", json_true());
	json_object_set_new(a, "result", json_integer(result));
	if (result == HAP_OK)
		relay_set_bytes(a, "text", reply, strlen(reply));
	else
		relay_set_bytes(a, "why", hap_why(), strlen(hap_why()));
	if (result == HAP_OK)
		free(reply);
	free(lines);
}

/* 0: haproxy.file, 1: the state file, 2: the certificate; -1, printed. */
static int which(const struct relay *l, const json_t *q)
{
	const char *file = relay_str(q, "file");

	if (!strcmp(file, "haproxy"))
		return 0;
	if (!strcmp(file, "state"))
		return 1;
	if (!strcmp(file, "cert") && l->cfg->haproxy.tls)
		return 2;
	say_error("there is no file \"%.40s\" for a relay", file);
	return -1;
}

static const char *path(const struct relay *l, int i)
{
	return i == 2 ? l->cfg->haproxy.tls_cert : i ? l->state : l->cfg->haproxy.file;
}

static void read_file(struct relay *l, const json_t *q, json_t *a)
{
	int i = which(l, q);
	struct file_text *t = i < 0 ? NULL : &l->read[i];

	if (!t)
		return;
	persist_text_free(t);
	l->was_read[i] = !persist_read(path(l, i), relay_true(q, "missing_ok"), t);
	if (!l->was_read[i])
		return;
	relay_set_bytes(a, "text", t->p, t->len);
	relay_set_stat(a, &(struct relay_stat){t->exists, t->dev, t->ino, t->mtime_ns, t->size});
	json_object_set_new(a, "ok", json_true());
}

static bool same(const struct file_text *t, const struct relay_stat *st)
{
	return t->exists == st->exists && t->dev == st->dev && t->ino == st->ino &&
	       t->mtime_ns == st->mtime_ns && t->size == st->size;
}

static void write_file(struct relay *l, const json_t *q, json_t *a)
{
	int i = which(l, q);
	bool compare = json_object_get(q, "stat") != NULL;
	struct relay_stat st;
	size_t len;
	char *text = relay_bytes(q, "text", &len);

	if (i < 0 || !text) {
		if (i >= 0)
			say_error("nothing to write");
	} else if (compare && (!l->was_read[i] || !relay_stat(q, &st) || !same(&l->read[i], &st))) {
		say_error("%s: changed by someone else meanwhile; run the command again",
		          path(l, i));
	} else if (!persist_write(path(l, i), text, len, compare ? &l->read[i] : NULL,
	                          i == 2 ? 0600 : 0644)) {
		json_object_set_new(a, "ok", json_true());
	}
	free(text);
}

static void render_file(struct relay *l, const json_t *q, json_t *a)
{
	size_t len;
	char *text = relay_bytes(q, "text", &len);

	if (!rendered_put(l->cfg, text, relay_true(q, "overwrite")))
		json_object_set_new(a, "ok", json_true());
	free(text);
}

static void validate_text(struct relay *l, const json_t *q, json_t *a)
{
	size_t len;
	char *text = relay_bytes(q, "text", &len);
	struct verdict v;

	if (!text || validate(l->cfg, text, &v)) {
		say_error(text ? "out of memory" : "nothing to validate");
		free(text);
		return;
	}
	json_object_set_new(a, "ok", json_true());
	json_object_set_new(a, "passed", json_boolean(v.ok));
	json_object_set_new(a, "loaded", json_boolean(v.loaded));
	json_object_set_new(a, "master", json_boolean(v.master));
	if (v.said)
		relay_set_bytes(a, "text", v.said, strlen(v.said));
	verdict_free(&v);
	free(text);
}

static const struct {
	const char *name;
	void (*does)(struct relay *, const json_t *q, json_t *a);
} verbs[] = {
	{"hello", hello},        {"ask", ask},
	{"read", read_file},     {"write", write_file},
	{"render", render_file}, {"validate", validate_text},
};

static void dispatch(struct relay *l, const json_t *q, json_t *a)
{
	const char *verb = relay_str(q, "do");

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		if (i && !l->cfg)
			say_error("%s before hello", verb);
		else
			verbs[i].does(l, q, a);
		return;
	}
	say_error("a relay of %s can't \"%.40s\"", WSCALE_VERSION, verb);
}

/* What would be printed goes into the reply. */
static json_t *answer(struct relay *l, const json_t *q)
{
	json_t *a = json_object();
	struct buf said = {0};

	json_object_set_new(a, "n", json_integer(relay_int(q, "n", -1)));
	say_into(&said);
	dispatch(l, q, a);
	say_into(NULL);
	if (relay_true(a, "ok"))
		goto out;
	json_object_set_new(a, "ok", json_false());
	json_object_set_new(a, "errors", json_array());
	for (char *p = said.p, *end; p && *p; p = end + 1) {
		end = strchrnul(p, '\n');
		json_array_append_new(json_object_get(a, "errors"),
		                      json_stringn(p, (size_t)(end - p)));
		if (!*end)
			break;
	}
out:
	buf_free(&said);
	return a;
}

static int put(const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, p, len);

		if (n < 0 && errno == EINTR && !interrupted())
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int not_for_people(void)
{
	say_error("relay is what a wsctl on another host runs through ssh; "
	          "see haproxy.balancers in wscale.yaml(5)");
	return EXIT_USAGE;
}

static int serve(struct relay *l, const char *line, size_t len)
{
	json_t *q = relay_open(line, len);
	char *reply;
	size_t n = 0;
	int rc;

	if (!q)
		return not_for_people();
	reply = relay_close(answer(l, q), &n);
	json_decref(q);
	rc = reply && !put(reply, n) ? EXIT_OK : EXIT_FAILED;
	free(reply);
	return rc;
}

int cmd_relay(struct run *r)
{
	struct relay l = {0};
	struct buf in = {0};
	int rc = EXIT_OK;

	(void)r;
	if (isatty(STDIN_FILENO))
		return not_for_people();
	while (!rc && !interrupted()) {
		char chunk[65536], *end;
		size_t at = in.len;
		ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		buf_add(&in, chunk, (size_t)n);
		if (in.oom || in.len > RELAY_LINE_MAX) {
			say_error("a request without an end");
			rc = EXIT_FAILED;
			break;
		}
		while (!rc && (end = memchr(in.p + at, '\n', in.len - at))) {
			size_t len = (size_t)(end - in.p) + 1;

			rc = serve(&l, in.p, len - 1);
			memmove(in.p, in.p + len, in.len - len);
			in.len -= len;
			at = 0;
		}
	}
	buf_free(&in);
	for (int i = 0; i < 3; i++)
		persist_text_free(&l.read[i]);
	free(l.state);
	config_free(l.cfg);
	return rc;
}
