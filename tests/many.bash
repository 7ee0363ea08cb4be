# many.bash: a cluster of very many nodes, of which only Redis's side is there, and what wsctl costs on it.
# On top of helpers.bash and wsctl.bash.

# shellcheck shell=bash

# many_nodes N CHANNELS: a real HAProxy with N servers, a real Redis with N nodes and so many channels.
many_nodes() {
	local i
	port redis
	start_redis redis --maxclients $((2 * $1 + 100))
	NODES=ws1 write_yaml
	sed -i '/^  ws1:/d' wscale.yaml
	for ((i = 1; i <= $1; i++)); do echo "  ws$i: 127.0.0.1:$((10000 + i))"; done >>wscale.yaml
	wsctl generate >haproxy.cfg
	start_haproxy
	spawn many python3 "$ROOT/tests/tools/manynodes.py" "${PORT[redis]}" chat "$1" "$2" x
	wait_until 60 log_has many ready
	wait_until 60 channels_are "$2"
}
channels_are() { [ "$(rcli pubsub channels 'chat:*' | wc -l)" = "$1" ]; }
# cost COMMAND...: CPU_US of wsctl, user and system, the least of five; RSS_KB at its peak; its lines in OUT.
cost() {
	local i us best=
	for i in 1 2 3 4 5; do
		us=$({
			TIMEFORMAT='%3U %3S'
			time "$BUILD/wsctl" -c wscale.yaml "$@" >out 2>err
		} 2>&1 | awk '{ print int(($1 + $2) * 1000000) }')
		[ -n "$best" ] && [ "$us" -ge "$best" ] || best=$us
	done
	CPU_US=$best
	/usr/bin/time -f %M -o rss "$BUILD/wsctl" -c wscale.yaml "$@" >/dev/null 2>&1 || :
	RSS_KB=$(tail -n 1 rss)
	OUT=$(wc -l <out)
}
