#!/usr/bin/env bats
# Goal: with two balancers every command is about both, without a thought of yours; what one of them
# couldn't be told is named, and nobody waits for a host that is dead.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/balancers.bash"

# each_client N: N clients through each balancer.
each_client() {
	local i lb
	for lb in lb1 lb2; do
		for ((i = 0; i < $1; i++)); do
			CLIENTS=$((CLIENTS + 1))
			ws_open "c$CLIENTS" "$(url "$lb" /ws/news)"
		done
	done
}
far_server_is() { [[ $(far server_status "$1") == "$2"* ]]; }
admin_of() { hap "show servers state wscale_chat" | awk -v n="$1" '$4 == n { print $7 }'; }
lock_is_held() { [ "$(rcli exists "chat.lock.$1")" = 1 ]; }
no_ssh_left() { [ ! -e hosts/lb2.pids ] || ! xargs -a hosts/lb2.pids ps -o args= -p | grep -q relay; }

@test "add: checked and in service on both, each with its own file" {
	two_balancers ws1
	new_node ws2
	run -0 wsctl add ws2 "$(at ws2)"
	says "ws2 at $(at ws2) is up and takes clients"
	server_is ws2 UP
	far_server_is ws2 UP
	cmp lb/haproxy.cfg far/haproxy.cfg
	grep -q "server ws2 " far/haproxy.cfg
	run -0 wsctl add ws2 "$(at ws2)"
	says "nothing to do"
	wait_until 5 no_ssh_left
}

@test "drain: no new clients on either, and zero on both before it ends; it survives a reload of both" {
	two_balancers ws1 ws2
	each_client 4
	run -0 wsctl drain ws2
	says "ws2: 4 clients"
	says "4 moved, 0 killed, lb1, lb2 and old workers at 0"
	says "safe to stop"
	[ "$(closed_with 1012)" = 4 ]
	[ "$(the_row lb ws2)" = "8 100" ]
	[ "$(the_row far ws2)" = "8 100" ]
	reload_haproxy
	reload_far
	[ "$(admin_of ws2)" = 8 ]
	[ "$(far admin_of ws2)" = 8 ]
	run -0 wsctl drain ws2
	says "drained already"
	run -0 wsctl ready ws2
	server_is ws2 UP
	far_server_is ws2 UP
	[ -z "$(the_row lb ws2)$(the_row far ws2)" ]
}

@test "drain waits for the tunnels on the other balancer's old worker" {
	two_balancers ws1 ws2
	each_client 4
	reload_far
	background drain drain ws2 --rate 1/m
	wait_until 10 log_has drain "ws2: 4 clients"
	run -75 wsctl drain ws2 --deadline 2s --force
	says "on lb2's old worker"
	for c in 1 2 3 4 5 6 7 8; do ws_stop "c$c"; done
	exits drain 15
	[ "$STATUS" = 0 ]
}

@test "drain --kill cuts what is left on both" {
	two_balancers ws1 ws2
	each_client 4
	run -0 wsctl drain ws2 --rate 1/m --deadline 2s --kill
	says "lb1, lb2 and old workers at 0"
	clients_are ws2 0
}

@test "cordon, ready and weight are the same on both, and in both state files" {
	two_balancers ws1 ws2
	wsctl cordon ws2
	[ "$(admin_of ws2)" = 8 ]
	[ "$(far admin_of ws2)" = 8 ]
	wsctl weight ws2 30
	[ "$(the_row lb ws2)" = "8 30" ]
	[ "$(the_row far ws2)" = "8 30" ]
	far hap "show servers state wscale_chat" | awk '$4 == "ws2" && $8 == 30 { found = 1 } END { exit !found }'
	wsctl ready ws2
	far_server_is ws2 UP
}

@test "remove: out of both, and forgotten on both" {
	two_balancers ws1 ws2
	each_client 2
	run -0 wsctl remove ws2
	says "ws2 removed"
	not in_haproxy ws2
	not far in_haproxy ws2
	refute grep -q ws2 wscale.yaml lb/haproxy.cfg far/haproxy.cfg lb/state/wscale_chat.state far/state/wscale_chat.state
	wsctl status --json | jq -e '.clients == 2 and .haproxy.balancer == "lb1"'
}

@test "status: connections of both added up, each balancer by name, a node that one of them lacks" {
	two_balancers ws1 ws2
	each_client 4
	run -0 wsctl status
	says "lb1 ok, lb2 ok"
	wsctl status --json | jq -e '[.balancers[].balancer] == ["lb1", "lb2"] and ([.nodes[].connections] | add) == 8 and .warnings == []'
	wsctl status --json | jq -e '.nodes[0].balancers | map(.connections) == [2, 2]'
	far hap "set server wscale_chat/ws2 state maint"
	run -0 wsctl status
	says "ws2 is out of service on lb2, but lb1 sends it clients: wsctl apply"
	far hap "del server wscale_chat/ws2"
	wait_until 10 not far in_haproxy ws2 || far hap "shutdown sessions server wscale_chat/ws2"
	run -0 wsctl status ws2
	says "lb1       UP"
}

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
	printf '#!/bin/bash\nexec sleep 1000\n' >bin/ssh
	local began
	began=$(now_ms)
	run -69 wsctl status
	says "lb2: ssh root@lb2: no answer within 10 s"
	[ $(($(now_ms) - began)) -lt $((20000 * WAIT_FACTOR)) ]
	# ... and is gone with the command.
	refute pgrep -f "^sleep 1000$"
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

@test "a file on the other balancer that was edited by hand stops an add before anything is changed" {
	two_balancers ws1
	new_node ws2
	echo "# mine" >>far/haproxy.cfg
	run -1 wsctl add ws2 "$(at ws2)"
	says "lb2: $W/lb/haproxy.cfg: edited by hand"
	refute grep -q ws2 wscale.yaml lb/haproxy.cfg
	not in_haproxy ws2
}

@test "a node that one balancer can't reach isn't added to any" {
	mkdir nodes none
	two_balancers ws1
	launch_node ws2 --listen "unix:$W/nodes/ws2.sock"
	wait_until 10 test -S nodes/ws2.sock
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

@test "two admins on two hosts: the second learns who is at it, and comes in once that one is done" {
	two_balancers ws1
	new_node ws2
	background add add ws2 "$(at ws2)"
	wait_until 5 lock_is_held node-ws2
	kill -STOP "$(pid add)"
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
	far_server_is ws2 DRAIN
}

@test "from a host that is no balancer: all by ssh, nothing of this host's HAProxy is touched" {
	two_balancers ws1 ws2
	sed -i 's#balancers: .*#balancers: { lb2: "ssh://root@lb2" }#' wscale.yaml
	cp lb/haproxy.cfg here.cfg
	run -0 wsctl status
	says "clients, redis ok, lb2 ok"
	wsctl status --json | jq -e '.haproxy.balancer == "lb2"'
	run -0 wsctl check
	new_node ws3
	run -0 wsctl add ws3 "$(at ws3)"
	run -0 wsctl cordon ws2
	far_server_is ws2 DRAIN
	far_server_is ws3 UP
	server_is ws2 UP
	not in_haproxy ws3
	cmp lb/haproxy.cfg here.cfg
	lb2_away
	run -69 wsctl ready ws2
	says "lb2: ssh root@lb2: "
}

@test "through a real sshd, with the relay as the key's forced command; the wrong key asks for nothing" {
	requires sshd ssh-keygen
	two_balancers ws1 ws2
	port sshd
	ssh-keygen -q -t ed25519 -N "" -f host_key
	ssh-keygen -q -t ed25519 -N "" -f key
	ssh-keygen -q -t ed25519 -N "" -f other
	printf 'restrict,command="%s/wsctl relay" %s\n' "$BUILD" "$(<key.pub)" >authorized
	printf '[127.0.0.1]:%s %s\n' "${PORT[sshd]}" "$(<host_key.pub)" >known
	mkdir -p /run/sshd
	spawn sshd nsenter -t "$(pid ns2)" -m "$(command -v sshd)" -D -e -f /dev/null -p "${PORT[sshd]}" \
		-o ListenAddress=127.0.0.1 -h "$W/host_key" -o "AuthorizedKeysFile=$W/authorized" \
		-o StrictModes=no -o PidFile=none -o PermitRootLogin=yes -o UsePAM=no
	wait_until 5 log_has sshd "Server listening"
	cat >config <<-END
		Host lb2
			HostName 127.0.0.1
			Port ${PORT[sshd]}
			User root
			IdentityFile $W/key
			IdentitiesOnly yes
			UserKnownHostsFile $W/known
	END
	local ssh
	ssh=$(PATH=${PATH#"$W/bin:"} command -v ssh)
	printf '#!/bin/bash\nexec "%s" -F "%s/config" "$@"\n' "$ssh" "$W" >bin/ssh
	run -0 wsctl status
	says "lb1 ok, lb2 ok"
	each_client 2
	run -0 wsctl drain ws2
	says "lb1, lb2 and old workers at 0"
	far_server_is ws2 NOLB || far_server_is ws2 DRAIN
	# It can do nothing else.
	run -64 ssh lb2 "cat /etc/shadow" <<<"x"
	says_not "root:"
	sed -i "s#$W/key#$W/other#" config
	run -69 wsctl status
	says "lb2: ssh root@lb2: "
	says "Permission denied (publickey"
	sed -i "s#$W/other#$W/key#; s#$W/known#$W/none#" config
	run -69 wsctl status
	says "Host key verification failed"
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

@test "Ctrl-C in a drain reaches wsctl alone: both keep draining, and ready undoes it on both" {
	two_balancers ws1 ws2
	each_client 4
	background drain drain ws2 --rate 1/m
	wait_until 10 log_has drain "ws2: 4 clients"
	kill -INT -- "-$(pid drain)"
	exits drain 10
	[ "$STATUS" = 130 ]
	log_has drain "ws2 keeps draining; undo: wsctl ready ws2"
	[ -z "$(rcli --raw keys 'chat.lock.*')" ]
	run -0 wsctl ready ws2
	far_server_is ws2 UP
	wait_until 5 no_ssh_left
}
