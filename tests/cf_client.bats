#!/usr/bin/env bats
# Goal: Centrifugo's own JavaScript client, unmodified from npm, lives on a cluster behind HAProxy:
# publishes, subscribes, recovers without a gap through drains and kills, and gets errors that it
# understands.

load helpers
. "$BATS_TEST_DIRNAME/npm_modules.bash"

setup() {
	fixture
	requires haproxy redis-server
	npm_modules
}

# cluster [NODE...]: Redis, these nodes, HAProxy.
cluster() {
	local n
	NODES="${*:-ws1 ws2}"
	YAML_NODE=${YAML_NODE:-'drain: { rate: 200/s, grace: 200ms, deadline: 30s }'}
	YAML_CHANNELS=${YAML_CHANNELS:-$'rules:\n  - { match: "news:*", history: { size: 1000, ttl: 1h } }\n  - { match: "ticker:*", cache: last }'}
	start_redis
	write_yaml
	for n in $NODES; do start_node "$n"; done
	start_haproxy
	for n in $NODES; do wait_until 10 server_is "$n" UP; done
}
# js NAME [OPTIONS]: a client at HAProxy, connected unless OPTIONS say "idle".
js() {
	local fd
	mkfifo "$W/js.$1"
	exec {fd}<>"$W/js.$1"
	printf -v "JS_FD_$1" %s "$fd"
	setsid node "$ROOT/tests/js/cf.js" "ws://127.0.0.1:${PORT[haproxy]}/connection/websocket" "${2:-{\}}" \
		<"$W/js.$1" >"$W/log/js.$1" 2>&1 3>&- &
	echo $! >"$W/pid/js.$1"
	tell "$1" connect
}
tell() {
	local fd=JS_FD_$1
	printf '%s\n' "${@:2}" >&"${!fd}"
}
# count NAME JQ: how many of its lines are so.
count() { jq -c "select($2)" "$W/log/js.$1" | wc -l; }
# sees NAME JQ [N]: it reported at least N such lines.
sees() { wait_until 20 reaches "${3:-1}" count "$1" "$2"; }
connected() { sees "$1" '.on == "connected"' "${2:-1}"; }
subscribed() { sees "$1" ".on == \"subscribed\" and .channel == \"$2\"" "${3:-1}"; }
# asked NAME COMMAND JQ: sends it, and what comes back is so.
asked() {
	local before
	before=$(count "$1" "(.done // .failed) == \"${2%% *}\"")
	tell "$1" "$2"
	sees "$1" "(.done // .failed) == \"${2%% *}\"" $((before + 1))
	jq -c "select((.done // .failed) == \"${2%% *}\")" "$W/log/js.$1" | tail -n 1 >"$W/asked"
	jq -e "$3" "$W/asked" >/dev/null || fail "$2: $(cat "$W/asked")"
}
# whole NAME CHANNEL LAST: each of its clients has seen everything up to LAST, once, in order.
whole() {
	asked "$1" "followed $2" ".seen | length > 0 and all(.offset == $3 and .gaps == 0 and .doubles == 0)"
}

@test "two clients on two nodes publish to each other; history; unsubscribed ones hear nothing" {
	cluster
	js a
	connected a
	js b
	connected b
	wait_until 5 clients_are ws1 1
	wait_until 5 clients_are ws2 1
	tell a "sub news:x" "sub free"
	tell b "sub news:x" "sub free"
	for c in a b; do
		subscribed $c news:x
		subscribed $c free
	done
	asked a 'pub news:x {"text":"from a","n":1.5}' '.done'
	asked b 'pub news:x ["from b"]' '.done'
	asked b 'pub free "not kept"' '.done'
	for c in a b; do
		sees $c '.on == "publication" and .data == {text: "from a", n: 1.5} and .offset == 1'
		sees $c '.on == "publication" and .data == ["from b"] and .offset == 2'
		sees $c '.on == "publication" and .data == "not kept" and (has("offset") | not)'
	done
	asked a 'history news:x {"limit":10}' '.offset == 2 and [.publications[].offset] == [1, 2]'
	asked a 'history news:x {"limit":1,"reverse":true}' '[.publications[].offset] == [2]'
	asked a 'history news:x {"limit":9,"since":{"offset":1,"epoch":"nope"}}' '.failed and .code == 112'
	asked a 'presence news:x' '.failed and .code == 108'
	asked a 'presence_stats news:x' '.failed and .code == 108'
	asked a 'rpc method {}' '.failed and .code == 108'
	tell b "unsub news:x"
	sees b '.on == "unsubscribed"'
	asked a 'pub news:x 3' '.done'
	asked a 'pub free "end"' '.done'
	sees b '.data == "end"'
	[ "$(count b '.data == 3')" = 0 ]
	tell a disconnect
	sees a '.on == "disconnected" and .code == 0'
}

@test "a drain moves every client with 3001, and none misses or doubles a message" {
	cluster ws1 ws2 ws3
	js many '{"clients":30}'
	connected many 30
	tell many "follow news:x" "sub news:x" "follow free" "sub free"
	subscribed many news:x 30
	js writer
	connected writer
	tell writer "flow news:x 400 5"
	wsctl drain ws1
	wsctl ready ws1
	wsctl drain ws2
	sees writer '.done == "flow"'
	[ "$(count many '.on == "connecting" and .code == 3001')" -ge 10 ]
	[ "$(count many '.on == "disconnected"')" = 0 ]
	[ "$(count many '.wasRecovering and (.recovered | not)')" = 0 ]
	asked writer 'history news:x {"limit":0}' '.offset >= 400'
	wait_until 20 whole many news:x "$(jq .offset "$W/asked")"
	# A publish that wasn't acknowledged was not taken: published again, it is there once.
	asked many "followed news:x" '.seen | all(.again == 0 and .n == 400)'
}

@test "a killed node and a stopped one cost no message either" {
	YAML_NODE='ping: 1s' cluster ws1 ws2 ws3
	js many '{"clients":20,"maxServerPingDelay":1500,"timeout":2000}'
	connected many 20
	tell many "follow news:x" "sub news:x"
	subscribed many news:x 20
	js writer '{"timeout":2000,"maxServerPingDelay":1500}'
	connected writer
	tell writer "flow news:x 300 5"
	kill -KILL "$(pid ws1)"
	kill -STOP "$(pid ws2)"
	sees writer '.done == "flow"'
	asked writer 'history news:x {"limit":0}' '.offset >= 300'
	wait_until 30 whole many news:x "$(jq .offset "$W/asked")"
	[ "$(count many '.wasRecovering and (.recovered | not)')" = 0 ]
}

@test "a client that was away longer than the history is kept is told so" {
	YAML_CHANNELS='rules: [ { match: "news:*", history: { size: 10, ttl: 1h } } ]' cluster
	js a
	js b
	connected a
	connected b
	tell a "sub news:x"
	subscribed a news:x
	asked b 'pub news:x 1' .done
	sees a '.on == "publication"'
	tell a disconnect
	sees a '.on == "disconnected"'
	for i in {2..30}; do tell b "pub news:x $i"; done
	sees b '.done == "pub"' 30
	tell a connect
	sees a '.on == "subscribed" and .wasRecovering and (.recovered | not) and .position.offset == 30'
	asked b 'pub news:x 31' .done
	sees a '.on == "publication" and .data == 31'
	[ "$(count a '.on == "publication"')" = 2 ]
}

@test "a token that expired is fetched anew; a wrong one ends it; no right ends the subscription" {
	local key=0123456789abcdef0123456789abcdef-key old good
	secret token.key "$key"
	YAML_AUTH='jwt_key_file: token.key' cluster
	old=$(jwt "{\"exp\":$(($(date +%s) - 5))}" "$key")
	good=$(jwt "{\"exp\":$(($(date +%s) + 600)),\"subscribe\":[\"news:*\"]}" "$key")
	js a "{\"tokens\":[\"$old\",\"$good\"]}"
	sees a '.on == "error" and .code == 109'
	connected a
	tell a "sub news:x" "sub other"
	subscribed a news:x
	sees a '.on == "unsubscribed" and .channel == "other" and .code == 103'
	asked a 'pub other 1' '.failed and .code == 103'
	js b '{"token":"wrong"}'
	sees b '.on == "disconnected" and .code == 3500'
	js c "{\"tokens\":[\"$old\"]}"
	sees c '.on == "disconnected" and .code == 1'
	js d
	sees d '.on == "disconnected" and .code == 3500'
}

@test "Redis away is a temporary error; everything goes on by itself" {
	cluster
	js a
	connected a
	tell a "sub news:x"
	subscribed a news:x
	asked a 'pub news:x 1' .done
	stop_redis
	wait_until 10 health_is ws1 503
	wait_until 10 health_is ws2 503
	tell a "sub news:y"
	sees a '.on == "suberror" and .code == 100 and .temporary'
	asked a 'pub news:x 2' '.failed and .code == 100'
	start_redis
	subscribed a news:y
	# The new Redis knows nothing of the old one's history: that is told, too.
	sees a '.on == "subscribing" and .channel == "news:x" and .code == 2500'
	sees a '.on == "subscribed" and .channel == "news:x" and .wasRecovering and (.recovered | not)'
	asked a 'pub news:x "back"' .done
	sees a '.data == "back"'
	[ "$(count a '.on == "disconnected" or (.on == "connecting" and .code != 0)')" = 0 ]
}

@test "one client in a hundred channels: all live, all recovered after a move" {
	cluster
	js a
	connected a
	for i in {1..100}; do tell a "sub news:$i"; done
	sees a '.on == "subscribed"' 100
	js b
	connected b
	local to=ws2
	[ "$(health ws1 .clients)" = 1 ]
	[ "$(health ws2 .clients)" = 1 ]
	for i in {1..100}; do tell b "pub news:$i $i"; done
	sees a '.on == "publication"' 100
	wsctl drain ws1 --no-wait
	for i in {1..100}; do tell b "pub news:$i [$i]"; done
	sees a '.on == "publication"' 200
	sees b '.done == "pub" or .failed == "pub"' 200
	wait_until 10 clients_are ws1 0
	asked b 'pub news:7 "after"' .done
	sees a '.data == "after" and .channel == "news:7"'
	[ "$(count a '.on == "subscribed" and .wasRecovering and (.recovered | not)')" = 0 ]
	jq -c 'select(.on == "publication") | [.channel, .offset]' "$W/log/js.a" | sort >"$W/got"
	[ "$(sort -u "$W/got" | wc -l)" = "$(wc -l <"$W/got")" ]
}

@test "cache: last shows the current state at once, also to who comes back" {
	cluster
	js a
	connected a
	for i in 1 2 3; do asked a "pub ticker:x $i" .done; done
	js b
	connected b
	tell b "sub ticker:x"
	sees b '.on == "publication" and .data == 3'
	tell b disconnect
	sees b '.on == "disconnected"'
	for i in 4 5; do asked a "pub ticker:x $i" .done; done
	tell b connect
	sees b '.on == "publication" and .data == 5'
	[ "$(count b '.on == "publication"')" = 2 ]
}

@test "subscribing, unsubscribing, subscribing at once ends in one live, recoverable subscription" {
	cluster
	js a
	connected a
	tell a "resub news:x"
	subscribed a news:x
	asked a 'pub news:x 1' .done
	sees a '.data == 1'
	[ "$(count a '.on == "publication"')" = 1 ]
	jq -se 'map(select(.on == "subscribed")) | last | .recoverable and .position.epoch' "$W/log/js.a"
	wsctl drain ws1
	wsctl ready ws1
	wsctl drain ws2
	sees a '.on == "subscribed" and .wasRecovering'
	asked a 'pub news:x 2' .done
	sees a '.data == 2 and .offset == 2'
	[ "$(count a '.wasRecovering and (.recovered | not)')" = 0 ]
}

@test "pings keep a silent client for as long as it likes" {
	YAML_NODE='ping: 2s' cluster
	js a '{"maxServerPingDelay":1000}'
	connected a
	never 8 sees_end
	[ "$(metric ws1 wsnode_ping_timeouts_total)" = 0 ]
	[ "$(metric ws2 wsnode_ping_timeouts_total)" = 0 ]
}
sees_end() { [ "$(count a '.on == "disconnected" or (.on == "connecting" and .code != 0)')" != 0 ]; }
