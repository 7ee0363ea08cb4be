#!/usr/bin/env bats
# Goal: an operator sees which node is slow to hear of a publish, beside what Redis alone needs, and which
# isn't there.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

nodes() {
	local n
	start_redis
	write_yaml
	for n; do start_node "$n"; done
}
# fake_node NAME SECONDS: hears its requests, and answers so much later, without a fork.
fake_node() {
	# shellcheck disable=SC2016
	spawn "$1" bash -c 'exec {nap}<> <(:)
		redis-cli -p "$1" subscribe "chat.ctl.$2" | while read -r line; do
			[[ $line =~ \"id\":\"([^\"]+) ]] || continue
			id=${BASH_REMATCH[1]}
			[[ $line =~ \"reply\":\"([^\"]+) ]] || continue
			reply=${BASH_REMATCH[1]}
			read -rt "$3" -u "$nap"
			echo "publish $reply '"'"'{\"id\":\"$id\",\"node\":\"$2\"}'"'"'"
		done | redis-cli -p "$1" >/dev/null' - "${PORT[redis]}" "$1" "$2"
	wait_until 5 numsub_is "chat.ctl.$1" 1
}

@test "each node is a row, the absent too; and Redis's own PING" {
	NODES="ws1 ws2 ws3"
	nodes ws1 ws3
	run -0 wsctl latency --count 20
	[[ ${lines[0]} =~ ^NODE\ +P50\ +P99\ +MAX\ +LOST$ ]]
	[[ ${lines[1]} =~ ^ws1(\ +[0-9.]+ms){3}\ +0$ ]]
	[[ ${lines[2]} =~ ^ws2(\ +-){4}$ ]]
	[[ ${lines[3]} =~ ^ws3(\ +[0-9.]+ms){3}\ +0$ ]]
	[[ ${lines[4]} =~ ^\(redis\)(\ +[0-9.]+ms){3}\ +-$ ]]
	says "! ws2 is not on redis: wsctl status"
	says "from a publish to the node's answer, by publish too: 20 rounds;"
	says "(redis): its own answer to a PING, 127.0.0.1:${PORT[redis]}"
}

@test "--json: the same, in microseconds" {
	NODES="ws1 ws2"
	nodes ws1
	wsctl latency --count 30 --json >out
	jq -e '.version == 1 and .ok and .rounds == 30' out
	jq -e '.redis | .p50_us > 0 and .p50_us <= .p99_us and .p99_us <= .max_us' out
	jq -e '.nodes[0] | .name == "ws1" and .in_config and .answers and .asked == 30 and .lost == 0 and .processes == 1
		and .p50_us > 0 and .p50_us <= .p99_us and .p99_us <= .max_us' out
	jq -e '.nodes[1] | .name == "ws2" and .answers == false and .processes == 0 and .p50_us == null and .max_us == null' out
	jq -e '.warnings == ["ws2 is not on redis: wsctl status"]' out
}

@test "what is measured is the time that the node takes" {
	NODES="ws1 slow"
	nodes ws1
	fake_node slow 0.2
	wsctl latency --count 3 --json >out
	jq -e '.nodes[1] | .name == "slow" and .answers and .lost == 0 and .p50_us >= 200000 and .max_us < 2000000' out
	jq -e '.nodes[0].p50_us < .nodes[1].p50_us' out
	run -0 wsctl latency --count 3
	[[ $output =~ slow\ +[2-9][0-9]{2}ms\ +[2-9][0-9]{2}ms ]]
}

@test "a node that hangs costs three answers, not all of them" {
	NODES="ws1 ws2"
	nodes ws1 ws2
	kill -STOP "$(pid ws2)"
	run -0 wsctl latency --count 50
	[[ ${lines[1]} =~ ^ws1(\ +[0-9.]+ms){3}\ +0$ ]]
	[[ ${lines[2]} =~ ^ws2(\ +-){3}\ +3$ ]]
	says "! ws2 hears and does not answer; asked 3 times"
}

@test "a node that isn't in the file, and two of one name" {
	NODES=ws1
	nodes ws1
	new_node ws9
	port twin
	spawn twin "$BUILD/wsnode" -c wscale.yaml ws1 --listen "127.0.0.1:${PORT[twin]}"
	wait_until 10 numsub_is chat.ctl.ws1 2
	run -0 wsctl latency --count 2
	[[ ${lines[2]} =~ ^ws9\ +[0-9.]+ms ]]
	says "! 2 processes are named ws1: wsctl status"
	wsctl latency --count 2 --json | jq -e '.nodes[1] | .name == "ws9" and .in_config == false'
}

@test "Ctrl-C shows what there is; redis away is 69" {
	NODES=ws1
	nodes ws1
	background lat latency --count 10000
	wait_until 10 grows
	stop lat INT
	[ "$STATUS" = 130 ]
	log_has lat '^ws1( +[0-9.]+ms){3} +0$'
	run -64 wsctl latency --count 10001
	stop_redis
	run -69 wsctl latency
	says "connection refused"
	wsctl latency --json 2>/dev/null | jq -e '.ok == false and .exit == 69'
}
# The rounds have begun: PINGs are counted.
grows() { [ "$(rcli info commandstats | sed -n 's/^cmdstat_ping:calls=\([0-9]*\),.*/\1/p')" -gt 60 ]; }
