#!/usr/bin/env bats
# Goal: people with a browser talk across nodes through HAProxy, and a drain moves them before their
# eyes. Real pages in headless Chromium; playwright-core from npm is a dependency of this file alone.
#   WSCALE_SHOTS=DIR   keeps the pictures, to be looked at
# alone

load helpers

setup() {
	local c
	fixture
	requires node npm haproxy redis-server
	for c in chromium-headless-shell chromium; do
		! CHROMIUM=$(command -v "$c") || break
	done
	[ -n "$CHROMIUM" ] || requires chromium-headless-shell
	playwright
	YAML_NODE='drain: { rate: 20/s, grace: 200ms, deadline: 30s }'
	write_yaml
	start_redis
	for c in ws1 ws2 ws3; do start_node "$c" --demo; done
	start_haproxy
	for c in ws1 ws2 ws3; do wait_until 10 server_is "$c" UP; done
	export WAIT_FACTOR
}

# The one npm package, by the lock file's checksum, into the build directory.
playwright() {
	export NODE_PATH=$BUILD/npm/node_modules
	[ ! -e "$NODE_PATH/playwright-core/package.json" ] || return 0
	mkdir -p "$BUILD/npm"
	cp "$ROOT/tests/package.json" "$ROOT/tests/package-lock.json" "$BUILD/npm"
	(cd "$BUILD/npm" && npm ci --no-audit --no-fund) >"$W/log/npm" 2>&1 && return
	[ "${CI:-}" = true ] || skip "npm can't fetch playwright-core"
	fail "npm can't fetch playwright-core"
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

@test "a drain moves a page to another node before its reader's eyes, and no other page" {
	run browser move "$BUILD/wsctl" -c "$W/wscale.yaml" drain
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output =~ (ws[123])\ is\ going\ away\ \(1012\),\ moved\ to\ (ws[123])\ in ]]
	[ "${BASH_REMATCH[1]}" != "${BASH_REMATCH[2]}" ]
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
