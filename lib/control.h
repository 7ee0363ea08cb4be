/*
 * control: the words that wsctl and wsnode say to each other over Redis, and wsnode's /healthz.
 *
 * Request, on CLUSTER.ctl (all nodes) or CLUSTER.ctl.NODE:
 *   {"do": "report" | "channels" | "drain" | "ready" | "retire", "id": TEXT,
 *    "reply": REDIS CHANNEL, ...}
 *     channels: "name": one channel, or "pattern": PATTERN; neither: all
 *     drain:    "per_second": NUMBER or "over_ms": N (else the node's own rate),
 *               "grace_ms": N (else the node's own), "by": TEXT
 *     retire:   "lbs": [X-LB VALUE...], "per_second": NUMBER: clients that came through these
 *
 * Reply, on the channel that `reply` names (it must begin with CLUSTER.reply.):
 *   {"id": TEXT, "node": NAME, "start_id": HEX, "ok": true, ...}
 *   {"id": TEXT, "node": NAME, "start_id": HEX, "ok": false, "error": TEXT}
 *     report:   "version" "state" "reason" "clients" "max_clients" "uptime_s" "redis" "listen"
 *               "config" (hash), "time_ms" (its clock, Unix), "channels" (count),
 *               "in" "out" (messages since start), "out_bytes", "dropped", "refused",
 *               "queued" (bytes), "lagging" (clients),
 *               "closing" (clients told to close that are not gone), "per_second" (of a drain),
 *               "lbs": {X-LB VALUE: clients},
 *               "redis_errors" (publishes of clients that Redis refused, since start),
 *               "redis_error" (its words, the last time), "redis_error_age_s"
 *     channels: "channels": [{"name","clients","queued","dropped","in","out"}],
 *               "more": how many left out
 *     drain:    "clients", "per_second": as it will be
 *     ready:    nothing more
 *     retire:   "clients": how many it has of them
 *
 * GET /healthz: 200 ready, 404 draining, 503 can't deliver, with one JSON object:
 *   {"node","cluster","start_id","state","reason","redis","clients","version"}
 */
#ifndef WSCALE_CONTROL_H
#define WSCALE_CONTROL_H

/* The node's states, as `state` says them. */
#define CONTROL_STARTING "starting" /* not subscribed yet */
#define CONTROL_READY "ready"
#define CONTROL_UNAVAILABLE "unavailable" /* Redis away */
#define CONTROL_DRAINING "draining"       /* clients are being closed */
#define CONTROL_DRAINED "drained"         /* none left, still refusing */
#define CONTROL_STOPPING "stopping"       /* SIGTERM: ready is refused */

#endif
