/*
 * generation: the last few states of the cluster that were applied: STATE_DIR/generations/N holds
 * the YAML and the file rendered from it, as they were. Five are kept. Calls are under the caller's
 * edit lock.
 */
#ifndef WSCTL_GENERATION_H
#define WSCTL_GENERATION_H

#include <stdint.h>

#include "../lib/config.h"

struct file_text;

/* Keeps the YAML as it is now, unless the newest is the same. 0, or -1, printed. */
int generation_keep(const struct config *);
/*
 * The YAML to go back to: of the newest generation, or, when that is what the file holds already,
 * of the one before. *number is its own. 0, or -1, printed: there is none.
 */
int generation_before(const struct config *, struct file_text *yaml, uint64_t *number);
/* What came after that one is gone. 0, or -1, printed. */
int generation_cut(const struct config *, uint64_t number);

#endif
