#!/usr/bin/env bats
# Goal: Centrifugo's JSON protocol on channels with history, by hand: positions, recovery, the history
# command, cache: last, purges and losses.

load helpers
. "$BATS_TEST_DIRNAME/cf.bash"

@test "a channel with history: the position, pushes with offsets, and all missed messages on recover" {
	nodes ws1 ws2
	cf a
	cf b ws2
	local epoch
	epoch=$(ask a 2 subscribe '{"channel":"news:a"}' | jq -r '.subscribe |
		select(.recoverable and .positioned and .offset == 0 and (has("recovered") or has("was_recovering") | not)) | .epoch')
	[ -n "$epoch" ]
	for i in 1 2 3; do asks b 1$i publish "{\"channel\":\"news:a\",\"data\":{\"i\":$i}}" '{publish: {}}'; done
	ws_wait a '"offset":3'
	[ "$(pushes a | jq -c '[.channel, .pub.data.i, .pub.offset]' | tr '\n' ' ')" = '["news:a",1,1] ["news:a",2,2] ["news:a",3,3] ' ]
	ask b 20 subscribe "{\"channel\":\"news:a\",\"recover\":true,\"epoch\":\"$epoch\",\"offset\":1}" | jq -e '.subscribe |
		.recovered and .was_recovering and .offset == 1 and [.publications[].offset] == [2, 3] and .epoch == "'"$epoch"'"'
	asks b 21 unsubscribe '{"channel":"news:a"}' '{unsubscribe: {}}'
	ask b 22 subscribe "{\"channel\":\"news:a\",\"recover\":true,\"epoch\":\"$epoch\",\"offset\":3}" | jq -e '.subscribe |
		.recovered and .offset == 3 and (has("publications") | not)'
	ask b 23 unsubscribe '{"channel":"news:a"}'
	# Without an epoch the offset alone counts, as there.
	ask b 24 subscribe '{"channel":"news:a","recover":true}' | jq -e '.subscribe | .recovered and (.publications | length) == 3'
	# The same offsets as the raw protocol's.
	ws_open raw "$(url ws2 "/ws/news:a?since=$epoch-2")" -p wscale.id
	ws_wait raw "^text $epoch-3\\\\x0a\{\"i\":3\}"
	ask a 30 publish '{"channel":"news:a","data":4}'
	ws_wait b '"data":4,"offset":4'
	ws_wait raw "$epoch-4"
}

@test "what can't be recovered is told: recovered is absent, the top is the new position" {
	nodes
	cf a
	local epoch top
	epoch=$(ask a 2 subscribe '{"channel":"news:a"}' | jq -r .subscribe.epoch)
	for i in 1 2 3; do ask a 1$i publish "{\"channel\":\"news:a\",\"data\":$i}"; done
	top="was_recovering: true, recoverable: true, positioned: true, epoch: \"$epoch\", offset: 3"
	cf b
	n=20
	for since in '"epoch":"abc","offset":1' '"epoch":"_"' '"epoch":"UPPER","offset":3' '"epoch":"zzzzzzzzzzzzzzzzzzzz","offset":3' \
		"\"epoch\":\"$epoch\",\"offset\":4" "\"epoch\":\"$epoch\",\"offset\":18446744073709551615"; do
		((n += 3))
		ask b $((n - 2)) subscribe "{\"channel\":\"news:a\",\"recover\":true,$since}" | jq -e ".subscribe == {$top}" || fail "$since"
		asks b $((n - 1)) unsubscribe '{"channel":"news:a"}' '{unsubscribe: {}}'
		# flag 2: an error instead, and no subscription.
		asks b $n subscribe "{\"channel\":\"news:a\",\"recover\":true,\"flag\":3,$since}" "$(error 112 'unrecoverable position')"
	done
	ask a 30 publish '{"channel":"news:a","data":"after"}'
	ws_wait a '"after"'
	[ "$(ws_count b after)" = 0 ]
}

@test "a long recovery comes in the reply as far as it fits, the rest as pushes, in order and whole" {
	YAML_CHANNELS=$'rules: [ { match: "news:*", history: { size: 1000, ttl: 1h } } ]' nodes
	cf a
	local epoch pad i cmds=()
	epoch=$(ask a 2 subscribe '{"channel":"news:a"}' | jq -r .subscribe.epoch)
	pad=$(printf 'x%.0s' {1..900})
	for ((i = 1; i <= 300; i++)); do cmds+=("{\"id\":$((100 + i)),\"publish\":{\"channel\":\"news:a\",\"data\":[$i,\"$pad\"]}}"); done
	for ((i = 0; i < 300; i += 50)); do ws_send a "/text $(lines "${cmds[@]:i:50}")"; done
	wait_until 20 answer a 400
	cf b
	ask b 2 subscribe "{\"channel\":\"news:a\",\"recover\":true,\"epoch\":\"$epoch\",\"offset\":10}" >"$W/reply"
	jq -e '.subscribe | .recovered and .offset == 10 and (.publications | length > 20 and length < 100)' "$W/reply"
	ws_wait b '"offset":300'
	diff <(seq 11 300) <(data b | jq '.[0]')
	diff <(seq 11 300) <(out b | jq -c '.push.pub, (.subscribe.publications // [])[] | select(. != null) | .offset')
}

@test "cache: last gives the last message to each new subscriber, once" {
	nodes ws1 ws2
	cf a
	ask a 2 subscribe '{"channel":"ticker:a"}' | jq -e '.subscribe | .recoverable and .offset == 0 and (has("publications") | not)'
	for i in 1 2 3; do ask a 1$i publish "{\"channel\":\"ticker:a\",\"data\":$i}"; done
	ws_wait a '"offset":3'
	cf b ws2
	local epoch
	epoch=$(ask b 2 subscribe '{"channel":"ticker:a"}' | jq -r '.subscribe | select(.recovered and .publications == [{data: 3, offset: 3}]) | .epoch')
	[ -n "$epoch" ]
	ask a 20 publish '{"channel":"ticker:a","data":4}'
	ws_wait b '"data":4'
	[ "$(data b | tr '\n' ' ')" = "3 4 " ]
	# Who has it isn't given it again; who has an older one gets the last, not what was between.
	cf c ws2
	ask c 2 subscribe "{\"channel\":\"ticker:a\",\"recover\":true,\"epoch\":\"$epoch\",\"offset\":4}" |
		jq -e '.subscribe | .recovered and .offset == 4 and (has("publications") | not)'
	ask c 3 unsubscribe '{"channel":"ticker:a"}'
	ask c 4 subscribe "{\"channel\":\"ticker:a\",\"recover\":true,\"epoch\":\"$epoch\",\"offset\":1}" |
		jq -e '.subscribe | .recovered and .publications == [{data: 4, offset: 4}]'
}

@test "history: the position alone, all, from a position, backwards, and what can't be" {
	nodes
	cf a
	local epoch
	epoch=$(ask a 2 history '{"channel":"news:a"}' | jq -r '.history | select(.publications == [] and .offset == 0) | .epoch')
	for i in 1 2 3 4 5; do ask a 1$i publish "{\"channel\":\"news:a\",\"data\":$i}"; done
	is() {
		local got
		((++n))
		got=$(ask a $((n + 100)) history "{\"channel\":\"news:a\"$1}" | jq -c '.history | [.offset, .epoch, [.publications[].offset]]')
		[ "$got" = "[5,\"$epoch\",$2]" ] || fail "$1: $got"
	}
	n=0
	is "" "[]"
	is ',"limit":-1' "[1,2,3,4,5]"
	is ',"limit":2' "[1,2]"
	is ',"limit":2,"reverse":true' "[5,4]"
	is ',"limit":-1,"reverse":true' "[5,4,3,2,1]"
	is ",\"limit\":2,\"since\":{\"offset\":2,\"epoch\":\"$epoch\"}" "[3,4]"
	is ",\"limit\":-1,\"since\":{\"offset\":5,\"epoch\":\"$epoch\"}" "[]"
	is ",\"limit\":-1,\"since\":{\"offset\":9,\"epoch\":\"$epoch\"}" "[]"
	is ',"limit":-1,"since":{"offset":3}' "[4,5]"
	is ",\"limit\":-1,\"reverse\":true,\"since\":{\"offset\":3,\"epoch\":\"$epoch\"}" "[2,1]"
	is ",\"limit\":1,\"reverse\":true,\"since\":{\"offset\":5,\"epoch\":\"$epoch\"}" "[4]"
	asks a 201 history '{"channel":"news:a","limit":1,"since":{"offset":3,"epoch":"abc"}}' "$(error 112 'unrecoverable position')"
	asks a 202 history '{"channel":"news:a","limit":1,"since":{"offset":3,"epoch":"!"}}' "$(error 112 'unrecoverable position')"
	asks a 203 history '{"channel":"news:a","limit":1,"reverse":true,"since":{"offset":0}}' "$(error 107 'bad request')"
	asks a 204 history '{"channel":"free","limit":1}' "$(error 108 'not available')"
	asks a 205 history '{"channel":"a b"}' "$(error 107 'bad request')"
	[ "$(ask a 206 history '{"channel":"news:a","limit":-1}' | jq -c '[.history.publications[].data]')" = '[1,2,3,4,5]' ]
}

@test "a history of large messages comes in pieces that since goes on from" {
	YAML_NODE="max_queue: 64KiB" nodes
	cf a
	local pad i from=0 all=() got epoch
	pad=$(printf 'x%.0s' {1..6000})
	for ((i = 1; i <= 20; i++)); do ask a 1$i publish "{\"channel\":\"news:a\",\"data\":[$i,\"$pad\"]}" >/dev/null; done
	for ((i = 0; i < 40; i++)); do
		got=$(ask a 5$i history "{\"channel\":\"news:a\",\"limit\":-1,\"since\":{\"offset\":$from}}" | jq -c '[.history.publications[].data[0]]')
		[ "$got" != "[]" ] || break
		[ "$(jq length <<<"$got")" -lt 5 ]
		all+=("$(jq -c '.[]' <<<"$got")")
		from=$(jq '.[-1]' <<<"$got")
	done
	diff <(seq 1 20) <(printf '%s\n' "${all[@]}")
}

@test "a history that Redis lost: the client is told to subscribe anew, and recovers nothing" {
	nodes
	cf a
	local old
	old=$(ask a 2 subscribe '{"channel":"news:a"}' | jq -r .subscribe.epoch)
	ask a 3 publish '{"channel":"news:a","data":"before"}'
	ws_wait a before
	rcli del chat.h:m:news:a chat.h:s:news:a
	ask a 4 publish '{"channel":"news:a","data":"after"}'
	ws_wait a '"unsubscribe":\{"code":2500,"reason":"insufficient state"\}'
	ask a 5 subscribe "{\"channel\":\"news:a\",\"recover\":true,\"epoch\":\"$old\",\"offset\":1}" |
		jq -e ".subscribe | .was_recovering and (has(\"recovered\") | not) and .epoch != \"$old\""
	ask a 6 publish '{"channel":"news:a","data":"again"}'
	ws_wait a again
}

@test "a purge is kept from those who come later" {
	nodes
	cf a
	local epoch
	epoch=$(ask a 2 subscribe '{"channel":"news:a"}' | jq -r .subscribe.epoch)
	for i in 1 2; do ask a 1$i publish "{\"channel\":\"news:a\",\"data\":$i}"; done
	wsctl purge news:a
	ask a 13 publish '{"channel":"news:a","data":3}'
	ws_wait a '"data":3,"offset":4'
	[ "$(data a | tr '\n' ' ')" = "1 2 3 " ]
	[ "$(ask a 20 history '{"channel":"news:a","limit":-1}' | jq -c '[.history.publications[].data]')" = "[3]" ]
	cf b
	ask b 2 subscribe "{\"channel\":\"news:a\",\"recover\":true,\"epoch\":\"$epoch\",\"offset\":2}" |
		jq -e '.subscribe | .recovered and [.publications[].data] == [3]'
}
