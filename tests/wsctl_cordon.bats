#!/usr/bin/env bats
# Goal: `cordon` keeps new clients away and leaves the old ones alone; `ready` brings a node back only
# when it can really serve; both survive a reload.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

@test "cordon: no new clients, the old ones stay, and status says who did it" {
	cluster ws1 ws2
	clients 4
	run -0 wsctl cordon ws2
	says "ws2 gets no new clients; undo: wsctl ready ws2"
	clients 4
	clients_are ws2 2
	clients_are ws1 6
	health_is ws2 200
	run -0 wsctl status
	says "! ws2 cordoned "
	says "by $(id -un)" || says "by ${SUDO_USER:-}"
	run -0 wsctl cordon ws2
	says "ws2 is cordoned already"
	run -0 wsctl ready ws2
	clients 2
	reaches 3 health ws2 .clients
}

@test "cordon survives a reload" {
	cluster ws1 ws2
	wsctl cordon ws2
	reload_haproxy
	state_is_now ws2 cordoned
	clients 3
	clients_are ws2 0
}

@test "cordon of the last serving node is done, with a warning" {
	cluster ws1
	run -0 wsctl cordon ws1
	says "no other node serves; new clients will get 503"
}

@test "cordon -n and ready -n change nothing" {
	cluster ws1 ws2
	run -0 wsctl ready -n ws2
	says "ws2 is ready already"
	run -0 wsctl cordon -n ws2
	says "would cordon ws2; nothing changed"
	wsctl cordon -n ws2 --json | jq -e '.version == 1 and .ok and .dry_run'
	wsctl drain -n ws2 --json | jq -e '.dry_run'
	wsctl generate -o new.cfg --json | jq -e '.ok and .file == "new.cfg"'
	state_is_now ws2 ready
	wsctl cordon ws2
	run -0 wsctl ready -n ws2
	says "ws2 is cordoned; would bring it back; nothing changed"
	state_is_now ws2 cordoned
}

@test "ready waits for a node that is just starting" {
	cluster ws1 ws2
	wsctl drain ws2
	stop ws2
	background ready ready ws2 --wait 20s
	launch_node ws2
	exits ready 20
	[ "$STATUS" = 0 ]
	server_is ws2 UP
	log_has ready "ws2 is up and takes clients"
}

@test "ready of a node that is down says so, 75, and it stays drained" {
	cluster ws1 ws2
	wsctl drain ws2
	stop ws2
	run -75 wsctl ready ws2 --wait 3s
	says "ws2 does not answer on redis"
	says "is wsnode@ws2 running on its host?"
	says "ws2 stays drained"
	state_is_now ws2 drained
}

@test "ready brings a server back from maintenance" {
	cluster ws1 ws2
	hap "set server wscale_chat/ws2 state maint"
	run -0 wsctl status
	says "ws2 is in maintenance in HAProxy: wsctl ready ws2"
	run -0 wsctl ready ws2
	server_is ws2 UP
	run -0 wsctl ready ws2
	says "ws2 is ready already"
}

@test "ready of a node that is not in HAProxy says how to add it" {
	cluster ws1
	new_node ws2
	sed -i "s/^nodes:/nodes:\n  ws2: $(at ws2)/" wscale.yaml
	run -1 wsctl ready ws2
	says "finish adding it: wsctl add ws2 $(at ws2)"
}

@test "redis away: cordon works, ready is 69" {
	cluster ws1 ws2
	stop_redis
	run -0 wsctl cordon ws2
	run -69 wsctl ready ws2
}
