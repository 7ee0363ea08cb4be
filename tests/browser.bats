#!/usr/bin/env bats
# Goal: people with a browser talk across nodes through HAProxy, a drain moves them before their eyes,
# and they miss nothing, or are told. Real pages in headless Chromium; playwright-core comes from
# npm.
#   WSCALE_SHOTS=DIR   keeps the pictures, to be looked at
# alone

load helpers
. "$BATS_TEST_DIRNAME/npm_modules.bash"

setup() {
	local c
	fixture
	requires haproxy redis-server
	for c in chromium-headless-shell chromium; do
		! CHROMIUM=$(command -v "$c") || break
	done
	[ -n "$CHROMIUM" ] || requires chromium-headless-shell
	npm_modules
	YAML_NODE='drain: { rate: 20/s, grace: 200ms, deadline: 30s }'
	YAML_CHANNELS='rules: [ { match: plain }, { match: "*", history: { size: 1000, ttl: 1h } } ]'
	write_yaml
	start_redis
	for c in ws1 ws2 ws3; do start_node "$c" --demo; done
	start_haproxy
	for c in ws1 ws2 ws3; do wait_until 10 server_is "$c" UP; done
	export WAIT_FACTOR
}

browser() {
	timeout $((120 * WAIT_FACTOR)) node "$ROOT/tests/browser.js" "$CHROMIUM" "http://127.0.0.1:${PORT[haproxy]}/" "$@"
}

@test "two pages land on different nodes, and each shows what the other sends, as text" {
	run browser talk
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output =~ nodes\ (ws[123])\ (ws[123]) ]]
	[ "${BASH_REMATCH[1]}" != "${BASH_REMATCH[2]}" ]
}

@test "a drain moves a page before its reader's eyes, no other page, and no message of a flow is missed" {
	run browser move "$BUILD/wsctl" -c "$W/wscale.yaml" drain
	echo "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^moved\ from\ (ws[123])\ to\ (ws[123])\ in\ .*,\ caught\ up\ on\ [0-9]+\ messages?$ ]]
	[ "${BASH_REMATCH[1]}" != "${BASH_REMATCH[2]}" ]
	# Without history it says where it is, and promises nothing.
	[[ ${lines[1]} =~ ^moved\ from\ (ws[123])\ to\ (ws[123])\ in\ [0-9.]+.s$ ]]
}

@test "a page that is reloaded shows what it had shown, and what came meanwhile" {
	run browser reload
	echo "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^connected\ to\ ws[123],\ (caught\ up\ on\ [0-9]+\ messages?|nothing\ missed)$ ]]
}

@test "when Redis has lost the history, the pages say so, and go on" {
	run browser lost redis-cli -p "${PORT[redis]}" flushall
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the manual's client misses nothing while nodes are drained around it" {
	requires mandoc col
	mandoc -Tascii -O width=100 "$ROOT/man/wsnode.8" | col -bx | sed -n '/^ *function follow/,/^ \{7\}}$/p' >"$W/follow.js"
	[ "$(wc -l <"$W/follow.js")" -ge 15 ]
	run browser example "$W/follow.js" "$BUILD/wsctl" -c "$W/wscale.yaml"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the page fits a phone and a desktop, light and dark" {
	local shots=${WSCALE_SHOTS:-$W}
	mkdir -p "$shots"
	run browser shots "$shots"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -s "$shots/phone.png" ]
	[ -s "$shots/desktop.png" ]
}
