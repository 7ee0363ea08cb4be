/*
 * roll_cmd: words and quotes as a shell has them, and nothing else that a shell has. A node's name
 * and address are put into words after these are cut, so that they can't become others. What can't
 * be run is found before a node is drained for it.
 */
#include "roll_cmd.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/buf.h"
#include "cmd.h"
#include "roll_run.h"

enum { WORDS_MAX = 64 };

static bool same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET) {
		struct sockaddr_in x, y;

		memcpy(&x, a, sizeof x);
		memcpy(&y, b, sizeof y);
		return x.sin_addr.s_addr == y.sin_addr.s_addr ||
		       (ntohl(x.sin_addr.s_addr) >> 24) == 127;
	}
	if (a->sa_family == AF_INET6) {
		struct sockaddr_in6 x, y;

		memcpy(&x, a, sizeof x);
		memcpy(&y, b, sizeof y);
		return !memcmp(&x.sin6_addr, &y.sin6_addr, sizeof x.sin6_addr);
	}
	return false;
}

bool roll_local(const struct config_node *n)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	struct ifaddrs *all = NULL;
	bool local = n->at.is_unix;

	if (!local && !getaddrinfo(n->at.host, NULL, &hints, &list) && !getifaddrs(&all))
		for (struct ifaddrs *i = all; i && !local; i = i->ifa_next)
			local = i->ifa_addr && same_host(list->ai_addr, i->ifa_addr);
	if (all)
		freeifaddrs(all);
	if (list)
		freeaddrinfo(list);
	return local;
}

/* The next word of *p into out. 1; 0: no more; -1: a quote isn't closed. */
static int word(const char **p, struct buf *out)
{
	char quote = 0;

	while (**p == ' ' || **p == '\t' || **p == '\n')
		++*p;
	if (!**p)
		return 0;
	for (; **p && (quote || !strchr(" \t\n", **p)); ++*p) {
		if (quote && **p == quote) {
			quote = 0;
		} else if (!quote && (**p == '\'' || **p == '"')) {
			quote = **p;
			buf_str(out, ""); /* '' is a word too */
		} else {
			if (**p == '\\' && quote != '\'' && (*p)[1])
				++*p;
			buf_add(out, *p, 1);
		}
	}
	return quote ? -1 : 1;
}

/* How long a placeholder is that "from" begins with, "{nam}": 5; 0: it is none. */
static size_t braced(const char *from)
{
	size_t n = *from == '{' ? strspn(from + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

	return n && from[n + 1] == '}' ? n + 2 : 0;
}

/* 0; -1: the word names what this node hasn't got, or what nobody has; c->why. */
static int fill(struct roll_cmd *c, const char *from, struct buf *out)
{
	const struct {
		const char *key, *value;
	} all[] = {{"{name}", c->name}, {"{host}", c->host}, {"{port}", c->port}};

	while (*from) {
		size_t i = 0, n = braced(from);

		if (!n) {
			buf_add(out, from++, 1);
			continue;
		}
		while (i < 3 && (strlen(all[i].key) != n || strncmp(from, all[i].key, n) != 0))
			i++;
		if (i == 3 || !*all[i].value) {
			snprintf(
				c->why, sizeof c->why,
				i == 3 ? "%.*s is no placeholder: {name}, {host} and {port} are; "
					 "--shell has none"
				       : "the command names %.*s, and the node is on a Unix socket",
				(int)(n < 40 ? n : 40), from);
			return -1;
		}
		buf_str(out, all[i].value);
		from += n;
	}
	return 0;
}

static int refuse(struct roll_cmd *c, const char *why)
{
	snprintf(c->why, sizeof c->why, "%s", why);
	return -1;
}

static int cut(const char *text, struct roll_cmd *c)
{
	for (size_t n = 0;; n++) {
		struct buf raw = {0}, done = {0};
		int got = word(&text, &raw), bad = 0;

		if (got < 0)
			bad = refuse(c, "the command has a quote that isn't closed");
		else if (!got && !n)
			bad = refuse(c, "the command is empty");
		else if (got && n + 1 == WORDS_MAX)
			bad = refuse(c, "the command has more than 63 words");
		else if (got)
			bad = fill(c, raw.p ? raw.p : "", &done);
		if (!bad && got && !(c->argv[n] = done.len ? buf_take(&done) : strdup("")))
			bad = refuse(c, "out of memory");
		buf_free(&raw);
		buf_free(&done);
		if (bad || !got)
			return bad;
	}
}

static int make(const struct opts *o, const char *by_default, struct roll_cmd *c)
{
	c->argv = calloc(WORDS_MAX + 1, sizeof *c->argv);
	if (!c->argv)
		return refuse(c, "out of memory");
	if (!o->shell)
		return cut(o->exec ? o->exec : by_default, c);
	if (!o->exec[strspn(o->exec, " \t\n")])
		return refuse(c, "the command is empty");
	c->argv[0] = strdup("sh");
	c->argv[1] = strdup("-c");
	c->argv[2] = strdup(o->exec);
	return c->argv[0] && c->argv[1] && c->argv[2] ? 0 : refuse(c, "out of memory");
}

int roll_cmd_make(const struct opts *o, const struct config_node *n, struct roll_cmd *c)
{
	const char *by_default = "systemctl restart wsnode@{name}";

	*c = (struct roll_cmd){.name = n->name, .shell = o->shell, .lost_is_fine = o->reboot};
	if (!n->at.is_unix) {
		memcpy(c->host, n->at.host, sizeof c->host);
		snprintf(c->port, sizeof c->port, "%d", n->at.port);
	}
	if (o->reboot)
		by_default = "ssh -o BatchMode=yes root@{host} systemctl reboot";
	else if (!o->exec && !roll_local(n))
		by_default = "ssh -o BatchMode=yes root@{host} systemctl restart wsnode@{name}";
	return make(o, by_default, c);
}

/* A program of that path; errno is why it isn't. */
static bool runs(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	errno = S_ISREG(st.st_mode) ? 0 : EACCES;
	return !errno && !access(path, X_OK);
}

int roll_cmd_find(struct roll_cmd *c)
{
	const char *program = c->argv[0], *path = getenv("PATH");

	if (strchr(program, '/')) {
		if (runs(program))
			return 0;
		snprintf(c->why, sizeof c->why, "%.100s: %s%s", program,
		         errno == ENOENT ? "no such file" : "can't be run: ",
		         errno == ENOENT ? "" : strerror(errno));
		return -1;
	}
	for (const char *at = path ? path : "/bin:/usr/bin"; *program; at++) {
		size_t n = strcspn(at, ":");
		char *one = NULL;
		bool is = asprintf(&one, "%.*s/%s", n ? (int)n : 1, n ? at : ".", program) > 0 &&
		          runs(one);

		free(one);
		if (is)
			return 0;
		at += n;
		if (!*at)
			break;
	}
	snprintf(c->why, sizeof c->why, "%.100s: not found in PATH", program);
	return -1;
}

/* sh reads it, and does nothing. */
static int sh_reads(const struct opts *o)
{
	struct roll_cmd c = {.name = "--exec"};
	int status, rc;

	c.argv = calloc(5, sizeof *c.argv);
	if (c.argv) {
		c.argv[0] = strdup("sh");
		c.argv[1] = strdup("-n");
		c.argv[2] = strdup("-c");
		c.argv[3] = strdup(o->exec);
	}
	if (!c.argv || !c.argv[0] || !c.argv[1] || !c.argv[2] || !c.argv[3]) {
		say_error("out of memory");
		rc = EXIT_FAILED;
	} else {
		rc = roll_run(&c, &status);
		if (!rc && status) {
			say_error("--exec: sh doesn't understand it");
			rc = EXIT_USAGE;
		}
	}
	roll_cmd_free(&c);
	return rc;
}

int roll_cmd_check(const struct opts *o)
{
	char name[] = "node";
	struct config_node any = {.name = name, .at = {.host = "host", .port = 1}};
	struct roll_cmd c;
	int rc = EXIT_OK;

	if (!o->exec)
		return EXIT_OK;
	if (roll_cmd_make(o, &any, &c)) {
		say_error("--exec: %s", c.why);
		rc = EXIT_USAGE;
	}
	roll_cmd_free(&c);
	return !rc && o->shell ? sh_reads(o) : rc;
}

char *roll_cmd_text(const struct roll_cmd *c)
{
	struct buf b = {0};

	for (char **a = c->argv; *a; a++) {
		bool quote = !**a || strcspn(*a, " \t\n'\"\\$*?;&|<>()") != strlen(*a);

		buf_str(&b, a == c->argv ? "" : " ");
		buf_str(&b, quote ? "'" : "");
		for (const char *p = *a; *p; p++) {
			if (*p == '\'')
				buf_str(&b, "'\\''");
			else
				buf_add(&b, p, 1);
		}
		buf_str(&b, quote ? "'" : "");
	}
	return buf_take(&b);
}

void roll_cmd_free(struct roll_cmd *c)
{
	for (char **a = c->argv; a && *a; a++)
		free(*a);
	free(c->argv);
	*c = (struct roll_cmd){0};
}
