/*
 * secret: reads the small files that hold passwords, tokens and keys. A relative name is looked for
 * in $CREDENTIALS_DIRECTORY (systemd's LoadCredential), else beside the YAML.
 */
#ifndef WSCALE_SECRET_H
#define WSCALE_SECRET_H

#include <stddef.h>

struct errs;

enum { SECRET_MAX = 4096 };

/*
 * The first line without its line end. malloc'd, NUL-terminated, *len its length; NULL and one
 * error (with line and col) when missing, unreadable, empty, longer than SECRET_MAX or holding a
 * NUL.
 */
char *secret_read(const char *config_path, const char *file, size_t *len, struct errs *, int line,
                  int col);
/* The path that secret_read would open; malloc'd. */
char *secret_path(const char *config_path, const char *file);
/* Wipes and frees; NULL is fine. */
void secret_free(char *, size_t len);

#endif
