/*
 * talk: the two protocols with history as a client speaks them, on one connection after the other:
 * wscale.id (ID LF payload, notices, ?since=) and Centrifugo's JSON. It resumes from where its
 * follow stands. Whatever a server must not say ends the program, with the frame on stderr.
 */
#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include "follow.h"
#include "ws.h"

enum talk_as { TALK_RAW, TALK_ID, TALK_CF };
enum talk_step {
	TALK_NOTICE,    /* id: the first frame is awaited */
	TALK_CONNECT,   /* cf: our connect's answer is awaited */
	TALK_SUBSCRIBE, /* cf: our subscribe's answer is awaited */
	TALK_LATER,     /* cf: refused for now, tried again at `when` */
	TALK_LIVE,
};

struct talk {
	enum talk_as as;
	enum talk_step step;
	unsigned command; /* cf: the last id that was used */
	uint64_t when;
	struct follow f;
};

/* All clients' options. token may be NULL; path is id's ("/ws/"). */
struct talk_opt {
	const char *path, *token, *query;
};

/* The upgrade request; its length, 0: too long. */
size_t talk_request(struct talk *, const struct ws_url *, const struct lane *,
                    const struct talk_opt *, struct tally *, char *out, size_t cap);
/* 101 came with this subprotocol. */
void talk_open(struct talk *, int fd, const char *protocol, const struct lane *,
               const struct talk_opt *, uint64_t now);
void talk_frame(struct talk *, int fd, const struct ws_event *, struct lane *, struct tally *,
                uint64_t now);
/* A few times a second. */
void talk_tick(struct talk *, int fd, const struct lane *, struct tally *, uint64_t now);
/* The connection ended. */
void talk_end(struct talk *);

#endif
