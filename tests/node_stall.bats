#!/usr/bin/env bats
# Goal: a node that stood still (a paused virtual machine, SIGSTOP, swapping) blames nobody for it when it
# goes on: no client is cut for pings that were never sent in time.

load helpers

@test "a node that stood still for several pings keeps the clients that answer" {
	start_redis
	YAML_NODE='ping: 1s'
	write_yaml
	start_node ws1
	ws_open a "$(url ws1)"
	ws_open b "$(url ws1)"
	ws_wait a '^ping'
	kill -STOP "$(pid ws1)"
	never 5 gone ws1
	kill -CONT "$(pid ws1)"
	wait_until 10 health_is ws1 200
	never 3 ended
	clients_are ws1 2
	[ "$(metric ws1 wsnode_ping_timeouts_total)" = 0 ]
	ws_send a hi
	ws_wait b '^text hi$'
}
ended() { [ "$(ws_count a '^(close|eof)')$(ws_count b '^(close|eof)')" != 00 ]; }
