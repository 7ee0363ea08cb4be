/*
 * pristine: dpkg keeps the MD5 of each configuration file that it installed; the file is untouched
 * while it still has it. Source: deb-conffiles(5), the Conffiles field of dpkg's status file. Not a
 * matter of trust: whoever could forge the sum could write the file.
 */
#include "pristine.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS "/var/lib/dpkg/status"

enum { MD5_HEX = 33 };

static bool md5_hex(const char *text, size_t len, char out[static MD5_HEX])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(text, len, md, &n, EVP_md5(), NULL) || n != 16)
		return false;
	for (unsigned i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
	return true;
}

bool pristine(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(STATUS, "re");
	size_t cap = 0, path_len = strlen(path);
	char *line = NULL, hex[MD5_HEX];
	bool found = false;

	if (!f || !md5_hex(text, len, hex))
		goto out;
	/* " /etc/haproxy/haproxy.cfg 0123...", and a word more when it is obsolete */
	while (!found && getline(&line, &cap, f) > 0)
		found = line[0] == ' ' && !strncmp(line + 1, path, path_len) &&
		        line[1 + path_len] == ' ' &&
		        !strncmp(line + 2 + path_len, hex, sizeof hex - 1);
out:
	free(line);
	if (f)
		fclose(f);
	return found;
}
