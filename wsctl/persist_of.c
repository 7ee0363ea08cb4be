/*
 * persist_of: which host a file of a view is on: this one, or the one at the other end of its
 * reach. Knows the three files that a balancer has, and nothing of what they hold.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "persist.h"
#include "reach_verbs.h"

/* As the relay names it; NULL, printed: not a balancer's. */
static const char *file_of(const struct config *cfg, const char *path)
{
	const char *dot = strrchr(path, '.');

	if (!strcmp(path, cfg->haproxy.file))
		return "haproxy";
	if (cfg->haproxy.tls && !strcmp(path, cfg->haproxy.tls_cert))
		return "cert";
	if (dot && !strcmp(dot, ".state") &&
	    !strncmp(path, cfg->haproxy.state_dir, strlen(cfg->haproxy.state_dir)))
		return "state";
	say_error("%s is no file of a balancer's", path);
	return NULL;
}

int persist_read_of(const struct config *cfg, const char *path, bool missing_ok,
                    struct file_text *out)
{
	const char *file;

	if (!cfg->haproxy.reach)
		return persist_read(path, missing_ok, out);
	*out = (struct file_text){0};
	file = file_of(cfg, path);
	return file ? reach_read(cfg->haproxy.reach, file, missing_ok, out) : -1;
}

int persist_write_of(const struct config *cfg, const char *path, const char *text, size_t len,
                     const struct file_text *read_as, unsigned mode)
{
	const char *file;

	if (!cfg->haproxy.reach)
		return persist_write(path, text, len, read_as, mode);
	file = file_of(cfg, path);
	return file ? reach_write(cfg->haproxy.reach, file, text, len, read_as) : -1;
}
