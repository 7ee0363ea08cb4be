#!/usr/bin/env bats
# Goal: the raw protocol as the manual has it: channels and their names, text and binary kept apart
# through Redis, HTTP statuses, /healthz and /metrics.

load helpers

pair() {
	start_redis
	write_yaml
	start_node ws1
	start_node ws2
}

@test "/, /ws and /ws/wsGlobal are the default channel; channels.default renames it" {
	start_redis
	YAML_CHANNELS="default: lobby"
	write_yaml
	start_node ws1
	ws_open a "$(url ws1 /)"
	ws_open b "$(url ws1 /ws)"
	ws_open c "$(url ws1 /ws/lobby)"
	ws_open d "$(url ws1 /ws/wsGlobal)"
	ws_open e "$(url ws1 '/?x=1')"
	ws_send b hello
	for c in a b c e; do ws_wait "$c" '^text hello$'; done
	ws_send d other
	ws_wait d '^text other$'
	[ "$(ws_count d '^text')" = 1 ]
	[ "$(ws_count a '^text')" = 1 ]
}

@test "a message reaches its own channel on all nodes and no other" {
	pair
	ws_open a "$(url ws1 /ws/news)"
	ws_open b "$(url ws2 /ws/news)"
	ws_open c "$(url ws2 /ws/News)"
	ws_open d "$(url ws2 /ws/news.x)"
	wait_until 5 numsub_is chat:news 2
	ws_send a one
	ws_wait b '^text one$'
	ws_send b two
	ws_wait a '^text two$'
	ws_send c end
	ws_wait c '^text end$'
	ws_send d end
	ws_wait d '^text end$'
	[ "$(ws_count c '^text')" = 1 ]
	[ "$(ws_count d '^text')" = 1 ]
}

@test "text stays text and binary stays binary through Redis, byte for byte" {
	pair
	ws_open a "$(url ws1 /ws/k)" --hex
	ws_open b "$(url ws2 /ws/k)" --hex
	wait_until 5 numsub_is chat:k 2
	# Plain text, empty, NUL inside and in front, what looks like our envelope; the same as binary,
	# where valid UTF-8 must not turn into text; and bytes that are no text at all.
	local p kinds=(68656c6c6f "" 6100 00 0061 00575331207420 005753312074202d0a6869 005753312062202d0a 41)
	local expect=()
	for p in "${kinds[@]}"; do
		ws_send a "/text $p" "/binary $p"
		expect+=("text${p:+ $p}" "binary${p:+ $p}")
	done
	ws_send a "/binary fffe00ff" "/binary c0af" "/binary eda080"
	expect+=("binary fffe00ff" "binary c0af" "binary eda080")
	ws_send a "/text 656e64"
	expect+=("text 656e64")
	ws_wait a '^text 656e64$'
	ws_wait b '^text 656e64$'
	diff -u <(printf '%s\n' "${expect[@]}") <(ws_out b | grep -E '^(text|binary)')
	diff -u <(printf '%s\n' "${expect[@]}") <(ws_out a | grep -E '^(text|binary)')
}

@test "a plain PUBLISH from any program is a message: text if it is valid UTF-8, else binary" {
	pair
	ws_open a "$(url ws1 /ws/p)" --hex
	wait_until 5 numsub_is chat:p 1
	printf 'gr\303\274n' | rcli -x publish chat:p
	printf '\377\376' | rcli -x publish chat:p
	printf '' | rcli -x publish chat:p
	printf '\000x' | rcli -x publish chat:p
	printf '\000WS1 b -\nhi' | rcli -x publish chat:p
	printf '\000WS1 x -\nhi' | rcli -x publish chat:p
	printf '\000WS1 t - \nhi' | rcli -x publish chat:p
	ws_wait a '^text 0057533120742'
	diff -u - <(ws_out a | grep -E '^(text|binary)') <<-X
		text 6772c3bc6e
		binary fffe
		text
		text 0078
		binary 6869
		text 005753312078202d0a6869
		text 005753312074202d200a6869
	X
}

@test "an envelope whose text isn't UTF-8 reaches no client as broken text" {
	pair
	ws_open a "$(url ws1 /ws/p)" --hex
	wait_until 5 numsub_is chat:p 1
	printf '\000WS1 t -\n\377' | rcli -x publish chat:p
	rcli publish chat:p end
	ws_wait a '^text 656e64$'
	[ "$(ws_count a '^text.*ff$')" = 0 ]
	[ "$(ws_count a '^(close|eof)')" = 0 ]
}

@test "a channel's name is percent-decoded once; what is no name is 400" {
	standalone
	local long
	long=$(printf 'a%.0s' {1..128})
	for p in a%3Ab a:b %61 A-z_0.9 "$long"; do
		[ "$(handshake "$(url ws1 "/ws/$p")")" = 101 ] || fail "$p"
	done
	for p in a%253Ab %2561 a%2Fb a/b a%00b a%00 %zz a% a%4 a%20b a+b 'a*b' 'a?' "${long}a" é %C3%A9 '{a}' a%0Ab "a%0D%0A"; do
		[ "$p" = 'a?' ] && continue # that is an empty query
		[ "$(handshake "$(url ws1 "/ws/$p")")" = 400 ] || fail "$p: $(handshake "$(url ws1 "/ws/$p")")"
	done
	ws_open a "$(url ws1 /ws/a%3ab)"
	ws_open b "$(url ws1 /ws/a:b)"
	ws_send a hi
	ws_wait b '^text hi$'
}

@test "no spelling of a channel leads to another one of Redis" {
	start_redis
	write_yaml
	start_node ws1
	rcli psubscribe '*' >"$W/all" 3>&- &
	echo $! >"$W/pid/sub"
	wait_until 5 grep -q psubscribe "$W/all"
	for p in . .. ctl .ctl chat.ctl :ctl ctl.ws1 'chat.ctl.ws1' 'chat:x' '..ctl' '.canary.ws1' '-.ctl'; do
		wscli "$(url ws1 "/ws/$p")" <<<"$(printf '/await open\nprobe\n/await text probe\n')" >/dev/null || fail "$p"
	done
	grep -B1 -x probe "$W/all" | grep -vxe probe -e -- >"$W/names"
	[ "$(wc -l <"$W/names")" = 12 ]
	refute grep -v '^chat:' "$W/names"
}

@test "HTTP: each refusal has its status, and a body that says why" {
	standalone
	[ "$(http_status ws1 /)" = 404 ]
	[ "$(http_status ws1 /nothing)" = 404 ]
	[ "$(http_status ws1 /ws/news)" = 426 ]
	[ "$(http_status ws1 /healthz -X POST)" = 405 ]
	[ "$(http_status ws1 /healthz -I)" = 200 ]
	[ "$(handshake "$(url ws1 /nothing)")" = 404 ]
	[ "$(handshake "$(url ws1 /healthz)")" = 200 ]
	[ "$(handshake "$(url ws1 /)" -p nonsense)" = 400 ]
	[ "$(handshake "$(url ws1 /)" -p wscale.raw)" = 101 ]
	run -0 wscli "$(url ws1 /ws/a%20b)" </dev/null
	[[ $output == "http 400 "*channel* ]]
}

# raw_status TEXT: the answer to a request given with printf.
raw_status() {
	# shellcheck disable=SC2059
	printf "$1" >"$W/request"
	wscli --raw "$W/request" --linger 3 "$(url ws1)" </dev/null | head -n 1 | cut -d' ' -f1-2
}

@test "an upgrade that is no RFC 6455 handshake is answered, never half accepted" {
	standalone
	local up='Upgrade: websocket\r\nConnection: Upgrade\r\n' key='Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
	local v='Sec-WebSocket-Version: 13\r\n' host='Host: x\r\n'
	[ "$(raw_status "GET / HTTP/1.1\r\n$host$up$key$v\r\n")" = "open -" ]
	[ "$(raw_status "GET / HTTP/1.1\r\n${host}upgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\n$key$v\r\n")" = "open -" ]
	[ "$(raw_status "GET / HTTP/1.1\r\n$host$up$v\r\n")" = "http 400" ]
	[ "$(raw_status "GET / HTTP/1.1\r\n$host${up}Sec-WebSocket-Key: short\r\n$v\r\n")" = "http 400" ]
	[[ $(raw_status "GET / HTTP/1.1\r\n$host$up$key\r\n") == "http 4"* ]]
	[ "$(raw_status "GET / HTTP/1.1\r\n$host$up${key}Sec-WebSocket-Version: 8\r\n\r\n")" = "http 426" ]
	[[ $(raw_status "POST / HTTP/1.1\r\n$host$up$key$v\r\n") == "http 40"[05] ]]
	[ "$(raw_status "GET / HTTP/1.0\r\n$host$up$key$v\r\n")" != "open -" ]
}

@test "/healthz says who the node is and whether it can deliver" {
	pair
	http ws1 /healthz >"$W/h"
	jq -e '.node == "ws1" and .cluster == "chat" and .state == "ready" and .clients == 0 and
		(.start_id | test("^[0-9a-f]{8,}$")) and (.version | length > 0) and (.redis | length > 0)' "$W/h"
	[ "$(health ws1 .start_id)" = "$(health ws1 .start_id)" ]
	[ "$(health ws1 .start_id)" != "$(health ws2 .start_id)" ]
	http ws1 /healthz -o /dev/null -w '%{content_type}\n' | grep -q '^application/json'
	ws_open a "$(url ws1)"
	clients_are ws1 1
}

@test "/metrics is valid Prometheus text and counts what happened" {
	pair
	ws_open a "$(url ws1 /ws/m)"
	ws_open b "$(url ws1 /ws/m)"
	ws_send a one two three
	ws_wait b '^text three$'
	http ws1 /metrics >"$W/m"
	http ws1 /metrics -o /dev/null -w '%{content_type}\n' | grep -q '^text/plain; *version=0.0.4'
	awk '
		/^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* ./ { help[$3]++; next }
		/^# TYPE [a-zA-Z_:][a-zA-Z0-9_:]* (counter|gauge|histogram|summary|untyped)$/ { type[$3] = $4; n[$3]++; next }
		/^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*",?)*\})? -?[0-9.e+-]+$/ {
			name = $1; sub(/\{.*/, "", name); base = name; sub(/_(bucket|sum|count)$/, "", base)
			if (!(name in type) && !(base in type)) { print "no TYPE: " $0; bad = 1 }
			if (seen[$1]++) { print "twice: " $0; bad = 1 }
			if (type[name] == "counter" && name !~ /_total$/) { print "counter without _total: " $0; bad = 1 }
			next
		}
		{ print "not valid: " $0; bad = 1 }
		END { for (t in n) if (n[t] != 1 || help[t] != 1) { print "HELP and TYPE of " t; bad = 1 } exit bad }' "$W/m"
	[ "$(tail -c 1 "$W/m" | od -An -c | tr -d ' ')" = '\n' ]
	[ "$(metric ws1 wsnode_clients)" = 2 ]
	[ "$(metric ws1 wsnode_messages_in_total)" = 3 ]
	[ "$(metric ws1 wsnode_messages_out_total)" = 6 ]
}

@test "a fragmented message is one message, and its control frames come between" {
	standalone
	ws_open a "$(url ws1 /ws/f)"
	ws_send a "/frame 0 1 68656c" "/ping 01" "/frame 0 0 6c" "/frame 1 0 6f"
	ws_wait a '^pong 01$'
	ws_wait a '^text hello$'
	ws_send a "/frame 0 1 c3" "/frame 1 0 bc"
	ws_wait a '^text ü$'
	ws_send a "/frame 0 2 ff" "/frame 0 0" "/frame 1 0 fe"
	ws_wait a '^binary fffe$'
}

@test "pings are answered with their payload, a close with its code" {
	standalone
	ws_open a "$(url ws1)"
	ws_send a "/ping"
	ws_wait a "^pong\$"
	ws_send a "/ping 00ff10"
	ws_wait a '^pong 00ff10$'
	ws_send a "/close 4321 bye"
	ws_wait a '^close 4321'
	ws_open b "$(url ws1)"
	ws_send b "/close"
	ws_wait b '^close 1005'
	wait_until 5 clients_are ws1 0
}

@test "messages of one sender arrive in order and whole, also in a burst and at 64 KiB" {
	pair
	ws_open a "$(url ws1 /ws/o)"
	ws_open b "$(url ws2 /ws/o)"
	wait_until 5 numsub_is chat:o 2
	seq 1 90 >"$W/lines"
	ws_send a "$(cat "$W/lines")"
	ws_wait b '^text 90$'
	diff -u <(sed 's/^/text /' "$W/lines") <(ws_out b | grep '^text')
	ws_send a "/big 65536"
	wait_until 5 grep -qE '^text x{1000}' "$W/log/ws.b"
	[ "$(ws_out b | grep "^text" | tail -n 1 | tr -dc x | wc -c)" = $((65536 + 1)) ]
}

@test "a node on a Unix socket serves like one on a port" {
	start_redis
	NODES=ws1 YAML_TOP='' write_yaml
	sed -i "s|^  ws1:.*|  ws1: unix:$W/ws1.sock|" "$W/wscale.yaml"
	launch_node ws1
	wait_until 10 curl -sf --unix-socket "$W/ws1.sock" http://x/healthz
	run -0 wscli "unix:$W/ws1.sock:/ws/u" <<<$'/await open\nhi\n/await text hi\n/close 1000'
	stop ws1
	[ ! -e "$W/ws1.sock" ]
	# A socket file that a killed node left behind doesn't stop the next one.
	launch_node ws1
	wait_until 10 curl -sf --unix-socket "$W/ws1.sock" http://x/healthz
	stop ws1 KILL
	launch_node ws1
	wait_until 10 curl -sf --unix-socket "$W/ws1.sock" http://x/healthz
}
