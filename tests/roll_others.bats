#!/usr/bin/env bats
# Goal: a node that `wsctl roll` has at work belongs to it: who else would touch it is told by whom it
# is rolled; and a roll doesn't touch what others took out of the cluster meanwhile.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/balancers.bash"
. "$BATS_TEST_DIRNAME/roll.bash"

# gated: a restart that waits for a line in "gate".
gated() {
	mkfifo gate
	printf '#!/bin/bash\ntouch "%s/at.$1"\nread -r _ <"%s/gate"\nexec "%s/restart" "$1"\n' "$W" "$W" "$W" >gated
	chmod +x gated
}

@test "while its command runs, ready, drain, cordon and remove of that node are kept out" {
	cluster ws1 ws2 ws3
	gated
	background it roll ws1 ws2 --exec "$W/gated {name}"
	wait_until 20 test -e at.ws1
	local who c
	who="$(id -un)@$(hostname) (pid $(pid it), roll)"
	for c in ready drain cordon remove; do
		run -75 wsctl "$c" ws1
		says "locked by $who"
	done
	run -0 wsctl status
	says "! ws1 is rolled by $who"
	says_not "wsctl ready ws1"
	[ "$(wsctl status --json | jq -r '.nodes[0].rolled_by, .nodes[1].rolled_by')" = "$who"$'\n'null ]
	run -75 wsctl roll -n
	says "locked by $who"
	run -0 wsctl status --check
	run -0 wsctl status ws1
	says "state     drained, rolled by $who"
	# One that it hasn't begun is anybody's.
	run -0 wsctl cordon ws2
	run -0 wsctl ready ws2
	grep -q "  ws1: " wscale.yaml
	echo >gate
	wait_until 20 test -e at.ws2
	# Nor is one that it is done with.
	run -0 wsctl cordon ws1
	run -0 wsctl ready ws1
	says_not "locked"
	echo >gate
	exits it 30
	[ "$STATUS" = 0 ]
	run -0 wsctl status
	says_not "!"
	all_well
}

@test "killed: its node is free at once, and status says how it comes back" {
	cluster ws1 ws2
	gated
	background it roll ws1 --exec "$W/gated {name}"
	wait_until 20 test -e at.ws1
	stop it KILL
	run -0 wsctl status
	says "! ws1 drained "
	says ": wsctl ready ws1"
	run -0 wsctl ready ws1
	all_well
}

@test "with two balancers the other host's wsctl is kept out too, however long the command takes" {
	two_balancers ws1 ws2
	gated
	background it roll ws1 --exec "$W/gated {name}"
	wait_until 20 test -e at.ws1
	run -75 far_wsctl ready ws1
	says "locked by $(id -un)@$(hostname) (pid $(pid it), roll)"
	run -0 far_wsctl status
	says "! ws1 is rolled by "
	# They are renewed, or would end by themselves.
	rcli del chat.lock.roll chat.lock.roll-ws1 >/dev/null
	wait_until 15 lock_is_held roll-ws1
	wait_until 15 lock_is_held roll
	echo >gate
	exits it 30
	[ "$STATUS" = 0 ]
	[ -z "$(rcli --raw keys 'chat.lock.*')" ]
}

@test "a node that was removed meanwhile is skipped" {
	cluster ws1 ws2 ws3
	gated
	background it roll --exec "$W/gated {name}"
	wait_until 20 test -e at.ws1
	run -0 wsctl remove ws2
	echo >gate
	wait_until 20 test -e at.ws3
	log_has it "ws2 is no longer in the cluster; skipped"
	echo >gate
	exits it 30
	[ "$STATUS" = 0 ]
	log_has it "2 nodes rolled in"
	[ ! -e at.ws2 ]
	[ "$(restarted)" = "ws1 ws3" ]
}

@test "a node whose address was changed meanwhile is rolled where it is now" {
	cluster ws1 ws2
	gated
	background it roll --exec "$W/gated {name} {port}"
	wait_until 20 test -e at.ws1
	sed -i "s/^  ws2: .*/  ws2: 127.0.0.1:1/" wscale.yaml
	echo >gate
	wait_until 20 log_has it "running: $W/gated ws2 1$"
	kill -INT "$(pid it)"
	exits it 20
	[ "$STATUS" = 130 ]
}
