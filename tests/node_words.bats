#!/usr/bin/env bats
# Goal: what others said is quoted whole and harmless wherever the node repeats it, and a reload that can't
# be done in full isn't done in part.

load helpers

@test "a drain asked for by a very long name: /healthz stays valid JSON and 404" {
	start_redis
	write_yaml
	start_node ws1
	ws_open a "$(url ws1)"
	local by pad
	by=$(printf 'é%.0s' {1..100})
	for pad in '' x; do
		control ws1 "\"do\":\"drain\",\"per_second\":1,\"grace_ms\":60000,\"by\":\"$pad$by\"" | jq -e .ok
		[ "$(http_status ws1 /healthz)" = 404 ]
		health ws1 .reason | grep -q 'asked by x*éé'
		control ws1 '"do":"report"' | jq -e '.ok and .state == "draining"'
	done
}

@test "a name with a line break in it makes no second line for systemd" {
	spawn notified "$TOOLS/notifyrecv" "$W/notify"
	wait_until 5 test -S "$W/notify"
	start_redis
	write_yaml
	NOTIFY_SOCKET=$W/notify start_node ws1
	ws_open a "$(url ws1)"
	control ws1 '"do":"drain","per_second":1,"grace_ms":60000,"by":"ann\nMAINPID=1"' | jq -e .ok
	wait_until 5 grep -q '^STATUS=draining.*ann' "$W/log/notified"
	refute grep -q '^MAINPID' "$W/log/notified"
}

@test "SIGHUP while the password for Redis can't be read: refused as a whole, the connection stays" {
	start_redis redis --requirepass the-password
	secret redis.password the-password
	YAML_REDIS='password_file: redis.password'
	REDISCLI_AUTH=the-password write_yaml
	start_node ws1
	ws_open a "$(url ws1)"
	rm "$W/redis.password"
	kill -HUP "$(pid ws1)"
	wait_until 5 log_has ws1 'SIGHUP: .*stays as it was'
	never 2 health_is ws1 503
	ws_send a hi
	ws_wait a '^text hi$'
	secret redis.password the-password
	kill -HUP "$(pid ws1)"
	wait_until 5 log_has ws1 'read again'
	health_is ws1 200
}

@test "tiny messages, one a turn, don't make a slow client's queue cost more than its bound" {
	[[ $(ldd "$BUILD/wsnode") != *libasan* ]] || skip "a sanitizer's malloc keeps what is freed"
	YAML_NODE=$'max_queue: 64KiB\nping: 60s' YAML_CHANNELS=$'rules:\n  - { match: "*", slow: drop }'
	start_redis
	write_yaml
	start_node ws1
	local i before
	for i in {1..10}; do
		ws_open "c$i" "$(url ws1 /ws/s0)" --rcvbuf 4096
		ws_send "c$i" /stop
	done
	# The kernel's buffers first, with large ones.
	"$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --prefix s --rate 300 --count 60 --size 60000 >/dev/null
	before=$(rss_kb ws1)
	"$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --prefix s --rate 3000 --count 15000 --size 8 >/dev/null
	clients_are ws1 10
	[ $(($(rss_kb ws1) - before)) -lt 1500 ] || fail "rss grew from $before to $(rss_kb ws1) kB"
}
