#!/usr/bin/env bats
# Goal: SIGKILL at any moment of an `add`: nothing is half-written, and `wsctl apply` heals it.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/walk.bash"

@test "add, killed at each file and each command to HAProxy" {
	requires strace
	cluster ws1
	new_node ws2
	walk_setup
	for call in mkdir ftruncate fsync rename sendto; do walk "$call" add ws2 "$(at ws2)"; done
	echo "killed at $WALKED points" | tee -a "${WALK_LOG:-/dev/null}"
	[ "$WALKED" -ge 5 ]
}
