#!/usr/bin/env bats
# Goal: every limit of `node:` holds, and hurts only the client that exceeds it.

load helpers

# limited YAML-LINES [CHANNEL-LINES]: Redis and ws1.
limited() {
	YAML_NODE=$1 YAML_CHANNELS=${2:-}
	start_redis
	write_yaml
	start_node ws1
}
# flood CHANNEL-PREFIX MESSAGES BYTES: into channel PREFIX0.
flood() { "$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --prefix "$1" --rate "${4:-300}" --count "$2" --size "$3"; }

@test "max_clients: one more gets 503, and is welcome when another has left" {
	limited 'max_clients: 3'
	for c in a b c; do ws_open "$c" "$(url ws1)"; done
	[ "$(handshake "$(url ws1)")" = 503 ]
	health_is ws1 200
	ws_stop a
	wait_until 5 clients_are ws1 2
	ws_open d "$(url ws1)"
	[ "$(handshake "$(url ws1)")" = 503 ]
}

@test "max_message: a message of the limit passes, a longer one is closed with 1009, in one frame or many" {
	limited 'max_message: 1000B'
	ws_open a "$(url ws1)"
	ws_send a "/big 1000"
	ws_wait a '^text x{1000}$'
	ws_send a "/big 1001"
	ws_wait a '^close 1009'
	ws_open b "$(url ws1)"
	local half
	half=$(printf '61%.0s' {1..501})
	ws_send b "/frame 0 1 $half" "/frame 1 0 $half"
	ws_wait b '^close 1009'
	ws_open c "$(url ws1)"
	# 2^40 bytes announced: the first of them are enough.
	ws_send c "/bytes 82ff000001000000000000000000$(printf "00%.0s" {1..200})"
	ws_wait c '^close 1009'
}

@test "slow: close: a client that doesn't read is closed, the others get everything" {
	limited 'max_queue: 16MiB'
	ws_open reader "$(url ws1 /ws/s0)"
	ws_open slow "$(url ws1 /ws/s0)" --rcvbuf 4096
	ws_send slow /stop
	flood s 450 60000 100
	wait_until 10 clients_are ws1 1
	wait_until 10 grep -qE '^text 450 ' "$W/log/ws.reader"
	[ "$(ws_count reader '^text')" = 450 ]
	[ "$(metric ws1 wsnode_slow_closed_total)" = 1 ]
	ws_send slow /go
	ws_wait slow '^(close 1008|eof)'
}

all_of_the_last() { awk '$2 == 400 && length == 60005 { n = 1 } END { exit !n }' "$W/log/ws.slow"; }
@test "slow: drop: a client that doesn't read loses the oldest whole messages and stays" {
	limited 'max_queue: 256KiB' $'rules:\n  - { match: "*", slow: drop }'
	ws_open slow "$(url ws1 /ws/s0)" --rcvbuf 4096
	ws_send slow /stop
	flood s 400 60000
	wait_until 10 reaches 1 metric ws1 wsnode_dropped_total
	clients_are ws1 1
	ws_send slow /go
	wait_until 10 all_of_the_last
	# Whole ones, in order, with a gap; nothing twice.
	ws_out slow | awk '/^text/ { if ($2 <= last || length($0) != 60005) exit 1; last = $2; n++ } END { exit !(n > 3 && n < 400) }'
	ws_send slow "still here"
	ws_wait slow '^text still here$'
}

@test "max_queue_total: when the node holds too much, the slowest client is closed first" {
	limited $'max_queue: 2MiB\nmax_queue_total: 3MiB' $'rules:\n  - { match: "*", slow: drop }'
	ws_open slower "$(url ws1 /ws/s0)" --rcvbuf 4096
	ws_send slower /stop
	flood s 200 60000
	ws_open slow "$(url ws1 /ws/t0)" --rcvbuf 4096
	ws_send slow /stop
	ws_open reader "$(url ws1 /ws/s0)"
	flood t 200 60000
	wait_until 10 clients_are ws1 2
	ws_send slower /go
	ws_wait slower '^(close 1008|eof)'
	flood s 3 60000
	ws_send slow /go
	wait_until 10 grep -qE "^text 200 " "$W/log/ws.slow"
	wait_until 10 grep -qE "^text 3 " "$W/log/ws.reader"
}

# before NAME TEXT TEXT: it got them in this order.
before() { [[ $(ws_out "$1" | grep -xE "text ($2|$3)") == "text $2"$'\n'"text $3" ]]; }

@test "message_rate: above it the node reads slower and loses nothing; others don't feel it" {
	limited 'message_rate: 20/s'
	local start
	ws_open chatty "$(url ws1 /ws/r)"
	ws_open other "$(url ws1 /ws/r)"
	start=$(now_ms)
	ws_send chatty "$(seq 1 80)"
	ws_send other "hello from another"
	ws_wait other '^text 80$' 10
	local took=$(($(now_ms) - start))
	# 20 at once from the bucket, 60 more at 20/s.
	[ "$took" -gt 2300 ] && [ "$took" -lt $((3900 * WAIT_FACTOR)) ] || fail "took $took ms"
	diff -u <(seq 1 80) <(ws_out other | sed -n 's/^text \([0-9]*\)$/\1/p')
	before other 'hello from another' 80
	reaches 1 metric ws1 wsnode_throttled_total
}

@test "a client that is read slowly still gets messages, and its close is honoured" {
	limited $'message_rate: 1/s\nping: 2s'
	ws_open a "$(url ws1 /ws/r)"
	ws_send a "$(seq 1 8)"
	rcli publish chat:r "meanwhile"
	# Throttled is not dead: it survives several pings.
	ws_wait a '^text 8$' 15
	before a meanwhile 3
	ws_send a "/close 1000"
	ws_wait a '^close 1000'
}

@test "fewer file descriptors than max_clients: the node says so at start and stays within" {
	start_redis
	YAML_NODE='max_clients: 500'
	write_yaml
	spawn ws1 bash -c 'ulimit -n 200; exec "$@"' sh "$BUILD/wsnode" -c "$W/wscale.yaml" ws1
	wait_until 10 health_is ws1 200
	log_has ws1 'nofile|descriptors|RLIMIT_NOFILE'
	spawn load "$TOOLS/wsload" --url "$(url ws1 '')" --clients 300 --rate 2000
	wait_until 10 reaches 50 health ws1 .clients
	never 2 health_is ws1 000
	health_is ws1 200
	stop load
	tail -n 1 "$W/log/load" | jq -e '.status["503"] > 0'
	wait_until 10 clients_are ws1 0
	[ "$(handshake "$(url ws1)")" = 101 ]
}
