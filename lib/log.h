/*
 * log: one line a message on stderr; under systemd (JOURNAL_STREAM) with its priority as <N>.
 * Bytes that are not printable are escaped, so nothing from outside can forge a line.
 */
#ifndef WSCALE_LOG_H
#define WSCALE_LOG_H

#include <syslog.h> /* LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG */

void log_open(const char *program, int max_priority);
void log_msg(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
