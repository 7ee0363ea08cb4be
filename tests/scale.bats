#!/usr/bin/env bats
# Goal: a thousand nodes and ten thousand channels are nothing that wsctl notices: what it costs grows as
# they do and no faster, and its memory is bounded. `make bench-wsctl` prints the table.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/many.bash"

commands=(generate plan status channels)
measure() {
	local c
	many_nodes "$1" $((10 * $1))
	for c in "${commands[@]}"; do
		cost "$c"
		eval "$2_$c=$CPU_US"
		echo "$1 nodes: $c ${CPU_US} us, ${RSS_KB} kB, $OUT lines"
		# A sanitizer's own memory says nothing.
		[ "${WSCALE_LOAD:-1}" != 1 ] || [ "$RSS_KB" -lt $((64 * 1024)) ]
	done
	stop many KILL
	stop haproxy
	stop redis
	rm -f ./*.sock haproxy.cfg
}

@test "four times the nodes cost about four times as much, not sixteen, in bounded memory" {
	ulimit -n "$(ulimit -Hn)"
	[ "$(ulimit -n)" -ge 14000 ] || skip "a thousand nodes need 14,000 descriptors"
	local c few lots
	measure 250 few
	measure 1000 lots
	for c in "${commands[@]}"; do
		few=few_$c lots=lots_$c
		# What it takes to start is in both; 3 ms are as good as nothing.
		[ "${!lots}" -le $((9 * (${!few} + 3000))) ] || fail "$c: ${!few} us with 250 nodes, ${!lots} us with 1,000"
	done
	# Every one of them is there.
	many_nodes 1000 10000
	[ "$(wsctl status --json | jq '.nodes | length')" = 1000 ]
	[ "$(wsctl channels --json | jq '.channels | length')" = 10000 ]
	[ "$(wsctl channels ch00042 --json | jq -r '.channels[0].per_node[0].name')" = ws42 ]
	wsctl plan -q
}
