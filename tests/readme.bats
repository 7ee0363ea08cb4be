#!/usr/bin/env bats
# Goal: what the README shows works: each of its command blocks is typed by a test, as it stands there, and
# says what is printed below it. Here those that need no machine of their own; the others, and INSTALL.md's,
# are tests/platforms/boot.bats's.
# alone

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/npm_modules.bash"
. "$BATS_TEST_DIRNAME/guide.bash"

# A shell here, with this build's programs; $HOME_SETS is what the reader has typed before.
on() { bash -c "PATH=$BUILD:\$PATH; ${HOME_SETS:-:}; $2" </dev/null; }
DIR=$ROOT

@test "make demo prints what the README shows" {
	local line
	export DEMO_SECONDS=1 BUILD MAKEFLAGS=-s TMPDIR=$W
	bash -c "cd $ROOT && $(block README.md "See it run" 1)" >"$W/demo" 2>&1
	plain <"$W/demo" >"$W/printed"
	while read -r line; do
		grep -qF -- "$line" "$W/printed" || fail "not printed: $line"
	done < <(block README.md "See it run" 2 | tail -n +2 | plain | sed 's/^ *//')
}

@test "five minutes beside the demo" {
	local n page
	export TMPDIR=$W
	spawn demo "$ROOT/demo/run"
	wait_until 120 log_has demo 'Ctrl-C ends it'
	page=$(sed -n 's/.*chat page: *http/ws/p' "$W/log/demo")
	HOME_SETS=$(grep -m1 -o 'export WSCALE_CONFIG=.*' "$W/log/demo")
	DIR=$W
	for n in 1 2 3; do ws_open "tab$n" "${page}ws/news"; done
	wait_until 10 three_tabs
	guide README.md "Five minutes" 1
	# The file has changed as the README says.
	diff -u <(block README.md "Five minutes" 2 | plain) \
		<(on here 'sed -n "/^nodes:/,\$p" "$WSCALE_CONFIG"' | grep -v '^ *#' | plain)
}
three_tabs() { [ "$(on here 'wsctl channels news' | grep -c '^ws')" = 3 ]; }

@test "a file with mistakes is answered as the README shows" {
	cat >wscale.yaml <<-'Y'
		cluster: chat
		haproxy:
		  bindd: ":80"
		node:
		  ping: 25
		channels:
		  rules:
		    - { match: "news:*", history: { ttl: 31d } }
		nodes:
		  ws1: 127.0.0.1:8081
		  ws2: 127.0.0.1:8081
	Y
	run "$BUILD/wsctl" -c wscale.yaml check
	[ "$status" -eq 78 ]
	diff -u <(block README.md "Five minutes" 3 | tail -n +2) - <<<"$output"
}

# here: a block with the addresses of this test's cluster.
here() { block "$@" | sed "s,wss://chat.example.com,ws://127.0.0.1:${PORT[haproxy]},; s,redis-cli,redis-cli -p ${PORT[redis]},"; }

@test "the README's clients: a browser's few lines, a terminal's, and two ways to publish" {
	npm_modules
	CLUSTER=wscale
	cluster ws1 ws2
	wait_until 10 checked ws1
	{
		echo 'globalThis.WebSocket = require("ws");'
		here README.md "What a client speaks" 1
	} >client.js
	spawn browser node client.js
	wait_until 10 log_has browser '^hello'
	here README.md "What a client speaks" 2 >lines
	mkfifo stdin
	exec {hold}<>stdin
	PATH=/usr/bin:$PATH PYTHONUNBUFFERED=1 bash -c "exec $(sed -n 1p lines)" <stdin >terminal 2>&1 3>&- &
	echo $! >"$W/pid/terminal"
	wait_until 10 grep -q Connected terminal
	sed -n 2p lines | bash
	wait_until 10 grep -q hello terminal
	wait_until 10 seen 2
	HOME_SETS="export WSCALE_CONFIG=$W/wscale.yaml"
	on here "$(sed -n 3p lines)"
	wait_until 10 seen 3
	# Its node goes away: it comes back by itself, and says hello again.
	run -0 wsctl drain ws1
	run -0 wsctl ready ws1 --wait 20s
	run -0 wsctl drain ws2
	wait_until 10 seen 4
}
seen() { [ "$(grep -c '^hello' "$W/log/browser")" -ge "$1" ]; }

@test "the README's rules are ones that wsctl takes" {
	{
		block README.md "What a client speaks" 3
		echo "nodes: { ws1: 127.0.0.1:8081 }"
	} >wscale.yaml
	run -0 "$BUILD/wsctl" -c wscale.yaml check
}

@test "make bench prints the rows that the README shows" {
	rows() { sed -nE '/ bound /s/(:|  ).*//p'; }
	quiet_make "$BUILD/tests/bare" "$BUILD/tests/bench"
	run "$TOOLS/bench" "$BUILD/wsnode" "$TOOLS/bare" 50
	echo "$output"
	[ "$(rows <<<"$output" | wc -l)" -eq 3 ]
	diff -u <(block README.md "What it is built on" 1 | rows) <(rows <<<"$output")
}
quiet_make() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ROOT" BUILD="$BUILD" "$@"; }
