#!/usr/bin/env bats
# alone
# Goal: clients that resume, Centrifugo's and wscale.id's mixed, miss nothing while everything under them
# is moved: nodes drained, added and rolled, HAProxy reloaded, Redis restarted, a node killed.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/herd.bash"

clients_of() { health "$1" .clients; }
empty() { [ "$(clients_of "$1")" = 0 ]; }
fewer_than() { [ "$(clients_of "$1")" -lt "$2" ]; }
redis_with_aof() { start_redis redis --appendonly yes --appendfsync everysec; }

@test "drains, an add and a roll as make bench-drain does them, at a tenth of its size" {
	BUILD=$BUILD "$ROOT/tests/bench/drain.sh" "$(load 500)" 5 >"$W/table" 2>&1 || fail "$(cat "$W/table")"
	sed 's/^/# /' "$W/table" >&3
}

@test "HAProxy reloaded, Redis restarted and a node killed in the middle of a roll: nothing lost, nothing twice" {
	redis_with_aof
	history 300
	YAML_NODE='drain: { rate: 20/s }'
	NODES="ws1 ws2 ws3"
	write_yaml
	for n in $NODES; do start_node "$n"; done
	start_haproxy
	for n in $NODES; do wait_until 10 checked "$n"; done
	publishing 100 10
	herd haproxy "$(load 240)" 10

	# HAProxy is reloaded while ws1 drains.
	before=$(clients_of ws1)
	background drain1 drain ws1 --over 4s
	wait_until 10 fewer_than ws1 $((before * 3 / 4))
	refute empty ws1
	reload_haproxy
	exits drain1 60
	[ "$STATUS" = 0 ] || fail "$(cat "$W/log/drain1")"
	empty ws1
	wait_until 20 all_there
	run -0 wsctl ready ws1 --wait 20s
	interval reloaded
	nothing_lost reloaded
	is reloaded '.closed.n > 0 and .closes."1006" == null and .connect_errors == 0'

	# Redis is restarted while ws2 drains. Who is closed meanwhile comes back when there is a node again.
	before=$(clients_of ws2)
	background drain2 drain ws2 --over 4s
	wait_until 10 fewer_than ws2 $((before * 3 / 4))
	refute empty ws2
	stop_redis
	wait_until 10 health_is ws1 503
	redis_with_aof
	wait_until 20 health_is ws1 200
	exits drain2 60
	wait_until 30 empty ws2
	goes_on 100
	wait_until 30 all_there
	run -0 wsctl ready ws2 --wait 20s
	interval restarted
	nothing_lost restarted
	is restarted '.closed.n > 0 and .closes."1006" == null'

	# ws1 is killed while ws3 drains: its clients, and nobody else, see an abnormal close.
	before=$(clients_of ws3)
	background drain3 drain ws3 --over 4s
	wait_until 10 fewer_than ws3 $((before * 3 / 4))
	refute empty ws3
	killed=$(clients_of ws1)
	stop ws1 KILL
	exits drain3 60
	empty ws3
	goes_on 50
	wait_until 30 all_there
	interval killed
	nothing_lost killed
	is killed ".closes.\"1006\".n >= $killed and .closes.\"1006\".n <= $N / 2"
	# All are on ws2 now, and nothing is missing at the end.
	[ "$(clients_of ws2)" = "$N" ]

	end_herd
	nothing_lost whole
	is pub '.rollbacks == 0'
	show whole
}
