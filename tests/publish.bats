#!/usr/bin/env bats
# Goal: what `wsctl publish` says it has sent to a channel with a history is there, once and in order,
# whatever happens to Redis meanwhile; what isn't there is told.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

setup() {
	fixture
	NODES=ws1
	YAML_CHANNELS='rules:
  - { match: "news*", history: { size: 100000, ttl: 1h } }
  - { match: "last", cache: last }'
}

# redis_kept: a Redis that keeps what it acknowledged over a restart.
redis_kept() { start_redis redis --appendonly yes --appendfsync always; }
# kept CHANNEL: the texts of its history.
kept() { rcli --raw xrange "chat.h:s:$1" - + | awk 'NR % 3 == 0'; }
kept_n() { rcli xlen "chat.h:s:$1"; }
# gate LINES FILE: so many lines of it, then the rest once something is written to the fifo `gate`.
gate() {
	mkfifo gate
	spawn pub bash -c 'exec 5<>gate; { head -n "$2" "$3"; read -r _ <&5; tail -n "+$(($2 + 1))" "$3"; } |
		"$0" -c wscale.yaml publish "$1" - "${@:4}"' "$BUILD/wsctl" news "$@"
	wait_until 10 reaches "$1" kept_n news
}

@test "a message, and lines of any bytes, are in the history once and in order" {
	redis_kept
	write_yaml
	run -0 wsctl publish news hello
	says "kept; no node listens to news"
	seq 1 5000 >lines
	run -0 wsctl publish news - <lines
	says "5,000 messages to news; no node listens"
	kept news | cmp - <(echo hello; cat lines)
	printf 'a\n\n\377\n\000b' | wsctl publish news:bytes - --json -q |
		jq -e '.ok and .channel == "news:bytes" and .messages == 4 and .seen == 0 and .unknown == 0'
	[ "$(rcli --no-raw xrange chat.h:s:news:bytes - + | grep -oE '"[tb]"|"(a|\\x00b|\\xff)?"$' | paste -sd' ')" = \
		'"t" "a" "t" "" "b" "\xff" "t" "\x00b"' ]
	run -0 wsctl publish last one
	run -0 wsctl publish last two
	[ "$(kept last)" = two ]
	run -0 wsctl publish news - </dev/null
	says "no message on standard input"
}

# got_further: Redis has more of it than when the connection was broken last; or nothing is left to send.
got_further() { [ "$(kept_n news)" -gt "$at" ] || ! alive pub; }

@test "connections that break all the time double, lose and reorder nothing" {
	local at=0
	redis_kept
	write_yaml
	seq 1 60000 >lines
	gate 5000 lines
	rcli client kill type normal skipme yes >/dev/null
	echo >gate
	# Each in the middle of what follows: one that breaks before it brings anything is Redis staying away.
	while alive pub; do
		rcli client kill type normal skipme yes >/dev/null
		at=$(kept_n news)
		wait_until 20 got_further
	done
	exits pub 1
	[ "$STATUS" = 0 ]
	kept news | cmp - lines
	log_has pub "60,000 messages to news"
	# It had to begin again a few times.
	[ "$(rcli info commandstats | sed -n 's/^cmdstat_script|load:calls=\([0-9]*\),.*/\1/p')" -ge 3 ]
}

@test "Redis is restarted, then killed, in the middle: it says so once, goes on, and all is there once" {
	redis_kept
	write_yaml
	seq 1 30000 >lines
	gate 10000 lines
	stop_redis
	wait_until 10 log_has pub "redis 127.0.0.1:${PORT[redis]}: connection refused; trying again for 30s"
	redis_kept
	wait_until 10 log_has pub "redis 127.0.0.1:${PORT[redis]}: back after "
	echo >gate
	wait_until 10 reaches 12000 kept_n news
	stop redis KILL
	redis_kept
	exits pub 20
	[ "$STATUS" = 0 ]
	kept news | cmp - lines
	[ "$(grep -c "trying again" log/pub)" -le 2 ]
}

@test "Redis stays away: 75, and up to which line it is there" {
	redis_kept
	write_yaml
	seq 1 30000 >lines
	gate 10000 lines --deadline 1s
	stop_redis
	echo >gate
	exits pub 10
	[ "$STATUS" = 75 ]
	log_has pub "connection refused; away for 1s"
	log_has pub "^10,000 messages acknowledged, up to line 10000$"
	redis_kept
	kept news | cmp - <(head -n 10000 lines)
}

@test "Redis is away from the start: 69, as for other channels" {
	write_yaml
	run -69 wsctl publish news x
	says "connection refused"
	run -69 wsctl publish news - <<<x
}

@test "a demoted Redis is waited for" {
	redis_kept
	write_yaml
	wsctl publish news zero
	rcli replicaof 127.0.0.1 1
	spawn pub bash -c 'seq 1 10 | "$0" -c wscale.yaml publish news -' "$BUILD/wsctl"
	wait_until 10 log_has pub "READONLY .*trying again for 30s"
	rcli replicaof no one
	exits pub 20
	[ "$STATUS" = 0 ]
	kept news | cmp - <(echo zero; seq 1 10)
}

@test "Redis hangs: standard input isn't read on and on; afterwards everything is there once" {
	redis_kept
	write_yaml
	seq -f "%0999g" 20000 >lines
	mkfifo in
	spawn pub bash -c 'exec "$0" -c wscale.yaml publish news - <in' "$BUILD/wsctl"
	exec 7>in
	head -n 1 lines >&7
	wait_until 10 reaches 1 kept_n news
	kill -STOP "$(pid redis)"
	spawn feed bash -c 'tail -n +2 lines >in'
	exec 7>&-
	wait_until 10 reaches 800000 read_bytes pub
	# 20 MB are there to read.
	never 2 reaches 1500000 read_bytes pub
	kill -CONT "$(pid redis)"
	exits pub 30
	[ "$STATUS" = 0 ]
	kept news | cmp - lines
}
read_bytes() { awk '$1 == "rchar:" { print $2 }' "/proc/$(pid "$1")/io"; }

@test "a hang longer than an answer may take: what was sent before it isn't sent twice" {
	redis_kept
	write_yaml
	seq 1 3000 >lines
	gate 1000 lines
	kill -STOP "$(pid redis)"
	echo >gate
	wait_until 20 log_has pub "no answer.*trying again"
	kill -CONT "$(pid redis)"
	exits pub 30
	[ "$STATUS" = 0 ]
	kept news | cmp - lines
}

@test "scripts flushed in Redis are loaded again without a word" {
	redis_kept
	write_yaml
	seq 1 3000 >lines
	gate 1000 lines
	rcli script flush
	echo >gate
	exits pub 10
	[ "$STATUS" = 0 ]
	kept news | cmp - lines
	[ "$(cat log/pub)" = "3,000 messages to news; no node listens" ]
}

@test "Redis refuses a message: 1, in its words, and nothing behind that line is there" {
	redis_kept
	write_yaml
	seq 1 3000 >lines
	gate 1000 lines
	rcli config set maxmemory 1
	echo >gate
	exits pub 10
	[ "$STATUS" = 1 ]
	log_has pub "wsctl: line 1001: redis 127.0.0.1:${PORT[redis]}: OOM "
	log_has pub "^1,000 messages acknowledged, up to line 1000$"
	rcli config set maxmemory 0
	kept news | cmp - <(head -n 1000 lines)
	# A wrong type is no reason to try again either.
	rcli set chat.h:m:news:broken x
	run -1 wsctl publish news:broken x
	says "WRONGTYPE"
}

@test "a message behind one that was refused isn't taken: its source can go on where it stopped" {
	redis_kept
	local sha
	sha=$(rcli -x script load <"$ROOT/lib/lua/publish.lua")
	call() { rcli --raw evalsha "$sha" 3 chat.h:m:a chat.h:s:a chat.h:q:a/s chat:a 100 1000000 t "$1" "$1" 1000000 "${@:2}" | head -n 1; }
	[ "$(call 0)" = 1 ] # a first number may be 0
	[ "$(call 0)" = 0 ]
	[ "$(call 2 1)" = -1 ]
	[ "$(call 1 0)" = 1 ]
	[ "$(call 2 1)" = 1 ]
	[ "$(call 2 1)" = 0 ]
	rcli del chat.h:q:a/s
	[ "$(call 4 3)" = -1 ]
	[ "$(call 4)" = 1 ]
	[ "$(kept a | paste -sd' ')" = "0 1 2 4" ]
}

@test "Ctrl-C: 130, and up to which line it is there" {
	redis_kept
	write_yaml
	mkfifo in
	spawn pub bash -c 'exec "$0" -c wscale.yaml publish news - <in' "$BUILD/wsctl"
	exec 7>in
	printf 'one\ntwo\nthr' >&7
	wait_until 10 reaches 2 kept_n news
	kill -INT "$(pid pub)"
	exits pub 10
	[ "$STATUS" = 130 ]
	log_has pub "^2 messages acknowledged, up to line 2$"
	exec 7>&-
}

@test "a line that is too long ends it, behind what came before" {
	YAML_NODE="max_message: 1KiB"
	redis_kept
	write_yaml
	run -1 bash -c '{ seq 1 10; head -c 3000000 /dev/zero | tr "\\0" x; } | "$0" -c wscale.yaml publish news -' "$BUILD/wsctl"
	says "line 11 is longer than node.max_message (1KiB)"
	says "10 messages acknowledged, up to line 10"
	kept news | cmp - <(seq 1 10)
	run -1 --separate-stderr bash -c 'printf "a\n%02000d\n" 1 | "$0" -c wscale.yaml publish news - --json' "$BUILD/wsctl"
	jq -e '.ok == false and .exit == 1 and .messages == 1 and (.error | test("line 2"))' <<<"$output"
}

@test "--deadline and --skip-large where they mean nothing are usage errors" {
	write_yaml
	run -64 wsctl publish plain x --deadline 5s
	says "--deadline is for channels that keep a history"
	run -64 wsctl publish news - --skip-large
	run -64 wsctl publish --from rabbit news -
	run -64 wsctl publish --from kafka news text
}
