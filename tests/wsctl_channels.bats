#!/usr/bin/env bats
# Goal: an operator sees who listens to what, and sends messages from a shell: each acknowledged by Redis,
# whatever its bytes.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

@test "channels: subscribers, nodes, clients; a pattern chooses" {
	cluster ws1 ws2
	clients 3 news:sport
	clients 1 news:local
	clients 2 other
	run -0 wsctl channels
	[[ ${lines[0]} =~ ^CHANNEL\ +SUBS\ +NODES\ +CLIENTS\ +IN/s\ +OUT/s$ ]]
	[[ $output =~ news:sport\ +2\ +2\ +3\ +0\ +0 ]]
	[[ $output =~ news:local\ +1\ +1\ +1 ]]
	says "other"
	run -0 wsctl channels 'news:*'
	says "news:sport"
	says_not "other"
	wsctl channels --json | jq -e '.version == 1 and ([.channels[].name] == ["news:local", "news:sport", "other"])
		and .channels[1].clients == 3 and .channels[1].subscribers == 2'
	run -64 wsctl channels 'a b'
}

@test "channels NAME: node by node" {
	cluster ws1 ws2
	clients 3 news
	run -0 wsctl channels news
	[[ ${lines[0]} =~ ^NODE\ +CLIENTS\ +QUEUED\ +DROPPED$ ]]
	[[ ${lines[1]} =~ ^ws1\ +[12]\ +0\ +0$ ]]
	[[ ${lines[2]} =~ ^ws2\ +[12]\ +0\ +0$ ]]
	run -0 wsctl channels nobody
	says "no node listens to nobody"
	wsctl channels news --json | jq -e '.channels[0].per_node | map(.clients) | add == 3'
}

@test "channels NAME: what Redis keeps of it" {
	YAML_CHANNELS='rules:
  - { match: "news*", history: { size: 10, ttl: 1h } }'
	cluster ws1
	clients 1 other
	clients 1 news
	run -0 wsctl channels news
	says "history: 0 of 10, nothing yet"
	seq 1 25 | wsctl publish news - -q
	run -0 wsctl channels news
	[[ $output =~ history:\ 10\ of\ 10,\ the\ last\ is\ [0-9a-z]+-25$ ]]
	wsctl channels news --json | jq -e '.channels[0].history | .messages == 10 and .size == 10 and (.last | endswith("-25"))'
	wsctl purge news -q
	wsctl channels news --json | jq -e '.channels[0].history | .messages == 0 and (.last | endswith("-26"))'
	wsctl channels other --json | jq -e '.channels[0].history == null'
	wsctl channels --json | jq -e '.channels[0] | has("history") | not'
}

@test "rates: in once, out to every client" {
	cluster ws1 ws2
	clients 4 fast
	wait_until 5 numsub_is chat:fast 2
	thirty_a_second fast
	wait_until 5 ws_wait c1 '^text x$'
	wsctl channels --json |
		jq -e '.channels[0] | .in_per_s > 15 and .in_per_s < 55 and (.out_per_s / .in_per_s | . > 2.8 and . < 5.2)'
}

@test "a subscriber that is no wsnode is noted" {
	cluster ws1
	clients 1 news
	spawn spy redis-cli -p "${PORT[redis]}" subscribe chat:news
	wait_until 5 numsub_is chat:news 2
	run -0 wsctl channels
	says "! news: 1 Redis subscriber is not a wsnode"
}

@test "30,000 channels are listed in seconds" {
	cluster ws1
	local names start
	mapfile -t names < <(seq -f chat:c%g 30000)
	spawn sub redis-cli -p "${PORT[redis]}" subscribe "${names[@]}"
	wait_until 10 numsub_is chat:c30000 1
	start=$(now_ms)
	[ "$(wsctl channels | grep -c '^c')" = 30000 ]
	[ $(($(now_ms) - start)) -lt $((8000 * WAIT_FACTOR)) ]
}

@test "publish: a message reaches every client, and how many nodes heard it is told" {
	cluster ws1 ws2
	clients 2
	wait_until 5 numsub_is chat:news 2
	run -0 wsctl publish news "hello world"
	says "2 nodes heard it"
	for c in c1 c2; do ws_wait "$c" '^text hello world$'; done
	run -0 wsctl publish news -- --not-an-option
	ws_wait c1 '^text --not-an-option$'
	run -0 wsctl publish silence x
	says "no node listens to silence"
	wsctl publish news x --json -q | jq -e '.version == 1 and .ok and .messages == 1 and .heard == 2'
}

@test "publish -: one message a line, in order, each acknowledged" {
	cluster ws1
	clients 1
	wait_until 5 numsub_is chat:news 1
	seq 1 2000 >lines
	run -0 bash -c '"$0" -c wscale.yaml publish news - <lines' "$BUILD/wsctl"
	says "2,000 messages to news; 1 node heard the last"
	ws_wait c1 '^text 2000$'
	ws_out c1 | sed -n 's/^text //p' | cmp - lines
	printf 'a\n\nlast' | wsctl publish news -
	ws_wait c1 '^text last$'
	run -0 wsctl publish news - </dev/null
	says "no message on standard input"
}

@test "publish -: a line goes out at once, not when the input ends" {
	cluster ws1
	clients 1
	wait_until 5 numsub_is chat:news 1
	mkfifo in
	spawn pub bash -c '"$0" -c wscale.yaml publish news - <in' "$BUILD/wsctl"
	exec 7>in
	echo first >&7
	ws_wait c1 '^text first$'
	echo second >&7
	ws_wait c1 '^text second$'
	exec 7>&-
	exits pub 5
	[ "$STATUS" = 0 ]
	log_has pub "2 messages to news"
}

@test "bytes that are no text arrive as binary; a leading NUL is kept" {
	cluster ws1
	clients 1
	wait_until 5 numsub_is chat:news 1
	printf '\377\376\n\000abc\n' | wsctl publish news -
	ws_wait c1 '^binary fffe'
	wait_until 5 reaches 2 ws_count c1 '^(text|binary) '
	ws_out c1
	not grep -q WS1 log/ws.c1
}

@test "a message longer than node.max_message is refused, with its line" {
	YAML_NODE="max_message: 1KiB"
	cluster ws1
	run -1 bash -c '{ echo ok; head -c 2000 /dev/zero | tr "\\0" x; } | "$0" -c wscale.yaml publish news -' "$BUILD/wsctl"
	says "line 2 is longer than node.max_message (1KiB)"
}

@test "redis away, or going away: 69, and what was acknowledged" {
	cluster ws1
	mkfifo in
	spawn pub bash -c 'exec "$0" -c wscale.yaml publish news - <in' "$BUILD/wsctl"
	exec 7>in
	echo one >&7
	rcli config get port >/dev/null
	clients 1
	wait_until 5 numsub_is chat:news 1
	echo two >&7
	ws_wait c1 '^text two$'
	stop_redis
	echo three >&7
	exits pub 10
	[ "$STATUS" = 69 ]
	log_has pub "2 messages acknowledged"
	exec 7>&-
	run -69 wsctl publish news x
	run -69 wsctl channels
}

@test "a password of redis is used, and a wrong one is said" {
	YAML_REDIS="password_file: redis.password"
	secret redis.password letmein
	start_redis redis --requirepass letmein 2>/dev/null || :
	write_yaml
	run -0 wsctl publish news x
	secret redis.password wrong
	run -69 wsctl publish news x
	says "WRONGPASS"
	says_not "wrong;"
}
