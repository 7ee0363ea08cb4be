#!/usr/bin/env bats
# Goal: Centrifugo's browser bundle, unmodified, in real pages: they talk across nodes and a drain of
# every node, one after the other, costs no message.

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
}

@test "pages with Centrifugo's client miss nothing while both nodes are drained under them" {
	local n
	NODES="ws1 ws2"
	YAML_NODE='drain: { rate: 200/s, grace: 200ms, deadline: 30s }'
	YAML_CHANNELS='rules: [ { match: "news:*", history: { size: 1000, ttl: 1h } } ]'
	write_yaml
	start_redis
	for n in $NODES; do start_node "$n"; done
	start_haproxy
	for n in $NODES; do wait_until 10 server_is "$n" UP; done
	cat >"$W/move" <<-X
		set -e
		for n in $NODES; do
			"$BUILD/wsctl" -c "$W/wscale.yaml" drain \$n
			"$BUILD/wsctl" -c "$W/wscale.yaml" ready \$n
		done
	X
	export WAIT_FACTOR
	run timeout $((120 * WAIT_FACTOR)) node "$ROOT/tests/js/cf_browser.js" "$CHROMIUM" \
		"ws://127.0.0.1:${PORT[haproxy]}/connection/websocket" bash "$W/move"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[0]} =~ ^moves\ 3001.*\ recovered\ [1-9] ]]
	[[ ${lines[1]} =~ ^moves\ 3001.*\ recovered\ [1-9] ]]
}
