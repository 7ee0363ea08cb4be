#!/usr/bin/env bats
# Goal: SIGKILL at any moment of an `apply` that reloads HAProxy: the next one heals it.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/walk.bash"

@test "apply with a reload" {
	requires strace
	cluster ws1
	sed -i 's/maxconn: 5000/maxconn: 4000/' wscale.yaml
	walk_setup
	for call in mkdir ftruncate fsync rename sendto; do walk "$call" apply; done
	echo "killed at $WALKED points" | tee -a "${WALK_LOG:-/dev/null}"
	[ "$WALKED" -ge 3 ]
}
