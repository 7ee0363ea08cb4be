#!/usr/bin/env bats
# Goal: SIGKILL at any moment of an `apply --rollback`: the next `apply` heals it.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/walk.bash"

@test "apply --rollback" {
	requires strace
	cluster ws1 ws2
	wsctl apply -q
	sed -i "s/^  ws2: .*/  ws2: { address: $(at ws2), weight: 50 }/" wscale.yaml
	wsctl apply -q
	walk_setup
	for call in unlink ftruncate fsync rename sendto; do walk "$call" apply --rollback; done
	echo "killed at $WALKED points" | tee -a "${WALK_LOG:-/dev/null}"
	[ "$WALKED" -ge 3 ]
}
