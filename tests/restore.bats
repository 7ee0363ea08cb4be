#!/usr/bin/env bats
# Goal: where HAProxy finds nothing in its state file, as on 32-bit systems, cordons and drains come
# back all the same: after its start and reload by haproxy.service.d/wscale.conf, after apply's own
# reload by apply. A YAML that somebody is editing isn't applied by that.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

FORGETS='load-server-state-from-file none'

# forgetful NODE...: a cluster whose HAProxy doesn't read the state file.
forgetful() {
	YAML_HAPROXY="extra: { backend: \"$FORGETS\" }"
	cluster "$@"
}
# admin NODE: HAProxy's srv_admin_state of it: 0, 8 is a drain, 1 maintenance.
admin() { hap "show servers state wscale_chat" | awk -v s="$1" '$4 == s { print $7 }'; }
drains() { [ "$(admin "$1")" = 8 ]; }
gets_clients() { [ "$(admin "$1")" = 0 ]; }
weight_of() { hap "show servers state wscale_chat" | awk -v s="$1" '$4 == s { print $8 }'; }

@test "a drain and a cordon that HAProxy forgot are brought back, and nothing else of the YAML is" {
	forgetful ws1 ws2 ws3
	wsctl -q drain ws2
	wsctl -q cordon ws3
	reload_alone
	gets_clients ws2
	gets_clients ws3
	sed -i "s/^  ws1: .*/  ws1: { address: $(at ws1), weight: 7 }/; s/^  maxconn: .*/  maxconn: 777/" wscale.yaml
	cp haproxy.cfg before.cfg
	run -0 wsctl apply --state -n
	says "ws2 would get no new clients: drained by"
	says "ws3 would get no new clients: cordoned by"
	gets_clients ws2
	run -0 wsctl apply --state
	says "ws2 gets no new clients: drained by"
	says "ws3 gets no new clients: cordoned by"
	drains ws2
	drains ws3
	gets_clients ws1
	[ "$(weight_of ws1)" = 100 ]
	cmp haproxy.cfg before.cfg
	state_is_now ws2 drained
	state_is_now ws3 cordoned
	clients 3
	clients_are ws1 3
	run -0 wsctl apply --state
	says "nothing to do"
}

@test "right behind a reload's signal, as systemd calls it, it waits for the new worker" {
	forgetful ws1 ws2
	wsctl -q drain ws2
	local i old
	for i in 1 2 3; do
		old=$(worker_pid)
		kill -USR2 "$(pid haproxy)"
		run -0 wsctl -q apply --state
		[ -z "$output" ] || fail "$output"
		worker_is_not "$old"
		drains ws2
	done
}

@test "with nobody out of service it asks nobody: HAProxy may be away" {
	forgetful ws1
	stop haproxy
	run -0 wsctl apply --state
	says "nothing to do"
	run -0 --separate-stderr wsctl --json apply --state
	[ "$(jq -cS 'del(.version)' <<<"$output")" = '{"drained":[],"dry_run":false,"ok":true}' ]
}

@test "HAProxy away: 69, and it says so; back: --json names who was drained" {
	forgetful ws1 ws2
	wsctl -q drain ws2
	stop haproxy
	run -69 wsctl apply --state
	says "is HAProxy running?"
	start_haproxy
	wait_until 10 gets_clients ws2
	run -0 --separate-stderr wsctl --json apply --state
	[ "$(jq -cS 'del(.version)' <<<"$output")" = '{"drained":["ws2"],"dry_run":false,"ok":true}' ]
	drains ws2
}

@test "a node that is ready again meanwhile isn't drained, nor one in maintenance made less of" {
	forgetful ws1 ws2 ws3
	wsctl -q drain ws2
	wsctl -q cordon ws3
	reload_alone
	wsctl -q ready ws2
	hap "set server wscale_chat/ws3 state maint" >/dev/null
	run -0 wsctl apply --state
	says "nothing to do"
	gets_clients ws2
	[ "$(admin ws3)" = 1 ]
}

@test "while somebody changes a state it waits for that one; interrupted, it ends with 130" {
	forgetful ws1 ws2
	wsctl -q drain ws2
	reload_alone
	spawn holder python3 -c 'import fcntl, sys, time
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
f.write("eve@lb9 (pid 1, cordon ws1)\n")
f.flush()
time.sleep(1000)' state/lock-edit
	wait_until 5 grep -q eve state/lock-edit
	background restoring apply --state
	never 6 ended restoring
	kill -INT "$(pid restoring)"
	exits restoring 5
	[ "$STATUS" = 130 ]
	background restoring apply --state
	stop holder
	exits restoring 10
	[ "$STATUS" = 0 ]
	drains ws2
}
ended() { ! kill -0 "$(pid "$1")" 2>/dev/null; }

@test "apply's own reload keeps drains too" {
	forgetful ws1 ws2
	wsctl -q drain ws2
	sed -i "s/^  maxconn: .*/  maxconn: 4321/" wscale.yaml
	run -0 wsctl apply
	says "haproxy reloaded"
	says "ws2 gets no new clients: drained by"
	drains ws2
	wsctl plan -q
}

@test "--state is for a balancer's own host, and goes with nothing else that apply does" {
	forgetful ws1
	run -64 wsctl apply --state --rollback
	says "without --rollback"
	run -64 wsctl apply --state --allow-remove
	run -64 wsctl apply --state --overwrite
	run -64 wsctl apply --state --deadline 5s
	sed -i 's#^haproxy:#&\n  balancers: { lb2: "ssh://root@lb2" }#' wscale.yaml
	run -1 wsctl apply --state
	says "none of haproxy.balancers is local"
}
