#!/usr/bin/env bats
# Goal: at night two admins, a reload and a kill -9 meet: what one has changed is still there when the
# other's command ends, and nothing is called drained that isn't.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

# The state file's row of NODE: port-independent, "ADMIN WEIGHT".
row_of() { awk -v n="$1" '$1 != "#" && $4 == n { print $7, $8 }' state/wscale_chat.state; }
# A haproxy whose -c waits for the gate: whoever validates holds the edit lock meanwhile.
gated() {
	mkfifo gate
	mkdir slow
	printf '#!/bin/bash\nread -r _ <%s/gate\nexec %s "$@"\n' "$W" "$(PATH=$PATH:/usr/sbin command -v haproxy)" >slow/haproxy
	chmod +x slow/haproxy
}
# unlocked NAME: nobody has that lock.
unlocked() { ! grep -q ":$(stat -c %i "state/lock-$1") " /proc/locks; }
waits_for_lock() { grep -q "lock-edit" <(ls -l "/proc/$(pid "$1")/fd" 2>/dev/null); }

@test "an add that finishes an earlier one keeps what another add wrote meanwhile" {
	cluster ws1
	new_node ws2
	new_node ws3
	# Interrupted behind its first write.
	sed -i "s/^nodes:/nodes:\n  ws2: $(at ws2)/" wscale.yaml
	gated
	spawn holder env PATH="$W/slow:$PATH" "$BUILD/wsctl" -c "$W/wscale.yaml" add ws3 "$(at ws3)"
	wait_until 10 grep -q 'add ws3' state/lock-edit
	background late add ws2 "$(at ws2)"
	wait_until 10 waits_for_lock late
	echo >gate
	exits holder 20
	[ "$STATUS" = 0 ]
	exits late 20
	[ "$STATUS" = 0 ]
	for n in ws1 ws2 ws3; do
		grep -q "server $n " haproxy.cfg
		server_is "$n" UP
	done
}

@test "generate renders today's YAML, also when it waited for an add" {
	cluster ws1
	new_node ws2
	gated
	spawn holder env PATH="$W/slow:$PATH" "$BUILD/wsctl" -c "$W/wscale.yaml" add ws2 "$(at ws2)"
	wait_until 10 grep -q 'add ws2' state/lock-edit
	background late generate -o "$W/haproxy.cfg"
	wait_until 10 waits_for_lock late
	echo >gate
	exits holder 20
	[ "$STATUS" = 0 ]
	exits late 20
	[ "$STATUS" = 0 ]
	grep -q "server ws2 " haproxy.cfg
}

@test "the end of a long drain leaves what others wrote to the state file" {
	cluster ws1 ws2 ws3
	clients 6
	background drain drain ws1 --rate 1/m
	wait_until 5 log_has drain "ws1: 2 clients"
	wsctl cordon ws2
	wsctl weight ws2 30
	[ "$(row_of ws2)" = "8 30" ]
	wsctl ready ws3
	for c in 1 2 3 4 5 6; do ws_stop "c$c"; done
	exits drain 10
	[ "$STATUS" = 0 ]
	[ "$(row_of ws2)" = "8 30" ]
	[ "$(row_of ws1)" = "8 100" ]
}

@test "a node made ready is never called drained, however its last client leaves" {
	cluster ws1 ws2
	clients 4
	background drain drain ws2 --rate 1/m
	wait_until 5 log_has drain "ws2: 2 clients"
	wait_until 5 unlocked drain-room
	kill -STOP "$(pid drain)"
	wsctl ready ws2
	for c in 1 2 3 4; do ws_stop "c$c"; done
	wait_until 5 clients_are ws2 0
	kill -CONT "$(pid drain)"
	exits drain 10
	[ "$STATUS" = 1 ]
	log_has drain "ws2 was made ready again by "
	refute grep -q "^# wscale ws2 drained" state/wscale_chat.state
	server_is ws2 UP
}

@test "an add killed before HAProxy's checks were on is finished by the next one" {
	cluster ws1
	new_node ws2
	sed -i "s/^nodes:/nodes:\n  ws2: $(at ws2)/" wscale.yaml
	hap "add server wscale_chat/ws2 $(at ws2) check inter 2s fall 3 rise 2 weight 100 maxconn 20000" | grep -q registered
	run -0 wsctl add ws2 "$(at ws2)"
	says "ws2 at $(at ws2) is up and takes clients"
	server_is ws2 UP
	# ... and by ready, where checks were switched off.
	hap "set server wscale_chat/ws2 state maint"
	hap "disable health wscale_chat/ws2"
	run -0 wsctl ready ws2
	server_is ws2 UP
}

@test "a node of weight 0 can be added, drained and made ready like any other" {
	cluster ws1
	new_node ws2
	run -0 wsctl add ws2 "$(at ws2)" --weight 0
	says "is up"
	run -0 wsctl drain ws2
	run -0 wsctl ready ws2
	run -0 wsctl weight ws2 50
	server_is ws2 UP
}

@test "an add that fails takes back its own line, not the one another admin wrote meanwhile" {
	cluster ws1
	new_node ws2
	new_node ws3
	background failing add ws2 "$(at ws2)"
	wait_until 5 grep -q ws2 haproxy.cfg
	wait_until 5 unlocked edit
	kill -STOP "$(pid failing)"
	stop ws2 KILL
	wsctl add ws3 "$(at ws3)"
	kill -CONT "$(pid failing)"
	exits failing 30
	if [ "$STATUS" = 0 ]; then skip "the check was faster"; fi
	refute grep -q ws2 wscale.yaml
	refute grep -q "server ws2 " haproxy.cfg
	grep -q "  ws3: $(at ws3)" wscale.yaml
	grep -q "server ws3 " haproxy.cfg
	log_has failing "ws2 was not added"
}

@test "drain --no-wait returns at once, also while another waits" {
	cluster ws1 ws2
	clients 4
	background drain drain ws2 --rate 1/m
	wait_until 5 log_has drain "ws2: 2 clients"
	run -0 timeout $((20 * WAIT_FACTOR)) "$BUILD/wsctl" -c wscale.yaml drain ws2 --no-wait
	says "wait for it: wsctl drain ws2"
	alive drain
}

@test "a drain that began while the master didn't answer counts old workers once it does" {
	cluster ws1 ws2
	clients 4
	reload_haproxy
	mv master.sock away.sock
	background drain drain ws2 --rate 1/m
	wait_until 10 log_has drain "old workers can't be seen"
	mv away.sock master.sock
	never 4 gone drain
	for c in 1 2 3 4; do ws_stop "c$c"; done
	exits drain 10
	[ "$STATUS" = 0 ]
	log_has drain "local and old workers at 0"
}

@test "a node removed while somebody drains it: that one is told so" {
	cluster ws1 ws2
	clients 4
	background drain drain ws2 --rate 1/m
	wait_until 5 log_has drain "ws2: 2 clients"
	wait_until 5 unlocked drain-room
	kill -STOP "$(pid drain)"
	for c in 1 2 3 4; do ws_stop "c$c"; done
	run -0 wsctl remove ws2
	kill -CONT "$(pid drain)"
	exits drain 10
	[ "$STATUS" = 1 ]
	log_has drain "ws2 was removed meanwhile"
}

@test "a node removed while somebody else removes it: that one ends well too" {
	cluster ws1 ws2
	clients 4
	background one remove ws2 --rate 1/m
	wait_until 5 log_has one "ws2: 2 clients"
	wait_until 5 unlocked drain-room
	kill -STOP "$(pid one)"
	for c in 1 2 3 4; do ws_stop "c$c"; done
	run -0 wsctl remove ws2
	kill -CONT "$(pid one)"
	exits one 10
	[ "$STATUS" = 0 ]
	log_has one "ws2 was removed by another wsctl"
	refute grep -q ws2 wscale.yaml haproxy.cfg
	not in_haproxy ws2
}

@test "two removes of one node at once: both end well, and it is gone once" {
	cluster ws1 ws2 ws3
	clients 6
	background one remove ws2 --rate 12/m
	wait_until 5 grep -q "^# wscale ws2 draining" state/wscale_chat.state
	background two remove ws2
	exits one 30
	[ "$STATUS" = 0 ]
	exits two 30
	[ "$STATUS" = 0 ]
	refute grep -q ws2 wscale.yaml haproxy.cfg
	not in_haproxy ws2
	server_is ws1 UP
}

@test "two drains at once don't both count the same room" {
	YAML_NODE="max_clients: 20"
	cluster ws1 ws2 ws3
	clients 24
	background one drain ws2 --rate 1/m --no-wait
	background two drain ws3 --rate 1/m --no-wait
	exits one 20
	a=$STATUS
	exits two 20
	[ "$((a + STATUS))" = 1 ]
	grep -qE "room for [0-9]+ of the 8 clients of ws[23]: .*moves its [0-9]+ there too" log/one log/two
}

@test "ready holds, also when HAProxy is reloaded at that moment" {
	cluster ws1 ws2
	for _ in 1 2 3 4; do
		wsctl cordon ws2
		background ready ready ws2
		kill -USR2 "$(pid haproxy)"
		exits ready 20
		[ "$STATUS" = 0 ]
		[ -z "$(row_of ws2)" ]
		reload_haproxy
		hap "show servers state wscale_chat" | awk '$4 == "ws2" && $7 == 0 { found = 1 } END { exit !found }'
	done
}
