#!/usr/bin/env bats
# Goal: `remove` takes a node out for good without cutting anyone: drained, deleted, forgotten; `weight`
# changes shares live and for good.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

@test "remove: clients move, and the node is gone from the YAML, haproxy.cfg and HAProxy" {
	cluster ws1 ws2
	cp wscale.yaml before.yaml
	clients 4
	run -0 wsctl remove ws2
	says "2 moved, 0 killed"
	says "ws2 removed; on its host: systemctl disable --now wsnode@ws2"
	diff <(grep -v "^  ws2:" before.yaml) wscale.yaml
	not grep -q "server ws2 " haproxy.cfg
	not in_haproxy ws2
	not grep -q ws2 state/*.state
	# It may come back.
	health_is ws2 200
	run -0 wsctl add ws2 "$(at ws2)"
	cmp wscale.yaml before.yaml
}

@test "remove of what isn't there: 1, unknown node" {
	cluster ws1 ws2
	run -1 wsctl remove ws9
	says 'unknown node "ws9"'
	wsctl remove ws2
	run -1 wsctl remove ws2
	says 'unknown node "ws2"; there is ws1'
}

@test "a remove that was interrupted is finished by the next one" {
	cluster ws1 ws2
	sed -i '/^  ws2:/d' wscale.yaml
	run -0 wsctl status
	says "ws2 is in HAProxy, not in $W/wscale.yaml"
	run -0 wsctl remove ws2
	says "ws2 removed"
	not in_haproxy ws2
	# The other way round: HAProxy forgot it, the file didn't.
	sed -i "s/^nodes:/nodes:\n  ws3: 127.0.0.1:9/" wscale.yaml
	run -0 wsctl remove ws3
	not grep -q ws3 wscale.yaml
}

@test "the last node is not removed without --force" {
	cluster ws1
	run -1 wsctl remove ws1
	says "no other node would serve the clients of ws1"
	grep -q "^  ws1:" wscale.yaml
	server_is ws1 UP
}

@test "remove -n, a file edited by hand and edit: false change nothing" {
	cluster ws1 ws2
	cp wscale.yaml before.yaml
	run -0 wsctl remove -n ws2
	says "would remove ws2"
	cmp wscale.yaml before.yaml
	state_is_now ws2 ready
	echo "# mine" >>haproxy.cfg
	run -1 wsctl remove ws2
	says "edited by hand"
	cmp wscale.yaml before.yaml
	sed -i '/^# mine/d; $!b' haproxy.cfg
	sed -i 's/^haproxy:/haproxy:\n  edit: false/' wscale.yaml
	run -1 --separate-stderr wsctl remove ws1
	[ "$output" = "ws1: $(at ws1)" ]
	[[ $stderr == *"delete the line"* ]]
}

@test "a deadline that passes leaves the node in the cluster, draining" {
	cluster ws1 ws2
	clients 4
	run -75 wsctl remove ws2 --rate 1/m --deadline 1s
	grep -q "^  ws2:" wscale.yaml
	state_is_now ws2 draining
	run -0 wsctl remove ws2 --rate 1/m --deadline 1s --kill
	says "1 killed"
	not grep -q "^  ws2:" wscale.yaml
}

@test "remove --json" {
	cluster ws1 ws2
	run -0 --separate-stderr wsctl remove ws2 --json
	jq -e '.version == 1 and .ok and .node == "ws2" and .state == "removed"' <<<"$output"
}

weight_of() { hap "show servers state wscale_chat" | awk -v s="$1" '$4 == s { print $8 }'; }

@test "weight: live, in the YAML and in haproxy.cfg; again: nothing to do" {
	cluster ws1 ws2
	run -0 wsctl weight ws2 50
	says "ws2: weight 100 -> 50"
	[ "$(weight_of ws2)" = 50 ]
	grep -qx "  ws2: { address: $(at ws2), weight: 50 }" wscale.yaml
	grep -q "server ws2 .*weight 50" haproxy.cfg
	reload_haproxy
	[ "$(weight_of ws2)" = 50 ]
	run -0 wsctl weight ws2 50
	says "nothing to do"
	run -0 wsctl weight -n ws2 70
	says "would change weight 50 -> 70; nothing changed"
	[ "$(weight_of ws2)" = 50 ]
}

@test "weight of a drained node stays what it is after a reload" {
	cluster ws1 ws2
	wsctl drain ws2
	wsctl weight ws2 30
	reload_haproxy
	wait_until 10 state_is_now ws2 drained
	[ "$(weight_of ws2)" = 30 ]
}

@test "weight: an unknown node is 1, a bad number 64, HAProxy away 69 with the file as it was" {
	cluster ws1 ws2
	run -1 wsctl weight ws9 5
	run -64 wsctl weight ws1 -- -5
	run -64 wsctl weight ws1 257
	cp wscale.yaml before.yaml
	stop haproxy
	run -69 wsctl weight ws2 5
	cmp wscale.yaml before.yaml
}
