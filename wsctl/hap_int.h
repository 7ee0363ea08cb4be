/*
 * hap_int: what the hap_*.c files share among themselves. Nobody else includes it.
 */
#ifndef WSCTL_HAP_INT_H
#define WSCTL_HAP_INT_H

#include <stddef.h>
#include <stdint.h>

#include "hap.h"

/* One command's deadline. HAProxy answers within milliseconds, or its stats maxconn is full. */
enum { HAP_DEADLINE_MS = 5000 };

/* Whose HAProxy what follows is about: where there are several, hap_why begins with its name. */
void hap_about(const struct config *);
/* Sets what hap_why says and returns result. */
int hap_fail(int result, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * A table with a header line that begins with "# " (or "#"), columns by name. It takes the text
 * over and cuts it up; sep ',' is CSV with quotes, ' ' is words. Lines before the header are
 * skipped.
 */
struct hap_table {
	char *text, *next;
	char sep;
	char **cols, **row;
	size_t n_cols, n_row, cap_cols, cap_row;
};
/* 0; -1 when there is no header (the text is then still the caller's). */
int hap_table_open(struct hap_table *, char *text, char sep);
/* 1: a row is ready; 0: no more. */
int hap_table_next(struct hap_table *);
/* The field of this row; "" when the column or the field is missing. Borrowed until the next row.
 */
const char *hap_table_get(const struct hap_table *, const char *column);
/* The same as a number; a missing or odd one is dflt. */
int64_t hap_table_int(const struct hap_table *, const char *column, int64_t dflt);
void hap_table_close(struct hap_table *);

/* A line of `show sess`: its id, and be= and srv= as borrowed text with lengths. 0, or -1: not a
 * session. */
struct hap_sess {
	const char *id, *be, *srv;
	size_t id_len, be_len, srv_len;
};
int hap_sess_parse(const char *line, size_t len, struct hap_sess *);
/* Whether it is one of the backend's, and of the server when that isn't NULL. */
bool hap_sess_is(const struct hap_sess *, const char *backend, const char *server);

/* The master's answer for a worker that it has forgotten, or that is ending this moment. */
bool hap_worker_gone(const char *reply);
/* A line of `show proc`. *old is kept from line to line; 1: a worker, 2: the master, 0: neither. */
int hap_proc_parse(const char *line, size_t len, bool *old, struct hap_worker *);

/* "2.6.12-1+deb12u4" -> {2,6,12}; 0, or -1. */
int hap_version_parse(const char *, unsigned out[static 3]);
/* Whether del server of this version frees what is still in use (haproxy.org/bugs, before 2.6.16).
 */
bool hap_version_del_risky(const unsigned version[static 3]);

#endif
