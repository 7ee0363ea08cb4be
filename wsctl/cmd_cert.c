/*
 * wsctl cert: a renewed certificate for every balancer's running HAProxy and for the file that its
 * next start reads. HAProxy first: it is the one who can tell whether certificate and key are fit.
 */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/buf.h"
#include "cert.h"
#include "cmd.h"
#include "fleet.h"
#include "hap.h"
#include "members.h"
#include "persist.h"

enum { LOCK_MS = 5000, PEM_MAX = 1 << 20 };

/* The PEM without empty lines, which would end it on HAProxy's socket. NULL, printed: it is none.
 */
static char *pem(const struct file_text *t, const char *path)
{
	static const char key[] = "PRIVATE KEY-----", begin[] = "-----BEGIN CERTIFICATE-----";
	struct buf b = {0};
	const char *p = t->p, *end = t->p + t->len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);
		size_t text = len && p[len - 1] == '\r' ? len - 1 : len;

		for (size_t i = 0; i < text; i++)
			if (!isprint((unsigned char)p[i])) {
				say_error("%s: not a PEM file: byte %zu is no text", path,
				          (size_t)(p - t->p) + i + 1);
				buf_free(&b);
				return NULL;
			}
		if (text) {
			buf_add(&b, p, text);
			buf_str(&b, "\n");
		}
		p += len + (nl != NULL);
	}
	if (b.oom || !b.p || !strstr(b.p, begin) || !strstr(b.p, key)) {
		say_error("%s: it must hold the certificate, its chain and its private key, as "
		          "PEM: cat fullchain.pem privkey.pem",
		          path);
		buf_free(&b);
		return NULL;
	}
	return buf_take(&b);
}

/* "-": standard input, a pipe as a rule, so that the key is in no other file. */
static int take_in(const char *from, struct file_text *out)
{
	struct buf b = {0};
	char chunk[4096];
	size_t n;

	if (strcmp(from, "-") != 0)
		return persist_read(from, false, out);
	while (b.len <= PEM_MAX && (n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
		buf_add(&b, chunk, n);
	if (ferror(stdin) || b.oom || b.len > PEM_MAX) {
		say_error("standard input: %s",
		          b.len > PEM_MAX ? "longer than any certificate" : "can't read it");
		buf_free(&b);
		return -1;
	}
	out->len = b.len;
	out->p = b.len ? buf_take(&b) : strdup("");
	return out->p ? 0 : -1;
}

struct job {
	struct run *r;
	const char *path; /* haproxy.tls.cert */
	const char *from; /* for messages */
	struct file_text in;
	char *pem;
	struct cert cert;
	bool read; /* cert is known; what we can't read HAProxy may */
	struct fleet f;
	json_t *list;
};

/* What needs no HAProxy. EXIT_OK, or EXIT_FAILED, printed. */
static int look(struct job *j)
{
	uint32_t bufsize = cert_bufsize(j->r->cfg->haproxy.extra_global);
	size_t most = cert_most(j->path, bufsize), len = strlen(j->pem);
	const char *why;

	if (len > most) {
		say_error(
			"%s: %zu bytes of PEM; HAProxy takes %zu at once (tune.bufsize %u); write "
			"it to %s and reload, or leave out of its chain what clients have",
			j->from, len, most, bufsize, j->path);
		return EXIT_FAILED;
	}
	j->read = !cert_read(j->pem, &j->cert, &why);
	if (!j->read && j->r->opts.dry_run) {
		say_error("%s: %s", j->from, why);
		return EXIT_FAILED;
	}
	if (j->read && j->cert.ends <= (int64_t)time(NULL)) {
		say_error("%s: the certificate ended on %s; nothing changed", j->from,
		          j->cert.until);
		return EXIT_FAILED;
	}
	if (j->r->opts.dry_run)
		say(j->r, "%s: %s, until %s; its key fits", j->from, j->cert.subject,
		    j->cert.until);
	return EXIT_OK;
}

/* The file that HAProxy's next start reads. */
static int write_file(const struct config *cfg, const struct job *j)
{
	struct file_text now;
	int rc;

	if (persist_read_of(cfg, j->path, true, &now))
		return EXIT_FAILED;
	rc = now.exists && now.len == j->in.len && !memcmp(now.p, j->in.p, now.len)
	             ? 0
	             : persist_write_of(cfg, j->path, j->in.p, j->in.len, &now, 0600);
	persist_text_free(&now);
	return rc ? EXIT_FAILED : EXIT_OK;
}

/* It has the very same, in HAProxy and in its file. */
static bool has_it(const struct job *j, const struct config *view, const struct hap_cert *is)
{
	struct file_text now;
	bool same;

	if (strcmp(is->sha1, j->cert.sha1) != 0 || persist_read_of(view, j->path, true, &now))
		return false;
	same = now.exists && now.len == j->in.len && !memcmp(now.p, j->in.p, now.len);
	persist_text_free(&now);
	return same;
}

static void dry_run(const struct job *j, const struct balancer *b, const struct hap_cert *was)
{
	if (has_it(j, b->cfg, was))
		say(j->r, "%s: has it already; nothing to do", b->name);
	else
		say(j->r, "%s: would replace %s, until %s", b->name, was->subject, was->until);
}

static int one(struct job *j, struct balancer *b)
{
	struct hap_cert was, is;
	int result = hap_cert(b->cfg, j->path, &was), rc;

	bool dry = j->r->opts.dry_run;

	if (result == HAP_OK && j->read && j->cert.ends < cert_time(was.until))
		say(j->r, "note: it ends before the one it %s, until %s",
		    dry ? "would replace" : "replaces", was.until);
	if (result == HAP_OK && dry) {
		dry_run(j, b, &was);
		return EXIT_OK;
	}
	if (result == HAP_OK)
		result = hap_set_cert(b->cfg, j->path, j->pem);
	if (result == HAP_OK)
		result = hap_cert(b->cfg, j->path, &is);
	if (result != HAP_OK) {
		fleet_lost(b, result);
		/* The next one would refuse it too. */
		return result == HAP_REFUSED ? hap_exit(result) : EXIT_OK;
	}
	rc = write_file(b->cfg, j);
	if (rc)
		return rc;
	say(j->r, "%s: %s, until %s%s", b->name, is.subject, is.until,
	    strcmp(was.serial, is.serial) ? "" : ", the one it had");
	audit("cert", b->name, was.serial, is.serial);
	json_array_append_new(j->list,
	                      json_pack("{s:s, s:s, s:s, s:s}", "balancer", b->name, "serial",
	                                is.serial, "subject", is.subject, "until", is.until));
	return EXIT_OK;
}

static int each(struct job *j)
{
	struct lock lock = {.fd = -1};
	int rc = j->r->opts.dry_run ? EXIT_OK
	                            : lock_take(j->r->cfg, "cert", "cert", LOCK_MS, &lock);

	for (size_t i = 0; !rc && i < j->f.n; i++)
		if (!j->f.v[i].why[0])
			rc = one(j, &j->f.v[i]);
	lock_drop(&lock);
	if (!rc && j->r->opts.dry_run)
		say(j->r, "nothing changed");
	if (!rc)
		rc = fleet_whole(&j->f);
	if (!rc && j->r->opts.json && !j->r->opts.dry_run)
		say_json(json_pack("{s:s, s:O}", "file", j->path, "balancers", j->list));
	return rc;
}

int cmd_cert(struct run *r)
{
	struct job j = {.r = r, .path = r->cfg->haproxy.tls_cert};
	const char *from = r->argc ? r->argv[0] : j.path;
	int rc = EXIT_FAILED;

	if (!r->cfg->haproxy.tls || r->cfg->haproxy.own != OWN_ALL) {
		say_error(
			"%s: no certificate of wsctl's: haproxy.tls is not set, or own is backend; "
			"your own haproxy.cfg names it then",
			r->cfg->path);
		return EXIT_FAILED;
	}
	j.list = json_array();
	j.from = strcmp(from, "-") ? from : "standard input";
	if (!take_in(from, &j.in))
		j.pem = pem(&j.in, j.from);
	if (j.pem)
		rc = look(&j);
	if (j.pem && !rc)
		rc = fleet_open(r->cfg, &j.f);
	if (j.pem && !rc) {
		rc = each(&j);
		fleet_close(&j.f);
	}
	json_decref(j.list);
	free(j.pem);
	persist_text_free(&j.in);
	return rc;
}
