#!/usr/bin/env bats
# Goal: on a channel with history a client says what it saw last and gets what it missed, once and in order;
# what can't be had any more is told, never passed over.

load helpers

CHANNELS='rules:
  - { match: "news:*", history: { size: 5, ttl: 1h } }
  - { match: "state:*", cache: last, slow: drop }
  - { match: "own:*", history: { size: 5, ttl: 1h }, publish: nobody }'

# hpub CHANNEL TEXT...: publishes with history, as any program would; prints the last one's ID.
hpub() {
	local channel=$1 m
	shift
	for m; do
		rcli --eval "$ROOT/lib/lua/publish.lua" "chat.h:m:$channel" "chat.h:s:$channel" , "chat:$channel" \
			"${SIZE:-5}" "${TTL:-3600000}" t "$m" >"$W/published" || return
	done
	awk 'NR == 2 { e = $1 } NR == 3 { print e "-" $1 }' "$W/published"
}
last() { SIZE=1 TTL=0 hpub "$@"; }
purge() { rcli --eval "$ROOT/lib/lua/purge.lua" "chat.h:m:$1" "chat.h:s:$1" , "chat:$1" 3600000; }
begin() {
	start_redis
	YAML_CHANNELS=$CHANNELS
	write_yaml
	start_node ws1
}
# reader NAME CHANNEL [ID]: with wscale.id, from ID on.
reader() { ws_open "$1" "$(url "${NODE:-ws1}" "/ws/$2${3:+?since=$3}")" -p wscale.id; }
# got NAME: its frames, notices included, one a line: ID|payload or the notice.
got() { sed -n 's/^text //p' "$W/log/ws.$1" | sed 's/\\x0a/|/'; }
got_is() {
	local want
	want=$(printf '%s\n' "${@:2}")
	wait_until 5 same "$1" "$want"
}
same() {
	local have
	have=$(got "$1")
	[ "$have" = "$2" ] || fail "$1 got: $have"
}

@test "a new client is told where the history stands; every message has its ID; since: from there on" {
	begin
	reader a news:x
	ws_wait a '^text !ready [0-9a-z]+-0$'
	local e
	e=$(hpub news:x one two)
	e=${e%-*}
	got_is a "!ready $e-0" "$e-1|one" "$e-2|two"
	[ "$(ws_out a | head -n 1)" = "open wscale.id" ]
	reader b news:x
	got_is b "!ready $e-2"
	reader c news:x "$e-0"
	got_is c "!recovered $e-0" "$e-1|one" "$e-2|two"
	reader d news:x "$e-1"
	got_is d "!recovered $e-1" "$e-2|two"
	hpub news:x three
	for n in a b c d; do ws_wait "$n" "^text $e-3.*three$"; done
	got_is d "!recovered $e-1" "$e-2|two" "$e-3|three"
	# The raw protocol on the same channel has no IDs and no notices.
	ws_open raw "$(url ws1 /ws/news:x)"
	ws_send a hello
	got_is raw hello
	ws_wait a "^text $e-4.*hello$"
}

@test "what is gone is told: older than what is kept, above the top, of another epoch" {
	begin
	local e
	e=$(hpub news:x 1 2 3 4 5 6 7 8)
	e=${e%-*}
	reader a news:x "$e-2"
	got_is a "!lost $e-3" "$e-4|4" "$e-5|5" "$e-6|6" "$e-7|7" "$e-8|8"
	reader b news:x "$e-3"
	got_is b "!recovered $e-3" "$e-4|4" "$e-5|5" "$e-6|6" "$e-7|7" "$e-8|8"
	reader c news:x "$e-9"
	got_is c "!lost $e-8"
	reader d news:x 1-8
	got_is d "!lost $e-3" "$e-4|4" "$e-5|5" "$e-6|6" "$e-7|7" "$e-8|8"
	reader f news:x -
	got_is f "!lost $e-8"
	[ "$(metric ws1 wsnode_cache_lost_total)" = 4 ]
}

@test "a channel without history says so; since where it can't be is an error" {
	begin
	reader a plain
	got_is a "!ready -"
	rcli publish chat:plain hi
	got_is a "!ready -" "-|hi"
	reader b plain 1-5
	got_is b "!lost -"
	[ "$(handshake "$(url ws1 "/ws/news:x?since=1-5")")" = 400 ]
	[ "$(handshake "$(url ws1 "/ws/news:x?since=1-5")" -p wscale.raw)" = 400 ]
	local bad
	for bad in "" 5 1- -5 1-05 1--5 A-5 1-5x 1-99999999999999999999 0-5 01-5 zzzzzzzzzzzzzz-1; do
		[ "$(handshake "$(url ws1 "/ws/news:x?since=$bad")" -p wscale.id)" = 400 ] || fail "since=$bad"
	done
}

@test "a plain PUBLISH on a channel with history arrives, without an ID and not in the history" {
	begin
	reader a news:x
	ws_wait a '^text !ready'
	rcli publish chat:news:x hello
	ws_wait a '^text -.*hello$'
	local e
	e=$(hpub news:x one)
	reader b news:x "${e%-*}-0"
	got_is b "!recovered ${e%-*}-0" "$e|one"
}

@test "cache: last gives the newest to each new client, and never an older one again" {
	begin
	local e
	e=$(last state:x old new)
	ws_open raw "$(url ws1 /ws/state:x)"
	got_is raw new
	reader a state:x
	# From that place on the newest follows, also for who is cut off before it.
	got_is a "!ready ${e%-*}-1" "$e|new"
	reader b state:x "$e"
	got_is b "!recovered $e"
	last state:x newer
	got_is raw new newer
	ws_wait b '^text .*newer$'
	reader c state:x "${e%-*}-1"
	got_is c "!lost $e" "${e%-*}-3|newer"
}

@test "what was purged is gone for all, in its place in the order" {
	begin
	local e
	e=$(hpub news:x 1 2)
	e=${e%-*}
	reader a news:x "$e-0"
	got_is a "!recovered $e-0" "$e-1|1" "$e-2|2"
	purge news:x
	hpub news:x 4
	got_is a "!recovered $e-0" "$e-1|1" "$e-2|2" "$e-4|4"
	reader b news:x "$e-2"
	got_is b "!recovered $e-2" "$e-4|4"
	reader c news:x "$e-1"
	got_is c "!lost $e-2" "$e-4|4"
}

@test "an absence of Redis leaves no gap: what was published meanwhile comes before what is newer" {
	begin
	local e relay
	port relay
	spawn relay socat "TCP-LISTEN:${PORT[relay]},bind=127.0.0.1,fork,reuseaddr" "TCP:127.0.0.1:${PORT[redis]}"
	NODE=ws2
	port ws2
	sed "s/redis:\/\/127.0.0.1:[0-9]*/redis:\/\/127.0.0.1:${PORT[relay]}/" wscale.yaml >away.yaml
	spawn ws2 "$BUILD/wsnode" -c away.yaml ws2
	wait_until 10 health_is ws2 200
	reader a news:x
	ws_wait a '^text !ready'
	e=$(hpub news:x 1)
	e=${e%-*}
	ws_wait a '^text .*1$'
	stop relay KILL
	wait_until 10 health_is ws2 503
	hpub news:x 2 3
	spawn relay socat "TCP-LISTEN:${PORT[relay]},bind=127.0.0.1,fork,reuseaddr" "TCP:127.0.0.1:${PORT[redis]}"
	wait_until 10 health_is ws2 200
	ws_wait a '^text .*3$' 10
	hpub news:x 4
	got_is a "!ready $e-0" "$e-1|1" "$e-2|2" "$e-3|3" "$e-4|4"
	[ "$(metric ws2 wsnode_cache_lost_total)" = 0 ]
}

@test "an absence of Redis with more than max_queue: clients that read get all of it, none is closed for it" {
	start_redis
	YAML_CHANNELS='rules: [{ match: "big:*", history: { size: 300, ttl: 1h } }]'
	write_yaml
	local relay
	port relay
	relay() { spawn relay socat "TCP-LISTEN:${PORT[relay]},bind=127.0.0.1,fork,reuseaddr" "TCP:127.0.0.1:${PORT[redis]}"; }
	relay
	port ws1
	sed "s/redis:\/\/127.0.0.1:[0-9]*/redis:\/\/127.0.0.1:${PORT[relay]}/" wscale.yaml >away.yaml
	spawn ws1 "$BUILD/wsnode" -c away.yaml ws1
	wait_until 10 health_is ws1 200
	local n
	for n in a b; do
		ws_open $n "$(url ws1 /ws/big:0)" -p wscale.id
		ws_wait $n '^text !ready'
	done
	ws_open raw "$(url ws1 /ws/big:0)"
	stop relay KILL
	wait_until 10 health_is ws1 503
	"$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --prefix big: --channels 1 --rate 1000 --count 200 --size 60000 \
		--history 300/3600000 --script "$ROOT/lib/lua/publish.lua"
	relay
	wait_until 10 health_is ws1 200
	hpub big:0 end
	for n in a b raw; do
		ws_wait $n '^text .*end$' 20
		refute closed $n
	done
	for n in a b; do
		[ "$(got $n | sed -n 's/^[0-9a-z]*-\([0-9]*\)|.*/\1/p')" = "$(seq 201)" ]
	done
	[ "$(ws_count raw '^text ')" = 201 ]
	[ "$(metric ws1 wsnode_cache_lost_total)" = 0 ]
}

@test "a Redis that comes back empty: a new epoch, and it is told" {
	begin
	reader a news:x
	ws_wait a '^text !ready'
	local e f
	e=$(hpub news:x 1 2)
	ws_wait a '^text .*2$'
	stop_redis
	wait_until 10 health_is ws1 503
	start_redis
	wait_until 10 health_is ws1 200
	ws_wait a '^text !lost [0-9a-z]+-0$' 10
	f=$(hpub news:x 3)
	got_is a "!ready ${e%-*}-0" "${e%-*}-1|1" "$e|2" "!lost ${f%-*}-0" "$f|3"
	[ "${e%-*}" != "${f%-*}" ]
	reader b news:x "$e"
	got_is b "!lost ${f%-*}-0" "$f|3"
}

@test "a slow client reads a history longer than max_queue, paced, and misses nothing" {
	start_redis
	YAML_NODE='max_queue: 100KiB'
	YAML_CHANNELS='rules: [{ match: "big:*", history: { size: 300, ttl: 1h } }]'
	write_yaml
	start_node ws1
	reader a big:x
	ws_wait a '^text !ready'
	local e
	e=$(got a | sed 's/!ready //')
	ws_stop a
	"$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --prefix big: --channels 1 --rate 1000 --count 200 --size 30000 \
		--history 300/3600000 --script "$ROOT/lib/lua/publish.lua"
	local name
	name=$(rcli --scan --pattern 'chat.h:s:*' | sed 's/^chat.h:s://')
	ws_open slow "$(url ws1 "/ws/$name?since=$e")" -p wscale.id --rcvbuf 4096 --stop-at open
	never 1 closed slow
	ws_send slow /go
	ws_wait slow "^text .*-200" 20
	[ "$(ws_count slow '^text [0-9a-z]*-[0-9]')" = 200 ]
	refute closed slow
}
closed() { [ "$(ws_count "$1" '^(close|eof)')" != 0 ]; }

@test "rules that take the history away: who is still reading it is told what it lost, and hears what comes" {
	start_redis
	YAML_CHANNELS='rules: [{ match: "big:*", history: { size: 300, ttl: 1h } }]'
	write_yaml
	start_node ws1
	"$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --prefix big: --channels 1 --rate 1000 --count 200 --size 30000 \
		--history 300/3600000 --script "$ROOT/lib/lua/publish.lua"
	local e
	e=$(rcli hget chat.h:m:big:0 e)
	ws_open live "$(url ws1 /ws/big:0)" -p wscale.id
	ws_wait live '^text !ready'
	ws_open slow "$(url ws1 "/ws/big:0?since=$e-1")" -p wscale.id --rcvbuf 4096 \
		--stop-at 'text !recovered'
	ws_wait slow '^text !recovered'
	YAML_CHANNELS=
	write_yaml
	kill -HUP "$(pid ws1)"
	wait_until 5 log_has ws1 'read again'
	rcli publish chat:big:0 hello
	ws_send slow /go
	ws_wait slow '^text -.*hello$' 20
	[ "$(ws_count slow "^text $e-200")" = 0 ]
	[ "$(got slow | tail -n 2)" = $'!lost -\n-|hello' ]
	got_is live "!ready $e-200" '!lost -' '-|hello'
}
