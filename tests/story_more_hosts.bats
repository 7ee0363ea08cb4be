#!/usr/bin/env bats
# The story: the box has become too small. A second and a third Raspberry Pi join, each with a YAML
# that the first one prints; clients are spread over all three, and each hears everything.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "a second and a third host" {
	box <<-'END'
		# Two more hosts, on a network with the first.
		ip link add lan type bridge
		ip addr add 10.0.0.11/24 dev lan
		ip link set lan up
		mkdir -p /run/netns
		for n in 2 3; do
			ip netns add "pi$n"
			ip link add "to$n" type veth peer name eth0 netns "pi$n"
			ip link set "to$n" master lan up
			ip -n "pi$n" addr add "10.0.0.1$n/24" dev eth0
			ip -n "pi$n" link set eth0 up
			ip -n "pi$n" link set lo up
		done
		ip -n pi2 addr add 10.0.0.22/24 dev eth0

		# The first box, as it has been running; its Redis is told to listen to the others.
		printf 'bind 127.0.0.1 10.0.0.11\nport 6379\nsave ""\nprotected-mode no\ndir %s\n' "$W" >/etc/wscale/redis.conf
		systemctl start redis
		systemctl start haproxy
		until_so redis-cli -h 10.0.0.11 ping
		until_so test -S /run/haproxy/admin.sock
		run 0 wsctl init --cluster chat --redis redis://10.0.0.11:6379 --node ws1=10.0.0.11:8081
		systemctl enable --now wsnode@ws1
		until_so curl -sf 10.0.0.11:8081/healthz
		run 0 wsctl apply

		# pi2: wsctl generate --node ws2 --listen :8081 | ssh pi2 tee /etc/wscale/wscale.yaml
		for n in 2 3; do
			wsctl generate --node "ws$n" --listen :8081 >"$W/pi$n.yaml"
			# Added before it runs: refused, with what to type there.
			run 1 wsctl add "ws$n" "10.0.0.1$n:8081"
			says "start it there: systemctl enable --now wsnode@ws$n"
			HOST=pi$n YAML=$W/pi$n.yaml systemctl enable --now "wsnode@ws$n"
			until_so curl -sf "10.0.0.1$n:8081/healthz"
			run 0 wsctl add "ws$n" "10.0.0.1$n:8081"
			says "ws$n at 10.0.0.1$n:8081 is up and takes clients"
		done
		run 0 wsctl status
		says '3/3 nodes serving'
		if grep -E '^!' <<<"$out"; then exit 1; fi

		# Six clients, two on each; one publish reaches all.
		for n in 1 2 3 4 5 6; do
			(sleep 30 | wscli ws://127.0.0.1/ws/news >"$W/got$n") &
			until_so grep -q ^open "$W/got$n"
		done
		run 0 wsctl channels news
		[ "$(grep -cE '^ws[123] +2 ' <<<"$out")" = 3 ]
		redis-cli -h 10.0.0.11 publish chat:news hello >/dev/null
		for n in 1 2 3 4 5 6; do until_so grep -q hello "$W/got$n"; done

		# It can be done again and again: nothing differs.
		run 0 wsctl plan
		run 0 wsctl add ws3 10.0.0.13:8081
		says 'nothing to do'
	END
}
