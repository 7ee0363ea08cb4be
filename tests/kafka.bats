#!/usr/bin/env bats
# Goal: what is in Kafka comes into the history once and in order of its partition, whichever end of
# the pipe is killed; what can't come is told with its place.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

setup() {
	fixture
	requires kcat
	NODES=ws1
	YAML_NODE="max_message: 1KiB"
	YAML_CHANNELS='rules:
  - { match: "orders*", history: { size: 100000, ttl: 1h } }
  - { match: "plain", publish: anyone }'
	start_redis redis --appendonly yes --appendfsync always
	write_yaml
}

FORMAT='%t %p %o %S\n%s\n'
# kafka [TOPIC PARTITIONS]...: mock brokers, at $BROKERS.
kafka() {
	spawn kafka "$TOOLS/kafkamock" "$@"
	wait_until 10 log_has kafka '^127'
	BROKERS=$(grep '^127' log/kafka)
}
# produce PARTITION FROM TO: payloads that show where they belong.
produce() { seq -f "$1 %.0f" "$2" "$3" | kcat -b "$BROKERS" -P -t orders -p "$1"; }
consume() { kcat -q -C -u -b "$BROKERS" -t orders -o beginning -f "$FORMAT" "$@"; }
kept() { rcli --raw xrange "chat.h:s:$1" - + | awk 'NR % 3 == 0'; }
kept_n() { rcli xlen "chat.h:s:$1"; }
# all_once PARTITIONS N [CHANNEL]: each partition's payloads 1 to N, in order, nothing else.
all_once() {
	kept "${3:-orders}" | awk -v parts="$1" -v n="$2" '
		$2 != ++last[$1] { print "after " last[$1] - 1 " of partition " $1 ": " $0; bad = 1; exit 1 }
		END { for (p = 0; p < parts; p++) if (last[p] != n) { print p ": " last[p]; bad = 1 }; exit bad }'
}
# pipe BYTES ARGUMENT...: kcat to wsctl, as in the manual, but behind so many bytes the pipe stands
# until something is written to the fifo `gate`. log/pub, pid/pub is wsctl, pid/kcat is kcat.
pipe() {
	local bytes=$1
	shift
	mkfifo -m 600 "$W/raw" "$W/in" 2>/dev/null || :
	[ -p gate ] || mkfifo gate
	spawn kcat sh -c "exec kcat -q -C -u -b $BROKERS -t orders -o beginning -f '$FORMAT' >raw"
	spawn gate bash -c 'exec 5<>gate <raw >in; head -c "$0"; read -r _ <&5; exec cat' "$bytes"
	spawn pub sh -c 'wsctl=$1; shift; exec "$wsctl" -c wscale.yaml publish --from kafka "$@" - <in' - "$BUILD/wsctl" "$@"
}
# The pipe's rest, after one of its ends.
pipe_end() {
	stop kcat KILL
	stop gate KILL
	stop pub KILL
	rm -f raw in gate
}

@test "three partitions: each message once, each partition in order; read again, nothing is doubled" {
	kafka orders 3
	for p in 0 1 2; do produce $p 1 2000; done
	consume -e | wsctl publish --from kafka - 2>said
	[ "$(cat said)" = "6,000 messages from Kafka; no node listens" ]
	all_once 3 2000
	produce 1 2001 2100
	consume -e | wsctl publish --from kafka - --json -q |
		jq -e '.version == 1 and .ok and .channel == null and .messages == 100 and .seen == 6000
			and .nulls == 0 and .large == 0 and .unknown == 0'
	[ "$(kept_n orders)" = 6100 ]
	# Each partition is a source of its own, and Kafka's first offset is 0.
	[ "$(rcli get chat.h:q:orders/orders/0)" = 1999 ]
	[ "$(rcli pttl chat.h:q:orders/orders/0)" -gt 2500000000 ]
	# Another channel is another history.
	consume -e | wsctl publish --from kafka orders:all -
	[ "$(kept_n orders:all)" = 6100 ]
}

@test "payloads of any bytes; what looks like a header in one is payload" {
	kafka orders 1
	printf 'a\nb\n\norders 0 9 3\nxyz' >body
	kcat -b "$BROKERS" -P -t orders -p 0 body
	printf '\377\000' >body
	kcat -b "$BROKERS" -P -t orders -p 0 body
	printf 'k:\nk:last\n' | kcat -b "$BROKERS" -P -t orders -p 0 -K : -Z
	consume -e | wsctl publish --from kafka - 2>said
	[ "$(cat said)" = "3 messages from Kafka, 1 null skipped; no node listens" ]
	rcli --no-raw xrange chat.h:s:orders - + >all
	grep -qF '"a\nb\n\norders 0 9 3\nxyz"' all
	grep -qF '"\xff\x00"' all
	[ "$(grep -oE '"[tb]"' all | paste -sd' ')" = '"t" "b" "t"' ]
}

@test "wsctl is killed in the middle, twice; started again from the beginning, each message is there once" {
	kafka orders 3
	for p in 0 1 2; do produce $p 1 1500; done
	for bytes in 20003 70000; do
		pipe "$bytes"
		wait_until 10 reaches $((bytes / 30)) kept_n orders
		stop pub KILL
		[ "$STATUS" = 137 ]
		pipe_end
	done
	[ "$(kept_n orders)" -lt 4500 ]
	pipe 1000
	echo >gate
	wait_until 20 all_once 3 1500
	# It goes on living, and with it what comes now.
	produce 2 1501 1510
	wait_until 10 reaches 4510 kept_n orders
	stop pub INT
	[ "$STATUS" = 130 ]
	pipe_end
}

@test "kcat is killed in the middle of a message: that one isn't there until it is read again" {
	kafka orders 2
	for p in 0 1; do produce $p 1 3000; done
	pipe 20003
	wait_until 10 reaches 600 kept_n orders
	stop kcat KILL
	echo >gate
	exits pub 10
	# What was in the pipe ends where it ends.
	[ "$STATUS" = 0 ] || { [ "$STATUS" = 1 ] && log_has pub "standard input ends in the middle of message [0-9]*, at byte [0-9]*$"; }
	pipe_end
	consume -e >all
	# Cut at every byte of a message, for certain.
	for n in 1 5 12 13 14 16; do
		run -1 wsctl publish --from kafka orders:cut - < <(head -c "$n" all)
		says "standard input ends in the middle of message 1, at byte $n"
		says "0 messages acknowledged; read again, each is still there once"
	done
	[ "$(kept_n orders:cut)" = 0 ]
	wsctl publish --from kafka - <all
	all_once 2 3000
}

@test "Redis is stopped in the middle and comes back: each message once" {
	kafka orders 2
	for p in 0 1; do produce $p 1 3000; done
	pipe 30000
	wait_until 10 reaches 1000 kept_n orders
	stop_redis
	wait_until 10 log_has pub "connection refused; trying again for 30s"
	echo >gate
	start_redis redis --appendonly yes --appendfsync always
	wait_until 20 all_once 2 3000
	log_has pub "back after"
	pipe_end
}

@test "Redis stays away: 75, and the next start goes on where it stopped" {
	kafka orders 1
	produce 0 1 3000
	pipe 20000 --deadline 1s
	wait_until 10 reaches 500 kept_n orders
	stop_redis
	echo >gate
	exits pub 10
	[ "$STATUS" = 75 ]
	log_has pub "away for 1s"
	log_has pub "messages acknowledged; read again, each is still there once"
	pipe_end
	run -69 bash -c 'echo | "$0" -c wscale.yaml publish --from kafka -' "$BUILD/wsctl"
	start_redis redis --appendonly yes --appendfsync always
	consume -e | wsctl publish --from kafka -
	all_once 1 3000
}

@test "Redis refuses a message (out of memory): 1 with its place; the next start goes on with it" {
	kafka orders 2
	for p in 0 1; do produce $p 1 3000; done
	pipe 20000
	wait_until 10 reaches 500 kept_n orders
	rcli config set maxmemory 1
	echo >gate
	exits pub 10
	[ "$STATUS" = 1 ]
	log_has pub "^wsctl: orders/[01] offset [0-9]*: redis .*: OOM "
	pipe_end
	rcli config set maxmemory 0
	consume -e | wsctl publish --from kafka -
	all_once 2 3000
}

@test "a message above node.max_message stops it with its place; --skip-large skips and counts" {
	kafka orders 1
	printf '0 1\n%02000d\n0 2\n' 7 | kcat -b "$BROKERS" -P -t orders -p 0
	consume -e >all
	run -1 wsctl publish --from kafka - <all
	says "orders/0 offset 1: 2000 bytes are above node.max_message (1KiB); raise it, or skip such ones with --skip-large"
	says "1 message acknowledged"
	run -0 wsctl publish --from kafka --skip-large - <all
	says "orders/0 offset 1: 2000 bytes are above node.max_message (1KiB); skipped"
	says "1 message from Kafka, 1 known already, 1 too large skipped"
	all_once 1 2
	# Much larger than what is read at a time, and cut.
	{ printf 'orders 0 7 300000\n'; head -c 300000 /dev/zero; printf '\norders 0 8 3\n0 3\n'; } >all
	run -0 wsctl publish --from kafka --skip-large - <all
	all_once 1 3
	run -1 wsctl publish --from kafka --skip-large - < <(head -c 200000 all)
	says "standard input ends in the middle of message 2, at byte 200000"
	says "0 messages acknowledged"
}

@test "what isn't kcat's format ends it with its place; what came before is there" {
	run -1 wsctl publish --from kafka - <<<$'orders 0 0 3\n0 1\norders 0 1\n'
	says "wsctl: standard input, byte 17 (message 2): not topic, partition, offset and length; it must be what kcat -C -f '%t %p %o %S\\n%s\\n' prints"
	all_once 1 1
	# A null printed with -Z.
	run -1 wsctl publish --from kafka - <<<$'orders 0 1 -1\nNULL\n'
	says "byte 0 (message 1): a payload doesn't end where its length says"
	run -1 wsctl publish --from kafka - < <(head -c 5000 /dev/zero | tr '\0' x)
	says "no line of topic, partition, offset and length"
	run -0 wsctl publish --from kafka - </dev/null
	says "no message on standard input"
}

@test "a channel without history, or a topic that can't be a channel, is refused with what to do" {
	run -78 wsctl publish --from kafka plain - <<<x
	says "channel plain keeps no history; give its rule in $W/wscale.yaml one: history: { size: 100, ttl: 1h }"
	run -78 wsctl publish --from kafka - <<<$'plain 0 0 1\nx\n'
	says "channel plain keeps no history"
	topic=$(printf 'orders%0140d' 0)
	run -1 wsctl publish --from kafka - <<<"$topic 0 0 1"$'\nx\n'
	says "topic $topic can't be a channel's name: name one, as in wsctl publish --from kafka CHANNEL -"
	run -0 wsctl publish --from kafka orders - <<<"$topic 0 0 1"$'\nx'
}

@test "Redis hangs: kcat isn't read on and on" {
	kafka orders 1
	seq -f "0 %.0f" 1 40 | awk '{ printf "%s %0900d\n", $0, 0 }' >some
	for _ in {1..60}; do cat some; done | kcat -b "$BROKERS" -P -t orders -p 0
	pipe 5000
	wait_until 10 reaches 3 kept_n orders
	kill -STOP "$(pid redis)"
	echo >gate
	wait_until 10 reaches 800000 read_bytes pub
	never 1 reaches 1500000 read_bytes pub
	kill -CONT "$(pid redis)"
	wait_until 20 reaches 2400 kept_n orders
	pipe_end
}
read_bytes() { awk '$1 == "rchar:" { print $2 }' "/proc/$(pid "$1")/io"; }

# unit NAME VAR=VALUE...: runs the unit's ExecStart as systemd would, with these in its environment file.
unit() {
	local name=$1
	shift
	sed -n '/^ExecStart=/,/[^\\]$/p' "$ROOT/systemd/wsctl-kafka@.service.in" |
		sed 's/^ExecStart=/exec /; s/\\$//' | tr -d '\n' |
		sed "s,@BINDIR@/wsctl,$BUILD/wsctl,; s,@SYSCONFDIR@/wscale,$W,; s/\\\$\\\$/\$/g" >unit.sh
	spawn "$name" env BACK=86400 "FORMAT=$(sed -n 's/^Environment="FORMAT=\(.*\)"$/\1/p' "$ROOT/systemd/wsctl-kafka@.service.in" |
		sed 's/%%/%/g; s/\\\\/\\/g')" "$@" sh unit.sh
}
child() { ps -o pid= --ppid "$(pid "$1")" | head -n 1; }

@test "the unit's command: kcat's end is its end, and what it reads again is there once" {
	kafka orders 3
	for p in 0 1 2; do produce $p 1 500; done
	unit one BROKERS="$BROKERS" TOPIC=orders START=beginning
	wait_until 10 all_once 3 500
	[[ $(tr '\0' ' ' <"/proc/$(pid one)/cmdline") == "$BUILD/wsctl "* ]]
	kill -KILL "$(child one)"
	exits one 10
	[ "$STATUS" = 0 ]
	log_has one "1,500 messages from Kafka"
	produce 1 501 600
	unit two BROKERS="$BROKERS" TOPIC=orders START=beginning CHANNEL=orders WSCTL_ARGS="--deadline 5s" KCAT_ARGS=-e
	exits two 10
	[ "$STATUS" = 0 ]
	log_has two "100 messages from Kafka, 1,500 known already"
	# SIGTERM, as from systemctl stop.
	unit three BROKERS="$BROKERS" TOPIC=orders START=beginning
	wait_until 10 eval '[[ $(tr "\0" " " <"/proc/$(pid three)/cmdline") == "$BUILD/wsctl "* ]]'
	wait_until 10 catches three TERM
	stop three
	[ "$STATUS" = 130 ]
	unit four BROKERS="$BROKERS"
	exits four 5
	[ "$STATUS" != 0 ]
	log_has four "TOPIC: parameter null or not set"
}

@test "the unit reads from a day ago, unless it is told otherwise" {
	mkdir bin
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nprintf "%%s\\n" "$@" >"$0.args"\n' >bin/kcat
	chmod 755 bin/kcat
	local now=$EPOCHSECONDS
	unit one PATH="$W/bin:$PATH" BROKERS=b:9092 TOPIC=orders KCAT_ARGS="-X a=b"
	exits one 5
	[ "$STATUS" = 0 ]
	local start
	start=$(sed -n '/^-o$/{n;p}' bin/kcat.args)
	[[ $start =~ ^s@([0-9]+)000$ ]]
	[ "${BASH_REMATCH[1]}" -ge $((now - 86400)) ]
	[ "${BASH_REMATCH[1]}" -le $((EPOCHSECONDS - 86400)) ]
	diff -u - bin/kcat.args <<-END
		-C
		-E
		-q
		-u
		-b
		b:9092
		-t
		orders
		-X
		topic.auto.offset.reset=earliest
		-o
		$start
		-X
		a=b
		-f
		$FORMAT
	END
	unit two PATH="$W/bin:$PATH" BROKERS=b:9092 TOPIC=orders BACK=60
	exits two 5
	start=$(sed -n '/^-o$/{n;p}' bin/kcat.args)
	[ "${start:2:-3}" -ge $((now - 60)) ]
}
