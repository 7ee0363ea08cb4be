/*
 * lock_far: a lock in Redis beside the local one, for clusters that are changed from more than one
 * host: CLUSTER.lock.NAME, its value who holds it, and a token. It ends LOCK_FAR_MS after its
 * holder was killed. Redis away: a note, and the local lock alone.
 */
#ifndef WSCTL_LOCK_FAR_H
#define WSCTL_LOCK_FAR_H

#include <stdint.h>

#include "persist.h"

enum { LOCK_FAR_MS = 30000 };

/*
 * holder: "admin@lb1 (pid 4211, add ws4)". The local lock in l->fd is held: what another process
 * left in Redis that held this same file is taken over, since it is dead. EXIT_OK, EXIT_LATER with
 * the holder printed when it is held until then, or EXIT_INTERRUPTED.
 */
int lock_far_take(const struct config *, const char *name, const char *holder, uint64_t until_ms,
                  struct lock *);
void lock_far_drop(struct lock *);
/* Who has it, as lock_who; fd: the file of the local one, which nobody holds, or -1. */
bool lock_far_who(const struct config *, const char *name, int fd, char who[static LOCK_WHO]);

#endif
