#!/usr/bin/env bats
# The story: pi3 is given away. Its clients are moved, the cluster forgets it, and what is left to do on the
# host is said.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "a host removed for good" {
	box <<-'END'
		lan_cluster 2 3
		people 6
		run 0 wsctl remove ws3
		says 'ws3 drained in .*: 2 moved, 0 killed'
		says 'ws3 removed; on its host: systemctl disable --now wsnode@ws3'
		HOST=pi3 systemctl disable --now wsnode@ws3
		if grep ws3 /etc/wscale/wscale.yaml /etc/haproxy/haproxy.cfg; then exit 1; fi
		run 0 wsctl plan
		run 0 wsctl status
		says '2/2 nodes serving, 4 clients'
		if grep -E 'ws3' <<<"$out"; then exit 1; fi
		[ "$(closed_with 1006)" = 0 ]
		[ "$(closed_with 1012)" = 2 ]
		# Restarted, it doesn't come back from somewhere.
		systemctl restart haproxy
		until_so wsctl plan -q
		run 0 wsctl status
		says '2/2 nodes serving'
	END
}
