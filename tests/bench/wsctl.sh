#!/bin/bash
# wsctl.sh: what wsctl's commands cost with 1,000 nodes and 10,000 channels on a real HAProxy and Redis:
# its own CPU time (user and system, the least of five runs) and its memory. What HAProxy and Redis take is
# theirs; status and channels wait half a second between two looks, since rates need two counts.
#   tests/bench/wsctl.sh [NODES [CHANNELS]]
# Bound: 100 ms of CPU each; exit 1 if one is missed.
set -u
cd "$(dirname "$0")/../.." || exit 1

bats_require_minimum_version() { :; }
skip() { quit "$*"; }
quit() {
	echo "wsctl.sh: $*" >&2
	fixture_end >&2
	exit 1
}
BATS_TEST_DIRNAME=tests
. tests/helpers.bash
. tests/wsctl.bash
. tests/many.bash

ulimit -n "$(ulimit -Hn)"
setup || quit "no fixture"
many_nodes "${1:-1000}" "${2:-10000}" || quit "the cluster doesn't start"
missed=0
echo "${1:-1000} nodes, ${2:-10000} channels; bound: 100 ms of CPU"
printf '%-18s %8s %8s %8s\n' command "CPU ms" "MiB" lines
for c in generate plan status channels "channels ch00042" check doctor; do
	# shellcheck disable=SC2086 # words
	cost $c
	awk -v c="$c" -v us="$CPU_US" -v kb="$RSS_KB" -v n="$OUT" 'BEGIN { printf "%-18s %8.0f %8.1f %8d\n", c, us / 1000, kb / 1024, n }'
	[ "$CPU_US" -le 100000 ] || missed=1
done
BATS_TEST_COMPLETED=1 fixture_end
exit $missed
