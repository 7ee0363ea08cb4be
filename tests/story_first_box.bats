#!/usr/bin/env bats
# The story: one box, an afternoon. HAProxy and Redis are Debian's, as installed; four commands later
# a browser gets what redis-cli publishes.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "first install on one box" {
	box <<-'END'
		# apt install haproxy redis-server: both run, with the packages' own configuration.
		printf 'bind 127.0.0.1\nport 6379\nsave ""\ndir %s\n' "$W" >/etc/wscale/redis.conf
		systemctl start redis
		systemctl start haproxy
		until_so redis-cli ping
		until_so test -S /run/haproxy/admin.sock

		# The YAML. Nobody has touched haproxy.cfg, so all of it may be ours.
		run 0 wsctl init --node ws1=127.0.0.1:8081
		says 'own: all, since nobody has changed the package.s /etc/haproxy/haproxy.cfg'
		says 'systemctl enable --now wsnode@ws1'
		says 'wsctl apply && wsctl doctor'
		run 0 wsctl check

		systemctl enable --now wsnode@ws1
		until_so curl -sf 127.0.0.1:8081/healthz
		run 2 wsctl plan
		says 'has no backend wscale_wscale yet'
		run 0 wsctl apply
		says 'haproxy reloaded'
		run 0 wsctl status
		says '1/1 node serving'

		# A browser, and a backend developer.
		(sleep 30 | wscli ws://127.0.0.1/ws/news >"$W/got") &
		until_so grep -q ^open "$W/got"
		redis-cli publish wscale:news 'good afternoon' >/dev/null
		until_so grep -q 'good afternoon' "$W/got"

		# It survives a reboot: the file has all of it.
		systemctl restart haproxy
		until_so wsctl plan -q
		run 0 wsctl plan
	END
}
