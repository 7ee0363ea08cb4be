/*
 * test_persist_rendered: the rendered file is replaced when it is ours, absent or empty; somebody's
 * work never is without --overwrite, and the message says how to keep it.
 */
#include <sys/stat.h>

#include "../../wsctl/persist.h"
#include "../../wsctl/reach_verbs.h"
#include "../../wsctl/render.h"
#include "files.h"

/* What is rendered, and whose the file is, is the renderer's business; here they are given. */
static enum rendered verdict;

char *render(const struct config *cfg)
{
	(void)cfg;
	return strdup("rendered\n");
}

enum rendered render_verify(const char *text, size_t len)
{
	(void)text;
	(void)len;
	return verdict;
}

int reach_render(struct reach *r, const char *text, bool overwrite)
{
	(void)r;
	(void)text;
	(void)overwrite;
	return -1;
}

static void test_rendered(void)
{
	static char file[600], cure[700], want[1000];
	struct config cfg = {0};
	snprintf(file, sizeof file, "%s", in("haproxy.cfg"));
	cfg.haproxy.file = file;
	snprintf(cure, sizeof cure, "wsctl apply --overwrite");
	said_reset();
	verdict = RENDERED_FOREIGN;
	ok(persist_rendered_check(&cfg, false) == 0 && persist_rendered(&cfg, false) == 0,
	   "no file yet: made");
	is(get(file), "rendered\n", "  with what is rendered");
	put(file, "");
	ok(persist_rendered(&cfg, false) == 0, "an empty file is nobody's work");
	put(file, "old\n");
	verdict = RENDERED_OURS;
	ok(persist_rendered_check(&cfg, false) == 0 && strcmp(get(file), "old\n") == 0,
	   "a check changes nothing");
	ok(persist_rendered(&cfg, false) == 0 && strcmp(get(file), "rendered\n") == 0,
	   "ours: replaced");
	struct stat a, b;
	ok(stat(file, &a) == 0 && persist_rendered(&cfg, false) == 0 && stat(file, &b) == 0 &&
	           a.st_ino == b.st_ino,
	   "the same text: not touched");
	put(file, "old\n");
	verdict = RENDERED_EDITED;
	said_reset();
	ok(persist_rendered_check(&cfg, false) == -1, "edited by hand: refused");
	snprintf(want, sizeof want, "edited by hand; keep it in haproxy.extra, or discard: %s",
	         cure);
	said_is(file, want, "  says what to do");
	ok(persist_rendered(&cfg, false) == -1 && strcmp(get(file), "old\n") == 0,
	   "  and not replaced");
	verdict = RENDERED_FOREIGN;
	said_reset();
	ok(persist_rendered(&cfg, false) == -1 && strcmp(get(file), "old\n") == 0,
	   "not ours: refused");
	snprintf(want, sizeof want,
	         "not written by wsctl; keep it with haproxy.own: backend, or discard: %s", cure);
	said_is(file, want, "  says what to do");
	cfg.haproxy.own = OWN_BACKEND;
	said_reset();
	ok(persist_rendered_check(&cfg, false) == -1, "not ours, as a fragment: refused");
	snprintf(want, sizeof want,
	         "not written by wsctl; keep it with haproxy.file: another name, or discard: %s",
	         cure);
	said_is(file, want, "  says what to do");
	ok(persist_rendered(&cfg, true) == 0 && strcmp(get(file), "rendered\n") == 0,
	   "--overwrite: replaced");
	unlink(file);
	mkdir(file, 0755);
	ok(persist_rendered(&cfg, true) == -1, "a directory is refused even so");
	clean();
}

int main(void)
{
	if (!files_open())
		return 99;
	test_rendered();
	files_close();
	return tap_done();
}
