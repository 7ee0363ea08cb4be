/*
 * hap_cert: a certificate given to a running HAProxy in one transaction (management guide, "set ssl
 * cert"): new connections get the new one, those that are open go on. What HAProxy doesn't take is
 * aborted, and nothing has changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/config.h"
#include "hap_int.h"

static void copy(char *out, size_t size, const char *text, const char *field)
{
	const char *p = strstr(text, field);

	out[0] = '\0';
	if (p && (p == text || p[-1] == '\n'))
		snprintf(out, size, "%.*s", (int)strcspn(p + strlen(field), "\n"),
		         p + strlen(field));
}

static int show(const struct config *cfg, const char *mark, const char *path, struct hap_cert *out)
{
	char *reply;
	int result = hap_ask(cfg, HAP_ADMIN, &reply, "show ssl cert %s%s", mark, path);

	if (result != HAP_OK)
		return result;
	copy(out->serial, sizeof out->serial, reply, "Serial: ");
	copy(out->until, sizeof out->until, reply, "notAfter: ");
	copy(out->sha1, sizeof out->sha1, reply, "SHA1 FingerPrint: ");
	copy(out->subject, sizeof out->subject, reply, "Subject: ");
	if (!out->serial[0])
		result = hap_fail(HAP_REFUSED, "HAProxy has not loaded %s: %.200s", path, reply);
	free(reply);
	return result;
}

int hap_cert(const struct config *cfg, const char *path, struct hap_cert *out)
{
	memset(out, 0, sizeof *out);
	return show(cfg, "", path, out);
}

static int undo(const struct config *cfg, const char *path, const char *what, const char *reply)
{
	char text[512], *said;

	snprintf(text, sizeof text, "%.400s", reply);
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = ' ';
	if (hap_ask(cfg, HAP_ADMIN, &said, "abort ssl cert %s", path) == HAP_OK)
		free(said);
	return hap_fail(HAP_REFUSED, "HAProxy does not take the certificate (%s): %s", what, text);
}

int hap_set_cert(const struct config *cfg, const char *path, const char *pem)
{
	struct hap_cert want = {0}, has = {0};
	char *reply;
	int result = hap_ask_with(cfg, &reply, pem, "set ssl cert %s", path);

	if (result != HAP_OK)
		return result;
	if (strncmp(reply, "Transaction created", 19) != 0 &&
	    strncmp(reply, "Transaction updated", 19) != 0) {
		result = undo(cfg, path, "set ssl cert", reply);
		free(reply);
		return result;
	}
	free(reply);
	result = show(cfg, "*", path, &want);
	if (result == HAP_OK)
		result = hap_ask(cfg, HAP_ADMIN, &reply, "commit ssl cert %s", path);
	if (result != HAP_OK)
		return result;
	if (!strstr(reply, "Success!"))
		result = undo(cfg, path, "commit ssl cert", reply);
	free(reply);
	if (result == HAP_OK)
		result = show(cfg, "", path, &has);
	if (result == HAP_OK && strcmp(want.serial, has.serial) != 0)
		result = hap_fail(HAP_REFUSED,
		                  "HAProxy took the certificate, but still shows the old one");
	return result;
}
