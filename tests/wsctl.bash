# wsctl.bash: a whole cluster for the tests of wsctl's commands, on top of helpers.bash.

# shellcheck shell=bash

# cluster NODE...: Redis, these nodes and HAProxy, all up.
cluster() {
	local n
	NODES="$*"
	start_redis
	write_yaml
	for n; do start_node "$n"; done
	start_haproxy
	for n; do wait_until 10 checked "$n"; done
}
# HAProxy's check of NODE has passed; before it, a server counts as UP too.
checked() {
	hap "show stat" | awk -F, -v s="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "check_status") c = i }
		$2 == s && $c == "L7OK" { found = 1 }
		END { exit !found }'
}
in_haproxy() { hap "show servers state wscale_chat" | grep -q " $1 "; }
# not COMMAND...: bats doesn't see the failure of a line that begins with !.
not() { ! "$@"; }
# new_node NAME: a running node that the YAML doesn't know yet.
new_node() {
	port "$1"
	start_node "$1" --listen "127.0.0.1:${PORT[$1]}"
}
at() { echo "127.0.0.1:${PORT[$1]}"; }
# clients N [CHANNEL]: N more clients through HAProxy.
CLIENTS=0
clients() {
	local i
	for ((i = 0; i < $1; i++)); do
		CLIENTS=$((CLIENTS + 1))
		ws_open "c$CLIENTS" "$(url haproxy "/ws/${2:-news}")"
	done
}
# closed_with CODE: how many of the clients were closed with it.
closed_with() { cat "$W"/log/ws.c* | grep -c "^close $1" || :; }
# background NAME ARGUMENT...: wsctl, as in another terminal; its talk is in log/NAME.
background() { spawn "$1" "$BUILD/wsctl" -c "$W/wscale.yaml" "${@:2}"; }
# conns NODE: HAProxy's sessions to it. state NODE: what status says.
conns() { wsctl status --json | jq -r --arg n "$1" '.nodes[] | select(.name == $n) | .connections'; }
state() { wsctl status --json | jq -r --arg n "$1" '.nodes[] | select(.name == $n) | .state'; }
state_is_now() { [ "$(state "$1")" = "$2" ]; }
# says TEXT: the last `run` printed it. says_not: it didn't.
says() { [[ $output == *"$1"* ]] || fail "no \"$1\" in: $output"; }
says_not() { [[ $output != *"$1"* ]] || fail "\"$1\" in: $output"; }
# thirty_a_second CHANNEL: messages, as long as the test lasts.
thirty_a_second() {
	spawn pub bash -c 'exec {nap}<> <(:); while :; do echo x; read -rt 0.033 -u "$nap"; done |
		"$0" -c wscale.yaml publish "$1" -' "$BUILD/wsctl" "$1"
}
# liar NAME JSON-MEMBERS: answers every request as node NAME, without a fork, since wsctl waits a second; with
# nothing in the file `lie` it notes the request in `ignored`.
liar() {
	local before
	before=$(numsub "chat.ctl.$1")
	lie "$2"
	cat >liar.sh <<-END
		redis-cli -p ${PORT[redis]} subscribe chat.ctl chat.ctl.$1 | while read -r line; do
			[[ \$line =~ \"id\":\"([^\"]+) ]] || continue
			id=\${BASH_REMATCH[1]}
			[[ \$line =~ \"reply\":\"([^\"]+) ]] || continue
			reply=\${BASH_REMATCH[1]}
			read -r said <lie
			if [ -z "\$said" ]; then echo "\$line" >>ignored; continue; fi
			echo "publish \$reply '{\"id\":\"\$id\",\"node\":\"$1\",\"ok\":true,\$said}'"
		done | redis-cli -p ${PORT[redis]} >/dev/null
	END
	spawn liar bash liar.sh
	wait_until 5 numsub_is "chat.ctl.$1" $((before + 1))
}
lie() { printf '%s\n' "${1//$'\n'/ }" >lie.new && mv lie.new lie; }
no_control_bytes() { refute grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1"; }
