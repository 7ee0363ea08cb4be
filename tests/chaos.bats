#!/usr/bin/env bats
# Goal: whatever happens to nodes, to Redis and to connections, in any order, clients that resume miss
# nothing, get nothing twice and nothing out of order. A random schedule, new each time; its seed is printed.
#   CHAOS_SEED, CHAOS_SECONDS (default 15)

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/herd.bash"

aof=(--appendonly yes --appendfsync everysec)
a_while() { read -rt "0.$((RANDOM % 9))" <>"$W/never" || :; }

# mishap N: something happens to one of three nodes, or to Redis, or to all clients.
mishap() {
	local n=ws$((RANDOM % 3 + 1))
	case $1 in
	0) rcli client kill type pubsub ;;
	1) rcli client kill type normal ;;
	2) kill -STOP "$(pid $n)" && a_while && kill -CONT "$(pid $n)" ;;
	3) wsctl drain $n --over 1s --force; wsctl ready $n --wait 5s ;; # either may find Redis away
	4) kill -USR2 "$(pid herd)" ;;
	5) kill -HUP "$(pid $n)" ;;
	6) stop $n KILL && start_node $n ;;
	7) rcli client pause $((RANDOM % 2500)) ;;
	8) stop_redis && start_redis redis "${aof[@]}" ;;
	9) reload_haproxy ;;
	esac >>"$W/log/mishaps" 2>&1 || :
}
ready_again() {
	local n
	for n in $NODES; do health_is "$n" 200 || return; done
}

@test "a random schedule of mishaps: nothing lost, nothing twice, nothing out of order" {
	local seed=${CHAOS_SEED:-$((SRANDOM % 32768))} end
	echo "# CHAOS_SEED=$seed" >&3
	RANDOM=$seed
	mkfifo "$W/never"
	start_redis redis "${aof[@]}"
	history 1000
	NODES="ws1 ws2 ws3"
	write_yaml
	for n in $NODES; do start_node "$n"; done
	start_haproxy
	for n in $NODES; do wait_until 10 checked "$n"; done
	publishing 200 20
	herd haproxy "$(load 300)" 20 --churn 10
	end=$((SECONDS + ${CHAOS_SECONDS:-15}))
	while [ $SECONDS -lt $end ]; do
		echo "$((end - SECONDS))s left: mishap" >>"$W/log/mishaps"
		mishap $((RANDOM % 10))
		a_while
	done
	for n in $NODES; do wsctl ready "$n" >>"$W/log/mishaps" 2>&1 || :; done
	wait_until 30 ready_again
	wait_until 60 all_there
	end_herd
	nothing_lost whole
	show whole
}
