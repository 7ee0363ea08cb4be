#!/usr/bin/env bats
# Goal: any program publishes into a channel's history with the one call that the manuals give for
# its language: as it stands there, it is run here.

load helpers
. "$BATS_TEST_DIRNAME/npm_modules.bash"

# begin CLUSTER CHANNEL: a node, and a reader of that channel.
begin() {
	requires mandoc col redis-server redis-cli
	CLUSTER=$1 NODES=ws1
	YAML_CHANNELS='rules: [ { match: "news*", history: { size: 100, ttl: 1h } } ]'
	write_yaml
	start_redis
	start_node ws1
	ws_open reader "$(url ws1 "/ws/$2")" -p wscale.id
	ws_wait reader '^text !ready'
}

# example MANUAL FIRST-LINE: its examples that begin so, with this build's script and this test's Redis;
# of a terminal's session what was typed.
example() {
	mandoc -Tascii -O width=100 "$ROOT/man/$1" | col -bx | awk -v first="$2" '
		index($0, first) { on = 1 }
		/^ ? ? ? ? ? ?[^ ]/ || /^ *[0-9]\) / { on = 0 }
		on' | sed -E "s/^ {7}//; s,^\\$ ,,; s,/usr/local/share/wscale/publish.lua,$ROOT/lib/lua/publish.lua,
		s,redis-cli,& --raw -p ${PORT[redis]},; s,redis\.Redis\(,&port=${PORT[redis]},
		s,createClient\(\),createClient({ url: \"redis://127.0.0.1:${PORT[redis]}\" }),"
}
# came TIMES TEXT: so often the reader of CHANNEL got it, each with an ID.
came() { [ "$(ws_count reader "^text [0-9a-z]+-[0-9]+\\\\x0a$2\$")" = "$1" ]; }

@test "redis-cli publishes into a history, and a repeated call of the same source is skipped" {
	begin chat news
	example wscale.yaml.5 '$ sha=' >"$W/calls"
	example wscale.yaml.5 '$ redis-cli EVALSHA $sha 3' >>"$W/calls"
	cat "$W/calls"
	[ "$(grep -c redis-cli "$W/calls")" -eq 2 ]
	bash -e "$W/calls" >"$W/first"
	bash -e "$W/calls" >"$W/second"
	[ "$(sed -n '1p; 5p' "$W/first" | paste -sd' ')" = "1 1" ]
	[ "$(sed -n '1p; 5p' "$W/second" | paste -sd' ')" = "1 0" ]
	wait_until 5 came 3 hello
}

@test "Python publishes into a history" {
	local py
	for py in python3 /usr/bin/python3; do
		! "$py" -c 'import redis' 2>/dev/null || break
		py=
	done
	[ -n "$py" ] || requires python3-redis
	begin wscale news:sport
	example wscale.7 'import redis' >"$W/publish.py"
	"$py" "$W/publish.py"
	wait_until 5 came 1 3:2
}

@test "JavaScript publishes into a history" {
	npm_modules
	begin wscale news:sport
	example wscale.7 'const { createClient }' >"$W/publish.js"
	timeout $((30 * WAIT_FACTOR)) node "$W/publish.js"
	wait_until 5 came 1 3:3
}
