#!/usr/bin/env bats
# Goal: however a connection ends, both sides know why, and nobody else notices.

load helpers

@test "a second SIGTERM: the clients that are left still hear 1012, no word of an error of theirs" {
	YAML_NODE="drain: { rate: 1/m, grace: 30s, deadline: 60s }"
	start_redis
	write_yaml
	start_node ws1
	ws_open a "$(url ws1)"
	ws_open b "$(url ws1)"
	kill -TERM "$(pid ws1)"
	wait_until 3 state_is ws1 stopping
	kill -TERM "$(pid ws1)"
	exits ws1 3
	ws_wait a '^close 1012'
	ws_wait b '^close 1012'
}
