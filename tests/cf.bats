#!/usr/bin/env bats
# Goal: Centrifugo's JSON protocol at /connection/websocket, by hand: each row of the manual's table,
# what isn't supported answers its documented error, and the codes that say whether to come back.

load helpers
. "$BATS_TEST_DIRNAME/cf.bash"

@test "connect: an id of its own for each client, the version, and the ping to expect" {
	YAML_NODE="ping: 1500ms" nodes
	cf a
	cf b ws1 '{"name":"js","version":"5.8.0","data":{"x":1},"subs":{"news:a":{"recover":true}},"headers":{"h":"v"}}'
	answer a 1 | jq -e '.connect | .ping == 2 and .pong == true and (.version | test("^wscale [0-9]"))
		and (.client | test("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"))'
	[ "$(answer a 1 | jq .connect.client)" != "$(answer b 1 | jq .connect.client)" ]
	answer b 1 | jq -e '.connect | has("subs") or has("expires") | not'
}

@test "a subprotocol of this protocol's is taken, Protobuf is refused with a reason" {
	standalone
	local u
	u=$(url ws1 /connection/websocket)
	[ "$(handshake "$u")" = 101 ]
	run -0 wscli -p centrifuge-json "$u" </dev/null
	[ "${lines[0]}" = "open centrifuge-json" ]
	run -0 wscli -p centrifuge-protobuf "$u" </dev/null
	[[ ${lines[0]} == "http 400"*centrifuge-json* ]]
}

@test "what comes before connect, a second connect, and what is no command: closed with 3501" {
	standalone
	local n=0 bad u
	u=$(url ws1 /connection/websocket)
	for bad in '{"id":1,"subscribe":{"channel":"a"}}' '{"id":1}' '{"id":1,"ping":{}}' '{"id":0,"connect":{}}' \
		'{"connect":{}}' 'x' '[]' '{"id":1,"connect":[]}' '{"id":-1,"connect":{}}' '{"id":4294967296,"connect":{}}' \
		'{"id":1,"connect":{"token":5}}' '{"id":1,"connect":{}'; do
		ws_open "b$((++n))" "$u"
		ws_send "b$n" "$bad"
		closed "b$n" '3501 bad request' || fail "$bad"
	done
	for bad in '{"id":2,"connect":{}}' '{"id":2}' '{"id":2,"teleport":{}}' '{"id":2,"ping":{}}' \
		'{"subscribe":{"channel":"a"}}' '{"id":2,"subscribe":{"channel":""}}' '{"id":2,"subscribe":{}}' \
		'{"id":2,"unsubscribe":{}}' '{"id":2,"publish":{"data":1}}' '{"id":2,"history":{}}' '{"id":2,"sub_refresh":{}}' \
		'{"id":2,"subscribe":{"channel":7}}' '{"id":2,"subscribe":{"channel":"a"}}x' '{}}' ' '; do
		cf "b$((++n))"
		ws_send "b$n" "$bad"
		closed "b$n" '3501 bad request' || fail "$bad"
	done
	for bad in "" 7b7d0a0a7b7d "$(lines '{}' '{')"; do
		cf "b$((++n))"
		ws_send "b$n" "/text $bad"
		closed "b$n" '3501 bad request' || fail "text $bad"
	done
	for bad in ff 7b226122ff7d; do
		cf "b$((++n))"
		ws_send "b$n" "/binary $bad"
		closed "b$n" '3501 bad request' || fail "binary $bad"
	done
}

@test "who doesn't connect in time is closed with 3502; a pong before connect is no crime" {
	standalone
	ws_open a "$(url ws1 /connection/websocket)"
	ws_send a '{}'
	cf b
	ws_wait a '^close 3502 stale' 20
	[ "$(ws_count b '^close')" = 0 ]
}

@test "commands in one frame are answered in one frame, in order, binary frames too" {
	standalone
	ws_open a "$(url ws1 /connection/websocket)"
	ws_send a "/text $(lines '{"id":1,"connect":{}}' '{"id":2,"subscribe":{"channel":"x"}}' '{}' '{"id":3,"rpc":{}}')0a"
	ws_wait a '"id":3,'
	[ "$(ws_count a '^text')" = 1 ]
	[ "$(out a | jq -c .id | tr '\n' ' ')" = "1 2 3 " ]
	ws_send a "/binary $(lines '{"id":4,"rpc":{}}')"
	ws_wait a '"id":4,'
	# Deep nesting is no way to make it work hard.
	ws_send a "/text $(lines '{"id":5,"publish":{"channel":"x","data":')$(printf '5b%.0s' {1..20000})"
	closed a 3501
}

@test "with auth a token is needed in connect or at the upgrade; the expired one can be renewed" {
	secret shared.token "$SHARED"
	secret token.key "$KEY"
	YAML_AUTH=$'token_file: shared.token\njwt_key_file: token.key' nodes
	local u t n=0
	u=$(url ws1 /connection/websocket)
	for t in '{}' '{"token":""}' '{"token":"wrong"}' "{\"token\":\"$(jwt "{\"exp\":$(in_s 60)}" "${KEY}x")\"}" \
		"{\"token\":\"$(printf 'x%.0s' {1..5000})\"}"; do
		ws_open "r$((++n))" "$u"
		ws_send "r$n" "{\"id\":1,\"connect\":$t}"
		closed "r$n" '3500 invalid token' || fail "$t"
	done
	ws_open old "$u"
	asks old 1 connect "{\"token\":\"$(jwt "{\"exp\":$(in_s -5)}" "$KEY")\"}" "$(error 109 'token expired')"
	ws_send old '{"id":2,"subscribe":{"channel":"a"}}' '{"id":3,"connect":{}}'
	cf shared ws1 "{\"token\":\"$SHARED\"}"
	cf jwt ws1 "{\"token\":\"$(jwt "{\"exp\":$(in_s 60)}" "$KEY")\"}"
	[ "$(handshake "$u?token=wrong")" = 401 ]
	ws_open url "$u?token=$SHARED"
	ask url 1 connect '{}' | jq -e .connect.client
	[ "$(ws_count old '"id":[23]')" = 0 ]
	refute grep -F "$SHARED" "$W/log/ws1"
}

@test "claims limit where a client subscribes, reads history and publishes: error 103" {
	secret token.key "$KEY"
	YAML_AUTH=$'jwt_key_file: token.key' nodes
	local no
	no=$(error 103 'permission denied')
	cf a ws1 "{\"token\":\"$(jwt "{\"exp\":$(in_s 60),\"subscribe\":[\"news:*\",\"token:r\"],\"publish\":[\"token:w\"]}" "$KEY")\"}"
	ask a 2 subscribe '{"channel":"news:a"}' | jq -e .subscribe.epoch
	asks a 3 subscribe '{"channel":"other"}' "$no"
	asks a 4 history '{"channel":"ticker:a"}' "$no"
	asks a 5 publish '{"channel":"news:a","data":1}' '{publish: {}}'
	asks a 6 publish '{"channel":"other","data":1}' "$no"
	asks a 7 publish '{"channel":"token:w","data":1}' '{publish: {}}'
	asks a 8 publish '{"channel":"token:r","data":1}' "$no"
	asks a 9 publish '{"channel":"closed:a","data":1}' "$no"
}

@test "publish rules hold without auth too" {
	nodes
	cf a
	asks a 2 publish '{"channel":"closed:a","data":1}' "$(error 103 'permission denied')"
	asks a 3 publish '{"channel":"token:a","data":1}' "$(error 103 'permission denied')"
	asks a 4 publish '{"channel":"free","data":1}' '{publish: {}}'
}

@test "subscribe: wrong names, twice, too many, and what isn't there" {
	nodes
	local i cmds=() long
	cf a
	long=$(printf 'a%.0s' {1..129})
	for i in 'a b' 'a/b' 'ä' '#' '$x' 'a\u0000' "$long"; do
		asks a $((++n + 10)) subscribe "{\"channel\":\"$i\"}" "$(error 107 'bad request')"
		asks a $((++n + 10)) publish "{\"channel\":\"$i\",\"data\":1}" "$(error 107 'bad request')"
	done
	asks a 100 subscribe '{"channel":"x"}' '{subscribe: {}}'
	asks a 101 subscribe '{"channel":"x"}' "$(error 105 'already subscribed')"
	asks a 102 subscribe '{"channel":"y","type":1}' "$(error 108 'not available')"
	asks a 103 subscribe '{"channel":"y","type":4}' "$(error 108 'not available')"
	asks a 104 subscribe '{"channel":"y","tf":{"cmp":"eq"}}' "$(error 107 'bad request')"
	asks a 105 publish '{"channel":"y","type":1,"key":"k","data":1}' "$(error 108 'not available')"
	asks a 106 publish '{"channel":"y"}' "$(error 107 'bad request')"
	asks a 107 subscribe '{"channel":"z","recover":true,"epoch":"q","offset":5,"delta":"fossil","positioned":true}' \
		'{subscribe: {was_recovering: true}}'
	for ((i = 0; i < 127; i++)); do cmds+=("{\"id\":$((200 + i)),\"subscribe\":{\"channel\":\"m$i\"}}"); done
	ws_send a "/text $(lines "${cmds[@]}")"
	wait_until 10 answer a 326
	[ "$(answer a 325)" = '{"subscribe":{}}' ]
	[ "$(answer a 326)" = '{"error":{"code":106,"message":"limit exceeded"}}' ]
	asks a 400 unsubscribe '{"channel":"m1"}' '{unsubscribe: {}}'
	asks a 401 subscribe '{"channel":"one-more"}' '{subscribe: {}}'
}

@test "what isn't supported says so" {
	standalone
	cf a
	ask a 2 subscribe '{"channel":"x"}' >/dev/null
	asks a 3 presence '{"channel":"x"}' "$(error 108 'not available')"
	asks a 4 presence_stats '{"channel":"x"}' "$(error 108 'not available')"
	asks a 5 rpc '{"method":"m","data":{}}' "$(error 108 'not available')"
	asks a 6 refresh '{"token":"t"}' "$(error 108 'not available')"
	asks a 7 sub_refresh '{"channel":"x","token":"t"}' "$(error 108 'not available')"
	asks a 8 sub_refresh '{"channel":"y","token":"t"}' "$(error 103 'permission denied')"
	asks a 9 history '{"channel":"x","limit":1}' "$(error 108 'not available')"
	ws_send a '{"send":{"data":1}}'
	closed a '3508 not available'
}

@test "payloads: JSON keeps its bytes on all ways, text becomes a string, binary base64" {
	nodes ws1 ws2
	local d='{"n": 1.50,"big":12345678901234567890,"s":"\u00e4\n","deep":[[[]]]}'
	cf a
	cf b ws2
	ws_open raw "$(url ws2 /ws/p)"
	ask a 2 subscribe '{"channel":"p"}'
	ask b 2 subscribe '{"channel":"p"}'
	wait_until 5 numsub_is chat:p 2
	asks a 3 publish "{\"channel\":\"p\",\"data\": $d }" '{publish: {}}'
	ws_wait raw '^text \{"n'
	[ "$(ws_out raw | sed -n 's/^text //p')" = "$d" ]
	ws_wait b '"channel":"p","pub"'
	out b | grep -qxF "{\"push\":{\"channel\":\"p\",\"pub\":{\"data\":$d}}}"
	ws_send raw 'hello "you"' "/text $(lines '{' ' "a":1' '}')" "/binary 00ff10" 42 '{"a":'
	ws_wait b '"\{\\"a\\":"'
	ws_wait a '"\{\\"a\\":"'
	diff -u - <(pushes b | jq -c .pub | tail -n +2) <<-'X'
		{"data":"hello \"you\""}
		{"data":{"a":1}}
		{"data":{"base64":"AP8Q"}}
		{"data":42}
		{"data":"{\"a\":"}
	X
	diff -u <(pushes a) <(pushes b)
}

@test "unsubscribe ends it; unsubscribing and subscribing again at once is answered in order" {
	nodes
	cf a
	cf b
	asks a 2 unsubscribe '{"channel":"never"}' '{unsubscribe: {}}'
	ws_send a "/text $(lines '{"id":3,"subscribe":{"channel":"news:a"}}' '{"id":4,"unsubscribe":{"channel":"news:a"}}' \
		'{"id":5,"unsubscribe":{"channel":"news:a"}}' '{"id":6,"subscribe":{"channel":"news:a"}}' '{"id":7,"subscribe":{"channel":"news:a"}}')"
	wait_until 5 answer a 7
	[ "$(out a | jq -r 'select(.id > 2) | "\(.id) \(keys[0]) \(.error.code // "")"' | tr '\n' ';')" = \
		"3 id ;4 id ;5 id ;6 id ;7 error 105;" ]
	[ "$(answer a 6 | jq -r .subscribe.recoverable)" = true ]
	ask b 2 publish '{"channel":"news:a","data":"once"}'
	ws_wait a once
	ask a 8 unsubscribe '{"channel":"news:a"}'
	ask b 3 publish '{"channel":"news:a","data":"unheard"}'
	ask a 9 subscribe '{"channel":"news:a"}'
	ask b 4 publish '{"channel":"news:a","data":"end"}'
	ws_wait a '"end"'
	[ "$(data a | tr '\n' ' ')" = '"once" "end" ' ]
}

@test "clients that leave while they wait for Redis leave nothing behind" {
	nodes
	local i
	for ((i = 0; i < 20; i++)); do
		{
			printf '{"id":1,"connect":{}}\n'
			printf '{"id":2,"subscribe":{"channel":"news:%s"}}\n{"id":3,"history":{"channel":"news:%s","limit":9}}\n' $i $i
			printf '{"id":4,"publish":{"channel":"news:%s","data":1}}\n/%s\n' $i "$([ $((i % 2)) = 0 ] && echo quit || echo reset)"
		} | wscli "$(url ws1 /connection/websocket)" >/dev/null
	done
	wait_until 5 clients_are ws1 0
	cf a
	ask a 2 subscribe '{"channel":"news:1"}' | jq -e .subscribe.recoverable
}

@test "the server pings with {}: who answers stays, who doesn't is cut off" {
	YAML_NODE="ping: 2s" nodes
	cf good
	cf bad
	local n
	for n in 1 2 3 4; do
		wait_until 5 reaches "$n" ws_count good '^text \{\}$'
		ws_send good '{}'
	done
	ws_wait bad '^eof' 10
	[ "$(ws_count good '^(eof|close)')" = 0 ]
	# Any command is a sign of life.
	cf busy
	for n in 2 3 4 5; do
		wait_until 5 reaches $((n - 1)) ws_count busy '^text \{\}$'
		ask busy "$n" rpc '{}'
	done
	[ "$(ws_count busy '^(eof|close)')" = 0 ]
}

@test "a drain closes with 3001, which means: come back, elsewhere" {
	YAML_NODE='drain: { rate: 100/s, grace: 0s, deadline: 30s }' nodes
	cf a
	ask a 2 subscribe '{"channel":"news:a"}'
	kill -TERM "$(pid ws1)"
	closed a '3001 shutdown'
	exits ws1 10
	[ "$STATUS" = 0 ]
}

@test "a drain waits for Redis's answer to what a client published; what comes later isn't taken" {
	YAML_NODE='drain: { rate: 100/s, grace: 0s, deadline: 30s }' nodes
	cf a
	ask a 2 subscribe '{"channel":"news:a"}'
	kill -STOP "$(pid redis)"
	ws_send a '{"id":3,"publish":{"channel":"news:a","data":1}}'
	ws_send a '{"id":4,"rpc":{}}'
	ws_wait a '"id":4,'
	kill -TERM "$(pid ws1)"
	is_closing() { [ "$(metric ws1 wsnode_clients_closing)" = 1 ]; }
	wait_until 5 is_closing
	ws_send a '{"id":5,"publish":{"channel":"news:a","data":2}}'
	[ "$(ws_count a '^close')" = 0 ]
	kill -CONT "$(pid redis)"
	closed a '3001 shutdown'
	[ "$(answer a 3)" = '{"publish":{}}' ]
	refute answer a 5
	exits ws1 10
	[ "$(rcli xlen chat.h:s:news:a)" = 1 ]
}

@test "too large, not UTF-8, too slow: 1009, 3501, 3008" {
	YAML_NODE=$'max_message: 4KiB\nmax_queue: 64KiB\nmessage_rate: 10000/s' nodes
	cf big
	ws_send big '/big 5000'
	closed big 1009
	cf bytes
	ws_send bytes '/text 7b2261223a22ff227d'
	ws_wait bytes '^close (3501|1007)'
	ws_open slow "$(url ws1 /connection/websocket)" --rcvbuf 4096
	ws_send slow '{"id":1,"connect":{}}'
	ws_wait slow '"id":1,'
	ask slow 2 subscribe '{"channel":"free"}'
	ws_send slow /stop
	cf pub
	local pad i
	pad=$(printf 'x%.0s' {1..3000})
	slow_closed() {
		for ((i = 0; i < 50; i++)); do ws_send pub "{\"id\":$((++n + 10)),\"publish\":{\"channel\":\"free\",\"data\":\"$pad\"}}"; done
		[ "$(metric ws1 wsnode_slow_closed_total)" -ge 1 ]
	}
	n=0
	wait_until 20 slow_closed
	ws_send slow /go
	ws_wait slow '^(close 3008 slow|eof)'
}

@test "message_rate counts commands, not frames" {
	YAML_NODE=$'message_rate: 5/s\nping: 20s' nodes
	local i cmds=()
	cf a
	for ((i = 2; i < 42; i++)); do cmds+=("{\"id\":$i,\"rpc\":{}}"); done
	ws_send a "/text $(lines "${cmds[@]}")"
	wait_until 5 answer a 41
	[ "$(metric ws1 wsnode_throttled_total)" = 1 ]
	ws_send a '{"id":60,"rpc":{}}'
	never 1 answer a 60
	wait_until 15 answer a 60
}

@test "each error and close code of the manual's list is one that these tests have seen" {
	local code n=0
	for code in $(sed -n '/^\.Sh CENTRIFUGO/,/^\.Sh SIGNALS/s/^\.It \([0-9]*\)$/\1/p' "$ROOT/man/wsnode.8"); do
		((++n))
		# Out of memory isn't had for the asking.
		[[ $code =~ ^3004$ ]] || grep -qE "(error|closed [^ ]+|close|code\"?:) ?'?$code" "${BATS_TEST_FILENAME%.bats}"*.bats ||
			fail "$code is not tested"
	done
	[ "$n" -ge 15 ]
}
