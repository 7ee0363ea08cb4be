/* test_log: one message is one line, and nothing from outside makes it two. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/log.h"
#include "tap.h"

static char path[] = "/tmp/wscale-log.XXXXXX";
static char text[16384];

/* Sends stderr to a file, so that what was logged can be read back. */
static int capture(void)
{
	int saved = dup(2), fd = open(path, O_RDWR | O_TRUNC);
	dup2(fd, 2);
	close(fd);
	return saved;
}

static const char *captured(int saved)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	dup2(saved, 2);
	close(saved);
	return text;
}

int main(void)
{
	int fd = mkstemp(path), saved;
	struct stat st;
	char stream[64], big[4000];
	if (fd < 0)
		return 1;
	close(fd);
	unsetenv("JOURNAL_STREAM");

	saved = capture();
	log_open("wsnode", LOG_INFO);
	log_msg(LOG_ERR, "redis %s", "away");
	log_msg(LOG_INFO, "x");
	log_msg(LOG_DEBUG, "not shown");
	is(captured(saved), "wsnode: redis away\nwsnode: x\n",
	   "a line a message, up to the priority");

	saved = capture();
	log_msg(LOG_ERR, "%s", "a\nwsnode: forged\r\x1b[2J\x7f\xc2\x9b");
	is(captured(saved), "wsnode: a\\x0awsnode: forged\\x0d\\x1b[2J\\x7f\\xc2\\x9b\n",
	   "bytes are escaped");

	memset(big, '\n', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	saved = capture();
	log_msg(LOG_ERR, "%s", big);
	captured(saved);
	ok(strlen(text) == 8 + 2047 * 4 + 1 && strchr(text, '\n') == text + strlen(text) - 1,
	   "a long message is cut and stays one line");

	saved = capture();
	fstat(2, &st);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("wsnode", LOG_DEBUG);
	log_msg(LOG_WARNING, "w");
	log_msg(LOG_DAEMON | LOG_DEBUG, "d");
	is(captured(saved), "<4>w\n<7>d\n", "the journal gets priorities");

	saved = capture();
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_open("wsnode", LOG_INFO);
	log_msg(LOG_ERR, "e");
	is(captured(saved), "wsnode: e\n", "stderr that isn't the journal's stream gets the name");
	unlink(path);
	return tap_done();
}
