#!/usr/bin/env bats
# Goal: histories in a node's memory stay within node.max_cache whatever is published; what was given up for
# that is read from Redis again when somebody needs it, and what can't be held is told, not passed over.

load helpers

setup() {
	fixture
	requires redis-server jq
	start_redis
	YAML_NODE='max_cache: 1MiB'
	YAML_CHANNELS='rules: [ { match: "big:*", history: { size: 100, ttl: 1h } }, { match: "last:*", cache: last } ]'
	write_yaml
	start_node ws1
}
# many CHANNEL COUNT [SIZE TTL]: messages of 30 kB, numbered.
many() {
	local sha pad i
	sha=$(rcli -x script load <"$ROOT/lib/lua/publish.lua")
	pad=$(head -c 30000 /dev/zero | tr '\0' x)
	for i in $(seq "$2"); do
		echo "evalsha $sha 2 chat.h:m:$1 chat.h:s:$1 chat:$1 ${3:-100} ${4:-3600000} t $i-$pad"
	done | rcli >/dev/null
}
reader() { ws_open "$1" "$(url ws1 "/ws/$2${3:+?since=$3}")" -p wscale.id; }
# got NAME: its frames, without the padding.
got() { sed -n 's/^text //p' "$W/log/ws.$1" | sed 's/\\x0a/ /; s/-x*$//'; }
count() { [ "$(got "$1" | wc -l)" -ge "$2" ]; }
epoch() { rcli hget "chat.h:m:$1" e; }
within_bound() { [ "$(metric ws1 wsnode_cache_bytes)" -le $((1024 * 1024)) ]; }
# all_of NAME EPOCH FROM TO: after its first frame these messages, and no others.
all_of() {
	wait_until 10 count "$1" $(($4 - $3 + 2))
	[ "$(got "$1" | tail -n +2)" = "$(for i in $(seq "$3" "$4"); do echo "$2-$i $i"; done)" ]
}

@test "many channels: the bound holds, and each reader still gets all that Redis keeps" {
	local c
	for c in a b c; do
		reader "$c" "big:$c"
		ws_wait "$c" '^text !ready'
	done
	for c in a b c; do
		many "big:$c" 20
		all_of "$c" "$(epoch "big:$c")" 1 20
	done
	within_bound
	[ "$(metric ws1 wsnode_cache_bytes)" -gt 300000 ]
	local before
	before=$(metric ws1 wsnode_cache_fills_total)
	for c in a b c; do
		reader "again_$c" "big:$c" "$(epoch "big:$c")-0"
		all_of "again_$c" "$(epoch "big:$c")" 1 20
		[ "$(got "again_$c" | head -n 1)" = "!recovered $(epoch "big:$c")-0" ]
		within_bound
	done
	[ "$(metric ws1 wsnode_cache_fills_total)" -gt "$before" ]
	[ "$(metric ws1 wsnode_cache_lost_total)" = 0 ]
}

@test "a history that is larger than the bound: its end is held, and the rest is told to be gone" {
	reader a big:a
	ws_wait a '^text !ready'
	many big:a 60
	local e from
	e=$(epoch big:a)
	all_of a "$e" 1 60
	within_bound
	reader b big:a "$e-0"
	ws_wait b "^text !lost $e-[0-9]+$"
	from=$(got b | sed -n "s/!lost $e-//p")
	[[ $from -gt 20 && $from -lt 60 ]]
	all_of b "$e" $((from + 1)) 60
	# It isn't read again for each who asks.
	local before
	before=$(metric ws1 wsnode_cache_fills_total)
	reader c big:a "$e-1"
	ws_wait c "^text !lost $e-$from$"
	[ "$(metric ws1 wsnode_cache_fills_total)" = "$before" ]
	reader d big:a "$e-$from"
	all_of d "$e" $((from + 1)) 60
	within_bound
}

@test "the last message of a channel that had to give it up is there for who comes" {
	reader l last:x
	ws_wait l '^text !ready'
	many last:x 1 1 0
	all_of l "$(epoch last:x)" 1 1
	reader a big:a
	ws_wait a '^text !ready'
	many big:a 60
	all_of a "$(epoch big:a)" 1 60
	reader m last:x
	ws_wait m 'x0a1-x'
	[ "$(got m | tail -n 1)" = "$(epoch last:x)-1 1" ]
}

@test "a count that somebody deletes: the next message begins anew, and everybody is told" {
	reader a big:a
	ws_wait a '^text !ready'
	many big:a 2
	local e
	e=$(epoch big:a)
	all_of a "$e" 1 2
	rcli del chat.h:m:big:a
	many big:a 1
	ws_wait a "^text !lost $(epoch big:a)-0$"
	ws_wait a "^text $(epoch big:a)-1"
	reader b big:a "$e-1"
	ws_wait b "^text !lost $(epoch big:a)-0$"
	all_of b "$(epoch big:a)" 1 1
}
