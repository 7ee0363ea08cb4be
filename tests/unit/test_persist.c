/*
 * test_persist: a file is replaced whole or not at all: whatever fails, the old one is intact,
 * nothing is left beside it, and the message says so. Run by root it also tries other users, a full
 * file system and a read-only one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../wsctl/persist.h"
#include "files.h"
#include "stubs_ctl.h"
#include "tap.h"

static int write_new(const char *file, const char *text)
{
	said_reset();
	return persist_write(file, text, strlen(text), NULL, 0640);
}

static void test_read(void)
{
	struct file_text t;
	put(path, "one\n");
	ok(persist_read(path, false, &t) == 0 && t.exists && t.len == 4 &&
	           strcmp(t.p, "one\n") == 0,
	   "a file is read");
	persist_text_free(&t);
	ok(persist_read(in("none"), true, &t) == 0 && !t.exists && t.len == 0,
	   "a missing one may be fine");
	persist_text_free(&t);
	said_reset();
	ok(persist_read(in("none"), false, &t) == -1, "or not");
	said_is(in("none"), "no such file or directory", "then it says so");
	said_reset();
	ok(persist_read(base, false, &t) == -1, "a directory is refused");
	said_is(base, "not a regular file", "as what it is");
	mkfifo(in("fifo"), 0600);
	ok(persist_read(in("fifo"), false, &t) == -1, "a FIFO doesn't hang");
	clean();
}

static void test_write(void)
{
	struct stat st;
	umask(077);
	ok(write_new(path, "new\n") == 0, "a new file is written");
	is(get(path), "new\n", "with its text");
	ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640,
	   "and the mode asked for, whatever the umask");
	umask(022);

	bool root = geteuid() == 0;
	if (root && chown(path, 4321, 1234) != 0)
		root = false;
	chmod(path, 0604);
	ok(write_new(path, "second\n") == 0 && strcmp(get(path), "second\n") == 0,
	   "an old file is replaced");
	ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0604, "its mode is kept");
	if (root)
		ok(st.st_uid == 4321 && st.st_gid == 1234, "its owner and group are kept");
	else
		tap_skip("its owner and group are kept", "needs root");
	is(list(base), "t.yaml ", "nothing is left beside it");

	mkdir(in("d"), 0755);
	ok(symlink("../t.yaml", in("d/link")) == 0 && symlink("d/link", in("chain")) == 0,
	   "a chain of symlinks");
	ok(write_new(in("chain"), "third\n") == 0, "is followed");
	ok(lstat(in("chain"), &st) == 0 && S_ISLNK(st.st_mode) && lstat(in("d/link"), &st) == 0 &&
	           S_ISLNK(st.st_mode),
	   "and stays");
	is(get(path), "third\n", "its target is what changed");
	is(list(in("d")), "link ", "with the temp file beside the target, not the link");
	ok(symlink(in("later"), in("dangling")) == 0 && write_new(in("dangling"), "x") == 0 &&
	           strcmp(get(in("later")), "x") == 0,
	   "a symlink to what isn't there yet makes it there");
	ok(symlink("loop", in("loop")) == 0 && write_new(in("loop"), "x") == -1,
	   "a loop is refused");
	said_is(in("loop"), "too many levels of symbolic links; nothing was written",
	        "as what it is");

	char name[256];
	memset(name, 'n', 255);
	name[255] = '\0';
	ok(write_new(in(name), "x") == 0, "the longest name works");
	ok(write_new(in("no/where"), "x") == -1, "a missing directory is refused");
	said_is(in("no/where"), "no such file or directory; nothing was written",
	        "by its file's name");
	ok(write_new(base, "x") == -1, "a directory is refused");
	said_is(base, "not a regular file; the old file is intact", "as what it is");
	ok(write_new("/dev/null", "x") == -1, "a device is not replaced by a file");
	ok(stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode), "and still a device");
	if (chdir(base) == 0)
		ok(write_new("plain", "x") == 0 && strcmp(get(in("plain")), "x") == 0,
		   "a bare name works");
	if (chdir("/") != 0)
		printf("# can't go back\n");
	clean();
}

static void changed_by(const char *how, const char *title)
{
	struct file_text t;
	char cmd[2000];
	put(path, "read\n");
	if (persist_read(path, true, &t) != 0)
		return;
	snprintf(cmd, sizeof cmd, "cd '%s' && %s", base, how);
	if (system(cmd) != 0)
		printf("# failed: %s\n", cmd);
	char now[64];
	snprintf(now, sizeof now, "%s", get(path));
	said_reset();
	ok(persist_write(path, "ours\n", 5, &t, 0644) == -1 && strcmp(get(path), now) == 0, title);
	said_is(path, "changed by someone else meanwhile; run the command again", "  it says so");
	is(list(base), strcmp(now, "(none)") == 0 ? "" : "t.yaml ", "  nothing is left behind");
	persist_text_free(&t);
	clean();
}

static void test_changed(void)
{
	struct file_text t;
	put(path, "read\n");
	ok(persist_read(path, false, &t) == 0 && persist_write(path, "ours\n", 5, &t, 0644) == 0,
	   "what is as it was read is replaced");
	persist_text_free(&t);
	changed_by("printf more >>t.yaml", "changed since it was read: longer");
	changed_by("touch -r t.yaml ref && printf 'RE' | dd of=t.yaml conv=notrunc 2>/dev/null && "
	           "touch -r ref "
	           "t.yaml && rm ref",
	           "changed: same size, same time, other bytes");
	changed_by("cp t.yaml u && mv u t.yaml", "changed: another file with the same bytes");
	changed_by("rm t.yaml", "changed: gone");
	if (persist_read(path, true, &t) == 0) {
		put(path, "theirs\n");
		ok(persist_write(path, "ours\n", 5, &t, 0644) == -1, "changed: it wasn't there");
		is(get(path), "theirs\n", "and theirs stays");
		persist_text_free(&t);
	}
	clean();
}

/* Runs f in a child of its own; its exit status. */
static int apart(int (*f)(void))
{
	int status = 0;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(f());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int expect(int rc, const char *file, const char *what)
{
	char want[1024];
	snprintf(want, sizeof want, "%s: %s\n", file, what);
	if (rc == -1 && strcmp(said, want) == 0)
		return 0;
	printf("# rc %d, said: %s# want: %s", rc, said, want);
	fflush(stdout);
	return 1;
}

static int too_large(void)
{
	struct rlimit rl = {16, 16};
	setrlimit(RLIMIT_FSIZE, &rl);
	return expect(write_new(path, "much longer than the limit\n"), path,
	              "file too large; the old file is intact");
}

/* By relative names from here on: what leads to the directory may be closed to others. */
static int as_nobody(void)
{
	if (chdir(base) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
		return -1;
	strcpy(base, ".");
	strcpy(path, "t.yaml");
	return 0;
}

static int closed_directory(void)
{
	return as_nobody() ? 9
	                   : expect(write_new(path, "x"), path,
	                            "permission denied; use sudo; the old file is intact");
}

static int closed_directory_new(void)
{
	return as_nobody() ? 9
	                   : expect(write_new(in("other"), "x"), in("other"),
	                            "permission denied; use sudo; nothing was written");
}

static int foreign_owner(void)
{
	return as_nobody() ? 9
	                   : expect(write_new(path, "x"), path,
	                            "operation not permitted; use sudo; the old file is intact");
}

enum { NO_NAMESPACE = 77 };

static int own_mounts(const char *type, unsigned long flags, const char *data)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return -1;
	return mount("none", base, type, flags, data);
}

static int full_disk(void)
{
	if (own_mounts("tmpfs", 0, "size=16k") != 0)
		return NO_NAMESPACE;
	put(path, "old\n");
	char *big = calloc(1, 65536);
	memset(big, 'x', 65535);
	int rc = expect(write_new(path, big), path,
	                "no space left on device; the old file is intact");
	free(big);
	return rc || strcmp(get(path), "old\n") != 0 || strcmp(list(base), "t.yaml ") != 0;
}

static int read_only_disk(void)
{
	if (own_mounts("tmpfs", 0, NULL) != 0)
		return NO_NAMESPACE;
	put(path, "old\n");
	if (mount(NULL, base, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0)
		return NO_NAMESPACE;
	return expect(write_new(path, "x"), path,
	              "read-only file system; the old file is intact") ||
	       expect(write_new(in("y"), "x"), in("y"),
	              "read-only file system; nothing was written");
}

static void outcome(int rc, const char *title)
{
	if (rc == NO_NAMESPACE)
		tap_skip(title, "no mounts here");
	else
		ok(rc == 0, title);
}

static void test_errors(void)
{
	put(path, "old\n");
	ok(apart(too_large) == 0, "a file size limit: refused, not killed by it");
	is(get(path), "old\n", "  the old file is intact");
	is(list(base), "t.yaml ", "  nothing is left beside it");
	if (geteuid() != 0) {
		tap_skip("other users, full and read-only file systems", "needs root");
		return;
	}
	chmod(base, 0755);
	chmod(path, 0644);
	ok(apart(closed_directory) == 0, "a file that is another's");
	ok(apart(closed_directory_new) == 0, "a directory that is another's");
	chmod(path, 0666);
	ok(apart(closed_directory) == 0, "a writable file where no temp file can be made");
	chmod(base, 0777);
	ok(apart(foreign_owner) == 0, "an owner that can't be kept");
	chmod(path, 0444);
	ok(apart(closed_directory) == 0, "a read-only file in a writable directory");
	is(get(path), "old\n", "  the old file is intact");
	is(list(base), "t.yaml ", "  nothing is left beside it");
	chmod(base, 0755);
	outcome(apart(full_disk), "a full disk: the old file is intact, nothing left beside it");
	outcome(apart(read_only_disk), "a read-only file system");
	clean();
}

/* A child that replaces the file by two long texts in turn, ended by a signal at any moment. */
static void killed(int sig, const char *title, bool tidy)
{
	enum { LEN = 60000, ROUNDS = 60 };
	char *text[2] = {malloc(LEN + 1), malloc(LEN + 1)};
	int torn = 0;
	for (int i = 0; i < 2; i++) {
		memset(text[i], 'a' + i, LEN);
		text[i][LEN] = '\0';
	}
	persist_write(path, text[0], LEN, NULL, 0644);
	for (int r = 0; r < ROUNDS; r++) {
		pid_t pid = fork();
		if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
			for (int i = 0;; i++)
				persist_write(path, text[i % 2], LEN, NULL, 0644);
		usleep((useconds_t)(500 + r * 130));
		kill(pid, sig);
		waitpid(pid, NULL, 0);
		struct file_text t;
		if (persist_read(path, false, &t) != 0 || t.len != LEN ||
		    (t.p[0] != 'a' && t.p[0] != 'b') || strspn(t.p, (char[]){t.p[0], '\0'}) != LEN)
			torn++;
		persist_text_free(&t);
	}
	ok(torn == 0, title);
	if (tidy)
		is(list(base), "t.yaml ", "  and no temp file is left");
	free(text[0]);
	free(text[1]);
	clean();
}

/* Left by a killed run, then found by the next write of the same file. */
static void leftover(const char *name, time_t age_s, bool stays, const char *title)
{
	char *old = strdup(in(name));
	struct timespec at[2] = {{.tv_sec = time(NULL) - age_s}, {.tv_sec = time(NULL) - age_s}};
	int fd = open(old, O_WRONLY | O_CREAT, 0600);

	ok(fd >= 0 && !futimens(fd, at) && !close(fd) &&
	           !persist_write(path, "new\n", 4, NULL, 0644) &&
	           (access(old, F_OK) == 0) == stays,
	   title);
	unlink(old);
	free(old);
}

static void test_leftovers(void)
{
	leftover(".t.yaml.aB3dE9", 3600, false, "what a killed run left an hour ago is swept away");
	leftover(".t.yaml.aB3dE9", 2, true, "what is two seconds old may be another's at work");
	leftover(".t.yaml.bak", 3600, true, "other names are nobody's business");
	leftover(".u.yaml.aB3dE9", 3600, true, "nor are another file's");
	clean();
}

int main(void)
{
	if (!files_open())
		return 99;
	test_read();
	test_write();
	test_changed();
	test_errors();
	killed(SIGKILL, "kill -9 at any moment: the old text or the new, never a part", false);
	killed(SIGTERM, "SIGTERM at any moment: the old text or the new", true);
	killed(SIGINT, "Ctrl-C at any moment: the old text or the new", true);
	test_leftovers();
	files_close();
	return tap_done();
}
