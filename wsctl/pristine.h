/*
 * pristine: whether a configuration file is as its Debian package left it, untouched by anybody:
 * then it holds nobody's work and may be replaced.
 */
#ifndef WSCTL_PRISTINE_H
#define WSCTL_PRISTINE_H

#include <stdbool.h>
#include <stddef.h>

/* false also where there is no dpkg, or no package has the file. */
bool pristine(const char *path, const char *text, size_t len);

#endif
