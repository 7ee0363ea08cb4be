/* health: see health.h. */
#include "health.h"

#include <string.h>

#include "../lib/buf.h"
#include "../lib/control.h"
#include "../lib/envelope.h"
#include "../lib/version.h"
#include "bus.h"
#include "drain.h"
#include "node.h"
#include "session.h"

const char *health_state(void)
{
	if (node.stopping)
		return CONTROL_STOPPING;
	if (drain_active())
		return session_count() ? CONTROL_DRAINING : CONTROL_DRAINED;
	if (bus_ready())
		return CONTROL_READY;
	return node.count.redis_connects ? CONTROL_UNAVAILABLE : CONTROL_STARTING;
}

const char *health_reason(void)
{
	if (node.stopping)
		return "stopping";
	return drain_active() ? drain_reason() : bus_reason();
}

/* Its end may be half a character: it quotes others, and is cut to a length. */
static json_t *reason_text(void)
{
	const char *p = health_reason();
	size_t n = strlen(p);

	while (n && !utf8_valid((const uint8_t *)p, n))
		n--;
	return json_stringn(p, n);
}

json_t *health_object(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:I, s:s}", "node", node.name, "cluster",
	                 node.cfg->cluster, "start_id", node.start_id, "state", health_state(),
	                 "reason", reason_text(), "redis", bus_where(), "clients",
	                 (json_int_t)session_count(), "version", WSCALE_VERSION);
}

char *health_json(int *status)
{
	json_t *o = health_object();
	struct buf b = {0};
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	*status = drain_active() ? 404 : bus_ready() ? 200 : 503;
	json_decref(o);
	if (!text)
		return NULL;
	buf_printf(&b, "%s\n", text);
	free(text);
	return buf_take(&b);
}
