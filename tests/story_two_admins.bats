#!/usr/bin/env bats
# The story: two admins at the same time, and neither knows of the other.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "two admins at once" {
	box <<-'END'
		lan_cluster 2 3
		people 6
		# Both drain the same node: the second looks on, and both hear when it is done.
		(SUDO_USER=alice wsctl drain ws2 --over 8s >"$W/alice" 2>&1; echo "exit $?" >>"$W/alice") &
		until_so grep -q 'ws2: 2 clients' "$W/alice"
		SUDO_USER=bob run 0 wsctl drain ws2
		says 'locked by alice@'
		says 'following that drain'
		until_so grep -q 'exit 0' "$W/alice"
		run 0 wsctl status
		says 'drained .* by alice'
		# One adds while the other changes a weight, a dozen times: the YAML is never broken, both get their way.
		for i in 1 2 3 4 5 6; do
			SUDO_USER=alice wsctl weight -q ws1 "$((i * 10))" &
			SUDO_USER=bob wsctl weight -q ws3 "$((i * 20))"
			wait %% || exit 1
			wsctl check -q >/dev/null
		done
		grep -q 'ws1: { address: 10.0.0.11:8081, weight: 60 }' /etc/wscale/wscale.yaml
		grep -q 'ws3: { address: 10.0.0.13:8081, weight: 120 }' /etc/wscale/wscale.yaml
		run 0 wsctl ready ws2
		run 0 wsctl plan
		[ "$(closed_with 1006)" = 0 ]
	END
}
