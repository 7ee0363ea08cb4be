#!/usr/bin/env bats
# The story: somebody has edited haproxy.cfg by hand. Nothing overwrites that by accident; it is said which
# line it is, and where it belongs.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "a hand-edited haproxy.cfg" {
	box <<-'END'
		lan_cluster 2
		sed -i 's/^\tmaxconn 8100/\tmaxconn 9100/' /etc/haproxy/haproxy.cfg
		cp /etc/haproxy/haproxy.cfg "$W/edited.cfg"
		run 2 wsctl plan
		says 'haproxy.cfg is edited by hand +\(file; needs --overwrite\)'
		run 1 wsctl apply
		says '/etc/haproxy/haproxy.cfg:[0-9]+: edited by hand; keep it in haproxy.extra, or discard: wsctl apply --overwrite'
		run 1 wsctl weight ws2 50
		says 'edited by hand'
		cmp /etc/haproxy/haproxy.cfg "$W/edited.cfg"
		# It was meant: then it is the YAML that says so.
		sed -i 's/^  own: all.*/&\n  maxconn: 9000/' /etc/wscale/wscale.yaml
		run 0 wsctl apply --overwrite
		says 'haproxy reloaded'
		grep -qx '.maxconn 9100' /etc/haproxy/haproxy.cfg
		run 0 wsctl weight ws2 50
		run 0 wsctl plan
	END
}
