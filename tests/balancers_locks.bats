#!/usr/bin/env bats
# Goal: two admins on two hosts keep out of each other's way: who is at it is named, and a lock never
# outlives its holder for long.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/balancers.bash"

@test "two admins on two hosts: the second learns who is at it, and comes in once that one is done" {
	two_balancers ws1
	new_node ws2
	# The node's answer is waited for under the lock.
	kill -STOP "$(pid ws2)"
	background add add ws2 "$(at ws2)"
	wait_until 5 lock_is_held node-ws2
	kill -STOP "$(pid add)"
	kill -CONT "$(pid ws2)"
	run -75 far_wsctl add ws2 "$(at ws2)"
	says "locked by "
	says "@$(hostname) (pid $(pid add), add ws2); had that been killed, the lock would end within "
	kill -CONT "$(pid add)"
	exits add 20
	[ "$STATUS" = 0 ]
	not lock_is_held node-ws2
	[ -z "$(rcli --raw keys 'chat.lock.*')" ]
	# Each host has a YAML of its own: the other one's must be told of the node.
	cp wscale.yaml far.yaml
	sed -i 's#balancers: .*#balancers: { lb1: "ssh://root@lb1", lb2: local }#' far.yaml
	run -0 far_wsctl drain ws2
	says "lb1, lb2 and old workers at 0"
	run -0 wsctl ready ws2
	far_server_is ws2 UP
}

@test "a drain on another host is attached to, as one on this host" {
	two_balancers ws1 ws2
	each_client 4
	background drain drain ws2 --rate 1/m
	wait_until 10 log_has drain "ws2: 4 clients"
	far_background late drain ws2
	wait_until 10 log_has late "following that drain"
	for c in 1 2 3 4 5 6 7 8; do ws_stop "c$c"; done
	exits late 15
	[ "$STATUS" = 0 ]
	exits drain 15
	[ "$STATUS" = 0 ]
}

@test "a killed holder's lock: this host goes on at once, another one when it has ended" {
	two_balancers ws1 ws2
	each_client 4
	background drain drain ws2 --rate 1/m
	wait_until 10 log_has drain "ws2: 4 clients"
	stop drain KILL
	lock_is_held node-ws2
	run -75 wsctl drain ws2 --rate 1/m --deadline 1s
	says "ws2: 3 clients left after 1s"
	not lock_is_held node-ws2
	rcli set chat.lock.node-ws3 "eve@lb9 (pid 1, add ws3) 00.ff" px 30000 >/dev/null
	new_node ws3
	run -75 wsctl add ws3 "$(at ws3)"
	says "locked by eve@lb9 (pid 1, add ws3); had that been killed, the lock would end within "
	rcli pexpire chat.lock.node-ws3 1 >/dev/null
	wait_until 10 not lock_is_held node-ws3
	run -0 wsctl add ws3 "$(at ws3)"
}

@test "Redis away: the local lock alone, with a note" {
	two_balancers ws1 ws2
	stop_redis
	run -0 wsctl cordon ws2
	says "wsctl on another host isn't kept out"
	[ "$(far admin_of ws2)" = 8 ]
}
