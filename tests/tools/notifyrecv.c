/*
 * notifyrecv: what a service tells its manager (sd_notify(3)): every datagram on a Unix socket,
 * printed as lines, flushed. Runs until it is killed.
 *
 *   notifyrecv SOCKET
 */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char b[4096];

	if (argc != 2 || fd < 0)
		return 64;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", argv[1]);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		perror(argv[1]);
		return 1;
	}
	for (;;) {
		ssize_t n = recv(fd, b, sizeof(b), 0);

		if (n < 0)
			return 1;
		printf("%.*s\n", (int)n, b);
		fflush(stdout);
	}
}
