#!/usr/bin/env bats
# The story: three in the morning, a kernel upgrade on pi2. Its clients are moved, the host goes down and
# comes back, and nobody is woken up. Then the same by one command.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "a drain at 3 a.m. for a reboot" {
	box <<-'END'
		lan_cluster 2 3
		people 6
		run 0 wsctl status
		says '3/3 nodes serving, 6 clients'

		run 0 wsctl drain ws2
		says 'ws2: 2 clients'
		says 'ws2 drained in .*: 2 moved, 0 killed'
		says 'safe to stop; afterwards: wsctl ready ws2'
		run 0 wsctl status
		says '^ws2 .* drained +up +0 +0'
		says '^! ws2 drained [0-9]+s ago by .*: wsctl ready ws2'
		ssh root@10.0.0.12 systemctl reboot || :
		until_so curl -s 10.0.0.12:8081/healthz
		# It is up, and HAProxy still keeps everybody away from it.
		run 0 wsctl status
		says '^ws2 .* drained '
		run 0 wsctl ready ws2
		says 'ws2 is up and takes clients'
		run 0 wsctl status
		says '3/3 nodes serving'
		if grep -E '^!' <<<"$out"; then exit 1; fi
		[ "$(closed_with 1006)" = 0 ]

		# The other host, by one command.
		run 0 wsctl roll ws3 --reboot
		says 'ws3: running: ssh -o BatchMode=yes root@10.0.0.13 systemctl reboot'
		says 'ws3: runs anew'
		says '1 node rolled'
		run 0 wsctl status
		says '3/3 nodes serving'
		[ "$(closed_with 1006)" = 0 ]
	END
}
