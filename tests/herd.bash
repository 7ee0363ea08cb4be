# herd.bash: many clients that resume (wsload) and a publisher that loses nothing (wspub), and what both
# counted. On top of helpers.bash and wsctl.bash.

# shellcheck shell=bash

# history SIZE: the YAML's channels, all that is published to.
history() {
	KEEP=$1
	YAML_CHANNELS="rules: [ { match: \"ch*\", history: { size: $KEEP, ttl: 1h } } ]"
}
# publishing RATE CHANNELS [wspub OPTION...]: numbered messages, until `published`. PORT[to]: where, if not redis.
publishing() {
	spawn pub "$TOOLS/wspub" --redis "${PORT[to]:-${PORT[redis]}}" --cluster "$CLUSTER" --rate "$1" --channels "$2" \
		--history "$KEEP/3600" --script "$ROOT/lib/lua/publish.lua" "${@:3}"
	wait_until 10 catches pub USR1
	wait_until 20 acked 1
}
# published: ends the publisher; $W/pub.json is what it sent.
published() {
	stop pub TERM 15 || return
	tail -n 1 "$W/log/pub" >"$W/pub.json"
	is pub '.sent > 0 and .acked == .sent'
}
# acked N: the publisher got so many acknowledged.
acked() { [ "$(acknowledged)" -ge "$1" ]; }
acknowledged() { said pub pub USR1 && jq .acked "$W/pub.json"; }
# goes_on [N]: N more messages (default 20) are acknowledged.
goes_on() { wait_until 20 acked $(($(acknowledged) + ${1:-20})); }

# calm: the publisher pauses, and the clients of each $1... have all that it sent. goes_on_again ends that.
calm() {
	said pub pub USR2 || return
	for HERD; do wait_until 20 has_all || return; done
	HERD=herd
}
has_all() { interval look && jq -e --slurpfile pub "$W/pub.json" '.tops == $pub[0].channels' "$W/look.json" >/dev/null; }
goes_on_again() { said pub pub USR2; }

# herd PORT-NAME CLIENTS CHANNELS [wsload OPTION...]: returns once all are connected and attached. All that
# follows is about the one that $HERD names.
HERD=herd
herd() {
	N=$2
	spawn "$HERD" "$TOOLS/wsload" --url "$(url "$1" "")" --clients "$2" --channels "$3" \
		--speak "${SPEAK:-id,cf}" --back 300 "${@:4}"
	wait_until 60 herd_ready
}
herd_ready() {
	alive "$HERD" || echo "the clients ended: $(cat "$W/log/$HERD")"
	log_has "$HERD" '^ready'
}
# interval NAME: what the clients counted since the last call, in $W/NAME.json.
interval() { said "$HERD" "$1" USR1; }
# said PROCESS NAME SIGNAL: its answer, $W/NAME.json.
said() {
	local before
	before=$(wc -l <"$W/log/$1")
	kill "-$3" "$(pid "$1")" || return
	wait_until 10 grows "$W/log/$1" "$before" || return
	tail -n 1 "$W/log/$1" >"$W/$2.json"
}
grows() { [ "$(wc -l <"$1")" -gt "$2" ]; }
# storm: all clients drop their connections and come back at once.
storm() {
	local before
	before=$(grep -c '^storm' "$W/log/$HERD" || :)
	kill -USR2 "$(pid "$HERD")" && wait_until 10 stormed "$before"
}
stormed() { [ "$(grep -c '^storm' "$W/log/$HERD")" -gt "$1" ]; }
# all_there: all clients are connected and attached.
all_there() { looks '.connected == .clients and .attached == .clients'; }
# caught_up: and none is short of what another has.
caught_up() { looks '.connected == .clients and .attached == .clients and .behind == 0'; }
looks() {
	said "$HERD" look HUP && jq -e "$1" "$W/look.json" >/dev/null && return
	tail -n 1 "$W/log/$HERD"
	return 1
}
# end_herd: the publisher ends, all clients get its last messages, then end; $W/whole.json is the whole run.
end_herd() {
	published && wait_until 30 caught_up && herd_ends whole
}
# herd_ends NAME: the clients end; they all must have the publisher's last messages.
herd_ends() {
	kill -TERM "$(pid "$HERD")"
	exits "$HERD" 10 || return
	[ "$STATUS" = 0 ] || fail "the clients ended with $STATUS" || return
	tail -n 1 "$W/log/$HERD" >"$W/$1.json"
	is "$1" '.final and .received > 0 and .behind == 0' || return
	jq -e --slurpfile pub "$W/pub.json" '.tops == $pub[0].channels' "$W/$1.json" >/dev/null ||
		fail "$1: not the last messages: $(cat "$W/$1.json" "$W/pub.json")"
}
# is NAME JQ-CONDITION: about what somebody counted; shows it when it isn't so.
is() { jq -e "$2" "$W/$1.json" >/dev/null || fail "$1: not $2: $(cat "$W/$1.json")"; }
# in_order NAME: no gap that wasn't announced, nothing twice, nothing out of order or of place.
in_order() {
	is "$1" '.lost == 0 and .doubled == 0 and .reordered == 0' &&
		is "$1" '.misplaced == 0 and .strangers == 0 and .unnumbered == 0 and .bad == 0 and .hung == 0'
}
# nothing_lost NAME: and no loss was announced either.
nothing_lost() { in_order "$1" && is "$1" '.announced == 0 and .redone == 0 and .conflicts == 0'; }
# show NAME: a line for the reader of a test's output.
show() {
	jq -c '{clients, received, lost, doubled, reordered, announced, skipped, resumed, recovered, closes}' \
		"$W/$1.json" | sed "s/^/# /" >&3
}

# xranges: how often Redis read a history so far.
xranges() { rcli info commandstats | tr -d '\r' | awk -F'[=,]' '/^cmdstat_xrange:/ { n = $2 } END { print n + 0 }'; }
