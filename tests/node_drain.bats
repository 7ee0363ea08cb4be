#!/usr/bin/env bats
# Goal: a node empties at the asked pace and loses nothing on the way; stops, reloads and starts as
# systemd and an operator expect.

load helpers

# crowd N: Redis, ws1 and N clients that don't come back.
crowd() {
	N=$1
	start_redis
	write_yaml
	start_node ws1
	spawn load "$TOOLS/wsload" --url "$(url ws1 '')" --clients "$N" --channels 5 --no-reconnect
	wait_until 30 log_has load '^ready'
}
# tallied JQ-FILTER...: on the load's own account of the whole run.
tallied() {
	stop load TERM
	tail -n 1 "$W/log/load" >"$W/load"
	jq -e "$@" "$W/load" || { cat "$W/load"; return 1; }
}
# paced RATE: all N were closed with 1012 only, at RATE within 20 percent.
paced() {
	tallied --argjson n "$N" --argjson r "$1" '.closes | keys == ["1012"] and
		(."1012" | .n == $n and .rate >= 0.8 * $r and .rate <= 1.2 * $r and .peak_1s <= 1.2 * $r + 1)'
}

@test "drain by control: 404 at once, 503 for new clients, the others closed with 1012 at the asked rate" {
	crowd "$(load 300)"
	control ws1 "\"do\":\"drain\",\"per_second\":$((N / 6)),\"grace_ms\":0,\"by\":\"ann\"" >"$W/reply"
	jq -e --argjson n "$N" '.ok and .clients == $n and .per_second > 0' "$W/reply"
	health_is ws1 404
	state_is ws1 draining
	health ws1 .reason | grep -q ann
	[ "$(handshake "$(url ws1)")" = 503 ]
	wait_until 15 state_is ws1 drained
	health_is ws1 404
	paced $((N / 6))
	alive ws1
}

@test "drain over a time: the pace follows from the number of clients" {
	crowd "$(load 200)"
	control ws1 '"do":"drain","over_ms":6000,"grace_ms":0' | jq -e .ok
	wait_until 15 state_is ws1 drained
	paced $((N / 6))
}

@test "the grace before a drain: clients stay until it has passed" {
	crowd 20
	local start
	start=$(now_ms)
	control ws1 '"do":"drain","per_second":1000,"grace_ms":4000' | jq -e ".ok and .clients == 20"
	health_is ws1 404
	clients_are ws1 20
	wait_until 10 state_is ws1 drained
	[ $(($(now_ms) - start)) -ge 4000 ]
	tallied ".closes | keys == [\"1012\"]"
}

@test "ready ends a drain: who is still there stays, new clients are welcome" {
	crowd "$(load 200)"
	control ws1 "\"do\":\"drain\",\"per_second\":$((N / 10)),\"grace_ms\":0" | jq -e .ok
	wait_until 5 log_has_closed
	control ws1 '"do":"ready"' | jq -e .ok
	health_is ws1 200
	[ "$(handshake "$(url ws1)")" = 101 ]
	wait_until 5 none_closing
	local left
	left=$(health ws1 .clients)
	[ "$left" -gt 5 ]
	never 1 clients_are ws1 $((left - 1))
	tallied '.closes | keys == ["1012"]'
}
none_closing() { [ "$(metric ws1 wsnode_clients_closing)" = 0 ]; }
log_has_closed() { [ "$(health ws1 .clients)" -lt "$N" ]; }

@test "a drain of an empty node is done at once" {
	start_redis
	write_yaml
	start_node ws1
	control ws1 '"do":"drain"' | jq -e '.ok and .clients == 0'
	state_is ws1 drained
}

@test "what was published before the close is delivered before the close" {
	crowd 10
	ws_open a "$(url ws1 /ws/ch0)"
	control ws1 '"do":"drain","per_second":20,"grace_ms":0' | jq -e .ok
	"$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --channels 5 --rate 2000 --count 2000 >"$W/pub"
	wait_until 10 state_is ws1 drained
	tallied '.lost == 0 and .doubled == 0 and .reordered == 0 and (.closes | keys == ["1012"])'
	ws_wait a '^close 1012'
	ws_out a | awk '/^text/ { if ($2 != last + 1) exit 1; last = $2 }'
}

@test "a client that never answers the Close doesn't hold up the drain" {
	crowd 10
	ws_open frozen "$(url ws1)"
	kill -STOP "$(pid ws.frozen)"
	control ws1 '"do":"drain","per_second":1000,"grace_ms":0' | jq -e .ok
	wait_until 8 state_is ws1 drained
	kill -CONT "$(pid ws.frozen)"
	ws_wait frozen '^close 1012'
}

@test "SIGTERM drains at the node's own rate, then it exits 0" {
	YAML_NODE="drain: { rate: $(($(load 300) / 6))/s, grace: 3s, deadline: 60s }"
	crowd "$(load 300)"
	kill -TERM "$(pid ws1)"
	wait_until 2 health_is ws1 404
	state_is ws1 stopping
	control ws1 '"do":"ready"' | jq -e '.ok == false and (.error | length > 0)'
	[ "$(handshake "$(url ws1)")" = 503 ]
	exits ws1 20
	[ "$STATUS" = 0 ]
	paced $((N / 6))
}

@test "SIGTERM on a node without clients: it exits 0 at once, whatever the grace" {
	YAML_NODE="drain: { grace: 30s }"
	start_redis
	write_yaml
	start_node ws1
	kill -TERM "$(pid ws1)"
	exits ws1 3
	[ "$STATUS" = 0 ]
}

@test "the drain's deadline is kept: at SIGTERM the rest is closed with 1012 when it passes" {
	YAML_NODE="drain: { rate: 1/s, grace: 0s, deadline: 2s }"
	crowd 50
	kill -TERM "$(pid ws1)"
	exits ws1 8
	[ "$STATUS" = 0 ]
	tallied '.closes | keys == ["1012"] and ."1012".n == 50'
}

@test "a second SIGTERM ends the node now" {
	YAML_NODE="drain: { rate: 1/s, grace: 10s, deadline: 60s }"
	crowd 20
	kill -TERM "$(pid ws1)"
	wait_until 3 state_is ws1 stopping
	kill -TERM "$(pid ws1)"
	exits ws1 3
}

@test "SIGHUP takes the new file: limits, tokens and rules count from then on, clients stay" {
	YAML_NODE="max_clients: 10"
	start_redis
	write_yaml
	start_node ws1
	ws_open a "$(url ws1)"
	ws_open b "$(url ws1)"
	YAML_NODE=$'max_clients: 3\nmax_message: 10B' YAML_AUTH="token_file: t"
	secret t new-token-in-the-file
	write_yaml
	kill -HUP "$(pid ws1)"
	wait_until 5 welcome "$(url ws1 '/?token=new-token-in-the-file')"
	[ "$(handshake "$(url ws1)")" = 401 ]
	ws_send a hello
	ws_wait b "^text hello\$"
	ws_open c "$(url ws1 '/?token=new-token-in-the-file')"
	[ "$(handshake "$(url ws1 '/?token=new-token-in-the-file')")" = 503 ]
	ws_send a "longer than ten bytes"
	ws_wait a "^close 1009"
}
welcome() { [ "$(handshake "$1")" = 101 ]; }

@test "SIGHUP with a bad file: the old one stays in force, and the log says where the error is" {
	YAML_AUTH='token_file: t'
	secret t the-token-of-before
	start_redis
	write_yaml
	start_node ws1
	echo 'surprise: true' >>"$W/wscale.yaml"
	kill -HUP "$(pid ws1)"
	wait_until 5 log_has ws1 'wscale\.yaml:[0-9]+:[0-9]+: .*surprise'
	health_is ws1 200
	[ "$(handshake "$(url ws1)")" = 401 ]
	[ "$(handshake "$(url ws1 '/?token=the-token-of-before')")" = 101 ]
	# A good file with a secret that is gone is a bad one too.
	sed -i '/surprise/d' "$W/wscale.yaml"
	rm "$W/t"
	kill -HUP "$(pid ws1)"
	wait_until 5 log_has ws1 "$W/t|\bt: "
	[ "$(handshake "$(url ws1 '/?token=the-token-of-before')")" = 101 ]
}

@test "SIGHUP to another Redis: the node moves there and its clients hear from it" {
	start_redis
	write_yaml
	start_node ws1
	ws_open a "$(url ws1 /ws/a)"
	start_redis other
	sed -i "s|redis://127.0.0.1:${PORT[redis]}|redis://127.0.0.1:${PORT[other]}|" "$W/wscale.yaml"
	kill -HUP "$(pid ws1)"
	wait_until 10 heard_there
	ws_wait a '^text from the other$'
	wait_until 5 health_is ws1 200
	numsub_is chat:a 0
}
heard_there() { [ "$(redis-cli -p "${PORT[other]}" publish chat:a "from the other")" = 1 ]; }

@test "--standalone serves without Redis and without a file; SIGHUP and SIGTERM behave" {
	standalone
	ws_open a "$(url ws1)"
	ws_open b "$(url ws1 /ws/other)"
	ws_send a hi
	ws_wait a '^text hi$'
	[ "$(ws_count b '^text')" = 0 ]
	[ "$(health ws1 .redis)" = standalone ]
	kill -HUP "$(pid ws1)"
	ws_send a "after SIGHUP"
	ws_wait a '^text after SIGHUP$'
	ws_stop a
	ws_stop b
	kill -TERM "$(pid ws1)"
	exits ws1 5
	[ "$STATUS" = 0 ]
}

@test "a second start on the same address fails and says whose fault it is; the first isn't disturbed" {
	standalone
	ws_open a "$(url ws1)"
	spawn second "$BUILD/wsnode" --standalone --listen "127.0.0.1:${PORT[ws1]}" ws1
	exits second 5
	[ "$STATUS" = 1 ]
	log_has second "127\.0\.0\.1:${PORT[ws1]}.*(in use|already)"
	ws_send a hi
	ws_wait a '^text hi$'
}

# refused STATUS REGEX ARGUMENT...: the node doesn't start, with this status and message.
refused() {
	local want=$1 regex=$2
	shift 2
	run timeout $((5 * WAIT_FACTOR)) "$BUILD/wsnode" "$@"
	[ "$status" = "$want" ] || fail "status $status: $output"
	[[ $output =~ $regex ]] || fail "$output"
}

@test "a wrong start says what is missing" {
	start_redis
	write_yaml
	refused 64 'wsnode' --nonsense
	refused 64 'NAME|name'
	refused 78 'ws9' -c "$W/wscale.yaml" ws9
	refused 78 'nowhere' -c "$W/nowhere.yaml" ws1
	refused 64 'listen' --standalone ws1 --listen nonsense
	refused 64 'name' --standalone --listen 127.0.0.1:1 'bad name'
	run -0 "$BUILD/wsnode" --version
	[[ $output =~ ^wsnode\ [0-9]+\.[0-9]+ ]]
	run -0 "$BUILD/wsnode" --help
	[[ $output == *--standalone* ]]
}

@test "a node that the file doesn't know runs with --listen" {
	start_redis
	write_yaml
	port ws9
	start_node ws9 --listen "127.0.0.1:${PORT[ws9]}"
	[ "$(health ws9 .node)" = ws9 ]
	start_node ws1
	ws_open a "$(url ws1)"
	ws_open b "$(url ws9)"
	ws_send a hi
	ws_wait b '^text hi$'
}

@test "Type=notify: READY only when it serves, STATUS, RELOADING around a reload, STOPPING at the end" {
	spawn notified "$TOOLS/notifyrecv" "$W/notify"
	wait_until 5 test -S "$W/notify"
	write_yaml
	NOTIFY_SOCKET=$W/notify launch_node ws1
	wait_until 10 health_is ws1 503
	start_redis
	wait_until 10 health_is ws1 200
	wait_until 5 grep -q '^READY=1' "$W/log/notified"
	wait_until 5 grep -q '^STATUS=' "$W/log/notified"
	kill -HUP "$(pid ws1)"
	wait_until 5 grep -q '^RELOADING=1' "$W/log/notified"
	grep -q '^MONOTONIC_USEC=[0-9]' "$W/log/notified"
	wait_until 5 again_ready
	kill -TERM "$(pid ws1)"
	exits ws1 5
	wait_until 5 grep -q '^STOPPING=1' "$W/log/notified"
	# grace 5s and deadline 2m by default, and time for the last clients
	[ "$(sed -n 's/^EXTEND_TIMEOUT_USEC=//p' "$W/log/notified")" -gt 127000000 ]
}
again_ready() { [ "$(sed -n '/^RELOADING=1/,$p' "$W/log/notified" | grep -c '^READY=1')" -ge 1 ]; }

@test "the watchdog is fed while the loop turns" {
	spawn notified "$TOOLS/notifyrecv" "$W/notify"
	wait_until 5 test -S "$W/notify"
	start_redis
	write_yaml
	NOTIFY_SOCKET=$W/notify WATCHDOG_USEC=1000000 launch_node ws1
	wait_until 10 health_is ws1 200
	wait_until 5 fed 3
	kill -STOP "$(pid ws1)"
	local n
	n=$(grep -c '^WATCHDOG=1' "$W/log/notified")
	never 2 fed $((n + 3))
}
fed() { [ "$(grep -c '^WATCHDOG=1' "$W/log/notified")" -ge "$1" ]; }

@test "a drain that may take long is announced to systemd, whose TimeoutStopSec knows nothing of it" {
	spawn notified "$TOOLS/notifyrecv" "$W/notify"
	wait_until 5 test -S "$W/notify"
	start_redis
	YAML_NODE="drain: { deadline: 20m }" write_yaml
	NOTIFY_SOCKET=$W/notify launch_node ws1
	wait_until 10 health_is ws1 200
	kill -TERM "$(pid ws1)"
	exits ws1 5
	wait_until 5 grep -q '^EXTEND_TIMEOUT_USEC=' "$W/log/notified"
	[ "$(sed -n 's/^EXTEND_TIMEOUT_USEC=//p' "$W/log/notified")" -gt 1205000000 ]
}

@test "the watchdog is fed while Redis is away: a restart wouldn't bring it back" {
	spawn notified "$TOOLS/notifyrecv" "$W/notify"
	wait_until 5 test -S "$W/notify"
	write_yaml
	NOTIFY_SOCKET=$W/notify WATCHDOG_USEC=1000000 launch_node ws1
	wait_until 10 health_is ws1 503
	wait_until 9 fed 5
}

@test "the watchdog is fed while the resolver looks for Redis, which may take minutes" {
	[ "$(id -u)" = 0 ] || skip "needs root, for a mount namespace"
	requires unshare socat
	spawn notified "$TOOLS/notifyrecv" "$W/notify"
	wait_until 5 test -S "$W/notify"
	# a name server that takes questions and answers none
	spawn resolver socat -u UDP-RECV:53,bind=127.0.0.77,reuseaddr OPEN:/dev/null
	printf 'nameserver 127.0.0.77\noptions timeout:30 attempts:5\n' >resolv.conf
	write_yaml
	sed -i 's#url: redis://127.0.0.1:#url: redis://redis.example.net:#' wscale.yaml
	port ws1
	NOTIFY_SOCKET=$W/notify WATCHDOG_USEC=1000000 spawn ws1 unshare -m --propagation private \
		sh -c "mount --bind '$W/resolv.conf' /etc/resolv.conf && exec '$BUILD/wsnode' -c wscale.yaml ws1"
	wait_until 10 health_is ws1 503
	wait_until 9 fed 3
}

@test "an inherited socket with another port than the file's is used, and named" {
	port ws1
	port other
	spawn ws1 "$TOOLS/listenfd" "${PORT[ws1]}" "$BUILD/wsnode" --standalone --listen "127.0.0.1:${PORT[other]}" ws1
	wait_until 10 health_is ws1 200
	grep -q "inherited from systemd has another address than 127.0.0.1:${PORT[other]}; .*wsnode@ws1.socket" "$W/log/ws1"
}

@test "an inherited listen socket is used: systemd can hold the port over a restart" {
	port ws1
	spawn ws1 "$TOOLS/listenfd" "${PORT[ws1]}" "$BUILD/wsnode" --standalone --listen "127.0.0.1:${PORT[ws1]}" ws1
	wait_until 10 health_is ws1 200
	ws_open a "$(url ws1)"
	ws_send a hi
	ws_wait a '^text hi$'
}

@test "under systemd log lines carry their priority, elsewhere they don't" {
	standalone
	stop ws1
	refute grep -qE '^<[0-7]>' "$W/log/ws1"
	port ws2
	: >"$W/log/ws2"
	spawn ws2 env JOURNAL_STREAM="$(stat -c %d:%i "$W/log/ws2")" "$BUILD/wsnode" --standalone --listen "127.0.0.1:${PORT[ws2]}" ws2
	wait_until 10 health_is ws2 200
	stop ws2
	grep -qE '^<[3-7]>' "$W/log/ws2"
}
