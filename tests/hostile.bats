#!/usr/bin/env bats
# Goal: whoever speaks nonsense at a node, or says nothing at all, is closed with the right status or
# code, in bounded time and memory, while decent clients don't notice.

load helpers

# hostile [YAML-LINES]: Redis, ws1 and a witness who must live through the test.
hostile() {
	YAML_NODE=${1:-}
	start_redis
	write_yaml
	start_node ws1
	ws_open witness "$(url ws1 /ws/witness)"
}
unharmed() {
	alive ws1
	ws_send witness "still $1"
	ws_wait witness "^text still $1\$"
	health_is ws1 200
}
# answer_to REQUEST-FILE [LINGER]: the first event.
answer_to() { wscli --raw "$1" --linger "${2:-3}" "$(url ws1)" </dev/null | head -n 1; }
# closed_with CODE COMMAND...: a fresh client sends these lines and must be closed so.
closed_with() {
	local want=$1
	shift
	printf '%s\n' "/await open" "$@" "/await close" | wscli "$(url ws1 /ws/h)" >"$W/closed" || :
	grep -qE "^close $want" "$W/closed" || fail "$* gave: $(tail -n 1 "$W/closed")"
}

@test "random bytes instead of HTTP: 400 or the end, never a hang, and memory stays flat" {
	hostile
	local before i
	for i in {1..20}; do
		head -c 2000 /dev/urandom >"$W/garbage"
		[[ $(answer_to "$W/garbage") =~ ^(http\ 4|eof|bad) ]]
	done
	before=$(rss_kb ws1)
	for i in {1..200}; do
		head -c $((RANDOM % 20000 + 1)) /dev/urandom >"$W/garbage"
		echo >>"$W/garbage"
		answer_to "$W/garbage" 0.05 >/dev/null || :
	done
	unharmed here
	[ $(($(rss_kb ws1) - before)) -lt 2048 ] || fail "rss grew from $before to $(rss_kb ws1) kB"
}

@test "a head above 16 KiB is 431, whether in one line or in a thousand" {
	hostile
	printf 'GET / HTTP/1.1\r\nHost: x\r\nCookie: %020000d\r\n\r\n' 0 >"$W/request"
	[[ $(answer_to "$W/request") == "http 431"* ]]
	{
		printf 'GET / HTTP/1.1\r\nHost: x\r\n'
		printf 'X-%d: y\r\n' {1..3000}
		printf '\r\n'
	} >"$W/request"
	[[ $(answer_to "$W/request") == "http 431"* ]]
	printf 'GET /%020000d HTTP/1.1\r\nHost: x\r\n\r\n' 0 >"$W/request"
	[[ $(answer_to "$W/request") == "http 431"* ]]
	unharmed here
}

@test "requests that a proxy could read differently are 400: smuggling starts with them" {
	hostile
	local r
	for r in 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n' \
		'GET / HTTP/1.1\r\n\r\n' \
		'GET / HTTP/1.1\r\nHost : x\r\n\r\n' \
		'GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n' \
		'GET / HTTP/1.1\nHost: x\rY: z\n\r\n' \
		'GET  / HTTP/1.1\r\nHost: x\r\n\r\n' \
		'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' \
		'GET / HTTP/1.1\r\nHost: x\r\nX: a\000b\r\n\r\n' \
		'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n' \
		'G\001T / HTTP/1.1\r\nHost: x\r\n\r\n'; do
		# shellcheck disable=SC2059
		printf "$r" >"$W/request"
		[[ $(answer_to "$W/request") =~ ^http\ 4(00|13) ]] || fail "$r: $(answer_to "$W/request")"
	done
	printf 'GET / HTTP/2.0\r\nHost: x\r\n\r\n' >"$W/request"
	[[ $(answer_to "$W/request") =~ ^http\ (505|400) ]]
	printf 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' >"$W/request"
	[[ $(answer_to "$W/request") =~ ^http\ (505|400) ]]
	unharmed here
}

@test "who connects and says nothing, or half a head, is closed by the handshake deadline" {
	hostile
	local start
	: >"$W/nothing"
	printf 'GET / HTTP/1.1\r\nHost: x\r\n' >"$W/half"
	start=$(now_ms)
	wscli --raw "$W/nothing" --linger 25 "$(url ws1)" </dev/null >"$W/out1" &
	answer_to "$W/half" 25 >"$W/out2"
	wait $!
	[ "$(cat "$W/out1")" = eof ]
	[[ $(cat "$W/out2") == "http 408"* ]]
	[ $(($(now_ms) - start)) -lt $((15000 * WAIT_FACTOR)) ]
	unharmed here
}

@test "two thousand silent connections don't keep a decent client out" {
	hostile
	spawn silent "$TOOLS/wsload" --url "$(url ws1 '')" --silent --clients "$(load 2000)" --rate 2000
	wait_until 20 log_has silent '^ready'
	[ "$(handshake "$(url ws1)")" = 101 ]
	unharmed here
	stop silent
	unharmed again
}

@test "frames that break RFC 6455 are closed with 1002" {
	hostile
	closed_with 1002 "/bytes f180000000000a"       # reserved bits
	closed_with 1002 "/frame 1 3 00"               # reserved opcodes
	closed_with 1002 "/frame 1 11 00"
	closed_with 1002 "/frame 0 9 00"               # a fragmented ping
	closed_with 1002 "/bytes 89fe007e00000000$(printf '00%.0s' {1..126})" # a ping of 126 bytes
	closed_with 1002 "/frame 1 0 61"               # a continuation of nothing
	closed_with 1002 "/frame 0 1 61" "/frame 1 1 61" # a new message inside one
	closed_with 1002 "/bytes 888100000000ff"       # a Close of one byte
	unharmed here
}

@test "close codes that nobody may send are answered with 1002" {
	hostile
	local code
	for code in 0 999 1004 1005 1006 1015 1016 2999 5000 65535; do
		closed_with 1002 "/close $code"
	done
	for code in 1000 1001 1003 1007 1011 3000 4999; do
		closed_with "$code" "/close $code"
	done
	unharmed here
}

@test "text that isn't UTF-8 is closed with 1007 and reaches nobody" {
	hostile
	ws_open listener "$(url ws1 /ws/h)"
	closed_with 1007 "/text ff"
	closed_with 1007 "/text 61c0af"
	closed_with 1007 "/text eda080"
	closed_with 1007 "/text f4908080"
	closed_with 1007 "/text c3"
	closed_with 1007 "/frame 0 1 c3" "/frame 1 0 28"
	closed_with 1007 "/frame 0 1 61c3" "/frame 1 0"
	rcli publish chat:h end
	ws_wait listener '^text end$'
	[ "$(ws_count listener '^text')" = 1 ]
	unharmed here
}

@test "a Close whose reason isn't UTF-8 is answered with 1007 or 1002" {
	hostile
	closed_with "100[27]" "/frame 1 8 03e8ff"
	unharmed here
}

@test "what comes after a Close is nobody's message" {
	hostile
	ws_open listener "$(url ws1 /ws/h)"
	printf '%s\n' "/await open" "/close 1000" "too late" "/await close" | wscli "$(url ws1 /ws/h)" >/dev/null
	rcli publish chat:h end
	ws_wait listener '^text end$'
	[ "$(ws_count listener 'too late')" = 0 ]
}

@test "a client that answers no ping is gone after two of them, as is one whose host froze" {
	hostile 'ping: 2s'
	ws_open mute "$(url ws1)" --no-pong
	ws_open frozen "$(url ws1)"
	kill -STOP "$(pid ws.frozen)"
	wait_until 10 clients_are ws1 1
	ws_wait mute '^eof' 10
	reaches 2 metric ws1 wsnode_ping_timeouts_total
	# Whoever answers stays.
	never 5 clients_are ws1 0
	unharmed here
}

@test "random frames after the handshake: closed with a code, memory flat" {
	hostile
	local before i
	for i in {1..200}; do
		[ "$i" != 40 ] || before=$(rss_kb ws1)
		printf '%s\n' "/await open" "/bytes $(head -c $((RANDOM % 3000 + 1)) /dev/urandom | od -An -v -tx1 | tr -d ' \n')" \
			"/sleep 5" /quit | wscli "$(url ws1 /ws/h)" >/dev/null || :
	done
	wait_until 10 clients_are ws1 1
	unharmed here
	[ $(($(rss_kb ws1) - before)) -lt 2048 ] || fail "rss grew from $before to $(rss_kb ws1) kB"
}

@test "a flood of pings, of empty fragments and of half messages stays within bounded memory" {
	hostile
	local before
	before=$(rss_kb ws1)
	{
		echo "/await open"
		echo /stop
		yes "/ping 00112233445566778899" | head -n 20000
		echo "/sleep 500"
	} | wscli "$(url ws1 /ws/h)" >/dev/null || :
	{
		echo "/await open"
		echo "/frame 0 1"
		yes "/frame 0 0" | head -n 20000
		echo "/frame 1 0 61"
		echo "/await text"
	} | wscli "$(url ws1 /ws/h)" >"$W/out"
	grep -qx 'text a' "$W/out"
	local i
	for i in {1..50}; do
		printf '%s\n' "/await open" "/frame 0 2 $(printf '00%.0s' {1..8000})" "/quit" | wscli "$(url ws1 /ws/h)" >/dev/null
	done
	wait_until 10 clients_are ws1 1
	unharmed here
	[ $(($(rss_kb ws1) - before)) -lt 4096 ] || fail "rss grew from $before to $(rss_kb ws1) kB"
}

@test "connections that are reset at every stage leave nothing behind" {
	hostile
	local i
	for i in {1..100}; do
		printf '%s\n' "/await open" hello "/reset" | wscli "$(url ws1 /ws/h)" >/dev/null
		printf 'GET /ws/h HT' >"$W/half"
		wscli --raw "$W/half" "$(url ws1)" <<<"/reset" >/dev/null || :
	done
	wait_until 10 clients_are ws1 1
	unharmed here
}

@test "log lines can't be forged by what a client sends" {
	hostile
	printf 'GET /\033[31m\nwsnode: forged HTTP/1.1\r\nHost: x\r\n\r\n' >"$W/request"
	answer_to "$W/request"
	printf 'GET / HTTP/1.1\r\nHost: x\r\nOrigin: a\nwsnode: forged\r\n\r\n' >"$W/request"
	answer_to "$W/request"
	refute grep -aE '^(wsnode: )?forged|'$'\033' "$W/log/ws1"
}
