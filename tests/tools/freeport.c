/*
 * freeport: prints a TCP port below the kernel's ephemeral range that nobody listens on and that no
 * other test has taken. A file PORT in /tmp/wscale-ports-UID holds it for process PID; files of
 * dead processes are taken over.
 *
 *   freeport PID
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST = 12000, LAST = 31999, TRIES = 500 };

static bool bindable(unsigned port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Whether the file names a living process. */
static bool held(const char *path)
{
	FILE *f = fopen(path, "r");
	long pid = 0;

	if (!f)
		return false;
	if (fscanf(f, "%ld", &pid) != 1)
		pid = 0;
	fclose(f);
	return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

int main(int argc, char **argv)
{
	char dir[64], own[96], path[96];
	unsigned r;

	if (argc != 2) {
		fputs("usage: freeport PID\n", stderr);
		return 64;
	}
	snprintf(dir, sizeof(dir), "/tmp/wscale-ports-%u", (unsigned)getuid());
	mkdir(dir, 0700);
	snprintf(own, sizeof(own), "%s/.%u", dir, (unsigned)getpid());
	FILE *f = fopen(own, "w");

	if (!f || fprintf(f, "%s\n", argv[1]) < 0 || fclose(f) != 0) {
		perror(own);
		return 1;
	}
	for (int i = 0; i < TRIES; i++) {
		if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
			break;
		unsigned port = FIRST + r % (LAST - FIRST + 1);

		snprintf(path, sizeof(path), "%s/%u", dir, port);
		if (access(path, F_OK) == 0 && !held(path))
			unlink(path);
		if (link(own, path) != 0) /* fails when another test has it */
			continue;
		if (bindable(port)) {
			printf("%u\n", port);
			unlink(own);
			return 0;
		}
		unlink(path);
	}
	unlink(own);
	fputs("freeport: none found\n", stderr);
	return 1;
}
