#!/usr/bin/env bats
# The story: pi3 has died. Its clients have come back elsewhere by themselves; what is left to do is said.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "a dead node" {
	box <<-'END'
		lan_cluster 2 3
		people 6
		kill -KILL "$(cat /run/wsnode@ws3.unit)"
		until_so bash -c 'wsctl status | grep -q "^ws3 .* down"'
		run 0 wsctl status
		says '2/3 nodes serving'
		says '^! ws3 does not answer'
		run 1 wsctl doctor
		# New clients don't meet it.
		people 4
		[ "$(cat "$W"/got.7 "$W"/got.8 "$W"/got.9 "$W"/got.10 | grep -c ^open)" = 4 ]
		# Out of service while it is looked at: nothing to wait for.
		run 0 wsctl drain ws3
		says 'ws3 does not answer'
		# It is mended, and comes back.
		HOST=pi3 YAML=$W/pi3.yaml systemctl start wsnode@ws3
		until_so curl -sf 10.0.0.13:8081/healthz
		run 0 wsctl ready ws3
		run 0 wsctl status
		says '3/3 nodes serving'
	END
}
