#!/usr/bin/env bats
# Goal: the clients of the two demos that this project grew from work unmodified: a page that opens
# ws://host/ and sends text, and one that opens ws://host/?token=SECRET and sends JSON.

load helpers

three_nodes() {
	start_redis
	write_yaml
	start_node ws1
	start_node ws2
	start_node ws3
}

@test "a page that opens ws://host/ and sends text: every client on every node gets it, the sender too" {
	three_nodes
	ws_open a "$(url ws1)"
	ws_open b "$(url ws1)"
	ws_open c "$(url ws2)"
	ws_open d "$(url ws3)"
	wait_until 5 numsub_is chat:wsGlobal 3
	ws_send a "hello, everyone"
	for c in a b c d; do
		ws_wait "$c" '^text hello, everyone$'
		[ "$(ws_count "$c" '^text')" = 1 ]
	done
}

@test "a page that opens ws://host/?token=SECRET: its JSON is relayed as it is" {
	YAML_AUTH="token_file: shared.token"
	secret shared.token s3cret-of-the-demo
	three_nodes
	ws_open a "$(url ws1 '/?token=s3cret-of-the-demo')"
	ws_open b "$(url ws2 '/?token=s3cret-of-the-demo')"
	wait_until 5 numsub_is chat:wsGlobal 2
	ws_send a '{"type":"SEND_MESSAGE","payload":{"message":"grüße \"\\n\" 👋"}}'
	ws_wait b '^text '
	[ "$(ws_out b | grep '^text ')" = 'text {"type":"SEND_MESSAGE","payload":{"message":"grüße \"\\n\" 👋"}}' ]
	ws_wait a '^text '
}

@test "a wrong or missing token gets HTTP 401 before the upgrade, not a 101 and then a close" {
	YAML_AUTH="token_file: shared.token"
	secret shared.token s3cret-of-the-demo
	start_redis
	write_yaml
	start_node ws1
	[ "$(handshake "$(url ws1 '/?token=wrong')")" = 401 ]
	[ "$(handshake "$(url ws1 /)")" = 401 ]
	[ "$(handshake "$(url ws1 '/?token=')")" = 401 ]
	[ "$(handshake "$(url ws1 '/?token=s3cret-of-the-dem')")" = 401 ]
	[ "$(handshake "$(url ws1 '/?token=s3cret-of-the-demo1')")" = 401 ]
	[ "$(handshake "$(url ws1 '/?token=s3cret-of-the-demo')")" = 101 ]
}

@test "when one of several clients of a channel leaves, the others keep receiving" {
	start_redis
	write_yaml
	start_node ws1
	for c in a b c; do ws_open "$c" "$(url ws1)"; done
	wait_until 5 clients_are ws1 3
	ws_send a "/close 1000"
	ws_wait a '^close 1000'
	ws_send b "/reset"
	wait_until 5 clients_are ws1 1
	numsub_is chat:wsGlobal 1
	rcli publish chat:wsGlobal "still here"
	ws_wait c '^text still here$'
	ws_send c "and talking"
	ws_wait c '^text and talking$'
}

@test "a page served from anywhere may connect: without auth.origins any Origin is welcome" {
	standalone
	[ "$(handshake "$(url ws1)" -H "Origin: https://example.org")" = 101 ]
	[ "$(handshake "$(url ws1)" -H "Origin: null")" = 101 ]
}
