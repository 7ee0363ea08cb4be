#!/usr/bin/env bats
# Goal: `wsctl plan` tells what lies between the YAML and what runs, a line for each difference, and
# nothing where there is none; `wsctl apply` then does just that, over the socket where it can.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

# The cluster as apply leaves it.
applied() {
	cluster "$@"
	run -0 wsctl apply
}
same() { wsctl plan -q; }
# line REGEX: the last `run` printed such a line.
line() { grep -qxE -- "$1" <<<"$output" || fail "no line $1 in: $output"; }
# yaml_add LINE: a line more under nodes:, as an editor writes it.
yaml_add() { sed -i "/^nodes:/a\\  $1" wscale.yaml; }

@test "nothing differs: 0, and apply has nothing to do" {
	applied ws1 ws2
	run -0 wsctl plan
	[ "$output" = "no difference" ]
	run -0 wsctl apply
	says "nothing to do"
	wsctl plan --json | jq -e '.version == 1 and .same and .differences == [] and .adds == 0'
}

@test "the plan of a day: a node more, a weight, a node less, another port, a drain that stays" {
	NODES="ws1 ws2 ws3"
	cluster ws1 ws2 ws3
	new_node ws4
	port other
	clients 3
	wsctl drain ws1 -q
	wait_until 10 state_is_now ws1 drained
	yaml_add "ws4: $(at ws4)"
	sed -i -e "s/^  ws2: .*/  ws2: { address: $(at ws2), weight: 50 }/" -e '/^  ws3:/d' \
		-e "s/^  bind: .*/  bind: \"127.0.0.1:${PORT[other]}\"/" wscale.yaml
	cp wscale.yaml before.yaml
	cp haproxy.cfg before.cfg
	run -2 --separate-stderr wsctl plan
	line "\\+ ws4 +$(at ws4) +\(runtime\)"
	line "~ ws2 +weight 100 -> 50 +\(runtime\)"
	line "- ws3 +[0-9]+ clients?, [01]s drain +\(runtime; needs --allow-remove\)"
	line "! bind +127.0.0.1:${PORT[haproxy]} -> 127.0.0.1:${PORT[other]} +\(reload; [0-9]+ stays? on the old worker\)"
	line "  ws1 +drained by [a-z]+ [0-9:]+, kept"
	[ "${lines[-1]}" = "1 add, 1 change, 1 remove, 1 reload; run: wsctl apply --allow-remove" ]
	cmp wscale.yaml before.yaml
	cmp haproxy.cfg before.cfg
	wsctl plan --json | jq -e '.same == false and .adds == 1 and .changes == 1 and .removes == 1 and .reloads == 1
		and (.differences | map(select(.name == "ws4")) | .[0].kind == "add" and .[0].how == "runtime")
		and .kept[0].name == "ws1"' || [ $? -eq 2 ]

	# Not without being told to remove: then all of it, and the drain is still one.
	run -1 wsctl apply
	says "wsctl apply --allow-remove"
	cmp haproxy.cfg before.cfg
	run -0 wsctl apply -n --allow-remove
	says "nothing changed"
	cmp haproxy.cfg before.cfg
	run -0 wsctl apply --allow-remove
	says "haproxy reloaded"
	same
	PORT[haproxy]=${PORT[other]}
	server_is ws4 UP
	not in_haproxy ws3
	[ "$(hap "show servers state wscale_chat" | awk '$4 == "ws1" { print $7 }')" = 8 ]
	[ "$(hap "show servers state wscale_chat" | awk '$4 == "ws2" { print $8 }')" = 50 ]
	state_is_now ws1 drained
	clients 1
	[ "$(closed_with 1006)" = 0 ]
}

@test "only servers changed: apply doesn't reload" {
	applied ws1 ws2
	local before
	before=$(worker_pid)
	new_node ws3
	yaml_add "ws3: { address: $(at ws3), weight: 7, maxconn: 77 }"
	run -0 wsctl apply
	says "+ ws3"
	says "done"
	server_is ws3 UP
	[ "$(worker_pid)" = "$before" ]
	grep -q "server ws3 $(at ws3) .*weight 7 maxconn 77" haproxy.cfg
	sed -i "s/weight: 7, maxconn: 77/weight: 9, maxconn: 99/" wscale.yaml
	run -2 wsctl plan
	says "weight 7 -> 9"
	says "maxconn 77 -> 99"
	run -0 wsctl apply
	same
	[ "$(worker_pid)" = "$before" ]
}

@test "an address that changed: the old process is drained first, the new one gets the clients" {
	applied ws1 ws2
	local old=${PORT[ws2]}
	clients 4
	port moved
	spawn moved "$BUILD/wsnode" -c "$W/wscale.yaml" ws2b --listen "127.0.0.1:${PORT[moved]}"
	wait_until 10 health_is moved 200
	sed -i "s/^  ws2: .*/  ws2: 127.0.0.1:${PORT[moved]}/" wscale.yaml
	run -2 wsctl plan
	says "~ ws2"
	says "address 127.0.0.1:$old -> 127.0.0.1:${PORT[moved]}"
	run -0 wsctl apply
	same
	server_is ws2 UP
	hap "show servers state wscale_chat" | grep -q " ws2 127.0.0.1 .* ${PORT[moved]} "
	[ "$(closed_with 1006)" = 0 ]
}

@test "a node that is down is applied all the same, and gets no client until it answers" {
	applied ws1
	port ws2
	yaml_add "ws2: $(at ws2)"
	run -0 wsctl apply
	says "ws2 fails its check: it gets clients as soon as that passes"
	server_is ws2 DOWN
	same
	start_node ws2
	wait_until 10 server_is ws2 UP
}

@test "what HAProxy has lost of a drain, or has without anybody's word, apply puts right" {
	applied ws1 ws2 ws3
	wsctl drain -q ws1
	hap "set server wscale_chat/ws1 state ready" >/dev/null
	hap "set server wscale_chat/ws2 state drain" >/dev/null
	run -2 wsctl plan
	line "~ ws1 +ready -> drain, drained by [a-z]+ [0-9:]+ +\(runtime\)"
	line "~ ws2 +drain -> ready, no note says so +\(runtime\)"
	run -0 wsctl apply
	same
	state_is_now ws1 drained
	server_is ws2 UP
}

@test "HAProxy doesn't run, or lacks our backend: said, and what can be done is" {
	NODES=ws1
	start_redis
	write_yaml
	start_node ws1
	run -69 wsctl plan
	says "haproxy.cfg is missing"
	says "is HAProxy running?"
	run -69 wsctl apply
	says "is HAProxy running?"
	[ -s haproxy.cfg ]
	mv haproxy.cfg ours.cfg
	printf 'global\n\tstats socket %s/admin.sock level admin expose-fd listeners\n' "$W" >haproxy.cfg
	printf 'defaults\n\tmode http\n\ttimeout connect 1s\n\ttimeout client 1s\n\ttimeout server 1s\nfrontend other\n\tbind 127.0.0.1:%s\n' "${PORT[haproxy]}" >>haproxy.cfg
	start_haproxy
	run -1 wsctl apply
	says "not written by wsctl"
	run -0 wsctl apply --overwrite
	says "haproxy reloaded"
	same
	wait_until 10 server_is ws1 UP
	clients 1
}

@test "a file that HAProxy refuses is never put in place, and one that is edited by hand isn't either" {
	applied ws1
	cp haproxy.cfg before.cfg
	printf '  extra: { global: "nonsense here" }\n' | sed -i '/^haproxy:/r /dev/stdin' wscale.yaml
	run -1 wsctl apply
	says "nonsense"
	cmp haproxy.cfg before.cfg
	sed -i '/nonsense/d' wscale.yaml
	echo "# by hand" >>haproxy.cfg
	run -2 wsctl plan
	says "is edited by hand"
	run -1 wsctl apply
	says "discard: wsctl apply --overwrite"
	run -0 wsctl apply --overwrite
	cmp haproxy.cfg before.cfg
}

@test "HAProxy was reloaded with another file than the YAML gives: seen, and put right by a reload" {
	applied ws1 ws2
	sed -i 's/maxconn: 5000/maxconn: 4000/' wscale.yaml
	wsctl generate -q -o haproxy.cfg
	reload_haproxy
	sed -i 's/maxconn: 4000/maxconn: 5000/' wscale.yaml
	wsctl generate -q -o haproxy.cfg
	run -2 wsctl plan
	says "has loaded another file than this"
	run -0 wsctl apply
	says "haproxy reloaded"
	same
}

@test "a node that goes: its clients on old workers are counted, and what is allowed isn't asked for" {
	applied ws1 ws2
	clients 6
	reload_haproxy
	clients 2
	[ "$(conns ws2)" -le 2 ]
	sed -i '/^  ws2:/d' wscale.yaml
	run -2 --separate-stderr wsctl plan
	line "- ws2 +4 clients, [01]s drain +\(runtime; needs --allow-remove\)"
	wsctl plan --json >said || [ $? -eq 2 ]
	jq -e '.differences[] | select(.name == "ws2") | .what[:9] == "4 clients" and (.how | endswith("needs --allow-remove"))' said
	run -0 --separate-stderr wsctl apply --allow-remove -n
	line "- ws2 +4 clients, [01]s drain +\(runtime; drains it first\)"
	wsctl apply --allow-remove -n --json | jq -e '.differences[] | select(.name == "ws2") | .how == "runtime; drains it first"'
	run -0 wsctl apply --allow-remove
	says "(runtime; drains it first)"
	says "4 moved, 0 killed"
}
