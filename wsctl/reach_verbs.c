/*
 * reach_verbs: see the header. What a relay answers is taken for what it is: somebody's text.
 */
#include "reach_verbs.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/config.h"
#include "cmd.h"
#include "hap_int.h"
#include "reach.h"
#include "relay_parse.h"
#include "validate.h"

enum {
	SLACK_MS = 5000,
	FILE_MS = 20000,
	VALIDATE_MS = 65000, /* haproxy -c has a minute there */
};

/* The reply when it is ok; else what is wrong is printed. */
static json_t *done(struct reach *r, json_t *reply)
{
	json_t *errors;

	if (!reply) {
		const char *why = reach_why(r);

		say_error("%s", why ? why : "out of memory");
		return NULL;
	}
	if (relay_true(reply, "ok"))
		return reply;
	errors = json_object_get(reply, "errors");
	for (size_t i = 0; i < json_array_size(errors) && i < RELAY_ERRORS_MAX; i++) {
		const char *line = json_string_value(json_array_get(errors, i));

		say_error("%s: %.*s", reach_name(r), (int)RELAY_ERROR_MAX, line ? line : "?");
	}
	if (!json_array_size(errors))
		say_error("%s: failed, and doesn't say why", reach_name(r));
	json_decref(reply);
	return NULL;
}

int reach_ask(struct reach *r, enum hap_socket which, long pid, const char *line, const char *lines,
              char **reply, char **why)
{
	json_t *o = json_pack("{s:s, s:I, s:s}", "socket", which == HAP_ADMIN ? "admin" : "master",
	                      "pid", (json_int_t)pid, "line", line);
	json_t *a;
	int64_t result;
	size_t len;

	if (lines)
		relay_set_bytes(o, "lines", lines, strlen(lines));
	a = o ? reach_call(r, "ask", o, HAP_DEADLINE_MS + SLACK_MS) : NULL;
	result = relay_int(a, "result", HAP_AWAY);

	*reply = *why = NULL;
	if (!a) {
		*why = strdup(reach_why(r) ? reach_why(r) : "out of memory");
		return HAP_AWAY;
	}
	if (result == HAP_OK && relay_true(a, "ok"))
		*reply = relay_bytes(a, "text", &len);
	if (!*reply) {
		result = result == HAP_REFUSED ? HAP_REFUSED : HAP_AWAY;
		*why = strdup(*relay_str(a, "why") ? relay_str(a, "why")
		                                   : "no answer of HAProxy's");
	}
	json_decref(a);
	return (int)result;
}

int reach_read(struct reach *r, const char *file, bool missing_ok, struct file_text *out)
{
	struct relay_stat st;
	json_t *a;

	*out = (struct file_text){0};
	a = done(r, reach_call(r, "read",
	                       json_pack("{s:s, s:b}", "file", file, "missing_ok", missing_ok),
	                       FILE_MS));
	if (!a)
		return -1;
	out->p = relay_bytes(a, "text", &out->len);
	if (!out->p || !relay_stat(a, &st)) {
		say_error("%s: its answer about a file isn't understood", reach_name(r));
		free(out->p);
		out->p = NULL;
		json_decref(a);
		return -1;
	}
	json_decref(a);
	out->exists = st.exists;
	out->dev = st.dev;
	out->ino = st.ino;
	out->mtime_ns = st.mtime_ns;
	out->size = st.size;
	return 0;
}

static int do_it(struct reach *r, const char *verb, json_t *o)
{
	json_t *a = done(r, reach_call(r, verb, o, FILE_MS));

	json_decref(a);
	return a ? 0 : -1;
}

int reach_write(struct reach *r, const char *file, const char *text, size_t len,
                const struct file_text *read_as)
{
	json_t *o = json_pack("{s:s}", "file", file);

	relay_set_bytes(o, "text", text, len);
	if (read_as)
		relay_set_stat(o, &(struct relay_stat){read_as->exists, read_as->dev, read_as->ino,
		                                       read_as->mtime_ns, read_as->size});
	return do_it(r, "write", o);
}

int reach_render(struct reach *r, const char *text, bool overwrite)
{
	json_t *o = json_pack("{s:b}", "overwrite", overwrite);

	if (text)
		relay_set_bytes(o, "text", text, strlen(text));
	return do_it(r, "render", o);
}

int reach_validate(struct reach *r, const char *text, struct verdict *out)
{
	json_t *o = json_object(), *a;
	size_t len;

	*out = (struct verdict){0};
	relay_set_bytes(o, "text", text, strlen(text));
	a = reach_call(r, "validate", o, VALIDATE_MS);
	if (!a) {
		out->said = strdup(reach_why(r) ? reach_why(r) : "out of memory");
		return out->said ? 0 : -1;
	}
	out->ok = relay_true(a, "ok") && relay_true(a, "passed");
	out->loaded = relay_true(a, "loaded");
	out->master = relay_true(a, "master");
	if (!out->ok) {
		out->said = relay_bytes(a, "text", &len);
		if (!out->said)
			out->said = strdup("haproxy -c could not be run there");
	}
	json_decref(a);
	return out->ok || out->said ? 0 : -1;
}
