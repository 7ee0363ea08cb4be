/*
 * term: what was changed is undone by one write and one tcsetattr, both of which a signal's handler
 * may call (signal-safety(7)), so a crash leaves the terminal as it was too. Sequences: xterm's,
 * which every terminal of today has.
 */
#include "term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

static struct termios before, raw;
static volatile sig_atomic_t entered, changed;
static const int fatal[] = {SIGQUIT, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

bool term_is(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

bool term_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

static void put(const char *s, size_t n)
{
	ssize_t done = write(STDOUT_FILENO, s, n);

	(void)done; /* a terminal that is gone needs nothing any more */
}

static void give_back(void)
{
	if (!entered)
		return;
	entered = 0;
	put(LEAVE, sizeof LEAVE - 1);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void take(void)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	put(ENTER, sizeof ENTER - 1);
	entered = 1;
}

static void on_fatal(int sig)
{
	give_back();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Ctrl-Z: the shell gets its terminal, and we it again with fg. */
static void on_stop(int sig)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL}, old;
	sigset_t only;
	int err = errno;

	give_back();
	sigaction(SIGTSTP, &dfl, &old);
	sigemptyset(&only);
	sigaddset(&only, sig);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &only, NULL); /* stops here */
	sigaction(SIGTSTP, &old, NULL);
	take();
	changed = 1;
	errno = err;
}

static void on_size(int sig)
{
	(void)sig;
	changed = 1;
}

int term_enter(void)
{
	struct sigaction sa = {.sa_handler = on_fatal};

	if (!term_is() || tcgetattr(STDIN_FILENO, &before))
		return -1;
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		sigaction(fatal[i], &sa, NULL);
	sa.sa_handler = on_stop;
	sigaction(SIGTSTP, &sa, NULL);
	sa.sa_handler = on_size;
	sigaction(SIGWINCH, &sa, NULL);
	take();
	return 0;
}

void term_leave(void)
{
	give_back();
}

void term_size(unsigned *columns, unsigned *lines)
{
	struct winsize w = {0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	*columns = !w.ws_col ? 80 : w.ws_col < 20 ? 20 : w.ws_col;
	*lines = !w.ws_row ? 24 : w.ws_row < 2 ? 2 : w.ws_row;
}

/* What was typed and isn't taken yet: keys come in bursts. */
static char typed[64];
static size_t n_typed;

/* A key of one byte, or one of xterm's sequences; what isn't known is nothing. */
static enum term_key key(char *c)
{
	static const struct {
		const char *seq;
		enum term_key key;
	} known[] = {{"\033[A", TERM_UP},   {"\033OA", TERM_UP},       {"\033[B", TERM_DOWN},
	             {"\033OB", TERM_DOWN}, {"\033[5~", TERM_PAGE_UP}, {"\033[6~", TERM_PAGE_DOWN}};
	enum term_key k = TERM_CHAR;
	size_t len = 1;

	*c = typed[0];
	if (typed[0] == '\033') {
		/* To its final byte, as ECMA-48 has it; or it is the Escape key alone. */
		k = TERM_NOTHING;
		len = n_typed > 1 && (typed[1] == '[' || typed[1] == 'O') ? 2 : 1;
		while (len > 1 && len < n_typed && (typed[len] < '@' || typed[len] > '~'))
			len++;
		len += len > 1 && len < n_typed;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (strlen(known[i].seq) == len && !memcmp(typed, known[i].seq, len))
				k = known[i].key;
	}
	n_typed -= len;
	memmove(typed, typed + len, n_typed);
	return k;
}

/* 0; -1: nobody is there any more. */
static int take_keys(void)
{
	ssize_t n = read(STDIN_FILENO, typed, sizeof typed);

	n_typed = n > 0 ? (size_t)n : 0;
	return n > 0 || (n < 0 && errno == EINTR) ? 0 : -1;
}

enum term_key term_next(int fd, uint64_t wait_ms, char *c)
{
	struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	if (n_typed)
		return key(c);
	if (!changed && poll(p, 2, (int)wait_ms) <= 0 && !changed)
		return TERM_NOTHING;
	if (changed) {
		changed = 0;
		return TERM_REDRAW;
	}
	if (p[0].revents & POLLIN && !take_keys())
		return n_typed ? key(c) : TERM_NOTHING;
	if (p[0].revents)
		return TERM_GONE;
	return p[1].revents ? TERM_FD : TERM_NOTHING;
}

void term_write(const char *s, size_t n)
{
	while (n) {
		ssize_t done = write(STDOUT_FILENO, s, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		s += done;
		n -= (size_t)done;
	}
}
