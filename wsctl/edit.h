/*
 * edit: changes to the YAML's text that touch only the lines concerned. Pure: text in, text out.
 * libyaml's marks say where things are; comments, order, quoting and line ends stay as they are.
 */
#ifndef WSCTL_EDIT_H
#define WSCTL_EDIT_H

#include <stddef.h>

#include "../lib/config.h"

struct errs;

/*
 * Each returns the new text (malloc'd) or NULL with an error that says why and which line to write
 * by hand. The result is parsed again and compared with what was asked before it is returned. Block
 * and flow style of `nodes:`; a file without `nodes:` gets it at its end.
 */
char *edit_add(const char *text, const char *path, const struct config_node *, struct errs *);
char *edit_remove(const char *text, const char *path, const char *name, struct errs *);
char *edit_weight(const char *text, const char *path, const char *name, unsigned weight,
                  struct errs *);
/* "ws4: { address: 10.0.0.14:8081, weight: 50 }" or "ws4: 10.0.0.14:8081": the line to write.
 * malloc'd */
char *edit_line(const struct config_node *);

#endif
