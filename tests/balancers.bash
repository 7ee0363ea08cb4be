# balancers.bash: a second balancer on this machine, on top of wsctl.bash. It has a mount namespace in
# which W/far lies over W/lb, where the YAML's paths are: the same names, other files. The "ssh" in
# W/bin enters it; a host without a file in W/hosts is out of reach.

# shellcheck shell=bash

# two_balancers NODE...: Redis, these nodes, lb1 (this host) and lb2, all up and checked.
# PORT[lb1] and PORT[lb2] are their front doors.
two_balancers() {
	local n
	NODES="$*"
	far_host
	start_redis
	two_yaml
	for n; do start_node "$n"; done
	start_near
	start_far
	for n; do
		wait_until 10 checked "$n"
		wait_until 10 far checked "$n"
	done
	door lb1 lb
	door lb2 far
}

# The host lb2, before anything runs there.
far_host() {
	[ "$(id -u)" = 0 ] || skip "needs root, for a mount namespace"
	requires unshare nsenter socat
	mkdir -p "$W/lb/state" "$W/far/state" "$W/bin" "$W/hosts"
	for n in haproxy.cfg admin.sock master.sock; do ln -s "lb/$n" "$W/$n"; done
	rmdir "$W/state" && ln -s lb/state "$W/state"
	spawn ns2 unshare -m --propagation private sh -c "mount --bind '$W/far' '$W/lb' && touch '$W/ns2.ready' && exec sleep 100000"
	wait_until 5 test -e "$W/ns2.ready"
	pid ns2 >"$W/hosts/lb2"
	echo $$ >"$W/hosts/lb1"
	cat >"$W/bin/ssh" <<-END
		#!/bin/bash
		while [ "\$1" != -- ]; do shift; done
		host=\${2#ssh://} host=\${host#*@} host=\${host%%:*}
		shift 2
		[ -e "$W/hosts/\$host" ] || { echo "ssh: connect to host \$host port 22: No route to host" >&2; exit 255; }
		echo "\$\$" >>"$W/hosts/\$host.pids"
		exec nsenter -t "\$(<"$W/hosts/\$host")" -m env "PATH=$BUILD:\$PATH" "\$@"
	END
	chmod +x "$W/bin/ssh"
	PATH=$W/bin:$PATH
}

two_yaml() {
	YAML_HAPROXY="${YAML_HAPROXY:-}
balancers: { lb1: local, lb2: \"ssh://root@lb2\" }
extra:
  frontend: \"bind unix@$W/lb/front.sock\""
	write_yaml
	sed -i -E "s#$W/(haproxy.cfg|admin.sock|master.sock|state)\$#$W/lb/\1#" "$W/wscale.yaml"
	# As lb2's own admin has it.
	sed -E 's#balancers: .*#balancers: { lb1: "ssh://root@lb1", lb2: local }#' "$W/wscale.yaml" >"$W/far.yaml"
}

# door NAME DIR: PORT[NAME] leads to the front door of the balancer whose files are in W/DIR.
door() {
	port "$1"
	spawn "door.$1" socat "TCP-LISTEN:${PORT[$1]},bind=127.0.0.1,fork,reuseaddr" "UNIX-CONNECT:$W/$2/front.sock"
	wait_until 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/${PORT[$1]}"
}

# on_lb2 COMMAND...: run there.
on_lb2() { nsenter -t "$(pid ns2)" -m env "PATH=$BUILD:$PATH" "$@"; }
# far_wsctl ARGUMENT...: as lb2's admin types it there.
far_wsctl() { on_lb2 "$BUILD/wsctl" -c "$W/far.yaml" "$@"; }
far_background() { spawn "$1" nsenter -t "$(pid ns2)" -m "$BUILD/wsctl" -c "$W/far.yaml" "${@:2}"; }
start_near() {
	wsctl generate >"$W/lb/haproxy.cfg"
	spawn haproxy haproxy -W -db -S "$W/lb/master.sock" -f "$W/lb/haproxy.cfg"
	wait_until 10 haproxy_answers
}
start_far() {
	[ -e "$W/far/haproxy.cfg" ] || wsctl generate >"$W/far/haproxy.cfg"
	spawn haproxy2 nsenter -t "$(pid ns2)" -m haproxy -W -db -S "$W/lb/master.sock" -f "$W/lb/haproxy.cfg"
	wait_until 10 far haproxy_answers
}
stop_far() { stop haproxy2 TERM; }
reload_far() {
	local old
	old=$(far worker_pid)
	kill -USR2 "$(pid haproxy2)"
	wait_until 10 far worker_is_not "$old"
}
# far FUNCTION...: a function of the helpers, asked of lb2's HAProxy.
far() {
	(
		hap() { echo "$1" | socat -t 3 - "UNIX-CONNECT:$W/far/admin.sock"; }
		hap_master() { echo "$1" | socat -t 3 - "UNIX-CONNECT:$W/far/master.sock"; }
		"$@"
	)
}
# lb2_away, lb2_back: whether it can be reached; those who are there are thrown out.
lb2_away() {
	local p
	mv "$W/hosts/lb2" "$W/hosts/lb2.away"
	[ ! -e "$W/hosts/lb2.pids" ] || while read -r p; do kill "$p" 2>/dev/null || :; done <"$W/hosts/lb2.pids"
}
lb2_back() { mv "$W/hosts/lb2.away" "$W/hosts/lb2"; }
# the_row FILE NODE: its row of a state file, "ADMIN WEIGHT".
the_row() { awk -v n="$2" '$1 != "#" && $4 == n { print $7, $8 }' "$1/state/wscale_chat.state"; }

# --- what is so now

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
