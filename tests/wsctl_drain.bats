#!/usr/bin/env bats
# Goal: a node's clients move to the others without a single 1006, at the pace that was asked for, and
# wsctl says only then "safe to stop" when every worker of HAProxy is at zero.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

@test "drain: every client gets 1012 and comes back elsewhere; the node is empty and told so" {
	cluster ws1 ws2
	clients 6
	[ "$(conns ws2)" = 3 ]
	run -0 wsctl drain ws2
	says "ws2: 3 clients at 200/s, at once; ws1 has room for "
	says "ws2 drained in "
	says "3 moved, 0 killed, local and old workers at 0"
	says "safe to stop; afterwards: wsctl ready ws2"
	wait_until 5 reaches 3 closed_with 1012
	clients_are ws2 0
	# New ones go elsewhere.
	clients 2
	clients_are ws1 5
	state_is_now ws2 drained
	run -0 wsctl drain ws2
	says "ws2 is drained already"
	run -0 wsctl ready ws2
	says "ws2 is up and takes clients"
	state_is_now ws2 ready
	clients 2
	reaches 1 health ws2 .clients
}

@test "--rate paces, and the time it says is the time it takes" {
	cluster ws1 ws2
	clients 8
	start=$(now_ms)
	run -0 wsctl drain ws2 --rate 2/s
	says "4 clients at 2/s, about 2s"
	took=$(($(now_ms) - start))
	[ "$took" -ge 1400 ]
	[ "$took" -le $((4500 * WAIT_FACTOR)) ]
}

@test "--over spreads the clients over the time given" {
	cluster ws1 ws2
	clients 8
	start=$(now_ms)
	run -0 wsctl drain ws2 --over 3s
	took=$(($(now_ms) - start))
	[ "$took" -ge 2000 ]
	[ "$took" -le $((6000 * WAIT_FACTOR)) ]
}

@test "refused when nobody else would serve; --force does it anyway" {
	cluster ws1 ws2
	wsctl cordon ws1
	run -1 wsctl drain ws2
	says "ws1 is out of service (cordoned or drained)"
	says "no other node would serve the clients of ws2"
	state_is_now ws2 ready
	run -0 wsctl drain ws2 --force
	state_is_now ws2 drained
}

@test "the only node, and one whose neighbour is down, are refused too" {
	cluster ws1 ws2
	stop ws1
	wait_until 10 server_is ws1 DOWN
	run -1 wsctl drain ws2
	says "ws1 is down"
	clients 1
	clients_are ws2 1
}

@test "an unknown node is 1 and the known ones are named" {
	cluster ws1 ws2
	run -1 wsctl drain ws9
	says 'unknown node "ws9"; there are ws1, ws2'
}

@test "-n says what would happen; nobody is moved" {
	cluster ws1 ws2
	clients 4
	run -0 wsctl drain -n ws2
	says "ws2: 2 clients at 200/s"
	says "would drain ws2; nothing changed"
	state_is_now ws2 ready
	clients_are ws2 2
	run -0 wsctl drain -n ws2 --over 20s
	says "ws2: 2 clients at 6/m, about 10s; "
	ws_stop c1
	ws_stop c2
	ws_stop c3
	wait_until 5 eval '[ "$(conns ws1)/$(conns ws2)" = 0/1 ] || [ "$(conns ws1)/$(conns ws2)" = 1/0 ]'
	local last=ws1
	[ "$(conns ws2)" = 0 ] || last=ws2
	run -0 wsctl drain -n "$last" --over 20s
	says "$last: 1 client, at once; "
}

@test "deadline passed: 75 and who is left where; --kill cuts and counts them" {
	cluster ws1 ws2
	clients 4
	run -75 wsctl drain ws2 --rate 1/m --deadline 4s
	says "ws2: 1 client left after 4s"
	says "1 on local"
	says "cut them: wsctl drain ws2 --kill"
	state_is_now ws2 draining
	run -0 wsctl drain ws2 --rate 1/m --deadline 1s --kill
	says "0 moved, 1 killed"
	wait_until 5 eval 'cat log/ws.c* | grep -qx eof'
}

@test "Ctrl-C: it says what goes on and how to undo it, 130; ready undoes it" {
	cluster ws1 ws2
	clients 4
	background drain drain ws2 --rate 1/m
	wait_until 5 log_has drain "ws2: 2 clients at 1/m"
	kill -INT "$(pid drain)"
	exits drain 5
	[ "$STATUS" = 130 ]
	log_has drain "ws2 keeps draining; undo: wsctl ready ws2"
	state_is_now ws2 draining
	wsctl ready ws2
	state_is_now ws2 ready
	health_is ws2 200
	clients_are ws2 1
}

@test "a second drain of the same node follows the first" {
	cluster ws1 ws2
	clients 4
	background one drain ws2 --rate 1/m
	wait_until 5 log_has one "ws2: 2 clients"
	background two drain ws2
	wait_until 5 log_has two "locked by .*pid $(pid one), drain ws2"
	wait_until 5 log_has two "following that drain"
	# Somebody is in a hurry and takes the last client away.
	for c in 1 2 3 4; do ws_stop "c$c"; done
	exits one 10
	[ "$STATUS" = 0 ]
	exits two 10
	[ "$STATUS" = 0 ]
	log_has two "ws2 drained in "
}

@test "ready ends a drain that somebody waits for: that one fails and says who" {
	cluster ws1 ws2
	clients 4
	background drain drain ws2 --rate 1/m
	wait_until 5 log_has drain "ws2: 2 clients"
	run -0 wsctl ready ws2
	exits drain 10
	[ "$STATUS" = 1 ]
	log_has drain "ws2 was made ready again by "
	server_is ws2 UP
}

@test "--no-wait begins it and returns" {
	cluster ws1 ws2
	clients 4
	run -0 wsctl drain ws2 --no-wait
	says "wait for it: wsctl drain ws2"
	wait_until 10 state_is_now ws2 drained
	run -0 wsctl drain ws2
}

@test "tunnels on an old worker count: drained means that they are gone too" {
	cluster ws1 ws2
	clients 4
	reload_haproxy
	[ "$(conns ws2)" = 0 ]
	run -0 wsctl status
	says "local old worker "
	says "holds 4 clients"
	run -0 wsctl drain ws2 --rate 2/s
	says "2 moved, 0 killed"
	clients_are ws2 0
	wait_until 5 reaches 2 closed_with 1012
}

@test "a drain survives a reload of HAProxy" {
	cluster ws1 ws2
	wsctl drain ws2
	reload_haproxy
	state_is_now ws2 drained
	clients 3
	clients_are ws2 0
	run -0 wsctl ready ws2
}

@test "a dead node without clients drains with a note" {
	cluster ws1 ws2
	stop ws2 KILL
	wait_until 10 server_is ws2 DOWN
	run -0 wsctl drain ws2
	says "note: ws2 does not answer; it has no clients"
	state_is_now ws2 drained
}

@test "a node that hangs: HAProxy's half is done and waited for; --kill says how many were cut" {
	cluster ws1 ws2
	clients 4
	kill -STOP "$(pid ws2)"
	run -75 wsctl drain ws2 --deadline 2s
	says "note: ws2 does not answer; waiting for its 2 tunnels to end"
	says "2 on local"
	run -0 wsctl drain ws2 --deadline 1s --kill
	says "0 ended, 2 killed"
}

@test "a node that dies in its drain: what nobody can know is not called moved" {
	cluster ws1 ws2
	clients 8
	background drain drain ws2 --rate 1/m
	wait_until 5 log_has drain "ws2: 4 clients"
	wait_until 5 clients_are ws2 3
	kill -KILL "$(pid ws2)"
	exits drain 10
	[ "$STATUS" = 0 ]
	log_has drain "1 moved, 0 killed, 3 unknown since it stopped answering" ||
		log_has drain "0 moved, 0 killed, 4 unknown since it stopped answering"
}

@test "a node that stands still for a moment at the end of its drain isn't taken for dead" {
	cluster ws1 ws2
	stop ws1 KILL
	wait_until 10 server_is ws1 DOWN
	# Its own clients, that no HAProxy has.
	liar ws1 '"clients":3,"per_second":1'
	background drain drain ws1
	wait_until 5 log_has drain "ws1: 3 clients"
	lie ''
	wait_until 5 test -s ignored
	lie '"clients":0'
	exits drain 10
	[ "$STATUS" = 0 ]
	log_has drain "3 moved, 0 killed, local"
}

@test "a node that Redis was away from when its drain began is told as soon as it is back" {
	cluster ws1 ws2
	stop ws2 KILL
	wait_until 10 server_is ws2 DOWN
	port gate
	gate
	rm -f "$W/pid/ws2"
	spawn ws2 "$BUILD/wsnode" -c "$W/wscale.yaml" --redis "redis://127.0.0.1:${PORT[gate]}" ws2
	wait_until 10 server_is ws2 UP
	clients 4
	[ "$(conns ws2)" = 2 ]
	stop gate KILL
	wait_until 5 numsub_is chat.ctl.ws2 0
	background drain drain ws2
	wait_until 10 log_has drain "note: ws2 does not answer; waiting for its 2 tunnels to end"
	gate
	exits drain 30
	[ "$STATUS" = 0 ]
	log_has drain "^ws2 answers now, and drains"
	log_has drain "2 moved, 0 killed, local and old workers at 0"
	wait_until 5 reaches 2 closed_with 1012
	[ "$(closed_with 1006)" = 0 ]
}
gate() { spawn gate socat "TCP-LISTEN:${PORT[gate]},bind=127.0.0.1,reuseaddr,fork" "TCP:127.0.0.1:${PORT[redis]}"; }

@test "redis away: no new clients come, the other half is told, 69" {
	cluster ws1 ws2
	clients 4
	stop_redis
	run -69 wsctl drain ws2
	says "redis 127.0.0.1:${PORT[redis]}: connection refused"
	says "to move its 2 clients: systemctl stop wsnode@ws2 on its host, or, once redis is back: wsctl drain ws2; undo: wsctl ready ws2"
	[ "$(conns ws2)" = 2 ]
	server_is ws2 DRAIN || server_is ws2 DOWN || server_is ws2 NOLB
	start_redis
	for n in ws1 ws2; do wait_until 10 health_is "$n" 200; done
	wait_until 10 server_is ws1 UP
	run -0 wsctl status
	says "! ws2: HAProxy sends it nobody new, but the node isn't draining: wsctl drain ws2 (undo: wsctl ready ws2)"
	run -0 wsctl drain ws2
	says "ws2 drained in "
	run -0 wsctl status
	says_not "isn't draining"
}

@test "HAProxy away: 69, the clients stay" {
	cluster ws1 ws2
	stop haproxy
	run -69 wsctl drain ws2
	health_is ws2 200
}

@test "--json: one object, moved and killed apart" {
	cluster ws1 ws2
	clients 4
	run -0 --separate-stderr wsctl drain ws2 --json
	jq -e '.version == 1 and .ok and .node == "ws2" and .state == "drained" and .moved == 2 and .killed == 0' <<<"$output"
	[[ $stderr == *"safe to stop"* ]]
	run -0 --separate-stderr wsctl drain ws1 --json -q --force
	[ "$stderr" = "" ]
	wsctl ready ws2
	run -1 --separate-stderr wsctl drain ws9 --json
	jq -e '.version == 1 and .ok == false and (.error | test("unknown node"))' <<<"$output"
}

@test "a drain that would overload the others is refused, with the figures; --force moves them anyway" {
	YAML_NODE="max_clients: 20"
	cluster ws1 ws2 ws3
	hap "set maxconn server wscale_chat/ws3 4"
	# 12 on ws1, 12 on ws2, 4 on ws3 when it is full.
	clients 28
	wait_until 5 eval '[ "$(conns ws1)/$(conns ws2)/$(conns ws3)" = 12/12/4 ]'
	run -1 wsctl drain ws2
	says "wsctl: the other nodes have room for 8 of the 12 clients of ws2: ws1 8 (12 of 20 clients), ws3 0 (4 of maxconn 4); --force moves them anyway, and who finds no place gets 503"
	run -1 wsctl drain ws2 -n
	says "have room for 8 of the 12 clients"
	run -1 wsctl remove ws2
	says "have room for 8 of the 12 clients"
	run -1 --separate-stderr wsctl drain ws2 --json
	jq -e '.ok == false and .exit == 1 and (.error | test("room for 8 of the 12 clients"))' <<<"$output"
	state_is_now ws2 ready
	clients_are ws2 12
	run -0 wsctl drain ws2 --force --rate 1000/s
	says "note: the other nodes have room for 8 of 12 clients: ws1 8"
	state_is_now ws2 drained
}

@test "room is counted where clients can go: not on nodes that are drained, cordoned, leaving or silent" {
	YAML_NODE="max_clients: 20"
	cluster ws1 ws2 ws3
	clients 12
	wsctl cordon ws3
	wait_until 5 eval '[ "$(conns ws2)" = 4 ]'
	run -0 wsctl drain ws2 -n
	says "ws2: 4 clients at 200/s, at once; ws1 has room for 16"
	wsctl ready ws3
	# It hangs; HAProxy doesn't know yet.
	kill -STOP "$(pid ws1)"
	kill -STOP "$(pid ws3)"
	run -1 wsctl drain ws2
	says "room for 0 of the 4 clients of ws2: ws1 0 (no answer), ws3 0 (no answer)"
	kill -CONT "$(pid ws1)" "$(pid ws3)"
	wait_until 10 checked ws1
	wait_until 10 checked ws3
	# By its own word it is on its way out; HAProxy's next check will see it.
	control ws1 '"do":"drain","per_second":1,"grace_ms":60000' >/dev/null
	run wsctl drain ws2 -n
	[[ $output == *"ws3 has room for 12"* || $output == *"ws1 and ws3 have room for 12"* ]]
}
