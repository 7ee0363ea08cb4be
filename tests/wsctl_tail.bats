#!/usr/bin/env bats
# Goal: an operator watches channels live: every message with its place, whatever its bytes without harm to
# the terminal, until it was enough; and Redis going away is said, not hidden.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

export WSCTL=$BUILD/wsctl # for a shell on a terminal

YAML_CHANNELS='rules:
  - { match: "kept*", history: { size: 10, ttl: 1h } }'

# listening NAME ARGUMENT...: wsctl tail in the background; returns when it is subscribed. Data is in
# log/NAME, with its talk.
listening() {
	background "$1" tail "${@:2}"
	wait_until 10 log_has "$1" "^listening; Ctrl-C ends it$"
}
only_redis() {
	NODES=ws1
	start_redis
	write_yaml
}
lines_of() { grep -cE -- "$2" "$W/log/$1" || :; }

@test "each message as it comes: when, kind, size, what; Ctrl-C ends it with the sum" {
	only_redis
	listening t news
	wsctl publish news "hello world" -q
	wait_until 5 log_has t '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}[+-][0-9]{4}  -  text       11B  hello world$'
	wsctl publish other "not this" -q
	wsctl publish news "" -q
	wait_until 5 log_has t '  -  text         0$'
	stop t INT
	[ "$STATUS" = 130 ]
	log_has t "^2 messages, 11B in [0-9]+s$"
	refute log_has t "not this"
}

@test "in a history: the place of each, and a purge in its order" {
	only_redis
	listening t kept
	seq 1 3 | wsctl publish kept - -q
	wsctl purge kept -q
	wait_until 5 log_has t '  [0-9a-z]+-4  purge        0  the history up to here is taken away$'
	[ "$(grep -oE -- '-[0-9]+  text +1B  [0-9]$' log/t | tr -d ' \n')" = "-1text1B1-2text1B2-3text1B3" ]
}

@test "several channels and patterns: each message once, with its channel" {
	only_redis
	listening t 'news:*' news:sport '*:sport' other other
	for c in news:sport news:local other my:sport deaf; do wsctl publish "$c" x -q; done
	wsctl publish other last -q
	wait_until 5 log_has t '  other  +-  text +4B  last$'
	[ "$(lines_of t 'text')" = 5 ]
	for c in news:sport news:local my:sport; do [ "$(lines_of t "  $c +-  text ")" = 1 ]; done
	# What is on Redis beside the channels isn't shown.
	rcli publish "chat:news:a b" x
	rcli publish chat.ctl x
	wsctl publish other end -q
	wait_until 5 log_has t '  end$'
	[ "$(lines_of t 'text')" = 6 ]
}

@test "nothing of a message drives the terminal or forges a line" {
	only_redis
	listening t news
	printf '\033]0;gone\a\033[2J\302\2332J\r\tx\\n \342\200\256\n' | wsctl publish news - -q
	wait_until 5 log_has t '  \\x1b\]0;gone\\x07\\x1b\[2J\\u\{9b\}2J\\r\\tx\\\\n \\u\{202e\}$'
	rcli --raw publish chat:news $'one\n2026-11-26T00:00:00 forged' >/dev/null
	wait_until 5 log_has t '  one\\n2026-11-26T00:00:00 forged$'
	printf '\000\377\033[2J\n' | wsctl publish news - -q
	wait_until 5 log_has t '  -  binary +6B  00ff1b5b324a$'
	refute grep -qP '[\x00-\x09\x0b-\x1f\x7f-\xff]' log/t
}

@test "on a terminal a line is cut to the width; in a pipe it is whole" {
	requires script
	only_redis
	listening pipe news
	# shellcheck disable=SC2016
	spawn tty script -qfec 'stty cols 60 -echo; exec "$WSCTL" -c wscale.yaml tail news --count 3' /dev/null
	wait_until 10 log_has tty listening
	head -c 5000 /dev/zero | tr '\0' a | wsctl publish news - -q
	head -c 5000 /dev/zero | tr '\0' '\377' | wsctl publish news - -q
	wsctl publish news short -q
	exits tty 10
	[ "$STATUS" = 0 ]
	tr -d '\r' <log/tty | grep -a '  -  ' >shown
	cat shown
	[ "$(wc -l <shown)" = 3 ]
	grep -qE '^[0-9:]{8}\.[0-9]{3}  -  text    4\.9KiB  a+\.\.\.$' shown
	grep -qE '  -  binary  4\.9KiB  (ff)+\.\.\.$' shown
	[ "$(awk '{ if (length > m) m = length } END { print m }' shown)" = 60 ]
	wait_until 5 log_has pipe '  short$'
	[ "$(grep -oE 'a{100,}' log/pipe | tr -d '\n' | wc -c)" = 5000 ]
	[ "$(grep -oE 'f{100,}' log/pipe | tr -d '\n' | wc -c)" = 10000 ]
}

@test "--count ends after so many, --for after so long; too few until then is 75" {
	only_redis
	listening t news --count 3 --for 60s
	seq 1 10 | wsctl publish news - -q
	exits t 5
	[ "$STATUS" = 0 ]
	[ "$(lines_of t '  [0-9]+$')" = 3 ]
	log_has t "^3 messages, 3B in "
	run -0 wsctl tail news --for 100ms
	says "0 messages, 0 in 0s"
	run -75 wsctl tail news --for 100ms --count 1
	says "0 of 1 messages came"
	run -64 wsctl tail news --count 0
	run -64 wsctl tail
	says "tail needs CHANNEL..."
	run -64 wsctl tail news 'a b'
	says "not a channel or a pattern"
}

@test "--json: one object a line, with the whole payload" {
	only_redis
	spawn t bash -c 'exec "$0" -c wscale.yaml tail "*" --json --count 4 >out' "$BUILD/wsctl"
	wait_until 10 log_has t "^listening"
	printf 'a\tb\n' | wsctl publish news - -q
	printf '\000\377\n' | wsctl publish news - -q
	wsctl publish kept1 kept -q
	wsctl purge kept1 -q
	exits t 5
	[ "$STATUS" = 0 ]
	[ "$(wc -l <out)" = 4 ]
	jq -es 'all(.version == 1 and .ok and (.received_us | . > 1e15))' out
	jq -es '.[0] | .channel == "news" and .id == null and .kind == "text" and .size == 3 and .payload == "a\tb"
		and .payload_base64 == null and .published_us == null' out
	jq -es '.[1] | .kind == "binary" and .size == 2 and .payload == null and .payload_base64 == "AP8="' out
	jq -es '.[2] | .channel == "kept1" and (.id | endswith("-1")) and .payload == "kept" and .published_us > 1e15' out
	jq -es '.[3] | .kind == "purge" and (.id | endswith("-2")) and .payload == null' out
	# The last one says how it ended, if not as asked.
	wsctl tail news --json --for 100ms --count 1 2>/dev/null | jq -e '.ok == false and .exit == 75'
	spawn t bash -c 'exec "$0" -c wscale.yaml tail news --json >out' "$BUILD/wsctl"
	wait_until 10 log_has t "^listening"
	wait_until 5 numsub_is chat:news 1
	stop t INT
	[ "$STATUS" = 130 ]
	jq -e '.ok == false and .error == "interrupted" and .exit == 130' out
}

@test "redis away is 69; redis going away is said, and it goes on when redis is back" {
	only_redis
	listening t news 'kept*'
	stop_redis
	wait_until 10 log_has t "^redis 127.0.0.1:${PORT[redis]}: .*; trying again, what is published meanwhile is missed$"
	run -69 wsctl tail news
	says "redis 127.0.0.1:${PORT[redis]}: connection refused"
	wsctl tail news --json 2>/dev/null | jq -e '.ok == false and .exit == 69'
	start_redis
	wait_until 10 log_has t "^redis 127.0.0.1:${PORT[redis]}: back after [0-9]+s$"
	wait_until 10 numsub_is chat:news 1
	wsctl publish news again -q
	wait_until 5 log_has t '  news  +-  text +5B  again$'
	[ "$(lines_of t 'trying again')" = 1 ]
	stop t INT
	[ "$STATUS" = 130 ]
}

@test "a redis that hangs is noticed" {
	only_redis
	listening t news
	kill -STOP "$(pid redis)"
	wait_until 30 log_has t "no answer; trying again"
	kill -CONT "$(pid redis)"
	wait_until 15 log_has t "back after"
	wsctl publish news again -q
	wait_until 5 log_has t '  again$'
}

@test "a redis user who may not subscribe hears why" {
	only_redis
	rcli acl setuser default resetchannels '&nothing' >/dev/null
	run -1 wsctl tail news
	says "NOPERM"
}

@test "a reader that left ends it, before another message; a full disk is said" {
	only_redis
	# shellcheck disable=SC2016
	spawn t bash -c '{ "$0" -c wscale.yaml tail news; echo "rc $?" >&2; } | head -n 1' "$BUILD/wsctl"
	wait_until 10 log_has t "^listening"
	wsctl publish news one -q
	exits t 10
	log_has t "^rc 1$"
	refute log_has t "can't write"
	spawn full bash -c 'exec "$0" -c wscale.yaml tail news >/dev/full' "$BUILD/wsctl"
	wait_until 10 log_has full "^listening"
	wsctl publish news one -q
	exits full 10
	[ "$STATUS" = 1 ]
	log_has full "can't write the output: No space left on device"
}

@test "a reader who is slow costs memory no more than one message; Ctrl-C still ends it" {
	only_redis
	mkfifo slow
	exec 7<>slow
	spawn t bash -c 'exec "$0" -c wscale.yaml tail news >slow' "$BUILD/wsctl"
	wait_until 10 log_has t "^listening"
	head -c 60000 /dev/zero | tr '\0' x >line
	echo >>line
	for _ in {1..200}; do cat line; done | wsctl publish news - -q
	# 12 MB wait in Redis and in sockets, not here.
	[ "$(rss_kb t)" -lt $((30000 * WAIT_FACTOR)) ]
	stop t INT
	[ "$STATUS" = 130 ]
	log_has t "^[0-9]+ messages, "
	refute log_has t "can't write"
	exec 7>&-
}
