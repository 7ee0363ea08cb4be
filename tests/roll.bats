#!/usr/bin/env bats
# Goal: `wsctl roll` gives each node a new process, one after the other, and no client notices; it
# believes no command's word, stops at the first node that fails, and goes on where it was.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/roll.bash"

@test "all nodes, one after the other: new processes, clients moved and none cut" {
	cluster ws1 ws2 ws3
	clients 6
	local a b c
	a=$(start_id ws1) b=$(start_id ws2) c=$(start_id ws3)
	run -0 wsctl roll --exec "$W/restart {name}"
	says "ws1: running: $W/restart ws1"
	says "ws1: restarting ws1"
	says "ws3 is up and takes clients"
	says "3 nodes rolled in"
	[ "$(restarted)" = "ws1 ws2 ws3" ]
	[ "$(start_id ws1)" != "$a" ]
	[ "$(start_id ws2)" != "$b" ]
	[ "$(start_id ws3)" != "$c" ]
	all_well
	[ ! -e state/roll ]
	wsctl plan -q
}

@test "-n says each command and does nothing; the default is the unit, through ssh where it isn't here" {
	cluster ws1 ws2
	# They needn't be installed here.
	mkdir bin
	cp restart bin/systemctl
	cp restart bin/ssh
	local PATH=$W/bin:$PATH
	run -0 wsctl roll -n
	says "would drain ws1, run: systemctl restart wsnode@ws1"
	says "nothing changed"
	sed -i 's/^  ws2: .*/  ws2: 192.0.2.7:8081/' wscale.yaml
	run -0 wsctl roll -n ws2
	says "would drain ws2, run: ssh -o BatchMode=yes root@192.0.2.7 systemctl restart wsnode@ws2"
	run -0 wsctl roll -n ws2 --reboot
	says "root@192.0.2.7 systemctl reboot"
	run -1 wsctl roll -n ws1 --reboot
	says "ws1 is on this host"
	cp restart "a b"
	run -0 wsctl roll -n ws2 --exec "'./a b' {host}:{port} \"c\\\"d\" {name}.x"
	says "run: './a b' 192.0.2.7:8081 'c\"d' ws2.x"
}

@test "the command fails: it stops there, says what is done and left, and goes on when called again" {
	cluster ws1 ws2 ws3
	printf '#!/bin/bash\n[ "$1" != ws2 ] || [ -e "%s/mended" ] || exit 3\nexec "%s/restart" "$1"\n' "$W" "$W" >flaky
	chmod +x flaky
	run -1 wsctl roll --exec "$W/flaky {name}"
	says "ws2: the command failed with exit status 3"
	says "done: ws1"
	says "in the middle: ws2"
	says "left: ws3"
	state_is_now ws2 drained
	server_is ws3 UP
	touch mended
	run -0 wsctl roll --exec "$W/flaky {name}"
	says "going on with the roll that was stopped: 1 of 3 done"
	says "ws1 is done already, in the last "
	[ "$(restarted)" = "ws1 ws2 ws3" ]
	all_well
}

@test "a command that restarts nothing isn't believed" {
	cluster ws1 ws2
	run -75 wsctl roll --exec true --wait 1s
	says "ws1: no new process of that name within 1s of the command"
	[ "$(restarted)" = "" ]
	run -0 wsctl ready ws1
	all_well
}

@test "killed in the middle: called again, it doesn't restart twice what it has restarted" {
	cluster ws1 ws2
	printf '#!/bin/bash\n"%s/restart" "$1"\n[ "$1" != ws1 ] || [ -e "%s/killed" ] || { touch "%s/killed"; sleep 60; }\n' "$W" "$W" "$W" >hangs
	chmod +x hangs
	background it roll --exec "$W/hangs {name}"
	wait_until 20 test -e killed
	wait_until 10 health_is ws1 200
	stop it KILL
	run -0 wsctl roll --exec "$W/hangs {name}"
	[ "$(restarted)" = "ws1 ws2" ]
	all_well
}

@test "Ctrl-C: the command ends, 130, and what is in the middle is said" {
	cluster ws1 ws2
	background it roll --exec "sleep 300"
	wait_until 20 log_has it "running: sleep 300"
	kill -INT "$(pid it)"
	exits it 10
	[ "$STATUS" = 130 ]
	log_has it "in the middle: ws1"
	log_has it "left: ws2"
	run -0 wsctl ready ws1
	all_well
}

@test "two at a time, with --max-unavailable 2" {
	cluster ws1 ws2 ws3 ws4
	run -0 wsctl roll --exec "$W/restart {name}" --max-unavailable 2
	[ "$(restarted)" = "ws1 ws2 ws3 ws4" ]
	# Both are out before either is back.
	[[ $output == *"ws1: running"*"ws2: running"*"ws1 is up"*"ws3: running"*"ws4: running"*"ws3 is up"* ]]
	all_well
}

@test "a node that an operator keeps drained stays so, unless it is named" {
	cluster ws1 ws2 ws3
	wsctl drain -q ws3
	run -0 wsctl roll --exec "$W/restart {name}"
	says "ws3 is drained by"
	[ "$(restarted)" = "ws1 ws2" ]
	state_is_now ws3 drained
	run -0 wsctl roll ws3 --exec "$W/restart {name}"
	[ "$(restarted)" = "ws1 ws2 ws3" ]
	all_well
}

@test "what can't be meant is refused before anything is drained" {
	cluster ws1 ws2
	run -1 wsctl roll ws2 --reboot
	says "ws2 is on this host"
	run -64 wsctl roll --reboot --exec true
	run -64 wsctl roll --shell
	run -1 wsctl roll nobody
	says "unknown node \"nobody\""
}

@test "--shell: a shell's command, with the values in its environment" {
	cluster ws1
	new_node ws2
	wsctl add -q ws2 "$(at ws2)"
	# shellcheck disable=SC2016 # for that shell
	run -0 wsctl roll ws1 --shell --exec "$W/"'restart "$WSCALE_NAME" && echo "at $WSCALE_HOST:$WSCALE_PORT" >at'
	[ "$(cat at)" = "at $(at ws1)" ]
	all_well
}

@test "a drain that is refused has not begun: that node is left, and serves" {
	cluster ws1 ws2
	wsctl cordon -q ws1
	clients 2
	run -1 wsctl roll ws2 --exec "$W/restart {name}"
	says "no other node would serve the clients of ws2"
	says "left: ws2"
	says_not "in the middle: ws2"
	state_is_now ws2 ready
	wsctl ready -q ws1
	run -0 wsctl roll ws2 --exec "$W/restart {name}"
	all_well
}

@test "a mistyped command, and the right one afterwards: what the first left in the middle goes first" {
	cluster ws1 ws2 ws3
	wsctl drain -q ws3
	run -1 wsctl roll ws2 ws1 --exec "false {name}"
	says "in the middle: ws2"
	run -0 wsctl roll -n --exec "$W/restart {name}"
	says "another roll was stopped before its end; it would be forgotten (in the middle: ws2; left: ws1)"
	says "ws2, left in the middle, goes first"
	run -0 wsctl roll --exec "$W/restart {name}"
	says "it is forgotten (in the middle: ws2; left: ws1)"
	says "ws2, left in the middle, goes first"
	says "ws3 is drained by"
	says_not "ws2 is drained by"
	[ "$(restarted)" = "ws2 ws1" ]
	state_is_now ws3 drained
	wsctl ready -q ws3
	all_well
}

@test "two left in the middle, and the next command fails too: neither is forgotten" {
	cluster ws1 ws2 ws3 ws4
	run -1 wsctl roll --exec false --max-unavailable 2
	says "in the middle: ws1 ws2"
	run -1 wsctl roll --exec "false again"
	says "ws1 and ws2, left in the middle, go first"
	# Of others that are named they are no part; that they wait is said.
	run -0 wsctl roll -n ws4 --exec "$W/restart {name}"
	says "ws1 and ws2 stay drained, left in the middle; to roll them too, name them"
	run -0 wsctl roll --exec "$W/restart {name}"
	[ "$(restarted)" = "ws1 ws2 ws3 ws4" ]
	all_well
}

@test "what was in the middle and is ready again, by hand, is rolled like any other" {
	cluster ws1 ws2
	run -1 wsctl roll ws2 --exec false
	wsctl ready -q ws2
	run -0 wsctl roll --exec "$W/restart {name}"
	says_not "goes first"
	[ "$(restarted)" = "ws1 ws2" ]
}

@test "a command that can't be run is refused before anything is drained, also with -n" {
	cluster ws1 ws2
	local n
	for n in "" -n; do
		run -64 wsctl roll $n --exec ""
		run -64 wsctl roll $n --exec "  "
		says "--exec: the command is empty"
		run -64 wsctl roll $n --exec "'$W/restart {name}"
		says "has a quote that isn't closed"
		run -64 wsctl roll $n --exec "$W/restart {nam}"
		says "{nam} is no placeholder: {name}, {host} and {port} are"
		run -64 wsctl roll $n --exec "no-such-program {name}"
		says "no-such-program: not found in PATH"
		run -64 wsctl roll $n --exec "$W/restrat {name}"
		says "$W/restrat: no such file"
		run -64 wsctl roll $n --exec "$W/wscale.yaml {name}"
		says "$W/wscale.yaml: can't be run"
		run -64 wsctl roll $n --exec "./{name}/restart"
		says "ws1/restart: no such file"
		run -64 wsctl roll $n --exec "echo$(printf ' %s' {1..70})"
		says "has more than 63 words"
		run -64 wsctl roll $n --shell --exec " "
		says "--exec: the command is empty"
		# shellcheck disable=SC2016 # for that shell
		run -64 wsctl roll $n --shell --exec 'echo "$WSCALE_NAME'
		says "--exec: sh doesn't understand it"
		run -64 env PATH="$W" "$BUILD/wsctl" -c "$W/wscale.yaml" roll $n
		says "systemctl: not found in PATH"
	done
	server_is ws1 UP
	state_is_now ws1 ready
	[ ! -e state/roll ]
}

@test "-n is refused for what the roll would be refused for" {
	cluster ws1 ws2
	run -0 wsctl roll -n --exec true
	run -0 wsctl cordon ws2
	run -1 wsctl roll ws1 -n --exec true
	says "no other node would serve the clients of ws1"
	run -1 wsctl roll ws1 --exec true
	says "no other node would serve the clients of ws1"
	[ "$(state ws1)" = ready ]
}
