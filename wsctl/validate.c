/*
 * validate: gives a rendered text to `haproxy -c`, in a temporary file. With own: backend a
 * fragment means something only beside the other files, so it takes the place of haproxy.file among
 * every -f of the running master; where none runs, a minimal main file stands in. Runs one child,
 * without a shell; writes nothing but its temporary directory.
 */
#include "validate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "cmd.h"
#include "hap.h"
#include "hap_int.h"
#include "persist.h"
#include "reach.h"
#include "reach_verbs.h"

enum { DEADLINE_MS = 60000, ARGS_MAX = 512 };

struct job {
	const struct config *cfg;
	char dir[4096], file[4200],
		main[4200]; /* temporary: the text, and the main file if one is needed */
	struct buf args;    /* the command line, each with its NUL */
	bool loaded, master;
};

static int arg(struct job *j, const char *a)
{
	buf_add(&j->args, a, strlen(a) + 1);
	return j->args.oom ? -1 : 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	if (fd < 0)
		return -1;
	while (len) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return -1;
		}
		text += n;
		len -= (size_t)n;
	}
	return close(fd);
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;
	return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	                             x.st_ino == y.st_ino);
}

/* One file of the master's: itself, or our text in its place. */
static int add_file(struct job *j, const char *path)
{
	if (same_file(path, j->cfg->haproxy.file)) {
		j->loaded = true;
		path = j->file;
	}
	return arg(j, "-f") || arg(j, path) ? -1 : 0;
}

static int is_cfg(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return d->d_name[0] != '.' && n > 4 && strcmp(d->d_name + n - 4, ".cfg") == 0;
}

/* As HAProxy reads a directory: its *.cfg in order, ours among them also before it exists. */
static int add_dir(struct job *j, const char *dir)
{
	const char *file = j->cfg->haproxy.file, *slash = strrchr(file, '/');
	struct dirent **found = NULL;
	char path[8192];
	int rc = 0, n = scandir(dir, &found, is_cfg, alphasort);
	for (int i = 0; i < n; i++) {
		int len = snprintf(path, sizeof(path), "%s/%s", dir, found[i]->d_name);
		if (rc == 0 && (len < 0 || (size_t)len >= sizeof(path) || add_file(j, path)))
			rc = -1;
		free(found[i]);
	}
	free(found);
	if (rc || j->loaded || !slash || (size_t)(slash - file) >= sizeof(path))
		return rc;
	memcpy(path, file, (size_t)(slash - file));
	path[slash - file] = '\0';
	if (same_file(path, dir))
		rc = add_file(j, file);
	return rc;
}

static long master_pid(const struct config *cfg)
{
	struct hap_worker w;
	bool old = false;
	char *reply;
	long pid = 0;
	if (access(cfg->haproxy.master, F_OK) ||
	    hap_ask(cfg, HAP_MASTER, &reply, "show proc") != HAP_OK)
		return 0;
	for (const char *p = reply; *p && !pid;) {
		size_t len = strcspn(p, "\n");
		if (hap_proc_parse(p, len, &old, &w) == 2)
			pid = w.pid;
		p += len + (p[len] == '\n');
	}
	free(reply);
	return pid;
}

/* Every -f of the master's command line, with relative names as it sees them. */
static int add_master_files(struct job *j, long pid)
{
	char proc[64], cwd[4096], line[65536], path[8192];
	struct stat st;
	int fd, rc = 0;

	snprintf(proc, sizeof(proc), "/proc/%ld/cwd", pid);
	ssize_t n = readlink(proc, cwd, sizeof(cwd) - 1);
	cwd[n > 0 ? n : 0] = '\0';
	snprintf(proc, sizeof(proc), "/proc/%ld/cmdline", pid);
	fd = open(proc, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	for (char *a = line; a < line + n && rc == 0; a += strlen(a) + 1) {
		if (strcmp(a, "-f") != 0)
			continue;
		a += strlen(a) + 1;
		if (a >= line + n)
			break;
		int len = snprintf(path, sizeof(path), "%s%s%s", *a == '/' ? "" : cwd,
		                   *a == '/' ? "" : "/", a);
		if (len < 0 || (size_t)len >= sizeof(path))
			return -1;
		j->master = true;
		rc = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? add_dir(j, path)
		                                                 : add_file(j, path);
	}
	return rc;
}

static int prepare(struct job *j, const char *text)
{
	const char *tmp = getenv("TMPDIR"), *name = strrchr(j->cfg->haproxy.file, '/');
	snprintf(j->dir, sizeof(j->dir), "%s/wsctl.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(j->dir)) {
		j->dir[0] = '\0';
		return -1;
	}
	snprintf(j->file, sizeof(j->file), "%s/%.100s", j->dir, name ? name + 1 : "haproxy.cfg");
	if (write_file(j->file, text))
		return -1;
	if (arg(j, "haproxy") || arg(j, "-c"))
		return -1;
	if (j->cfg->haproxy.own == OWN_ALL)
		return add_file(j, j->file);

	long pid = master_pid(j->cfg);
	if (pid && add_master_files(j, pid))
		return -1;
	if (!j->master) {
		struct buf b = {0};
		buf_printf(&b,
		           "defaults\n\tmode http\n\ttimeout client 30s\n\ttimeout connect 2s\n"
		           "\ttimeout server 15s\nfrontend wsctl_check\n\tbind 127.0.0.1:1\n"
		           "\tdefault_backend %s\n",
		           j->cfg->haproxy.backend);
		snprintf(j->main, sizeof(j->main), "%s/wsctl-main", j->dir);
		int rc = b.oom || write_file(j->main, b.p) || add_file(j, j->main);
		buf_free(&b);
		if (rc)
			return -1;
	}
	return j->loaded ? 0 : add_file(j, j->file);
}

static void cleanup(struct job *j)
{
	int kept = errno;
	if (j->file[0])
		unlink(j->file);
	if (j->main[0])
		unlink(j->main);
	if (j->dir[0])
		rmdir(j->dir);
	buf_free(&j->args);
	errno = kept;
}

/* Runs it; the exit status, or -1 with errno. What it says is in out. */
static int run(struct job *j, struct buf *out)
{
	char *argv[ARGS_MAX + 1] = {NULL};
	size_t argc = 0;
	int p[2], status = 0;
	uint64_t until = now_ms() + DEADLINE_MS;
	for (size_t at = 0; at < j->args.len && argc < ARGS_MAX; at += strlen(j->args.p + at) + 1)
		argv[argc++] = j->args.p + at;
	if (argc == ARGS_MAX) {
		errno = E2BIG;
		return -1;
	}
	if (pipe2(p, O_CLOEXEC))
		return -1;
	pid_t pid = fork();
	if (pid < 0) {
		close(p[0]);
		close(p[1]);
		return -1;
	}
	if (pid == 0) {
		const char *path = getenv("PATH");
		char wide[8192];
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		/* A user's PATH often lacks the place where packages put daemons. */
		snprintf(wide, sizeof(wide), "%s:/usr/local/sbin:/usr/sbin:/sbin",
		         path ? path : "/usr/bin:/bin");
		setenv("PATH", wide, 1);
		signal(SIGPIPE, SIG_DFL);
		dup2(null, 0);
		dup2(p[1], 1);
		dup2(p[1], 2);
		execvp("haproxy", argv);
		_exit(errno == ENOENT ? 127 : 126);
	}
	close(p[1]);
	for (;;) {
		char chunk[4096];
		uint64_t now = now_ms();
		struct pollfd w = {.fd = p[0], .events = POLLIN};
		int ready = poll(&w, 1, now < until ? (int)(until - now) : 0);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0) {
			kill(pid, SIGKILL);
			break;
		}
		ssize_t n = read(p[0], chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (out->len < 1 << 20)
			buf_add(out, chunk, (size_t)n);
	}
	close(p[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

/* Keeps the alerts, with the real file's name in place of the temporary one. */
static char *alerts(const struct job *j, const char *said)
{
	struct buf b = {0};
	size_t temp = strlen(j->file);
	for (const char *p = said; *p;) {
		size_t len = strcspn(p, "\n");
		const char *end = p + len, *colon = NULL;
		if (len > 7 && memcmp(p, "[ALERT]", 7) == 0) {
			/* "[ALERT]    (123) : config : parsing [...": from behind the pid */
			colon = memmem(p, len, ") : ", 4);
			for (const char *q = colon ? colon + 4 : p; q < end;) {
				if ((size_t)(end - q) >= temp && memcmp(q, j->file, temp) == 0) {
					buf_str(&b, j->cfg->haproxy.file);
					q += temp;
				} else {
					buf_add(&b, q++, 1);
				}
			}
			buf_str(&b, "\n");
		}
		p = end + (*end == '\n');
	}
	if (!b.len)
		buf_str(&b, said);
	return buf_take(&b);
}

int validate(const struct config *cfg, const char *text, struct verdict *out)
{
	struct job j = {.cfg = cfg};
	struct buf said = {0};
	int rc = 0;

	if (cfg->haproxy.reach)
		return reach_validate(cfg->haproxy.reach, text, out);
	*out = (struct verdict){0};
	if (prepare(&j, text)) {
		rc = asprintf(&out->said, "can't write below %s: %s", j.dir[0] ? j.dir : "$TMPDIR",
		              strerror(errno)) < 0
		             ? -1
		             : 0;
		goto out;
	}
	int status = run(&j, &said);
	out->loaded = j.loaded;
	out->master = j.master;
	out->ok = status == 0;
	if (status < 0)
		out->said = strdup(strerror(errno));
	else if (status == 127)
		out->said = strdup("haproxy is not installed here, so nothing can be checked");
	else if (status == 125)
		out->said = strdup("haproxy -c did not end by itself");
	else if (status)
		out->said = said.p ? alerts(&j, said.p)
		                   : strdup("haproxy -c failed without a word");
	if (status && !out->said)
		rc = -1;
out:
	cleanup(&j);
	buf_free(&said);
	return rc;
}

void verdict_free(struct verdict *v)
{
	free(v->said);
	*v = (struct verdict){0};
}

int persist_validate(const struct config *cfg, const char *text)
{
	struct verdict v;
	if (validate(cfg, text, &v)) {
		say_error("out of memory");
		return -1;
	}
	for (const char *p = v.ok ? "" : v.said; *p;) {
		size_t len = strcspn(p, "\n");
		if (len && cfg->haproxy.reach)
			say_error("%s: haproxy -c: %.*s", cfg->haproxy.balancer, (int)len, p);
		else if (len)
			say_error("haproxy -c: %.*s", (int)len, p);
		p += len + (p[len] == '\n');
	}
	int rc = v.ok ? 0 : -1;
	verdict_free(&v);
	return rc;
}
