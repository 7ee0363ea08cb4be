#!/usr/bin/env bats
# The story: certbot, or a colleague, has reloaded HAProxy. Drains are still drains, nodes that were added
# while it ran are still there, and clients on the old worker are counted.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "HAProxy reloaded by someone else" {
	box <<-'END'
		lan_cluster 2 3
		people 6
		run 0 wsctl drain ws2
		systemctl reload haproxy
		until_so wsctl plan -q
		run 0 wsctl plan
		says 'ws2 +drained by .*, kept'
		run 0 wsctl status
		says '^ws2 .* drained '
		says 'old worker [0-9]+'
		people 2
		[ "$(closed_with 1006)" = 0 ]
		# Restarted, even: the same.
		run 0 wsctl ready ws2
		systemctl restart haproxy
		until_so wsctl plan -q
		run 0 wsctl status
		says '3/3 nodes serving'
	END
}
