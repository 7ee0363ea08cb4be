/*
 * listenfd: starts a program with a listening socket as descriptor 3, as systemd's socket
 * activation does (sd_listen_fds(3)).
 *
 *   listenfd PORT COMMAND [ARGUMENT...]
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	char pid[32];

	if (argc < 3 || fd < 0)
		return 64;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 128) != 0) {
		perror("listenfd");
		return 1;
	}
	if (fd != 3 && (dup2(fd, 3) < 0 || close(fd) != 0))
		return 1;
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (setenv("LISTEN_FDS", "1", 1) != 0 || setenv("LISTEN_PID", pid, 1) != 0)
		return 1;
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
