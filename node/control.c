/* control: see control.h. Requests are bounded by Redis' own limits and parsed strictly by jansson.
 */
#include "control.h"

#include <ev.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/channel.h"
#include "../lib/control.h"
#include "../lib/log.h"
#include "bus.h"
#include "drain.h"
#include "health.h"
#include "hub.h"
#include "lag.h"
#include "lbs.h"
#include "node.h"
#include "retire.h"
#include "session.h"

enum { CHANNELS_MAX = 20000 }; /* rows in one reply */

static json_t *refusal(const char *why)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", why);
}

static json_t *report(void)
{
	char at[ENDPOINT_STR];
	uint64_t ago_ms;
	json_t *o = health_object();
	json_t *more = json_pack(
		"{s:b, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:i, s:s, s:I, s:f}", "ok",
		1, "max_clients", (int)node.max_clients, "config", node.config_hash, "channels",
		(json_int_t)hub_count(), "in", (json_int_t)node.count.messages_in, "out",
		(json_int_t)node.count.messages_out, "out_bytes", (json_int_t)node.count.bytes_out,
		"queued", (json_int_t)lag_total_bytes(), "dropped", (json_int_t)node.count.dropped,
		"lagging", (int)lag_count(), "refused", (json_int_t)node.count.refused_in,
		"closing", (int)(session_count() - session_open_count()), "listen",
		endpoint_str(&node.listen, at), "uptime_s",
		(json_int_t)(ev_now(node.loop) - node.started), "per_second",
		drain_active() ? drain_per_second() : 0.0);

	if (!o || !more || json_object_update(o, more)) {
		json_decref(o);
		json_decref(more);
		return NULL;
	}
	json_decref(more);
	json_object_set_new(o, "redis_errors", json_integer((json_int_t)node.count.publish_errors));
	json_object_set_new(o, "redis_error", json_string(bus_refusal(&ago_ms)));
	json_object_set_new(o, "redis_error_age_s", json_integer((json_int_t)(ago_ms / 1000)));
	json_object_set_new(o, "lbs", lbs_json());
	json_object_set_new(o, "time_ms", json_integer((json_int_t)(ev_time() * 1000)));
	return o;
}

struct listing {
	const char *pattern;
	json_t *rows;
	uint64_t more;
};

static bool list_channel(struct channel *c, void *arg)
{
	struct listing *l = arg;
	uint64_t queued = 0;

	/* One that lingers is listed too: wsctl compares with Redis's count of subscribers. */
	if ((!c->n && c->state == CHANNEL_IDLE) ||
	    (l->pattern && !channel_match(l->pattern, c->name)))
		return true;
	if (json_array_size(l->rows) >= CHANNELS_MAX) {
		l->more++;
		return true;
	}
	for (int f = 0; f < FORMS; f++)
		for (uint32_t i = 0; i < c->fan[f].n; i++) {
			const struct lag *lag = c->fan[f].subs[i].who->s->lag;

			queued += lag ? lag->bytes + lag->in_lws : 0;
		}
	json_array_append_new(l->rows, json_pack("{s:s, s:i, s:I, s:I, s:I, s:I}", "name", c->name,
	                                         "clients", (int)c->n, "queued", (json_int_t)queued,
	                                         "dropped", (json_int_t)c->dropped, "in",
	                                         (json_int_t)c->in, "out", (json_int_t)c->out));
	return true;
}

static json_t *channels(json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "name"));
	struct listing l = {json_string_value(json_object_get(request, "pattern")), json_array(),
	                    0};

	if (l.pattern && !channel_pattern_valid(l.pattern)) {
		json_decref(l.rows);
		return refusal("bad pattern");
	}
	if (name) {
		struct channel *c = hub_find(name, strlen(name));

		if (c)
			list_channel(c, &l);
	} else {
		hub_each(list_channel, &l);
	}
	return json_pack("{s:b, s:o, s:I}", "ok", 1, "channels", l.rows, "more",
	                 (json_int_t)l.more);
}

static json_t *drain(json_t *request)
{
	json_t *rate = json_object_get(request, "per_second"),
	       *over = json_object_get(request, "over_ms");
	json_t *grace = json_object_get(request, "grace_ms");
	const char *by = json_string_value(json_object_get(request, "by"));
	double per_second = json_number_value(rate);

	if ((rate && !(json_is_number(rate) && per_second > 0 && per_second <= 1e6)) ||
	    (over && !(json_is_integer(over) && json_integer_value(over) > 0)) ||
	    (grace && !(json_is_integer(grace) && json_integer_value(grace) >= 0)))
		return refusal("per_second, over_ms or grace_ms out of range");
	if (node.stopping)
		return refusal("it is stopping already");
	if (over)
		per_second = (double)session_count() * 1000 / (double)json_integer_value(over);
	drain_start(per_second,
	            grace ? (uint64_t)json_integer_value(grace) : node.cfg->node.drain.grace_ms,
	            by ? by : "");
	return json_pack("{s:b, s:i, s:f}", "ok", 1, "clients", (int)session_count(), "per_second",
	                 drain_per_second());
}

static json_t *retire(json_t *request)
{
	json_t *rate = json_object_get(request, "per_second"),
	       *list = json_object_get(request, "lbs"), *lb;
	double per_second = json_number_value(rate);
	uint32_t n = 0;
	size_t i;

	if (!json_is_number(rate) || !(per_second > 0 && per_second <= 1e6))
		return refusal("per_second out of range");
	if (!json_array_size(list))
		return refusal("lbs is not a list of names");
	json_array_foreach(list, i, lb)
	{
		const char *name = json_string_value(lb);

		n += name ? lbs_retire(name) : 0;
	}
	if (lbs_left())
		retire_start(per_second);
	return json_pack("{s:b, s:i}", "ok", 1, "clients", (int)n);
}

static json_t *answer(json_t *request, const char *what)
{
	if (!strcmp(what, "report"))
		return report();
	if (!strcmp(what, "channels"))
		return channels(request);
	if (!strcmp(what, "drain"))
		return drain(request);
	if (!strcmp(what, "retire"))
		return retire(request);
	if (!strcmp(what, "ready"))
		return drain_undo() ? refusal("it is stopping; start it again")
		                    : json_pack("{s:b}", "ok", 1);
	return refusal("unknown request; is this wsnode older than wsctl?");
}

void control_request(const char *p, size_t len)
{
	json_t *request = json_loadb(p, len, JSON_REJECT_DUPLICATES, NULL), *reply = NULL;
	const char *what = json_string_value(json_object_get(request, "do"));
	const char *id = json_string_value(json_object_get(request, "id"));
	const char *to = json_string_value(json_object_get(request, "reply"));
	char prefix[REDIS_NAME_MAX], *text;
	size_t prefix_len = channel_reply(node.cfg->cluster, "", prefix);

	if (!what || !id || !to || strncmp(to, prefix, prefix_len) != 0) {
		log_msg(LOG_WARNING, "control: a malformed request of %zu bytes", len);
		goto out;
	}
	reply = answer(request, what);
	if (!reply || json_object_set_new(reply, "id", json_string(id)) ||
	    json_object_set_new(reply, "node", json_string(node.name)) ||
	    json_object_set_new(reply, "start_id", json_string(node.start_id)))
		goto out;
	text = json_dumps(reply, JSON_COMPACT);
	if (text)
		bus_reply(to, text, strlen(text));
	free(text);
out:
	json_decref(reply);
	json_decref(request);
}
