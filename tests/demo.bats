#!/usr/bin/env bats
# Goal: `make demo` shows a cluster that scales, on any machine, and leaves the machine as it was:
# whether it ends, is interrupted, or a part of it doesn't start.
# alone

load helpers

setup() {
	fixture
	requires haproxy redis-server redis-cli
	export TMPDIR=$W BUILD WAIT_FACTOR
}

# Everything the demo starts has its directory among its arguments.
nothing_left() {
	[ -z "$(find "$W" -maxdepth 1 -name 'wscale-demo.*')" ] && ! pgrep -f "$W/wscale-demo" >/dev/null
}
# demo_bg: in the background, with Ctrl-C as a terminal would send it.
demo_bg() { spawn demo env --default-signal=INT "$@" "$ROOT/demo/run"; }
bad() { # bad NAME: a program that says why and ends
	printf '#!/bin/sh\necho "%s: no room on this ship"; exit 1\n' "$1" >"$W/$1"
	chmod 755 "$W/$1"
}

@test "the tour adds a node and drains another: nobody is cut off, nothing is missed, nothing stays" {
	local sent clients received moved back
	spawn demo env DEMO_SECONDS=1 make -s -C "$ROOT" BUILD="$BUILD" demo
	exits demo 120
	cat "$W/log/demo"
	[ "$STATUS" -eq 0 ]
	log_has demo 'chat page: +http://127\.0\.0\.1:[0-9]+/'
	log_has demo '^\$ wsctl add ws4 127\.0\.0\.1:[0-9]+'
	log_has demo '^\$ wsctl drain ws1'
	log_has demo '^ws1 +.* drained +up'
	log_has demo 'closes +1012 x [1-9][0-9]*; nobody was cut off \(1006 x 0\)'
	log_has demo ' 0 lost, 0 doubled, 0 out of order'
	read -r sent clients < <(sed -nE 's/^What the ([0-9]+) clients.*/\1/p; s/^  sent +([0-9]+) .*/\1/p' "$W/log/demo" | tac | paste -sd' ')
	received=$(sed -nE 's/^  received +([0-9]+);.*/\1/p' "$W/log/demo")
	[ "$received" -eq $((sent * clients)) ]
	read -r moved back < <(sed -nE 's/^  moved +([0-9]+) clients; ([0-9]+) of them got all.*/\1 \2/p' "$W/log/demo")
	[ "$moved" -gt 0 ]
	[ "$back" -eq "$moved" ]
	nothing_left
}

@test "no line of the screen is wider than 80 columns" {
	DEMO_SECONDS=1 "$ROOT/demo/run" >"$W/log/demo" 2>&1
	run grep -nE "^.{81}" <(sed "s,$W,/tmp," "$W/log/demo")
	echo "$output"
	[ "$status" -eq 1 ]
}

@test "its page comes through HAProxy; Ctrl-C ends it, and nothing stays" {
	demo_bg
	wait_until 120 log_has demo 'Ctrl-C ends it'
	local page
	page=$(sed -n 's/.*chat page: *//p' "$W/log/demo")
	curl -sS "$page" | grep -q '<title>wscale chat</title>'
	if nothing_left; then fail "the check itself sees nothing"; fi
	kill -INT "$(pid demo)"
	exits demo 20
	[ "$STATUS" -eq 130 ]
	nothing_left
}

@test "stopped in the middle of its start or of its tour, nothing stays" {
	local at
	for at in Starting 'wsctl drain'; do
		: >"$W/log/demo"
		demo_bg
		wait_until 120 log_has demo "$at"
		kill -TERM "$(pid demo)"
		exits demo 40
		[ "$STATUS" -eq 143 ]
		nothing_left
	done
}

@test "a part that doesn't start shows its log, fails, and nothing stays" {
	bad haproxy
	run env HAPROXY="$W/haproxy" "$ROOT/demo/run"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"haproxy ended at once"*"no room on this ship"* ]]
	nothing_left
	bad redis-server
	run env REDIS_SERVER="$W/redis-server" "$ROOT/demo/run"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"redis ended at once"*"no room on this ship"* ]]
	nothing_left
}

@test "a bad DEMO_SECONDS is said before anything is started" {
	run env DEMO_SECONDS=soon "$ROOT/demo/run"
	[ "$status" -eq 1 ]
	[[ $output == *"DEMO_SECONDS must be a whole number"* ]]
	nothing_left
}
