#!/usr/bin/env bats
# Goal: at 3 a.m. one screen says what HAProxy sees and what the nodes say, side by side, and what to do;
# programs get the same as JSON.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

@test "all is well: one line, one row a node, no warnings" {
	cluster ws1 ws2
	clients 3
	run -0 wsctl status
	[ "${lines[0]}" = "chat: 2/2 nodes serving, 3 clients, redis ok, local ok" ]
	[[ ${lines[1]} =~ ^NODE\ +ADDRESS\ +STATE\ +HEALTH\ +CONNS\ +CLIENTS\ +OUT/s\ +UP$ ]]
	[[ ${lines[2]} =~ ^ws1\ +127.0.0.1:${PORT[ws1]}\ +ready\ +up\ +[12]\ +[12]\ +0\ +[0-9]+s$ ]]
	[ "${#lines[@]}" = 4 ]
}

@test "rates are true: messages a second to clients" {
	cluster ws1
	clients 4 fast
	wait_until 5 numsub_is chat:fast 1
	thirty_a_second fast
	wait_until 5 ws_wait c1 '^text x$'
	# Beside what the node has counted from before to after.
	began=$(now_ms) sent=$(metric ws1 wsnode_messages_out_total)
	out=$(wsctl status --json | jq '.nodes[0].out_per_s')
	sent=$(($(metric ws1 wsnode_messages_out_total) - sent)) took=$(($(now_ms) - began))
	echo "$out/s; $sent messages in $took ms"
	awk -v o="$out" -v r="$((sent * 1000 / took))" 'BEGIN { exit !(r > 0 && o > r / 3 && o < r * 3) }'
}

@test "a silent node is a row: 0, with what to know" {
	cluster ws1 ws2
	clients 4
	stop ws2 KILL
	wait_until 10 server_is ws2 DOWN
	run -0 wsctl status
	says "chat: 1/2 nodes serving"
	[[ $output =~ ws2\ +127.0.0.1:${PORT[ws2]}\ +ready\ +down\ L4 ]]
	says "! ws2 does not answer"
}

@test "redis away: 69, clients from /healthz, and why the nodes can't deliver" {
	cluster ws1 ws2
	clients 3
	stop_redis
	wait_until 10 health_is ws1 503
	run -69 wsctl status
	says "3 clients, redis away, local ok"
	says "! redis 127.0.0.1:${PORT[redis]}: connection refused"
	says "! ws1 can't deliver: "
}

@test "HAProxy away: 69, and the nodes' own words" {
	cluster ws1 ws2
	stop haproxy
	run -69 wsctl status
	says "redis ok, local away"
	says "admin.sock"
	says_not "absent"
	[[ $output =~ ws1\ +127.0.0.1:${PORT[ws1]}\ +ready\ +-\ +-\ +0 ]]
}

@test "strangers and absentees are told apart" {
	cluster ws1
	new_node ws2
	run -0 wsctl status
	says "1/1 node serving"
	says "! ws2 is on redis, but not in the cluster: wsctl add ws2 $(at ws2)"
	sed -i "s/^nodes:/nodes:\n  ws3: 127.0.0.1:9/" wscale.yaml
	run -0 wsctl status
	says "! ws3 is not in HAProxy: wsctl add ws3 127.0.0.1:9"
	says "! ws3 does not answer"
}

@test "a node that runs with other keys is told" {
	cluster ws1
	sed -i 's/^nodes:/channels: { default: lobby }\nnodes:/' wscale.yaml
	run -0 wsctl status
	says "! ws1 runs with other redis, auth or channels keys than $W/wscale.yaml has: copy it there, then systemctl reload wsnode@ws1"
}

@test "a Redis that refuses what clients publish is told, with its words" {
	YAML_CHANNELS='rules: [{ match: "news:*", history: { size: 5 } }]'
	cluster ws1
	ws_open a "$(url ws1 /ws/news:x)"
	rcli config set maxmemory 1
	ws_send a lost
	wait_until 5 reaches 1 metric ws1 wsnode_publish_errors_total
	run -0 wsctl status
	[[ $output =~ "! ws1: redis refused 1 message of its clients, the last "[0-9]+"s ago: OOM command not allowed" ]]
	refute grep -q "user_script" <<<"$output"
	# The node's own canary is refused too: that isn't a client's message, but a reason to take nobody.
	wait_until 10 health_is ws1 503
	[[ $(health ws1 .reason) == *"OOM command not allowed"* ]]
	[ "$(metric ws1 wsnode_publish_errors_total)" = 1 ]
}

@test "a drain that isn't wsctl's is told" {
	cluster ws1 ws2
	clients 2
	hap "set server wscale_chat/ws2 state drain"
	run -0 wsctl status
	says "! ws2 is in drain in HAProxy, not by wsctl: wsctl ready ws2"
	wsctl ready ws2
	control ws2 '"do":"drain","grace_ms":60000' | jq -e .ok
	wait_until 10 server_is ws2 NOLB
	run -0 wsctl status
	says "! ws2 itself is drain"
	[[ $output =~ ws2\ .*leaving ]]
}

@test "status NAME shows one node in detail" {
	cluster ws1 ws2
	clients 2
	run -0 wsctl status ws2
	[ "${lines[0]}" = "ws2 at $(at ws2)" ]
	says "state     ready"
	says "health    up, L7OK (UP), for "
	says "clients   1 of "
	says "start id $(health ws2 .start_id)"
	run -1 wsctl status ws9
	says 'unknown node "ws9"; wsctl status lists them'
}

@test "a weight that keeps clients away, or isn't the file's, is said" {
	cluster ws1 ws2
	run -0 wsctl weight ws1 0
	says_not "no other node serves"
	run -0 wsctl status
	says "! ws1 has weight 0 and gets no new clients: wsctl weight ws1 100"
	run -0 wsctl weight ws2 0
	says "note: no other node serves; new clients will get 503"
	wsctl weight ws1 100
	hap "set server wscale_chat/ws1 weight 10"
	run -0 wsctl status
	says "! ws1 has weight 10 in HAProxy, 100 in $W/wscale.yaml: wsctl weight ws1 100"
	run -0 wsctl weight ws1 100
	says "ws1: weight 10 -> 100"
	wsctl weight ws2 100
	run -0 wsctl status
	says_not "weight"
}

@test "--json: every key, whatever is away" {
	cluster ws1 ws2
	clients 2
	keys='.version == 1 and .cluster == "chat" and (.redis | has("ok")) and (.haproxy | has("old_workers"))
		and (.nodes | length == 2) and (.nodes[0] | has("name") and has("address") and has("state")
		and has("health") and has("connections") and has("clients") and has("out_per_s") and has("weight"))
		and (.warnings | type == "array")'
	wsctl status --json | jq -e "$keys and .ok and .serving == 2 and .clients == 2 and .nodes[0].health == \"up\""
	wsctl status ws2 --json | jq -e '.nodes | length == 1 and .[0].name == "ws2"'
	stop_redis
	run -69 --separate-stderr wsctl status --json
	jq -e "$keys and .ok == false and .redis.ok == false" <<<"$output"
	stop haproxy
	run -69 --separate-stderr wsctl status --json
	jq -e "$keys and .haproxy.ok == false" <<<"$output"
}

@test "every key of the JSON is in the manual" {
	cluster ws1 ws2
	clients 2
	{
		wsctl status --json
		wsctl channels news --json
		wsctl publish news x --json
		wsctl drain ws2 --json
		wsctl ready ws2 --json
		wsctl remove ws2 --json
		wsctl add ws2 "$(at ws2)" --json
		wsctl drain ws9 --json || :
	} | jq -r '[paths | .[] | strings] | unique[]' | sort -u >keys
	[ "$(wc -l <keys)" -gt 40 ]
	sed -n '/^\.Sh JSON/,/^\.Sh ENV/p' "$ROOT/man/wsctl.8" | grep -oE '[a-z_]+' | sort -u >documented
	[ "$(comm -23 keys documented)" = "" ] || fail "not in wsctl(8): $(comm -23 keys documented)"
}

@test "a piped table has no colour and isn't cut" {
	cluster ws1
	unset NO_COLOR
	wsctl status | cat >out
	not grep -q $'\033' out
}
