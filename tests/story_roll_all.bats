#!/usr/bin/env bats
# The story: a new wsnode is installed everywhere, and all nodes are to run it before lunch.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "a roll of all nodes, through ssh" {
	box <<-'END'
		lan_cluster 2 3
		people 6
		printf '#!/bin/bash\n. "%s/tests/box_systemctl.bash"\nsystemctl "$@"\n' "$ROOT" >"$W/bin/systemctl"
		chmod +x "$W/bin/systemctl"
		run 0 wsctl roll -n
		says 'would drain ws1, run: systemctl restart wsnode@ws1'
		says 'would drain ws3, run: ssh -o BatchMode=yes root@10.0.0.13 systemctl restart wsnode@ws3'
		run 0 wsctl roll
		says '3 nodes rolled'
		run 0 wsctl status
		says '3/3 nodes serving'
		if grep -E '^!' <<<"$out"; then exit 1; fi
		[ "$(closed_with 1006)" = 0 ]
	END
}
