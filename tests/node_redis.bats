#!/usr/bin/env bats
# Goal: what Redis does to a node: away, hanging, restarted, demoted, full of nonsense. The node says
# 503 while it can't deliver, keeps its clients, comes back by itself and forgets no channel.

load helpers

one_node() {
	start_redis
	write_yaml
	start_node ws1
}

@test "a channel is subscribed when its first client arrives and given up 30 s after the last left" {
	one_node
	numsub_is chat:lazy 0
	ws_open a "$(url ws1 /ws/lazy)"
	ws_open b "$(url ws1 /ws/lazy)"
	numsub_is chat:lazy 1
	ws_stop a
	ws_stop b
	wait_until 5 clients_are ws1 0
	never 20 numsub_is chat:lazy 0
	wait_until 20 numsub_is chat:lazy 0
}

@test "who comes back while the subscription lingers is served at once and misses nothing more" {
	one_node
	ws_open a "$(url ws1 /ws/l)"
	ws_stop a
	wait_until 5 clients_are ws1 0
	numsub_is chat:l 1
	ws_open b "$(url ws1 /ws/l)"
	rcli publish chat:l hi
	ws_wait b '^text hi$'
	[ "$(ws_count b '^text')" = 1 ]
}

@test "after the 101 no message is missed, even when it is published in the same instant" {
	one_node
	for i in {1..10}; do
		ws_open "c$i" "$(url ws1 "/ws/first$i")"
		[ "$(rcli publish "chat:first$i" hello)" = 1 ]
		ws_wait "c$i" '^text hello$'
	done
}

@test "Redis stopped: 503, clients stay, what they publish is refused and counted; started: all is back" {
	start_redis
	write_yaml
	start_node ws1
	start_node ws2
	for c in a b c; do ws_open "$c" "$(url ws1 "/ws/$c")"; done
	ws_open d "$(url ws2 /ws/a)"
	stop_redis
	wait_until 10 health_is ws1 503
	wait_until 10 health_is ws2 503
	[ "$(health ws1)" = unavailable ]
	[ -n "$(health ws1 .reason)" ]
	[ "$(handshake "$(url ws1 /ws/new)")" = 503 ]
	ws_send a "while redis is away"
	wait_until 5 reaches 1 metric ws1 wsnode_messages_refused_total
	clients_are ws1 3
	start_redis
	wait_until 15 health_is ws1 200
	wait_until 15 health_is ws2 200
	for c in a b c; do
		rcli publish "chat:$c" "back to $c"
		ws_wait "$c" "^text back to $c\$"
	done
	ws_wait d '^text back to a$'
	ws_send d "from ws2"
	ws_wait a '^text from ws2$'
	# Nothing was kept and delivered late, nobody was cut.
	[ "$(ws_count a 'while redis is away')" = 0 ]
	for c in a b c d; do [ "$(ws_count "$c" '^(close|eof)')" = 0 ]; done
}

@test "Redis hangs: the node notices although the connection stands, and recovers when it wakes" {
	one_node
	ws_open a "$(url ws1 /ws/a)"
	kill -STOP "$(pid redis)"
	wait_until 20 health_is ws1 503
	kill -CONT "$(pid redis)"
	wait_until 20 health_is ws1 200
	rcli publish chat:a awake
	ws_wait a '^text awake$'
	[ "$(ws_count a '^text awake$')" = 1 ]
}

# got N: the load has received so many.
got() {
	kill -USR1 "$(pid load)"
	nap
	[ "$(sed -n '/^{.*}$/p' "$W/log/load" | jq -s 'map(.received) | add // 0')" -ge "$1" ]
}

@test "a restart of Redis loses no subscription, not even one of two hundred" {
	one_node
	spawn load "$TOOLS/wsload" --url "$(url ws1 '')" --clients 200 --channels 200
	wait_until 20 log_has load '^ready'
	stop_redis
	wait_until 10 health_is ws1 503
	start_redis
	wait_until 15 health_is ws1 200
	"$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --channels 200 --rate 2000 --count 600 >"$W/pub"
	jq -e '.sent == 600 and .receivers == 600 and .errors == 0' "$W/pub"
	wait_until 20 got 600
	stop load
	tail -n 1 "$W/log/load" >"$W/load"
	jq -e '.received == 600 and .lost == 0 and .doubled == 0 and .reordered == 0 and .closes == {}' "$W/load"
}

@test "a node that starts before Redis waits with 503 and serves when Redis comes" {
	write_yaml
	launch_node ws1
	wait_until 10 health_is ws1 503
	[ "$(handshake "$(url ws1)")" = 503 ]
	start_redis
	wait_until 15 health_is ws1 200
	[ "$(handshake "$(url ws1)")" = 101 ]
}

@test "only one of the node's two connections is cut: both come back, nothing stays deaf" {
	one_node
	ws_open a "$(url ws1 /ws/a)"
	for type in pubsub normal; do
		rcli client kill type "$type" skipme yes
		wait_until 15 health_is ws1 200
		wait_until 15 numsub_is chat:a 1
		wait_until 15 rings a "$type"
	done
	[ "$(ws_count a '^(close|eof)')" = 0 ]
}
# rings CLIENT TEXT: what it publishes comes back to it.
rings() {
	ws_send "$1" "$2"
	ws_wait "$1" "^text $2\$" 1
}

@test "a master that was demoted to a replica is noticed: PUBLISH alone would succeed there" {
	one_node
	start_redis other
	rcli replicaof 127.0.0.1 "${PORT[other]}"
	wait_until 20 health_is ws1 503
	rcli replicaof no one
	wait_until 20 health_is ws1 200
}

@test "user and password_file: right ones serve, wrong ones are 503 with the reason and no secret in the log" {
	start_redis redis --requirepass default-password
	REDISCLI_AUTH=default-password rcli acl setuser wscale on '>node-password' '~chat.*' '&chat*' +@all
	secret redis.password node-password
	YAML_REDIS=$'user: wscale\npassword_file: redis.password'
	write_yaml
	start_node ws1
	ws_open a "$(url ws1 /ws/a)"
	ws_send a hi
	ws_wait a '^text hi$'
	stop ws1
	secret redis.password wrong-password
	launch_node ws1
	wait_until 10 health_is ws1 503
	never 2 health_is ws1 200
	health ws1 .reason | grep -qiE 'password|auth|WRONGPASS'
	refute grep -F -e wrong-password -e node-password "$W/log/ws1"
}

@test "Redis's password is changed without closing a client: both valid, SIGHUP, the old one removed" {
	start_redis redis --requirepass default-password
	export REDISCLI_AUTH=default-password
	rcli acl setuser wscale on '>old-password' '~chat.*' '&chat*' +@all
	secret redis.password old-password
	YAML_REDIS=$'user: wscale\npassword_file: redis.password'
	YAML_CHANNELS='rules: [ { match: "kept*", history: {} } ]'
	write_yaml
	start_node ws1
	ws_open a "$(url ws1 /ws/a)"
	ws_open k "$(url ws1 /ws/kept)" -p wscale.id
	rcli acl setuser wscale '>new-password'
	secret redis.password new-password
	kill -HUP "$(pid ws1)"
	wait_until 10 reaches 2 metric ws1 wsnode_redis_connects_total
	rcli acl setuser wscale '<old-password'
	# Connections outlive the password by which they came; the next ones need the new one.
	rcli client kill type pubsub
	wait_until 10 reaches 3 metric ws1 wsnode_redis_connects_total
	wait_until 10 health_is ws1 200
	ws_send a hi
	ws_wait a '^text hi$'
	run -0 wsctl publish kept one
	ws_wait k 'one$'
	# Read again without a change: the connection stays.
	kill -HUP "$(pid ws1)"
	wait_until 5 read_again 2
	[ "$(metric ws1 wsnode_redis_connects_total)" = 3 ]
	[ "$(ws_count a '^(close|eof)')" = 0 ]
	[ "$(ws_count k '^(close|eof)|lost')" = 0 ]
	refute grep -F -e old-password -e new-password "$W/log/ws1"
}
read_again() { [ "$(grep -c 'read again' "$W/log/ws1")" = "$1" ]; }

@test "an ACL user that may not use one channel: who asks for it gets 503, the others stay" {
	start_redis redis --requirepass default-password
	REDISCLI_AUTH=default-password rcli acl setuser wscale on '>node-password' '~chat.*' \
		'&chat.*' '&chat:news' -@all +subscribe +unsubscribe +publish +eval +set +info +ping +pubsub
	secret redis.password node-password
	YAML_REDIS=$'user: wscale\npassword_file: redis.password'
	write_yaml
	start_node ws1
	ws_open a "$(url ws1 /ws/news)"
	[ "$(handshake "$(url ws1 /ws/other)")" = 503 ]
	ws_send a hi
	ws_wait a '^text hi$'
	health_is ws1 200
	[ "$(metric ws1 wsnode_redis_connects_total)" = 1 ]
	log_has ws1 'NOPERM'
	run -0 wsctl channels
}

@test "no client reaches the control channel: what it sends is only ever a message" {
	one_node
	local p
	for p in ctl chat.ctl ctl.ws1 chat.ctl.ws1 .ctl :ctl 'chat%2Ectl' 'chat:ctl'; do
		wscli "$(url ws1 "/ws/$p")" >"$W/out" <<-X
			/await open
			{"do":"drain","id":"1","reply":"chat.reply.1"}
			/await text {"do"
			/close 1000
		X
		grep -q '^close 1000' "$W/out"
	done
	state_is ws1 ready
	[ "$(handshake "$(url ws1)")" = 101 ]
}

@test "nonsense on the control channel is ignored; a reply elsewhere than CLUSTER.reply. is refused" {
	one_node
	local m
	rcli psubscribe '*' >"$W/all" 3>&- &
	echo $! >"$W/pid/sub"
	wait_until 5 grep -q psubscribe "$W/all"
	for m in '' '{' '[]' '{}' 'null' '{"do":7}' '{"do":"drain"}' '{"do":"nothing","id":"1","reply":"chat.reply.9"}' \
		'{"do":"report","id":"1","reply":"chat:victim"}' '{"do":"report","id":"1","reply":"chat.ctl"}' \
		'{"do":"drain","id":"1","reply":"other.reply.1"}' "$(printf '[%.0s' {1..5000})"; do
		rcli publish chat.ctl.ws1 "$m"
	done
	printf '\000\377\n' | rcli -x publish chat.ctl
	control ws1 '"do":"report"' | jq -e '.ok and .node == "ws1" and .state == "ready"'
	refute grep -qx -e 'chat:victim' -e 'other.reply.1' "$W/all"
	alive ws1
}

@test "report and channels say what the node has" {
	one_node
	ws_open a "$(url ws1 /ws/x)"
	ws_open b "$(url ws1 /ws/x)"
	ws_open c "$(url ws1 /ws/y)"
	ws_send a one
	ws_wait b '^text one$'
	control ws1 '"do":"report"' >"$W/r"
	jq -e '.ok and .clients == 3 and .channels == 2 and .in == 1 and .out == 2 and .max_clients > 0 and
		(.config | length == 16) and .queued == 0 and .closing == 0 and (.uptime_s >= 0)' "$W/r"
	control ws1 '"do":"channels"' >"$W/c"
	jq -e '.channels | sort_by(.name) | length == 2 and .[0].name == "x" and .[0].clients == 2 and .[0].out == 2' "$W/c"
	control ws1 '"do":"channels","name":"y"' | jq -e '.channels | length == 1 and .[0].clients == 1'
	control ws1 '"do":"channels","pattern":"z*"' | jq -e '.channels == []'
}

@test "messages published to Redis while it floods arrive in order, none lost" {
	one_node
	spawn load "$TOOLS/wsload" --url "$(url ws1 '')" --clients 20 --channels 4
	wait_until 10 log_has load '^ready'
	"$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --channels 4 --rate 100000 --count 20000 >"$W/pub"
	jq -e '.sent == 20000' "$W/pub"
	wait_until 20 got 100000
	stop load
	tail -n 1 "$W/log/load" >"$W/load"
	jq -e '.lost == 0 and .doubled == 0 and .reordered == 0 and .closes == {} and .received == 100000' "$W/load"
}
