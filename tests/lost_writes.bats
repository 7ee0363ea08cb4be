#!/usr/bin/env bats
# Goal: Redis forgets what it had acknowledged: it is killed, comes back empty or with an older state, or a
# replica is promoted that lacks the last writes. Clients that are connected (id: wscale.id, cf: Centrifugo)
# and clients that come back later (far: both) are told of every loss, and no old message comes as a new
# one. The publisher's numbers go on whatever Redis forgets, so that each client's numbers show what it
# wasn't told of.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/herd.bash"

CHANNELS=4

# begin: nodes, a publisher, clients that stay connected (id, cf), and others behind HAProxy (far).
begin() {
	history 1000
	NODES="ws1 ws2"
	write_yaml
	for n in $NODES; do start_node "$n"; done
	start_haproxy
	for n in $NODES; do wait_until 10 checked "$n"; done
	publishing 200 "$CHANNELS"
	HERD=id SPEAK=id herd ws1 "$(load 40)" "$CHANNELS"
	HERD=cf SPEAK=cf herd ws2 "$(load 40)" "$CHANNELS"
	HERD=far herd haproxy "$(load 60)" "$CHANNELS"
	goes_on 40
}
# away: the far clients lose their connections and find no way back.
away() { stop haproxy KILL; }
nodes_are_up() { health_is ws1 200 && health_is ws2 200; }
# end: the far clients come back, everybody gets the last messages.
end() {
	start_haproxy
	wait_until 20 nodes_are_up
	HERD=far wait_until 40 all_there
	goes_on 40
	published
	for HERD in id cf far; do
		wait_until 40 caught_up
		herd_ends "$HERD"
		show "$HERD"
		in_order "$HERD"
		# In the same place is the same message, for everybody.
		is "$HERD" '.conflicts == 0'
	done
	is id '.closes == {}' && is cf '.closes == {}'
}
# all_told: Redis did forget; everybody was told, and who was away misses something.
all_told() {
	is pub '.rollbacks > 0'
	is id '.announced >= .clients'
	is cf '.announced >= .clients'
	is far '.announced >= .clients and .skipped > 0'
}
# kept_up: who was there all the time had what was forgotten, and what came later is there.
kept_up() { is id '.skipped == 0'; }
aof() { start_redis redis --appendonly yes --appendfsync everysec; }

# relay NAME TO: PORT[NAME] leads to PORT[TO], until it is stopped.
relay() {
	port "$1"
	spawn "$1" socat "TCP-LISTEN:${PORT[$1]},bind=127.0.0.1,reuseaddr,fork" "TCP:127.0.0.1:${PORT[$2]}"
	wait_until 10 redis_answers "$1"
}
replica_is() { redis-cli -p "${PORT[replica]}" info replication | grep -q "$1"; }
# replicated: a master, a replica, and ways to each: redis is the nodes', to the publisher's.
replicated() {
	requires socat
	start_redis master
	relay redis master
	relay to master
	relay link master
	start_redis replica --replicaof "127.0.0.1 ${PORT[link]}" --dbfilename replica.rdb
	wait_until 20 replica_is master_link_status:up
}
promote() {
	stop master KILL
	stop redis KILL
	stop to KILL
	redis-cli -p "${PORT[replica]}" replicaof no one
	relay to replica
	goes_on_again
}

@test "Redis killed under everysec and restarted: what it forgot, if anything, is told" {
	aof
	begin
	away
	goes_on 100
	stop redis KILL
	aof
	goes_on 100
	end
	# Nothing is told where nothing was forgotten.
	[ "$(jq .rollbacks "$W/pub.json")" -gt 0 ] ||
		for c in id cf far; do is $c '.announced == 0'; done
}

@test "Redis restarted from an older append-only file: everybody is told" {
	aof
	begin
	away
	goes_on 100
	cp -r "$W/appendonlydir" "$W/older"
	goes_on 200
	calm id cf
	stop redis KILL
	goes_on_again
	rm -rf "$W/appendonlydir"
	mv "$W/older" "$W/appendonlydir"
	aof
	goes_on 100
	end
	all_told
	kept_up
}

@test "Redis restarted from an older dump, and overtaking what it forgot: everybody is told" {
	start_redis
	relay to redis
	begin
	away
	goes_on 100
	rcli save
	goes_on 100
	# The nodes hang while the publisher goes on: offsets are given anew beyond those that they know.
	kill -STOP "$(pid ws1)" "$(pid ws2)"
	stop redis KILL
	start_redis
	goes_on 400
	kill -CONT "$(pid ws1)" "$(pid ws2)"
	end
	all_told
}

@test "Redis restarted empty: everybody is told" {
	start_redis
	begin
	away
	goes_on 200
	calm id cf
	stop redis KILL
	goes_on_again
	start_redis
	goes_on 100
	end
	all_told
	kept_up
}

@test "a replica promoted that lacks the last writes: everybody is told" {
	replicated
	begin
	away
	goes_on 100
	stop link KILL
	goes_on 200
	calm id cf
	promote
	relay redis replica
	goes_on 100
	end
	all_told
	kept_up
}

@test "a replica promoted and gone on beyond what it lacks before a node sees it: everybody is told" {
	replicated
	begin
	away
	goes_on 100
	stop link KILL
	goes_on 100
	calm id cf
	promote
	goes_on 400
	relay redis replica
	goes_on 100
	end
	all_told
	kept_up
}
