/* test_secret: a secret is the first line of a regular file, found where systemd or the YAML has
 * it. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/errs.h"
#include "../../lib/secret.h"
#include "tap.h"

static char dir[] = "/tmp/wscale-secret.XXXXXX";
static char config[128];

static const char *in_dir(const char *name)
{
	static char path[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const void *p, size_t n)
{
	FILE *f = fopen(in_dir(name), "w");
	fwrite(p, 1, n, f);
	fclose(f);
}

static void gives(const char *content, size_t n, const char *want, const char *name)
{
	struct errs e = {0};
	size_t len = 77;
	put("s", content, n);
	char *got = secret_read(config, "s", &len, &e, 4, 5);
	is(got, want, name);
	ok(e.n == 0 && got && len == strlen(want), "its length, and no error");
	secret_free(got, len);
	errs_free(&e);
}

/* want: after the directory. */
static void refused(const char *file, const char *want, const char *name)
{
	struct errs e = {0};
	size_t len;
	char text[256];
	char *got = secret_read(config, file, &len, &e, 4, 5);
	snprintf(text, sizeof text, "%s/%s", dir, want);
	ok(!got && e.n == 1 && e.v[0].line == 4 && e.v[0].col == 5, "one error at the key");
	is(e.n ? e.v[0].msg : NULL, text, name);
	errs_free(&e);
}

static void path(const char *cfg, const char *file, const char *want, const char *name)
{
	char *got = secret_path(cfg, file);
	is(got, want, name);
	free(got);
}

int main(void)
{
	static char big[5000];
	char want[256];
	unsetenv("CREDENTIALS_DIRECTORY");
	if (!mkdtemp(dir))
		return 1;
	snprintf(config, sizeof config, "%s/wscale.yaml", dir);

	gives("hunter2\n", 8, "hunter2", "one line");
	gives("hunter2", 7, "hunter2", "one line without its end");
	gives("hunter2\r\n", 9, "hunter2", "one line of Windows");
	gives(" a b \nsecond\n", 13, " a b ", "blanks belong to it, the second line doesn't");
	gives("a\n\0", 3, "a", "a NUL in the second line doesn't matter");
	memset(big, 'x', sizeof big);
	big[4096] = '\r';
	big[4097] = '\n';
	char *max = strndup(big, 4096);
	gives(big, 4098, max, "4096 bytes");
	gives(big, sizeof big, max, "and a long second line");
	free(max);

	big[4096] = 'x';
	put("s", big, 4098);
	refused("s", "s: the first line is longer than 4096 bytes", "4097 bytes");
	put("s", big, 4096);
	put("s", "", 0);
	refused("s", "s: the first line is empty", "an empty file");
	put("s", "\r\nx\n", 4);
	refused("s", "s: the first line is empty", "an empty first line");
	put("s", "a\0b\n", 4);
	refused("s", "s: the first line holds a NUL", "a NUL");
	refused("none", "none: no such file or directory", "a file that isn't there");
	mkdir(in_dir("d"), 0700);
	refused("d", "d: not a regular file", "a directory");
	mkfifo(in_dir("fifo"), 0600);
	refused("fifo", "fifo: not a regular file", "a FIFO, without waiting for its writer");

	path("/etc/wscale/w.yaml", "a", "/etc/wscale/a", "beside the YAML");
	path("w.yaml", "a", "a", "beside a YAML in the current directory");
	path("/w.yaml", "a", "/a", "beside a YAML in the root");
	path(NULL, "a", "a", "without a YAML");
	path("/etc/wscale/w.yaml", "/b/a", "/b/a", "an absolute path");
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	snprintf(want, sizeof want, "%s/s", dir);
	path("/etc/wscale/w.yaml", "s", want, "systemd's credential comes first");
	path("/etc/wscale/w.yaml", "absent", "/etc/wscale/absent", "unless it isn't there");
	path("/etc/wscale/w.yaml", "/b/a", "/b/a", "an absolute path stays one");
	secret_free(NULL, 0);

	unlink(in_dir("s"));
	unlink(in_dir("fifo"));
	rmdir(in_dir("d"));
	rmdir(dir);
	return tap_done();
}
