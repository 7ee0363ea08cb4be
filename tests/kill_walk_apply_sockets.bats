#!/usr/bin/env bats
# Goal: SIGKILL at any of an `apply`'s words to HAProxy or Redis: nothing is half-written, and the next one heals it.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/walk.bash"

@test "apply of a node more, one less, a weight and a drain that was lost" {
	requires strace
	cluster ws1 ws2 ws3
	new_node ws4
	wsctl drain -q ws1
	sed -i -e '/^  ws3:/d' -e "s/^  ws2: .*/  ws2: { address: $(at ws2), weight: 50 }/" wscale.yaml
	echo "  ws4: $(at ws4)" >>wscale.yaml
	walk_setup
	walk sendto apply --allow-remove
	echo "killed at $WALKED points" | tee -a "${WALK_LOG:-/dev/null}"
	[ "$WALKED" -ge 8 ]
}
