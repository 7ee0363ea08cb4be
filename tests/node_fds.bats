#!/usr/bin/env bats
# Goal: when file descriptors are few, connections that say nothing don't take those that the node itself
# needs: for Redis, for systemd's watchdog, for the next client.

load helpers

@test "few descriptors and a crowd that says nothing: clients are served, a new Redis is reached" {
	start_redis
	write_yaml
	spawn ws1 bash -c 'ulimit -n 200; exec "$@"' sh "$BUILD/wsnode" -c "$W/wscale.yaml" ws1
	wait_until 10 health_is ws1 200
	spawn silent "$TOOLS/wsload" --url "$(url ws1 '')" --silent --clients 300 --rate 1000
	wait_until 10 reaches 100 metric ws1 wsnode_accepted_total
	stop_redis
	start_redis
	wait_until 15 health_is ws1 200
	ws_open a "$(url ws1)"
	ws_send a hi
	ws_wait a '^text hi$'
	refute log_has ws1 'out of file descriptors'
	stop silent
}
