#!/usr/bin/env bats
# The story: HAProxy serves a shop already. The cluster moves in beside it, as a fragment of its own;
# the shop's file gets one line, and neither ever hurts the other.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "a haproxy.cfg with other sites" {
	box <<-'END'
		cat >/etc/haproxy/haproxy.cfg <<-CFG
			global
			    stats socket /run/haproxy/admin.sock mode 660 level admin expose-fd listeners
			defaults
			    mode http
			    timeout connect 2s
			    timeout client 30s
			    timeout server 30s
			frontend www
			    bind 127.0.0.1:80
			    default_backend shop
			backend shop
			    http-request return status 200 content-type text/plain string "the shop"
		CFG
		printf 'bind 127.0.0.1\nport 6379\nsave ""\ndir %s\n' "$W" >/etc/wscale/redis.conf
		systemctl start redis
		systemctl start haproxy
		until_so redis-cli ping
		until_so curl -sf 127.0.0.1/
		cp /etc/haproxy/haproxy.cfg "$W/shop.cfg"

		run 0 wsctl init --cluster chat --node ws1=127.0.0.1:8081
		says 'own: backend, since /etc/haproxy/haproxy.cfg has sites of yours'
		says 'use_backend wscale_chat if \{ req.hdr\(Upgrade\) -i websocket \}'
		cmp /etc/haproxy/haproxy.cfg "$W/shop.cfg"
		systemctl enable --now wsnode@ws1
		until_so curl -sf 127.0.0.1:8081/healthz

		# As it said: the fragment, the line, the second -f.
		mkdir -p /etc/haproxy/conf.d
		run 0 wsctl generate -o /etc/haproxy/conf.d/wscale.cfg
		sed -i '/bind 127/a\    use_backend wscale_chat if { req.hdr(Upgrade) -i websocket }' /etc/haproxy/haproxy.cfg
		EXTRAOPTS='-S /run/haproxy-master.sock -f /etc/haproxy/conf.d/wscale.cfg'
		systemctl restart haproxy
		until_so wsctl plan -q
		[ "$(curl -s 127.0.0.1/)" = 'the shop' ]
		(sleep 60 | wscli ws://127.0.0.1/ws/news >"$W/got") &
		until_so grep -q ^open "$W/got"

		# A second node, a drain, and a change of policy that needs a reload: the shop's file stays as it is.
		wsctl generate --node ws2 --listen 127.0.0.1:8082 >"$W/ws2.yaml"
		YAML=$W/ws2.yaml systemctl enable --now wsnode@ws2
		until_so curl -sf 127.0.0.1:8082/healthz
		run 0 wsctl add ws2 127.0.0.1:8082
		cp /etc/haproxy/haproxy.cfg "$W/shop.cfg"
		run 0 wsctl drain ws1
		until_so grep -q '^close 1012' "$W/got"
		sed -i 's/^# node:/node: { ping: 20s }\n&/' /etc/wscale/wscale.yaml
		run 2 wsctl plan
		says '^! timeout tunnel +75s -> 1m'
		run 0 wsctl apply
		says 'haproxy reloaded'
		run 0 wsctl plan
		says 'ws1 +drained by .* kept'
		cmp /etc/haproxy/haproxy.cfg "$W/shop.cfg"
		[ "$(curl -s 127.0.0.1/)" = 'the shop' ]

		# A line of the shop's that HAProxy refuses stops the cluster's changes too, before anything is written.
		cp /etc/haproxy/conf.d/wscale.cfg "$W/frag.cfg"
		echo '    nonsense' >>/etc/haproxy/haproxy.cfg
		sed -i 's/ping: 20s/ping: 15s/' /etc/wscale/wscale.yaml
		run 1 wsctl apply
		says 'nonsense'
		cmp /etc/haproxy/conf.d/wscale.cfg "$W/frag.cfg"
	END
}
