/* notify: see notify.h. */
#include "notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bus.h"
#include "health.h"
#include "node.h"
#include "session.h"

static void tell(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	int s;

	if (len < 2 || len >= sizeof un.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return;
	memcpy(un.sun_path, path, len);
	if (path[0] == '@')
		un.sun_path[0] = 0; /* abstract, unix(7) */
	sendto(s, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&un,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(s);
}

void notify_ready(void)
{
	tell("READY=1");
}

void notify_reloading(void)
{
	struct timespec t;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &t);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	         (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000);
	tell(text);
}

void notify_stopping(uint64_t window_ms)
{
	char text[64];

	snprintf(text, sizeof text, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64, window_ms * 1000);
	tell(text);
}

void notify_tick(void)
{
	static char last[400];
	char status[400];

	snprintf(status, sizeof status, "STATUS=%s%s%s, %u clients", health_state(),
	         *health_reason() ? ": " : "", health_reason(), session_count());
	if (strcmp(status, last) != 0) {
		memcpy(last, status, sizeof last);
		tell(status);
	}
	if (getenv("WATCHDOG_USEC") && bus_alive())
		tell("WATCHDOG=1");
}
