#!/usr/bin/env bats
# Goal: with two balancers every command is about both, without a thought of yours.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/balancers.bash"

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

@test "a file on the other balancer that was edited by hand stops an add before anything is changed" {
	two_balancers ws1
	new_node ws2
	echo "# mine" >>far/haproxy.cfg
	run -1 wsctl add ws2 "$(at ws2)"
	says "lb2: $W/lb/haproxy.cfg: edited by hand"
	refute grep -q ws2 wscale.yaml lb/haproxy.cfg
	not in_haproxy ws2
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
	[ "$(far admin_of ws2)" = 8 ]
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

@test "apply brings a drain back that HAProxy forgot on both; --state on this host, without asking the other" {
	two_balancers ws1 ws2
	wsctl -q drain ws2
	# a HAProxy that doesn't read its state file, as on 32-bit systems
	sed -i "s/^  extra:/&\n    backend: load-server-state-from-file none/" wscale.yaml
	run -0 wsctl apply
	[ "$(admin_of ws2)" = 8 ]
	[ "$(far admin_of ws2)" = 8 ]
	rm hosts/lb2
	reload_alone
	[ "$(admin_of ws2)" = 0 ]
	run -0 wsctl apply --state
	says "ws2 gets no new clients"
	says_not "lb2"
	[ "$(admin_of ws2)" = 8 ]
}
