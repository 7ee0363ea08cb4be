#!/usr/bin/env bats
# Goal: SIGKILL at any moment of a `remove` or a `weight`: nothing is half-written, and `wsctl apply`
# heals it.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/walk.bash"

@test "remove, killed at each file and each command to HAProxy" {
	requires strace
	cluster ws1 ws2
	walk_setup
	for call in mkdir ftruncate fsync rename sendto; do walk "$call" remove ws2; done
	echo "killed at $WALKED points" | tee -a "${WALK_LOG:-/dev/null}"
	[ "$WALKED" -ge 5 ]
}

@test "weight, killed at each file and each command to HAProxy" {
	requires strace
	cluster ws1 ws2
	walk_setup
	for call in ftruncate fsync rename sendto; do walk "$call" weight ws2 50; done
	echo "killed at $WALKED points" | tee -a "${WALK_LOG:-/dev/null}"
	[ "$WALKED" -ge 3 ]
}
