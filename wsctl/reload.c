/*
 * reload: the master of 2.6 answers nothing and begins anew, so what counts is what is seen
 * afterwards: another worker at the admin socket, or a failure that the master has counted. From
 * 2.7 on it says Success=0 or 1, with HAProxy's own lines. Source: HAProxy management guide,
 * "reload".
 */
#include "reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/num.h"
#include "cmd.h"
#include "hap_int.h"

enum { POLL_MS = 100 };

/* How many reloads have failed since the last that didn't; -1: not to be seen. */
static long failures(const struct config *cfg)
{
	char *reply;
	long n = -1;

	if (hap_ask(cfg, HAP_MASTER, &reply, "show proc") != HAP_OK)
		return -1;
	const char *at = strstr(reply, "[failed: ");
	if (at)
		n = strtol(at + strlen("[failed: "), NULL, 10);
	free(reply);
	return n;
}

/* The first of HAProxy's lines that is an alert: the cause comes first. */
static int refused(const char *reply)
{
	const char *alert = strstr(reply, "[ALERT]"), *text = alert ? strstr(alert, " : ") : NULL;

	text = text ? text + 3 : "see its log";
	return hap_fail(HAP_REFUSED, "HAProxy refuses the new file and keeps its worker: %.*s",
	                (int)strcspn(text, "\n"), text);
}

int reload(const struct config *cfg, uint64_t wait_ms)
{
	uint64_t until = now_ms() + wait_ms;
	char before[32], now[32], t[24], *reply;
	long failed = failures(cfg);
	int result;

	if (failed < 0)
		return HAP_AWAY;
	result = hap_info(cfg, "Pid", before, sizeof before);
	if (result != HAP_OK)
		return result;
	if (hap_ask(cfg, HAP_MASTER, &reply, "reload") == HAP_OK) {
		bool no = strstr(reply, "Success=0") != NULL;

		if (no)
			refused(reply);
		free(reply);
		if (no)
			return HAP_REFUSED;
	}
	for (;;) {
		if (hap_info(cfg, "Pid", now, sizeof now) == HAP_OK && strcmp(now, before) != 0)
			return HAP_OK;
		if (failures(cfg) > failed)
			return hap_fail(HAP_REFUSED, "HAProxy refuses the new file and keeps its "
			                             "worker; its log says why");
		if (now_ms() >= until || interrupted() || pause_ms(POLL_MS))
			break;
	}
	return hap_fail(HAP_AWAY, "no new worker within %s of the reload",
	                num_duration_str(wait_ms, t));
}
