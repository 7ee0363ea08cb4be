# box_lan.bash: in a box, a network of hosts: this one is 10.0.0.11, the balancer; pi2, pi3... are
# 10.0.0.12, 10.0.0.13..., each with a node. `ssh root@10.0.0.12 systemctl ...` works, and so does a
# reboot: the host's processes end and its units start again.

# shellcheck shell=bash disable=SC2154 # W is the fixture's

lan() {
	local n
	ip link add lan type bridge
	ip addr add 10.0.0.11/24 dev lan
	ip link set lan up
	mkdir -p /run/netns
	for n; do
		ip netns add "pi$n"
		ip link add "to$n" type veth peer name eth0 netns "pi$n"
		ip link set "to$n" master lan up
		ip -n "pi$n" addr add "10.0.0.1$n/24" dev eth0
		ip -n "pi$n" link set eth0 up
		ip -n "pi$n" link set lo up
	done
	mkdir -p "$W/bin"
	printf '#!/bin/bash\n. "%s/tests/box_systemctl.bash"\n. "%s/tests/box_lan.bash"\nover_ssh "$@"\n' "$ROOT" "$ROOT" >"$W/bin/ssh"
	chmod +x "$W/bin/ssh"
	export PATH="$W/bin:$PATH"
}
over_ssh() {
	local host
	while [[ $1 == -* ]]; do shift; [[ $1 == *=* ]] && shift; done
	host=${1#root@10.0.0.1} && shift
	export HOST=pi$host YAML=$W/pi$host.yaml
	if [ "$*" = "systemctl reboot" ]; then
		unit_stop "wsnode@ws$host"
		unit_start "wsnode@ws$host"
		exit 255
	fi
	"$@"
}
# The cluster of ws1 here and one node on each pi, applied and serving.
lan_cluster() {
	local n
	lan "$@"
	printf 'bind 127.0.0.1 10.0.0.11\nport 6379\nsave ""\nprotected-mode no\ndir %s\n' "$W" >/etc/wscale/redis.conf
	systemctl start redis
	systemctl start haproxy
	until_so redis-cli -h 10.0.0.11 ping
	until_so test -S /run/haproxy/admin.sock
	wsctl init -q --cluster chat --redis redis://10.0.0.11:6379 --node ws1=10.0.0.11:8081
	systemctl enable --now wsnode@ws1
	until_so curl -sf 10.0.0.11:8081/healthz
	wsctl apply -q
	for n; do
		wsctl generate -q --node "ws$n" --listen :8081 >"$W/pi$n.yaml"
		HOST=pi$n YAML=$W/pi$n.yaml systemctl enable --now "wsnode@ws$n"
		until_so curl -sf "10.0.0.1$n:8081/healthz"
		wsctl add -q "ws$n" "10.0.0.1$n:8081"
	done
}
# people N: browsers on channel news, through HAProxy; W/got.I is what each sees.
PEOPLE=0
people() {
	local i
	for ((i = 0; i < $1; i++)); do
		PEOPLE=$((PEOPLE + 1))
		(sleep 100 | wscli "ws://127.0.0.1/ws/${2:-news}" >"$W/got.$PEOPLE") &
		until_so grep -q ^open "$W/got.$PEOPLE"
	done
}
closed_with() { cat "$W"/got.* | grep -c "^close $1" || :; }
