#!/bin/bash
# drain.sh: the drain that nobody notices. Clients that resume, Centrifugo's and raw ones mixed, each on
# one of 20 history channels, three nodes behind HAProxy, 200 numbered messages a second: ws1 is drained,
# ws4 added, all others rolled (drain, ready); then all clients come back at once. Prints a table; exit 1
# if a bound is missed.
#   tests/bench/drain.sh [CLIENTS [SECONDS-OF-A-DRAIN]]     default 5000 20
#   BUILD, WAIT_FACTOR: as for the tests
# Bounds: 0 lost, doubled, reordered, 0 x 1006; closes at the asked rate (within 20%); the server's part of
# a moved client's gap, from the upgrade to caught up, p99 under 1 s (times WAIT_FACTOR); in the storm at
# most one history read for each node and channel.
set -u
cd "$(dirname "$0")/../.." || exit 1

bats_require_minimum_version() { :; }
skip() { quit "$*"; }
quit() {
	echo "drain.sh: $*" >&2
	fixture_end >&2
	exit 1
}
. tests/helpers.bash
. tests/wsctl.bash
. tests/herd.bash

CROWD=${1:-5000} OVER=${2:-20} CHANNELS=20
MAXCONN=$((CROWD * 3 / 2 + 100))
UP=(ws1 ws2 ws3)
missed=()
ROW='%-10s %5s %6s %5s %8s %10s %5s %8s %8s  %8s %8s  %8s %8s %8s\n'

# resumes: the nodes' histogram of how long resuming clients waited, summed: "LE COUNT" lines.
resumes() {
	local n
	for n in "${UP[@]}"; do http "$n" /metrics; done |
		sed -n 's/^wsnode_resume_seconds_bucket{.*le="\([^"]*\)".*} \(.*\)/\1 \2/p' |
		awk '!($1 in s) { le[++n] = $1 } { s[$1] += $2 } END { for (i = 1; i <= n; i++) print le[i], s[le[i]] }'
}
# quantile Q: the upper bound, in ms, of its bucket between the `resumes` before and after.
quantile() {
	awk -v q="$1" 'NR == FNR { b[$1] = $2; next } { le[++n] = $1; c[n] = $2 - b[$1] }
		END { for (i = 1; i <= n && c[n]; i++) if (c[i] >= q * c[n]) { print le[i] == "+Inf" ? 1e9 : le[i] * 1000; exit }
			print "-" }' "$W/before" "$W/after"
}
# expect NAME JQ-CONDITION WHAT
expect() { jq -e "$2" "$W/step.json" >/dev/null || missed+=("$1: $3: $(cat "$W/step.json")"); }

# run_step NAME [-r ASKED-RATE] COMMAND...: does it, waits until all clients are back, prints its row.
run_step() {
	local name=$1 begun=$SECONDS asked=- real p50 p99
	shift
	if [ "$1" = -r ]; then
		asked=$2
		shift 2
	fi
	resumes >"$W/before"
	"$@" >>"$W/log/steps" 2>&1 || quit "$name: $(tail -n 5 "$W/log/steps")"
	wait_until 60 all_there || quit "$name: clients are missing"
	resumes >"$W/after"
	interval step || quit "$name: the clients are gone: $(tail -n 3 "$W/log/herd")"
	real=$(jq -r 'if .closed.n > 1 then .closed.rate else "-" end' "$W/step.json")
	p50=$(quantile 0.5) p99=$(quantile 0.99)
	# shellcheck disable=SC2059,SC2046
	printf "$ROW" "$name" $((SECONDS - begun)) $(jq -r '.closed.n + .dropped, .lost, .doubled, .reordered,
		(.closes."1006".n // 0)' "$W/step.json") "$asked" "$real" "$p50" "$p99" \
		$(jq -r '.served.p50_ms, .served.p99_ms, .gap.p99_ms' "$W/step.json")
	expect "$name" '.lost == 0 and .doubled == 0 and .reordered == 0' "lost, doubled or reordered"
	expect "$name" '.misplaced + .announced + .conflicts + .strangers + .unnumbered == 0' "not what was published"
	expect "$name" '(.closes."1006".n // 0) == 0' "abnormal closes"
	expect "$name" '.connect_errors + .hung + .bad == 0' "connections refused, hung or broken"
	[ "$asked" = - ] || awk -v a="$asked" -v r="$real" 'BEGIN { exit !(r > a * 0.8 && r < a * 1.2) }' ||
		missed+=("$name: closed $real clients/s, asked for $asked")
	[ "$p99" = - ] || awk -v p="$p99" -v f="$WAIT_FACTOR" 'BEGIN { exit !(p <= 1000 * f) }' ||
		missed+=("$name: the server's part of the gap, p99: $p99 ms")
}
drain() {
	local rate
	rate=$(awk -v n="$(health "$1" .clients)" -v s="$OVER" 'BEGIN { printf "%.1f", n / s }')
	run_step "drain $1" -r "$rate" wsctl drain "$1" --over "${OVER}s"
	[ "$(health "$1" .clients)" = 0 ] || missed+=("drain $1: clients are left")
}
add() { new_node ws4 && wsctl add ws4 "$(at ws4)"; }

fixture || exit 1
history 300
cluster ws1 ws2 ws3 || quit "no cluster"
publishing 200 "$CHANNELS" || quit "no publisher"
herd haproxy "$CROWD" "$CHANNELS" || quit "no clients: $(tail -n 3 "$W/log/herd")"
interval step || quit "no clients"
echo "$CROWD clients (half Centrifugo, half wscale.id) on $CHANNELS channels, 200 messages/s, a drain in ${OVER} s"
# shellcheck disable=SC2059
printf "$ROW" "" "" "" "" "" "" "" closes/s closes/s server "(ms)" clients "(ms)" "whole gap"
# shellcheck disable=SC2059
printf "$ROW" step s moved lost doubled reordered 1006 asked real p50 p99 p50 p99 p99

drain ws1
UP=(ws2 ws3)
run_step "add ws4" add
UP=(ws2 ws3 ws4)
for n in ws2 ws3 ws4; do
	drain "$n"
	run_step "ready $n" wsctl ready "$n"
done
reads=$(xranges)
run_step storm storm
reads=$(($(xranges) - reads))
echo "storm: $reads history reads for $CROWD clients (at most ${#UP[@]} nodes x $CHANNELS channels)"
[ "$reads" -le $((${#UP[@]} * CHANNELS)) ] || missed+=("storm: $reads history reads")

end_herd >"$W/end" 2>&1 || missed+=("the end: $(cat "$W/end")")
jq -r '"in all: \(.received) messages received, \(.lost) lost, \(.doubled) doubled, \(.reordered) reordered, " +
	"\(.resumed) resumed, \(.recovered) recovered, \(.announced) losses announced"' "$W/whole.json"
BATS_TEST_COMPLETED=1
fixture_end || missed+=("a sanitizer complained")
[ ${#missed[@]} = 0 ] || {
	printf 'missed: %s\n' "${missed[@]}"
	exit 1
}
