/*
 * live: a child that gathers and writes pictures into a pipe, and a loop over that pipe and the
 * keyboard. The child ends with the loop, whatever ends that.
 */
#include "live.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "cmd.h"
#include "hap.h"
#include "term.h"

enum { PICTURE_MAX = 64 << 20, WAIT_MS = 1000 };

int live_column(const struct live *v, const char *title)
{
	struct buf b = {0};

	for (size_t i = 0; i < v->n_cols; i++) {
		const char *t = v->cols[i].title;
		size_t n = strcspn(t, "/");

		if (!strcasecmp(t, title) || (strlen(title) == n && !strncasecmp(t, title, n)))
			return (int)i;
		buf_printf(&b, "%s%.*s", i ? ", " : "", (int)n, t);
	}
	for (char *p = b.p; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	say_error("no column \"%.40s\"; there are %s", title, b.p ? b.p : "others");
	buf_free(&b);
	return -1;
}

static void one_line(FILE *f, char kind, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return;
	tame(copy);
	fprintf(f, "%c%s\n", kind, copy);
	free(copy);
}

void live_head(FILE *f, const char *line)
{
	one_line(f, 'H', line);
}

void live_warning(FILE *f, const char *line)
{
	one_line(f, 'W', line);
}

void live_row(FILE *f, size_t n, const char *const *texts, const double *keys,
              const enum table_colour *colours)
{
	fputc('N', f);
	for (size_t i = 0; i < n; i++) {
		/* As table.c has it: printable ASCII, so that a cell is as wide as it is long. */
		for (const char *p = texts[i]; *p; p++)
			fputc(*p >= ' ' && *p <= '~' ? *p : '?', f);
		if (isnan(keys[i]))
			fprintf(f, "\t\t%d%s", (int)colours[i], i + 1 < n ? "\t" : "\n");
		else
			fprintf(f, "\t%.17g\t%d%s", keys[i], (int)colours[i],
			        i + 1 < n ? "\t" : "\n");
	}
}

/* A gathering that failed: what it said becomes the picture. */
static void failed(FILE *f, FILE *said)
{
	char *line = NULL;
	size_t cap = 0;

	live_head(f, "no answer; it is asked again");
	rewind(said);
	while (getline(&line, &cap, said) > 0) {
		line[strcspn(line, "\n")] = '\0';
		live_warning(f, !strncmp(line, "wsctl: ", 7) ? line + 7 : line);
	}
	free(line);
}

/* Never returns. Keys and screen are the other one's: what it says goes into a file. */
static void child(struct run *r, const struct live *v, int out)
{
	FILE *f = fdopen(out, "w"), *said = tmpfile();
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	if (nothing < 0 || !said || !f || dup2(nothing, STDIN_FILENO) < 0 ||
	    dup2(nothing, STDOUT_FILENO) < 0 || dup2(fileno(said), STDERR_FILENO) < 0)
		_exit(1);
	do {
		if (lseek(STDERR_FILENO, 0, SEEK_SET) < 0 || ftruncate(STDERR_FILENO, 0))
			_exit(1);
		if (v->gather(r, f))
			failed(f, said);
		fputs(".\n", f);
	} while (!fflush(f) && !pause_ms(v->interval_ms));
	_exit(0);
}

struct screen {
	const struct live *v;
	struct picture shown, next;
	struct buf in; /* what isn't a whole line yet */
	struct look look;
};

static void redraw(struct screen *s)
{
	struct buf b = {0};

	term_size(&s->look.columns, &s->look.lines);
	picture_draw(&s->shown, s->v, &s->look, &b);
	if (!b.oom)
		term_write(b.p, b.len);
	buf_free(&b);
}

/* 0; -1: the child has ended, or says what isn't understood. */
static int take_in(struct screen *s, int fd)
{
	char chunk[65536], *line, *end;
	ssize_t n = read(fd, chunk, sizeof chunk);

	if (n <= 0)
		return n < 0 && errno == EINTR ? 0 : -1;
	buf_add(&s->in, chunk, (size_t)n);
	if (s->in.oom || s->in.len > PICTURE_MAX)
		return -1;
	for (line = s->in.p; (end = strchr(line, '\n')); line = end + 1) {
		int whole;

		*end = '\0';
		whole = picture_line(&s->next, s->v->n_cols, line);
		if (whole < 0)
			return -1;
		if (!whole)
			continue;
		picture_free(&s->shown);
		s->shown = s->next;
		s->next = (struct picture){0};
		redraw(s);
	}
	s->in.len = strlen(line);
	memmove(s->in.p, line, s->in.len + 1);
	return 0;
}

static void scroll(struct screen *s, int by)
{
	size_t now = s->look.scroll;

	s->look.scroll = by < 0 && now < (size_t)-by ? 0 : now + (size_t)by;
	redraw(s);
}

/* false: that was enough. */
static bool key(struct screen *s, enum term_key k, char c)
{
	int page = s->look.lines > 4 ? (int)s->look.lines - 4 : 1;

	switch (k) {
	case TERM_UP:
		scroll(s, -1);
		break;
	case TERM_DOWN:
		scroll(s, 1);
		break;
	case TERM_PAGE_UP:
		scroll(s, -page);
		break;
	case TERM_PAGE_DOWN:
		scroll(s, page);
		break;
	case TERM_REDRAW:
		redraw(s);
		break;
	case TERM_CHAR:
		if (c == 'q')
			return false;
		if (c == 's')
			s->look.sort = (s->look.sort + 1) % (int)s->v->n_cols;
		if (c == 'r')
			s->look.reverse = !s->look.reverse;
		redraw(s);
		break;
	case TERM_NOTHING:
	case TERM_GONE:
	case TERM_FD:
		break;
	}
	return true;
}

static int loop(struct screen *s, int fd)
{
	for (;;) {
		char c = 0;
		enum term_key k = term_next(fd, WAIT_MS, &c);

		if (interrupted())
			return EXIT_INTERRUPTED;
		if (k == TERM_GONE)
			return EXIT_FAILED;
		if (k == TERM_FD && take_in(s, fd))
			return EXIT_FAILED;
		if (!key(s, k, c))
			return EXIT_OK;
	}
}

int live_run(struct run *r, const struct live *v)
{
	struct screen s = {.v = v, .look = {.sort = v->sort, .colour = term_colour()}};
	int fds[2], rc;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC)) {
		say_error("can't make a pipe: %s", strerror(errno));
		return EXIT_FAILED;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(r, v, fds[1]);
	}
	close(fds[1]);
	if (pid < 0) {
		say_error("can't start a process: %s", strerror(errno));
		close(fds[0]);
		return EXIT_FAILED;
	}
	if (term_enter()) {
		say_error("this needs a terminal");
		rc = EXIT_FAILED;
	} else {
		redraw(&s);
		rc = loop(&s, fds[0]);
		term_leave();
		if (rc == EXIT_FAILED)
			say_error("what gathers has ended");
	}
	kill(pid, SIGTERM);
	close(fds[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	picture_free(&s.shown);
	picture_free(&s.next);
	buf_free(&s.in);
	return rc;
}
