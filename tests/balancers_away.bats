#!/usr/bin/env bats
# Goal: what one of two balancers couldn't be told is named, and mended by apply; nobody waits for a host
# that is dead, hangs, vanishes or talks nonsense.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/balancers.bash"

@test "a dead balancer keeps nobody from draining: who isn't told is named, and the exit is 69" {
	two_balancers ws1 ws2
	each_client 4
	lb2_away
	run -69 wsctl drain ws2
	says "4 moved, 0 killed, lb1 and old workers at 0"
	says "lb2: ssh root@lb2: connect to host lb2 port 22: No route to host"
	says "ws2 is drained on lb1, not on lb2; once lb2 is back: wsctl apply"
	says "safe to stop"
	run -69 wsctl status
	says "lb1 ok, lb2 away"
	run -69 wsctl ready ws2
	says "ws2 is up and takes clients"
	says "ws2 is up on lb1, not on lb2"
	run -69 wsctl cordon ws2
	says "ws2 is cordoned on lb1, not on lb2"
	run -69 wsctl weight ws2 50
	says "ws2: weight 100 -> 50"
	new_node ws3
	run -69 wsctl add ws3 "$(at ws3)"
	says "ws3 is up on lb1, not on lb2"
	run -69 wsctl remove ws3
	says "ws3 is removed on lb1, not on lb2"
}

@test "a balancer whose HAProxy is down is named; the others go on" {
	two_balancers ws1 ws2
	stop_far
	run -69 wsctl cordon ws2
	says "lb2: $W/lb/admin.sock: "
	says "ws2 is cordoned on lb1, not on lb2"
	# Its state file knows: it comes back as it should be.
	[ "$(the_row far ws2)" = "8 100" ]
	start_far
	[ "$(far admin_of ws2)" = 8 ]
	run -0 wsctl status
	says "ws2 cordoned"
}

@test "an ssh that hangs costs its deadline once, not for each question" {
	two_balancers ws1 ws2
	local began mine=1000.$$
	printf '#!/bin/bash\nexec sleep %s\n' "$mine" >bin/ssh
	began=$(now_ms)
	run -69 wsctl status
	says "lb2: ssh root@lb2: no answer within 10 s"
	[ $(($(now_ms) - began)) -lt $((20000 * WAIT_FACTOR)) ]
	# ... and is gone with the command.
	refute pgrep -f "^sleep $mine\$"
}

@test "ssh's own words say what is wrong, whatever they hold" {
	two_balancers ws1
	printf '#!/bin/bash\nprintf "root@lb2: Permission denied (publickey,password).\\r\\n" >&2; exit 255\n' >bin/ssh
	run -69 wsctl status
	says "lb2: ssh root@lb2: root@lb2: Permission denied (publickey,password)."
	printf '#!/bin/bash\nprintf "bash: line 1: wsctl: command not found\\n" >&2; exit 127\n' >bin/ssh
	run -69 wsctl status
	says "wsctl: command not found; install wsctl there"
	printf '#!/bin/bash\nprintf "\\033[2J\\033]0;x\\a\\xff" >&2; exit 255\n' >bin/ssh
	wsctl status >seen 2>&1 || :
	grep -q "lb2: ssh root@lb2: ?\[2J" seen
	no_control_bytes seen
	printf '#!/bin/bash\nread -r _; echo "{\\"n\\":1,\\"relay\\":7,\\"version\\":\\"9.9\\",\\"ok\\":true}"; read -r _\n' >bin/ssh
	run -69 wsctl status
	says "lb2: ssh root@lb2: wsctl 9.9 there relays in another way than 0.1.0 here; install the same"
	printf '#!/bin/bash\nread -r _; echo hello; echo "{]"; read -r _\n' >bin/ssh
	run -69 wsctl status
	says "what answers there is no wsctl relay"
	printf '#!/bin/bash\nwhile :; do echo "{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{" ; done | tr -d "\\n"\n' >bin/ssh
	run -69 wsctl status
	says "it answers without an end"
}

@test "what a login prints there isn't taken for an answer; another version is said" {
	two_balancers ws1
	sed 's|^exec nsenter|echo "Welcome to lb2! {maintenance on sunday}"; echo; exec nsenter|' bin/ssh >bin/ssh2
	chmod +x bin/ssh2 && mv bin/ssh2 bin/ssh
	run -0 wsctl status
	says "lb2 ok"
	sed 's|exec nsenter|exec 3>\&1; exec > >(sed -u "s/0.1.0/0.0.9/" >\&3); exec nsenter|' bin/ssh >bin/ssh2
	chmod +x bin/ssh2 && mv bin/ssh2 bin/ssh
	run -0 wsctl status
	says "lb2 has wsctl 0.0.9, this host 0.1.0"
}

@test "a node that one balancer can't reach isn't added to any" {
	mkdir nodes none
	two_balancers ws1
	launch_node ws2 --listen "unix:$W/nodes/ws2.sock"
	wait_until 10 test -S nodes/ws2.sock
	wait_until 10 numsub_is chat.ctl.ws2 1
	on_lb2 mount --bind "$W/none" "$W/nodes"
	run -75 wsctl add ws2 "unix:$W/nodes/ws2.sock"
	says "ws2 does not pass lb2's check: "
	says "ws2 was not added, nothing changed"
	refute grep -q ws2 wscale.yaml lb/haproxy.cfg far/haproxy.cfg
	not in_haproxy ws2
	not far in_haproxy ws2
	on_lb2 umount "$W/nodes"
	run -0 wsctl add ws2 "unix:$W/nodes/ws2.sock"
	far_server_is ws2 UP
}

@test "lb2 vanishes in the middle of an add: lb1 has the node, lb2 is named" {
	two_balancers ws1
	new_node ws2
	# Between the files and HAProxy: when lb2 is asked for `add server`.
	cat >bin/gate <<-END
		#!/bin/bash
		while IFS= read -r line; do
			if [[ \$line == *"add server"* ]]; then echo gone >&2; exit 255; fi
			printf '%s\n' "\$line"
		done
	END
	chmod +x bin/gate
	sed 's|^exec nsenter|exec 3<\&0; exec < <('"$W"'/bin/gate <\&3); exec nsenter|' bin/ssh >bin/ssh2
	chmod +x bin/ssh2 && mv bin/ssh2 bin/ssh
	run -69 wsctl add ws2 "$(at ws2)"
	says "ws2 at $(at ws2) is up and takes clients"
	says "lb2: ssh root@lb2: "
	says "ws2 is up on lb1, not on lb2; once lb2 is back: wsctl apply"
	server_is ws2 UP
	not far in_haproxy ws2
	grep -q "  ws2: $(at ws2)" wscale.yaml
	# It is back.
	rm bin/gate && printf '#!/bin/bash\nexec cat\n' >bin/gate && chmod +x bin/gate
	run -2 wsctl plan
	says "ws2"
	run -0 wsctl apply
	far_server_is ws2 UP
	cmp lb/haproxy.cfg far/haproxy.cfg
	run -0 wsctl plan
	run -0 wsctl status
	says_not "!"
}

@test "what a balancer missed while it was away, apply mends: drained, ready, weight, added, removed" {
	two_balancers ws1 ws2 ws3
	new_node ws4
	lb2_away
	wsctl drain ws2 || [ $? = 69 ]
	wsctl weight ws1 50 || [ $? = 69 ]
	wsctl remove ws3 || [ $? = 69 ]
	wsctl add ws4 "$(at ws4)" || [ $? = 69 ]
	lb2_back
	far_server_is ws2 UP || far_server_is ws2 NOLB
	run -2 wsctl plan
	run wsctl apply --allow-remove
	wait_until 5 far_server_is ws4 UP
	[ "$(far admin_of ws2)" = 8 ]
	[ "$(the_row far ws2)" = "8 100" ]
	not far in_haproxy ws3
	far hap "show servers state wscale_chat" | awk '$4 == "ws1" && $8 == 50 { found = 1 } END { exit !found }'
	cmp lb/haproxy.cfg far/haproxy.cfg
	run -0 wsctl plan
}

@test "lb2 vanishes in the middle of a drain, and comes back: it is told, and waited for" {
	two_balancers ws1 ws2
	each_client 4
	background drain drain ws2 --rate 1/m
	wait_until 10 log_has drain "ws2: 4 clients"
	lb2_away
	stop_far
	never 3 gone drain
	start_far
	# It has forgotten, but for the state file.
	far hap "set server wscale_chat/ws2 state ready"
	lb2_back
	wait_until 40 log_has drain "lb2 is back"
	wait_until 5 far_server_is ws2 DRAIN || far_server_is ws2 NOLB
	for c in 1 2 3 4 5 6 7 8; do ws_stop "c$c"; done
	exits drain 20
	[ "$STATUS" = 0 ]
	log_has drain "lb1, lb2 and old workers at 0"
}
