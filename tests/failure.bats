#!/usr/bin/env bats
# alone
# Goal: what breaks by itself at night. A node killed, Redis stopped, hung or restarted, HAProxy reloaded or
# restarted around a drain: clients come back, nothing that an operator set is forgotten.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

start_load() {
	N=$1
	spawn load "$TOOLS/wsload" --url "$(url haproxy "")" --clients "$N" --channels 4 --prefix ch
	wait_until 30 log_has load '^ready'
}
end_load() {
	kill -TERM "$(pid load)"
	exits load 10
	tail -n 1 "$W/log/load" >"$W/load.json"
}
load_is() { jq -e "$1" "$W/load.json" >/dev/null || fail "not $1: $(cat "$W/load.json")"; }
total() {
	local n sum=0 c
	for n in "$@"; do
		c=$(health "$n" .clients 2>/dev/null) || c=0
		sum=$((sum + ${c:-0}))
	done
	echo "$sum"
}
total_is() { [ "$(total "${@:2}")" = "$1" ]; }
delivers() {
	local n=$RANDOM$RANDOM
	rcli publish chat:news "$n" >/dev/null
	ws_wait "$1" "^text $n\$" 1
}
publishing() {
	spawn pub "$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --channels 4 --rate 100
}

@test "kill -9 of a node: its clients come back elsewhere; restarted, it gets traffic only after a passed check" {
	cluster ws1 ws2 ws3
	start_load 60
	local before
	before=$(health ws2 .clients)
	stop ws2 KILL
	wait_until 20 total_is 60 ws1 ws3
	wait_until 10 server_is ws2 DOWN
	# It lives again but can't deliver: a health check fails, and no client is sent there.
	rm -f "$W/pid/ws2"
	spawn ws2 "$BUILD/wsnode" -c "$W/wscale.yaml" --redis "redis://127.0.0.1:1" ws2
	wait_until 10 health_is ws2 503
	clients 4
	never 2 server_is ws2 UP
	clients_are ws2 0
	stop ws2
	start_node ws2
	wait_until 15 server_is ws2 UP
	clients 8
	reaches 1 health ws2 .clients
	end_load
	# Only the killed node's clients saw anything, and they saw it once.
	load_is '.lost == 0 and .doubled == 0 and .reordered == 0'
	load_is '(.closes | keys - ["1006"]) == [] and .closes."1006".n == '"$before"
}

@test "Redis stopped and started: 503 meanwhile, back by themselves, and they deliver again" {
	cluster ws1 ws2
	clients 2
	delivers c1
	stop_redis
	wait_until 10 health_is ws1 503
	wait_until 10 health_is ws2 503
	[ "$(handshake "$(url ws1 /ws/news)")" = 503 ]
	# Who was connected stays.
	clients_are ws1 1
	start_redis
	wait_until 15 health_is ws1 200
	wait_until 15 health_is ws2 200
	wait_until 5 delivers c1
	wait_until 5 delivers c2
	[ "$(closed_with '')" = 0 ]
}

@test "Redis that hangs is noticed, and nodes come back when it goes on" {
	cluster ws1 ws2
	clients 2
	kill -STOP "$(pid redis)"
	wait_until 15 health_is ws1 503
	run -0 health ws1 .reason
	says redis
	kill -CONT "$(pid redis)"
	wait_until 15 health_is ws1 200
	wait_until 15 health_is ws2 200
	wait_until 5 delivers c1
}

@test "HAProxy reloaded before, in the middle of and after a drain: no 1006, and drain sees the old worker" {
	cluster ws1 ws2 ws3
	publishing
	start_load 90
	reload_haproxy
	# All tunnels are on the old worker now.
	run -0 wsctl status
	says "old worker"
	background drain drain ws1 --rate 6/s
	wait_until 10 health_is ws1 404
	wait_until 10 reaches 1 metric ws1 wsnode_closes_total
	reload_haproxy
	exits drain 60
	[ "$STATUS" = 0 ] || fail "$(cat "$W/log/drain")"
	log_has drain "drained"
	log_has drain "0 killed"
	clients_are ws1 0
	reload_haproxy
	[ "$(state ws1)" = drained ]
	server_is ws1 DRAIN || server_is ws1 NOLB
	wait_until 15 total_is 90 ws2 ws3
	clients 6
	clients_are ws1 0
	run -0 wsctl ready ws1
	wait_until 10 server_is ws1 UP
	end_load
	load_is '(.closes | keys - ["1012"]) == []'
	load_is '.lost == 0 and .doubled == 0 and .reordered == 0 and .connect_errors == 0'
}

@test "HAProxy restarted: cordons and drains are back" {
	cluster ws1 ws2 ws3
	run -0 wsctl cordon ws1
	run -0 wsctl drain ws2
	stop haproxy
	start_haproxy
	[ "$(state ws1)" = cordoned ]
	[ "$(state ws2)" = drained ]
	[ "$(state ws3)" = ready ]
	wait_until 10 checked ws3
	clients 4
	clients_are ws1 0
	clients_are ws2 0
	clients_are ws3 4
	run -0 wsctl ready ws1
	run -0 wsctl ready ws2
	clients 6
	reaches 1 health ws1 .clients
	reaches 1 health ws2 .clients
}

@test "a node added while HAProxy ran is there after its restart" {
	cluster ws1 ws2
	new_node ws3
	run -0 wsctl add ws3 "$(at ws3)"
	stop haproxy
	start_haproxy
	in_haproxy ws3
	wait_until 10 checked ws3
	[ "$(state ws3)" = ready ]
}

@test "a node that is stopped by systemd's SIGTERM moves its clients without one 1006" {
	YAML_NODE='drain: { rate: 20/s, grace: 3s, deadline: 1m }'
	cluster ws1 ws2 ws3
	publishing
	start_load 60
	local before
	before=$(health ws3 .clients)
	kill -TERM "$(pid ws3)"
	exits ws3 40
	[ "$STATUS" = 0 ]
	wait_until 10 total_is 60 ws1 ws2
	end_load
	load_is '(.closes | keys - ["1012"]) == [] and .closes."1012".n >= '"$before"
	load_is '.connect_errors == 0 and .lost == 0 and .doubled == 0 and .reordered == 0'
}
