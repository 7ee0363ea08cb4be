#!/usr/bin/env bats
# Goal: an apply can be taken back: the last five states that were applied are kept, and --rollback
# puts the one before in place, YAML first. Who deploys the YAML from elsewhere keeps it there.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

generations() { find state/generations -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -n | xargs; }
weight() { sed -i "s/^  ws1: .*/  ws1: { address: $(at ws1), weight: $1 }/" wscale.yaml; }
weighs() { [ "$(hap "show servers state wscale_chat" | awk '$4 == "ws1" { print $8 }')" = "$1" ]; }

@test "each apply that changes something is a generation; five are kept" {
	cluster ws1
	local w
	run -1 wsctl apply --rollback
	says "no generation to go back to"
	run -0 wsctl apply
	run -0 wsctl apply
	[ "$(generations)" = 1 ]
	for w in 10 20 30 40 50 60; do
		weight "$w"
		wsctl apply -q
	done
	[ "$(generations)" = "3 4 5 6 7" ]
	cmp wscale.yaml state/generations/7/wscale.yaml
	cmp haproxy.cfg state/generations/7/haproxy.cfg
}

@test "rollback: the YAML of before, applied; again: the one before that" {
	cluster ws1
	local w mode
	for w in 10 20 30; do
		weight "$w"
		wsctl apply -q
	done
	chmod 640 wscale.yaml
	run -0 wsctl apply --rollback -n
	says "weight 30 -> 20"
	says "nothing changed"
	weighs 30
	run -0 wsctl apply --rollback
	says "generation 2's again"
	weighs 20
	mode=$(stat -c %a wscale.yaml)
	[ "$mode" = 640 ]
	grep -q "weight: 20" wscale.yaml
	run -0 wsctl apply --rollback
	weighs 10
	run -1 wsctl apply --rollback
	says "no generation to go back to"
	wsctl plan -q
}

@test "an edit that was never applied: rollback is back to what runs" {
	cluster ws1
	weight 10
	wsctl apply -q
	weight 77
	run -0 wsctl apply --rollback
	grep -q "weight: 10" wscale.yaml
	weighs 10
}

@test "a node that came since then goes only with --allow-remove, and drained" {
	cluster ws1
	wsctl apply -q
	new_node ws2
	wsctl add -q ws2 "$(at ws2)"
	clients 4
	run -1 wsctl apply --rollback
	says "ws2 ("
	says "wsctl apply --rollback --allow-remove"
	grep -q ws2 wscale.yaml
	run -0 wsctl apply --rollback --allow-remove
	not grep -q ws2 wscale.yaml
	not in_haproxy ws2
	[ "$(closed_with 1006)" = 0 ]
}

@test "add, remove and weight are generations too: going back from an edit keeps the node added before it" {
	cluster ws1
	wsctl apply -q
	new_node ws2
	wsctl add -q ws2 "$(at ws2)"
	weight 30
	wsctl apply -q
	run -0 wsctl apply --rollback
	grep -q ws2 wscale.yaml
	in_haproxy ws2
	weighs 100
	run -0 wsctl weight ws1 40
	run -0 wsctl remove ws2 --over 1s
	run -0 wsctl apply --rollback
	in_haproxy ws2
	weighs 40
	run -0 wsctl apply --rollback
	weighs 100
	wsctl plan -q
	[ "$(generations)" = "1 2" ]
}

@test "edit: false: apply makes it so and never writes the YAML; the way back is where it comes from" {
	YAML_HAPROXY="edit: false"
	cluster ws1
	cp wscale.yaml before.yaml
	wsctl apply -q
	weight 10
	cp wscale.yaml before.yaml
	run -0 wsctl apply
	weighs 10
	run -1 wsctl apply --rollback
	says "haproxy.edit is false"
	cmp wscale.yaml before.yaml
}

@test "two applies at once: the second says who is at it" {
	cluster ws1
	exec 8>>state/lock-apply 9>&8
	mute ws2
	sed -i "s/^nodes:/nodes:\n  ws2: $(at ws2)/" wscale.yaml
	background first apply
	wait_until 5 grep -q apply state/lock-apply
	kill -STOP "$(pid first)"
	run -75 wsctl apply
	says "locked by"
	kill -CONT "$(pid first)"
	exits first 30
	[ "$STATUS" = 0 ]
}

@test "Ctrl-C in an apply: 130, it says where to look, and the next one finishes" {
	cluster ws1
	mute ws2
	sed -i "s/^nodes:/nodes:\n  ws2: $(at ws2)/" wscale.yaml
	background it apply
	wait_until 5 in_haproxy ws2
	kill -INT "$(pid it)"
	exits it 10
	[ "$STATUS" = 130 ]
	log_has it "what is left: wsctl plan"
	run -0 wsctl apply
	wsctl plan -q
}

@test "a reload that HAProxy refuses: what the file on the disk means is said, and the way back goes" {
	cluster ws1
	run -0 wsctl apply
	port taken
	spawn taken socat "TCP-LISTEN:${PORT[taken]},bind=127.0.0.1" STDOUT
	wait_until 5 listens taken
	sed -i "s/^  bind: .*/  bind: \"127.0.0.1:${PORT[taken]}\"/" wscale.yaml
	run -1 wsctl apply
	says "HAProxy refuses the new file and keeps its worker"
	says "HAProxy's next start would fail: mend what it says, or go back: wsctl apply --rollback"
	grep -q "bind 127.0.0.1:${PORT[taken]}" haproxy.cfg
	run -0 wsctl apply --rollback
	refute grep -q "bind 127.0.0.1:${PORT[taken]}" haproxy.cfg
	run -0 wsctl plan
}
# mute NAME: it takes connections and never answers: HAProxy's first check of it takes its whole time.
mute() {
	port "$1"
	spawn "$1" socat "TCP-LISTEN:${PORT[$1]},bind=127.0.0.1,fork" STDOUT
	wait_until 5 listens "$1"
}
