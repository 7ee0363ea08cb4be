/*
 * render_int: what the check of a configuration needs to know about its rendering.
 */
#ifndef WSCTL_RENDER_INT_H
#define WSCTL_RENDER_INT_H

#include <stdint.h>

#include "../lib/config.h"

struct buf;

/* Checks that pass until a server is up, and fail until it is down. */
enum { RENDER_RISE = 2, RENDER_FALL = 3 };

/* Adds s as one word of haproxy.cfg, whatever is in it. */
void render_word(struct buf *, const char *s);
/* The path by which HAProxy reaches a Unix socket; NULL: it lies outside of its chroot. Borrowed
 * from path. */
const char *render_inside_chroot(const struct config *, const char *path);
/* An address as `bind` and `server` take it. */
void render_address(struct buf *, const struct endpoint *);
/*
 * The ACL user of the check where Redis wants passwords: it needs none and may do nothing but ROLE,
 * so what the check must know can stand in a file that everybody reads.
 */
#define RENDER_CHECK_USER "wscale-check"
/* The section that follows Redis's master; nothing without redis.servers. */
void render_redis(struct buf *, const struct config *);
/* The most connections through it: it has them beside the clients. */
enum { RENDER_REDIS_MAXCONN = 1000 };
/* global maxconn */
uint64_t render_maxconn(const struct config *);

#endif
