#!/usr/bin/env bats
# Goal: Centrifugo's JSON protocol while Redis is away, refuses or hangs: each command gets its answer, clients stay.

load helpers
. "$BATS_TEST_DIRNAME/cf.bash"

@test "Redis away: temporary errors, live clients stay, and it goes on by itself" {
	nodes
	local away='{error: {code: 100, message: "internal server error", temporary: true}}'
	cf a
	ask a 2 subscribe '{"channel":"news:a"}'
	ask a 3 subscribe '{"channel":"free"}'
	stop_redis
	wait_until 10 health_is ws1 503
	asks a 4 subscribe '{"channel":"news:b"}' "$away"
	asks a 5 history '{"channel":"news:a","limit":1}' "$away"
	asks a 6 publish '{"channel":"news:a","data":1}' "$away"
	asks a 7 publish '{"channel":"free","data":1}' "$away"
	start_redis
	wait_until 10 health_is ws1 200
	ask a 8 subscribe '{"channel":"news:b"}' | jq -e .subscribe.recoverable
	asks a 9 publish '{"channel":"free","data":"back"}' '{publish: {}}'
	ws_wait a '"data":"back"'
}

@test "a publish that Redis answers with an error is one for the client, and counted in either protocol" {
	nodes
	cf a
	asks a 2 publish '{"channel":"news:a","data":1}' '{publish: {}}'
	rcli del chat.h:s:news:a
	rcli set chat.h:s:news:a "another type"
	asks a 3 publish '{"channel":"news:a","data":2}' "$(error 100 "internal server error") * {error: {temporary: true}}"
	ws_open raw "$(url ws1 /ws/news:b)"
	rcli set chat.h:m:news:b "another type"
	ws_send raw x
	wait_until 5 reaches 2 metric ws1 wsnode_publish_errors_total
	wait_until 5 log_has ws1 'WRONGTYPE.*told once'
}

@test "a channel that Redis refuses is an error in time; the others go on" {
	secret redis.password pw
	start_redis
	rcli acl setuser wscale on '>pw' '~*' '&chat.*' '&chat:news:*' +@all
	YAML_REDIS=$'user: wscale\npassword_file: redis.password'
	YAML_CHANNELS=$HISTORY
	write_yaml
	start_node ws1
	cf a
	ws_send a '{"id":2,"subscribe":{"channel":"refused"}}'
	# What waits behind it is answered as well.
	ws_send a "/text $(lines '{"id":5,"subscribe":{"channel":"too"}}' '{"id":6,"unsubscribe":{"channel":"too"}}')"
	ask a 3 subscribe '{"channel":"news:a"}' | jq -e .subscribe.recoverable
	asks a 4 publish '{"channel":"news:a","data":1}' '{publish: {}}'
	ws_wait a '"data":1'
	ws_wait a '"id":2,"error":\{"code":100.*"temporary":true' 10
	ws_wait a '"id":6,"unsubscribe":\{\}'
	[ "$(answer a 5 | jq .error.code)" = 100 ]
}

@test "a Redis that hangs: so much waits for it and no more, and each gets its answer" {
	YAML_NODE='message_rate: 100000/s' nodes
	local i first second third cmds=()
	for ((i = 0; i < 1100; i++)); do cmds+=("{\"id\":$((1000 + i)),\"publish\":{\"channel\":\"free\",\"data\":$i}}"); done
	first=$(lines "${cmds[@]:0:550}") second=$(lines "${cmds[@]:550}") third=$(lines "${cmds[@]:0:100}")
	cf a
	cf gone
	ask a 2 subscribe '{"channel":"free"}'
	# Stopped for as short as can be: after three seconds without a canary the node gives Redis up.
	kill -STOP "$(pid redis)"
	ws_send a "/text $first" "/text $second"
	ws_wait a '"error":\{"code":111,"message":"too many requests","temporary":true\}'
	ws_send gone "/text $third" /reset
	kill -CONT "$(pid redis)"
	wait_until 10 reaches 1100 eval 'out a | grep -c "^{\"id\":[12][0-9][0-9][0-9],"'
	[ "$(out a | jq -r 'select(.id >= 1000) | .error.code // "ok"' | sort | uniq -c | tr -s ' \n' ' ')" = " 76 111 1024 ok " ]
	ws_wait a '"data":1023'
	asks a 3000 publish '{"channel":"free","data":"end"}' '{publish: {}}'
}
