#!/usr/bin/env bats
# Goal: a sysadmin starts one more wsnode and types `wsctl add`: it serves; and whatever is wrong with
# it is said before a single client is sent there, with nothing changed.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

unchanged() { cmp wscale.yaml before.yaml && cmp haproxy.cfg before.cfg; }
remember() { cp wscale.yaml before.yaml && cp haproxy.cfg before.cfg; }

@test "add: the node is in the YAML, in haproxy.cfg and serves; again: nothing to do" {
	cluster ws1
	new_node ws2
	run -0 wsctl add ws2 "$(at ws2)" --weight 50
	says "ws2 at $(at ws2) is up and takes clients"
	grep -qx "  ws2: { address: $(at ws2), weight: 50 }" wscale.yaml
	grep -q "server ws2 $(at ws2) .*weight 50" haproxy.cfg
	server_is ws2 UP
	stop ws1
	wait_until 10 server_is ws1 DOWN
	clients 1
	clients_are ws2 1
	remember
	run -0 wsctl add ws2 "$(at ws2)"
	says "nothing to do"
	unchanged
	reload_haproxy
	wait_until 10 server_is ws2 UP
}

@test "add -n says what it would do and does nothing" {
	cluster ws1
	new_node ws2
	remember
	run -0 wsctl add -n ws2 "$(at ws2)"
	says "would write \"ws2: $(at ws2)\""
	says "nothing changed"
	unchanged
	not in_haproxy ws2
}

@test "add --runtime is live, and only until the next reload" {
	cluster ws1
	new_node ws2
	remember
	run -0 wsctl add ws2 "$(at ws2)" --runtime
	says "until HAProxy's next reload"
	server_is ws2 UP
	unchanged
	run -0 wsctl status
	says "ws2 is in HAProxy, not in $W/wscale.yaml"
}

@test "nobody listens there: it says so and what to start" {
	cluster ws1
	port ws2
	remember
	run -1 wsctl add ws2 "$(at ws2)"
	says "ws2 at $(at ws2): connection refused; start it there: systemctl enable --now wsnode@ws2"
	unchanged
}

@test "the wrong process is refused: another name, another cluster, not a wsnode" {
	cluster ws1
	new_node ws2
	remember
	run -1 wsctl add ws3 "$(at ws2)"
	says "$(at ws2) is ws2, not ws3"
	stop ws2
	port ws2
	spawn ws2 "$BUILD/wsnode" ws2 --standalone --listen "$(at ws2)"
	wait_until 10 health_is ws2 200
	run -1 wsctl add ws2 "$(at ws2)"
	says 'is of cluster "wscale", not "chat"'
	run -1 wsctl add ws2 "127.0.0.1:${PORT[haproxy]}"
	says "is not a wsnode"
	unchanged
}

health_says() { [[ $(health "$1" .reason) == *"$2"* ]]; }
@test "a node that redis turns away is refused with redis' own reason" {
	REDISCLI_AUTH=secret-password
	export REDISCLI_AUTH
	YAML_REDIS=$'password_file: redis.password'
	secret redis.password secret-password
	NODES=ws1
	start_redis redis --requirepass secret-password
	write_yaml
	start_node ws1
	start_haproxy
	wait_until 10 checked ws1
	port ws2
	sed '/password_file/d' wscale.yaml >other.yaml
	spawn ws2 "$BUILD/wsnode" -c "$W/other.yaml" --listen "$(at ws2)" ws2
	wait_until 10 health_says ws2 NOAUTH
	remember
	run -1 wsctl add ws2 "$(at ws2)" --maxconn 10
	says "ws2 at $(at ws2) does not answer over redis: "
	says "NOAUTH"
	unchanged
}

@test "a node on another redis is refused, and both are named" {
	cluster ws1
	start_redis other
	port ws2
	start_node ws2 --listen "$(at ws2)" --redis "redis://127.0.0.1:${PORT[other]}"
	remember
	run -1 wsctl add ws2 "$(at ws2)"
	says "ws2 at $(at ws2) is not on redis 127.0.0.1:${PORT[redis]} (uses 127.0.0.1:${PORT[other]})"
	unchanged
}

@test "two processes of one name are refused" {
	cluster ws1
	new_node ws2
	port twin
	spawn twin "$BUILD/wsnode" -c wscale.yaml ws2 --listen "$(at twin)"
	wait_until 10 health_is twin 200
	remember
	run -1 wsctl add ws2 "$(at ws2)"
	says "2 processes are named ws2"
	unchanged
}

@test "a name or an address that is taken is refused" {
	cluster ws1 ws2
	new_node ws3
	remember
	run -1 wsctl add ws2 "$(at ws3)"
	says "ws2 is at $(at ws2) already; first: wsctl remove ws2"
	run -1 wsctl add ws3 "$(at ws2)"
	says "$(at ws2) is the address of ws2 already"
	run -64 wsctl add ws/3 "$(at ws3)"
	says "can't be a node's name"
	run -64 wsctl add ws3 127.0.0.1
	says "HOST:PORT or unix:/PATH"
	run -1 wsctl add ws3 no-such-host.invalid:80
	says "no-such-host.invalid:80: "
	unchanged
}

@test "other auth keys on the node are noted, not refused" {
	cluster ws1
	sed 's/^nodes:/channels: { default: lobby }\nnodes:/' wscale.yaml >other.yaml
	port ws2
	spawn ws2 "$BUILD/wsnode" -c other.yaml ws2 --listen "$(at ws2)"
	wait_until 10 health_is ws2 200
	run -0 wsctl add ws2 "$(at ws2)"
	says "note: ws2 runs with other redis, auth or channels keys"
	server_is ws2 UP
}

@test "a node that can't pass the check is taken out again, to the byte" {
	cluster ws1
	new_node ws2
	remember
	# It is who it says it is, and then falls silent before HAProxy's first check passes.
	background adding add ws2 "$(at ws2)"
	wait_until 5 grep -q ws2 wscale.yaml
	kill -STOP "$(pid ws2)"
	exits adding 30
	if [ "$STATUS" = 0 ]; then skip "the check was faster"; fi
	[ "$STATUS" = 75 ]
	log_has adding "ws2 was not added, nothing changed"
	unchanged
	not in_haproxy ws2
}

@test "an add that was killed half-way is finished by the next one" {
	cluster ws1
	new_node ws2
	sed -i "s/^nodes:/nodes:\n  ws2: $(at ws2)/" wscale.yaml
	run -0 wsctl status
	says "ws2 is not in HAProxy: wsctl add ws2 $(at ws2)"
	run -0 wsctl add ws2 "$(at ws2)"
	server_is ws2 UP
	# The same, interrupted between HAProxy's drain and its first clients.
	hap "set server wscale_chat/ws2 state drain"
	run -0 wsctl add ws2 "$(at ws2)"
	says "is up and takes clients"
	server_is ws2 UP
}

@test "wherever an add is killed, the next one finishes it" {
	cluster ws1
	new_node ws2
	for stage in "grep -q ws2 wscale.yaml" "grep -q ws2 haproxy.cfg" "in_haproxy ws2"; do
		background adding add ws2 "$(at ws2)"
		# shellcheck disable=SC2086
		wait_until 5 $stage
		stop adding KILL
		run -0 wsctl add ws2 "$(at ws2)"
		server_is ws2 UP
		[ "$(grep -c "ws2:" wscale.yaml)" = 1 ]
		[ "$(grep -c "server ws2 " haproxy.cfg)" = 1 ]
		wsctl remove ws2
	done
}

@test "Ctrl-C in an add undoes it" {
	cluster ws1
	new_node ws2
	remember
	background adding add ws2 "$(at ws2)"
	wait_until 5 in_haproxy ws2
	kill -INT "$(pid adding)" 2>/dev/null || :
	exits adding 10
	if [ "$STATUS" = 0 ]; then skip "it was faster"; fi
	[ "$STATUS" = 130 ]
	log_has adding "ws2 was not added, nothing changed"
	unchanged
	not in_haproxy ws2
}

@test "two adds at once: both are in" {
	cluster ws1
	new_node ws2
	new_node ws3
	background one add ws2 "$(at ws2)"
	background two add ws3 "$(at ws3)"
	exits one 20
	[ "$STATUS" = 0 ]
	exits two 20
	[ "$STATUS" = 0 ]
	for n in ws1 ws2 ws3; do
		grep -q "^  $n: $(at $n)$" wscale.yaml
		grep -q "server $n " haproxy.cfg
		server_is "$n" UP
	done
}

@test "add clears a drain that the node still remembers" {
	cluster ws1
	new_node ws2
	control ws2 '"do":"drain"' | jq -e .ok
	wait_until 5 health_is ws2 404
	run -0 wsctl add ws2 "$(at ws2)"
	health_is ws2 200
}

@test "a haproxy.cfg edited by hand is not overwritten" {
	cluster ws1
	new_node ws2
	echo "# mine" >>haproxy.cfg
	remember
	run -1 wsctl add ws2 "$(at ws2)"
	says "edited by hand"
	unchanged
	not in_haproxy ws2
}

@test "haproxy.edit: false prints the line to commit and changes nothing" {
	YAML_HAPROXY="edit: false"
	cluster ws1
	new_node ws2
	remember
	run -1 --separate-stderr wsctl add ws2 "$(at ws2)"
	[ "$output" = "ws2: $(at ws2)" ]
	[[ $stderr == *"haproxy.edit is false"* ]]
	unchanged
	run -0 wsctl add ws2 "$(at ws2)" --runtime
	server_is ws2 UP
	unchanged
}

@test "HAProxy or redis away: 69, nothing changed" {
	cluster ws1
	new_node ws2
	remember
	stop_redis
	run -69 wsctl add ws2 "$(at ws2)"
	says "redis 127.0.0.1:${PORT[redis]}: connection refused"
	start_redis
	stop haproxy
	run -69 wsctl add ws2 "$(at ws2)"
	says "admin.sock"
	unchanged
}

@test "a node on a unix socket is added too" {
	cluster ws1
	spawn ws2 "$BUILD/wsnode" -c wscale.yaml ws2 --listen "unix:$W/ws2.sock"
	wait_until 10 test -S ws2.sock
	wait_until 10 numsub_is chat.ctl.ws2 1
	run -0 wsctl add ws2 "unix:$W/ws2.sock"
	server_is ws2 UP
	grep -qx "  ws2: unix:$W/ws2.sock" wscale.yaml
	run -0 wsctl plan
	says "no difference"
	clients 4
	[ "$(conns ws2)" = 2 ]
	reload_haproxy
	run -0 wsctl apply
	says "nothing to do"
	wsctl -q drain ws2
	run -0 wsctl add ws2 "unix:$W/ws2.sock"
	wsctl -q remove ws2
	hap "add server wscale_chat/ws2 127.0.0.1:1"
	run -1 wsctl add ws2 "unix:$W/ws2.sock"
	says "HAProxy has ws2 at 127.0.0.1:1 already; first: wsctl remove ws2"
}
