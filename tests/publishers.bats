#!/usr/bin/env bats
# Goal: any program publishes into a channel's history with the one call that the manual gives for its
# language: as it stands there, it is run here.

load helpers
. "$BATS_TEST_DIRNAME/npm_modules.bash"

setup() {
	fixture
	requires mandoc col redis-server redis-cli
	CLUSTER=wscale NODES=ws1
	YAML_CHANNELS='rules: [ { match: "news:*", history: { size: 100, ttl: 1h } } ]'
	write_yaml
	start_redis
	start_node ws1
	ws_open reader "$(url ws1 /ws/news:sport)" -p wscale.id
	ws_wait reader '^text !ready'
}

# example FIRST-LINE: the example in wscale(7) that begins so, with this build's script and this test's Redis.
example() {
	mandoc -Tascii -O width=100 "$ROOT/man/wscale.7" | col -bx | awk -v first="$1" '
		index($0, first) { on = 1 }
		/^ ? ? ? ? ? ?[^ ]/ { on = 0 }
		on' | sed -E "s/^ {7}//; s,^\\$ ,,; s,/usr/local/share/wscale/publish.lua,$ROOT/lib/lua/publish.lua,
		s,redis-cli,& --raw -p ${PORT[redis]},; s,redis\.Redis\(,&port=${PORT[redis]},
		s,createClient\(\),createClient({ url: \"redis://127.0.0.1:${PORT[redis]}\" }),"
}
# has_place TEXT: the reader got it once, with an ID.
came_twice() { [ "$(ws_count reader "\\\\x0a$1\$")" = 2 ]; }
has_place() { [ "$(ws_count reader "^text [0-9a-z]+-[0-9]+\\\\x0a$1\$")" = 1 ]; }

@test "redis-cli publishes into a history, and a repeated call of the same source is skipped" {
	example '$ redis-cli --eval' >"$W/calls"
	cat "$W/calls"
	[ "$(grep -c redis-cli "$W/calls")" -eq 2 ]
	bash -e "$W/calls" >"$W/first"
	bash -e "$W/calls" >"$W/second"
	wait_until 5 came_twice 2:1
	has_place 2:2
	[ "$(sed -n 5p "$W/first")" = 1 ]
	[ "$(sed -n 5p "$W/second")" = 0 ]
}

@test "Python publishes into a history" {
	local py
	for py in python3 /usr/bin/python3; do
		! "$py" -c 'import redis' 2>/dev/null || break
		py=
	done
	[ -n "$py" ] || requires python3-redis
	example 'import redis' >"$W/publish.py"
	"$py" "$W/publish.py"
	wait_until 5 has_place 3:2
}

@test "JavaScript publishes into a history" {
	npm_modules
	example 'const { createClient }' >"$W/publish.js"
	timeout 30 node "$W/publish.js"
	wait_until 5 has_place 3:3
}
