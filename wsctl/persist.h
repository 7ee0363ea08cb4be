/*
 * persist: everything wsctl writes to disk: the YAML, the rendered file, the state file; and its
 * locks. A file is replaced whole (temp file beside it, fsync, rename, fsync of the directory),
 * through symlinks, with owner and mode kept, or not at all.
 */
#ifndef WSCTL_PERSIST_H
#define WSCTL_PERSIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/config.h"

struct file_text {
	char *p; /* malloc'd, NUL-terminated */
	size_t len;
	uint64_t dev, ino, mtime_ns, size; /* as read; persist_write refuses when they changed */
	bool exists;
};

/* 0; -1 and a message printed. A missing file is 0 with exists false when missing_ok. */
int persist_read(const char *path, bool missing_ok, struct file_text *out);
void persist_text_free(struct file_text *);
/*
 * Replaces path by text. read: what it was read as, NULL to replace without looking. mode: for a
 * new file. 0; -1 and a message that names the path, the cause and that the old file is intact.
 */
int persist_write(const char *path, const char *text, size_t len, const struct file_text *read,
                  unsigned mode);

/*
 * The same of haproxy.file, the state file or the certificate of the balancer that cfg is the view
 * of (fleet.h), here or there. No other path.
 */
int persist_read_of(const struct config *, const char *path, bool missing_ok,
                    struct file_text *out);
int persist_write_of(const struct config *, const char *path, const char *text, size_t len,
                     const struct file_text *read, unsigned mode);

/*
 * Locks: fcntl on files in state_dir that are never unlinked; their text names the holder.
 * lock_take waits up to wait_ms; EXIT_LATER with "locked by admin@lb1 (pid 4211, add ws4)" printed
 * when held; EXIT_FAILED when the file can't be made. With several balancers also in Redis, since
 * there may be several control hosts. The lock ends with the process or lock_drop.
 */
struct lock {
	int fd; /* -1: not held */
	/* The one in Redis, with several balancers; key "": none (lock_far.h). */
	const struct config *cfg; /* borrowed while it is held */
	char key[128], value[256];
	uint64_t renewed_ms;
	bool lost;
	struct lock *next;
};
int lock_take(const struct config *, const char *name /* "edit", "node-ws2", "roll-ws2" ... */,
              const char *doing, uint64_t wait_ms, struct lock *out);
void lock_drop(struct lock *);
/* Asks without taking it: "admin@lb1 (pid 4211, roll)" has it, here or on another host. The one of
 * this process counts too. false: nobody, or nobody can tell. */
enum { LOCK_WHO = 256 };
bool lock_who(const struct config *, const char *name, char who[static LOCK_WHO]);
/* EXIT_OK, or EXIT_LATER with the holder printed: a roll is at work at that node. */
int lock_rolled(const struct config *, const char *node);
/* In every loop that waits while a lock is held: those in Redis end by themselves. */
void locks_keep(void);

/*
 * Operational state: STATE_DIR/BACKEND.state is a HAProxy server-state file with the rows that
 * matter (drained, cordoned, and every weight), and comment lines of ours that say who did what
 * when.
 */
enum node_state { STATE_READY, STATE_CORDONED, STATE_DRAINING, STATE_DRAINED, STATE_REMOVED };
const char *node_state_str(enum node_state); /* "ready" ... */
struct node_note {
	enum node_state state;
	int64_t since; /* Unix seconds */
	char by[64];
};
/* What the state file says of a node; ready, 0, "" when nothing. 0, or -1 and a message printed. */
int state_read(const struct config *, const char *node, struct node_note *out);
/* Writes the node's state and everybody's row anew from today's YAML, under the edit lock of the
 * caller. */
int state_write(const struct config *, const char *node, enum node_state, const char *by);

/* Puts back what state_read said, with its beginning. */
int state_restore(const struct config *, const char *node, const struct node_note *);

/* Renders cfg and replaces haproxy.file; refuses (message printed) one that is edited or not ours,
 * unless overwrite. */
int persist_rendered(const struct config *, bool overwrite);
/* Only looks: would persist_rendered refuse? 0 fine; -1 and a message printed. */
int persist_rendered_check(const struct config *, bool overwrite);
/* persist_rendered of a text; NULL: persist_rendered_check. Always on this host. */
int rendered_put(const struct config *, const char *text, bool overwrite);
/* haproxy -c on text (for own: backend with every -f of the running master). 0; -1 and HAProxy's
 * lines printed. */
int persist_validate(const struct config *, const char *text);

#endif
