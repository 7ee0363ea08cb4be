/*
 * test_lock: a lock keeps others out, names its holder, waits as long as told, and ends with its
 * process.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../wsctl/hap.h"
#include "../../wsctl/lock_far.h"
#include "../../wsctl/persist.h"
#include "stubs_ctl.h"
#include "tap.h"

/* With one balancer Redis isn't asked. */
int lock_far_take(const struct config *cfg, const char *name, const char *holder, uint64_t until_ms,
                  struct lock *l)
{
	(void)cfg, (void)name, (void)holder, (void)until_ms, (void)l;
	return EXIT_OK;
}

bool lock_far_who(const struct config *cfg, const char *name, int fd, char who[static LOCK_WHO])
{
	(void)cfg, (void)name, (void)fd, (void)who;
	return false;
}

void lock_far_drop(struct lock *l)
{
	(void)l;
}

static char dir[256], state[300];

/* Another process that holds the lock until it is told, or killed. */
struct holder {
	pid_t pid;
	int tell;
};

static struct holder hold(const struct config *cfg, const char *name, const char *doing)
{
	int up[2], down[2];
	char c;
	if (pipe(up) != 0 || pipe(down) != 0)
		exit(99);
	pid_t pid = fork();
	if (pid == 0) {
		struct lock l;
		close(down[1]);
		int rc = lock_take(cfg, name, doing, 0, &l);
		if (write(up[1], rc == EXIT_OK ? "y" : "n", 1) != 1)
			_exit(1);
		if (read(down[0], &c, 1) < 0)
			_exit(1);
		lock_drop(&l);
		_exit(0);
	}
	close(up[1]);
	close(down[0]);
	if (read(up[0], &c, 1) != 1 || c != 'y')
		printf("# the holder got no lock\n");
	close(up[0]);
	return (struct holder){pid, down[1]};
}

static void let_go(struct holder *h)
{
	close(h->tell);
	waitpid(h->pid, NULL, 0);
}

int main(void)
{
	struct config cfg = {0};
	struct lock l, m;
	struct stat st;
	char want[512], host[65] = "";

	const char *tmp = getenv("TMPDIR");
	snprintf(dir, sizeof dir, "%s/wscale-lock.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return 99;
	snprintf(state, sizeof state, "%s/state", dir);
	cfg.haproxy.state_dir = state;
	gethostname(host, sizeof host - 1);

	umask(022);
	ok(lock_take(&cfg, "edit", "add ws4", 0, &l) == EXIT_OK, "a free lock is taken");
	ok(stat(state, &st) == 0 && (st.st_mode & 07777) == 0755,
	   "the state directory is made, 0755");
	ok(lock_take(&cfg, "node-ws1", "drain ws1", 0, &m) == EXIT_OK,
	   "another name is another lock");
	lock_drop(&m);
	lock_drop(&m);
	ok(m.fd == -1, "dropping twice is harmless");
	said_reset();
	ok(lock_take(&cfg, "edit", "add ws5", 0, &m) == EXIT_LATER && m.fd == -1,
	   "a second taker is refused, also within one process");
	snprintf(want, sizeof want, "locked by admin@%s (pid %ld, add ws4)\n", host,
	         (long)getpid());
	is(said, want, "the holder is named");
	lock_drop(&l);

	struct holder h = hold(&cfg, "edit", "remove ws2");
	said_reset();
	uint64_t t0 = now_ms();
	ok(lock_take(&cfg, "edit", "add ws5", 150, &l) == EXIT_LATER, "another process holds it");
	uint64_t waited = now_ms() - t0;
	ok(waited >= 150 && waited < 2000, "the wait is as long as asked");
	snprintf(want, sizeof want, "locked by admin@%s (pid %ld, remove ws2)\n", host,
	         (long)h.pid);
	is(said, want, "the other process is named");

	kill(h.pid, SIGKILL);
	waitpid(h.pid, NULL, 0);
	close(h.tell);
	ok(lock_take(&cfg, "edit", "add ws5", 0, &l) == EXIT_OK, "a killed holder holds nothing");
	lock_drop(&l);

	h = hold(&cfg, "edit", "add ws6");
	pid_t later = fork();
	if (later == 0) {
		usleep(120000);
		close(h.tell);
		_exit(0);
	}
	close(h.tell);
	ok(lock_take(&cfg, "edit", "add ws7", 5000, &l) == EXIT_OK,
	   "a wait ends when the holder is done");
	lock_drop(&l);
	waitpid(later, NULL, 0);
	waitpid(h.pid, NULL, 0);

	char file[400];
	snprintf(file, sizeof file, "%s/lock-edit", state);
	ok(stat(file, &st) == 0 && st.st_size == 0, "the file stays, its text goes");

	/* What a holder's text could do to a terminal. */
	h = hold(&cfg, "edit", "add \033[2Jws8\x80");
	said_reset();
	(void)lock_take(&cfg, "edit", "x", 0, &l);
	ok(!strchr(said, '\033') && !strchr(said, '\x80'),
	   "control bytes in a holder's text are not repeated");
	let_go(&h);

	unlink(file);
	if (symlink("elsewhere", file) != 0)
		return 99;
	said_reset();
	ok(lock_take(&cfg, "edit", "x", 0, &l) == EXIT_FAILED,
	   "a symlink in the lock's place is refused");
	unlink(file);

	char deep[300];
	snprintf(deep, sizeof deep, "%s/none/state", dir);
	cfg.haproxy.state_dir = deep;
	said_reset();
	ok(lock_take(&cfg, "edit", "x", 0, &l) == EXIT_FAILED,
	   "no directory above the state directory");
	snprintf(want, sizeof want,
	         "%s: can't make the directory: no such file or directory; see haproxy.state_dir\n",
	         deep);
	is(said, want, "it is named, and the key that sets it");

	if (geteuid() == 0) {
		pid_t pid = fork();
		if (pid == 0) {
			if (chmod(dir, 0755) != 0 || chdir(dir) != 0 || setgid(65534) != 0 ||
			    setuid(65534) != 0)
				_exit(9);
			char mine[] = "mine";
			cfg.haproxy.state_dir = mine;
			said_reset();
			int rc = lock_take(&cfg, "edit", "x", 0, &l);
			snprintf(
				want, sizeof want,
				"%s: can't make the directory: permission denied; use sudo, or set "
				"haproxy.state_dir\n",
				mine);
			_exit(rc == EXIT_FAILED && strcmp(said, want) == 0 ? 0 : 1);
		}
		int status = 0;
		waitpid(pid, &status, 0);
		ok(status == 0, "without permission: says sudo or haproxy.state_dir");
	} else {
		tap_skip("without permission: says sudo or haproxy.state_dir", "needs root");
	}
	snprintf(file, sizeof file, "%s/lock-node-ws1", state);
	cfg.haproxy.state_dir = state;
	h = hold(&cfg, "node-ws1", "drain ws1");
	interrupts_catch();
	raise(SIGINT);
	said_reset();
	t0 = now_ms();
	ok(lock_take(&cfg, "node-ws1", "cordon ws1", 60000, &l) == EXIT_INTERRUPTED && l.fd == -1 &&
	           now_ms() - t0 < 30000,
	   "Ctrl-C that came a moment before ends the wait");
	is(said, "", "nobody is named then");
	let_go(&h);

	unlink(file);
	rmdir(state);
	rmdir(dir);
	return tap_done();
}
