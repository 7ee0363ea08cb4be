/*
 * render: haproxy.cfg from the configuration, a pure function: no file, no socket, no clock.
 */
#ifndef WSCTL_RENDER_H
#define WSCTL_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/config.h"

/*
 * The whole file (own: all) or the fragment (own: backend). malloc'd; NULL: out of memory.
 * Its first lines are a comment with the hash of everything below them, by which an edit by hand is
 * seen; `description` in global (own: all) holds the identity hash of the part without servers.
 */
char *render(const struct config *);
/*
 * The identity hash of that part, by which a running HAProxy says what it has loaded: in own: all
 * it is in `description`, in own: backend it is the backend's id. 0, or -1: out of memory.
 */
struct render_ident {
	char hash[17]; /* hex */
	int64_t id;    /* a proxy's id, far above those that HAProxy counts up from 1 */
};
int render_ident(const struct config *, struct render_ident *out);
/* The keywords behind "add server BACKEND/NAME " and behind "server NAME ": address first.
 * malloc'd. */
char *render_server(const struct config *, const struct config_node *);
/* Whether the text is ours, ours but edited by hand, or somebody else's. */
enum rendered { RENDERED_OURS, RENDERED_EDITED, RENDERED_FOREIGN };
enum rendered render_verify(const char *text, size_t len);
/* The path of HAProxy's state file for this configuration: STATE_DIR/BACKEND.state */
char *render_state_path(const struct config *);

#endif
