/*
 * herd: wsload's clients: they connect, count what they get, come back after a close. One epoll,
 * one thread. Client i listens on channel PREFIX(i mod channels).
 */
#ifndef TESTS_HERD_H
#define TESTS_HERD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "talk.h"

enum { SPEAK_MAX = 8 };

struct herd_opt {
	struct ws_url url;
	const char *prefix;
	struct talk_opt talk;
	unsigned clients, channels;
	unsigned rate, churn; /* a second */
	unsigned back;        /* ms */
	enum talk_as speak[SPEAK_MAX];
	unsigned n_speak;
	bool once, hold, silent;
};

struct herd_state {
	size_t connected, attached; /* attached: of those with history */
	uint64_t behind;            /* numbers that they are short of what anybody saw */
	bool ready;                 /* all were connected and attached once */
};

/* What was counted since the caller reset it. */
extern struct tally herd_tally;

/* Options are borrowed for good. 0 or -1. */
int herd_init(const struct herd_opt *, int epoll);
/* An event of the epoll with this pointer. */
void herd_event(void *client);
void herd_tick(uint64_t now);
/* All drop their connections, without a Close, and come back at once; how many. */
size_t herd_storm(void);
void herd_look(struct herd_state *);
const struct lane *herd_lane(unsigned channel);

#endif
