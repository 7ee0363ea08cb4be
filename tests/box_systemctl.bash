# box_systemctl.bash: what `systemctl` does in a box: starts, stops and reloads redis, haproxy and
# wsnode@NAME as their units do. HOST: the network namespace of another host, if it is that one's.

# shellcheck shell=bash

unit_command() {
	case $1 in
	redis) echo "redis-server /etc/wscale/redis.conf" ;;
	haproxy) echo "haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid ${EXTRAOPTS:--S /run/haproxy-master.sock}" ;;
	wsnode@*) echo "wsnode -c ${YAML:-/etc/wscale/wscale.yaml} ${1#wsnode@}" ;;
	esac
}
unit_start() {
	local in=()
	[ -z "${HOST:-}" ] || in=(ip netns exec "$HOST")
	# shellcheck disable=SC2046 # words
	setsid "${in[@]}" $(unit_command "$1") </dev/null >>"$W/log/$1" 2>&1 3>&- &
	echo $! >"/run/$1.unit"
}
unit_stop() {
	local p i
	[ -e "/run/$1.unit" ] || return 0
	p=$(cat "/run/$1.unit")
	kill "$p" 2>/dev/null || :
	for ((i = 0; i < 400; i++)); do
		kill -0 "$p" 2>/dev/null || break
		sleep 0.05
	done
	rm -f "/run/$1.unit"
}
systemctl() {
	local what=$1 now="" unit
	shift
	[ "${1:-}" != --now ] || { now=1 && shift; }
	unit=$1
	case $what in
	enable) [ -z "$now" ] || unit_start "$unit" ;;
	disable) [ -z "$now" ] || unit_stop "$unit" ;;
	start) unit_start "$unit" ;;
	stop) unit_stop "$unit" ;;
	restart) unit_stop "$unit" && unit_start "$unit" ;;
	reload) if [ "$unit" = haproxy ]; then kill -USR2 "$(cat "/run/$unit.unit")"; else kill -HUP "$(cat "/run/$unit.unit")"; fi ;;
	esac
}
