#!/usr/bin/env bats
# Goal: status --check is one line and one exit code for a monitoring system: it wakes somebody for
# what is wrong, and nobody for what somebody has just done on purpose.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

# yesterday NODE: what was done to it was done 25 hours ago.
yesterday() {
	local then=$((EPOCHSECONDS - 25 * 3600))
	sed -i -E "s/^(.*\b$1\b.*[^0-9])1[0-9]{9}([^0-9].*|)$/\1$then\2/" state/*
	grep -q "$then" state/*
}
one_line() { [ "${#lines[@]}" = 1 ]; }

@test "all is well: one line, exit 0" {
	cluster ws1 ws2
	run -0 wsctl status --check
	one_line
	says "chat ok: 2/2 nodes serving, 0 clients, redis ok, local ok"
	wsctl status --check --json | jq -e '.ok and .problems == [] and .serving == 2'
}

@test "a node that is gone: exit 1 and the first thing to know; of one node: only that" {
	cluster ws1 ws2
	stop ws2 KILL
	wait_until 20 eval 'hap "show stat" | grep "^wscale_chat,ws2," | grep -q DOWN'
	run -1 wsctl status --check
	one_line
	says "chat problem: ws2 does not answer"
	says ": 1/2 nodes serving"
	run -1 wsctl status ws2 --check
	run -0 wsctl status ws1 --check
	run -1 wsctl status --check --json
	jq -e '.problems | length == 1' <<<"$output"
}

@test "a drain and a cordon of today wake nobody; those of yesterday are forgotten ones" {
	cluster ws1 ws2 ws3
	wsctl cordon -q ws2
	wsctl drain -q ws3 --over 1s
	run -0 wsctl status --check
	says "chat ok: 1/3 nodes serving"
	run -0 wsctl status
	says "! ws2 cordoned "
	yesterday ws2
	run -1 wsctl status --check
	says "chat problem: ws2 cordoned 25h ago by "
	wsctl ready -q ws2
	wsctl status --check
}

@test "HAProxy or Redis away: exit 69, and the line says which" {
	cluster ws1
	stop redis
	run -69 wsctl status --check
	one_line
	says "chat problem: redis "
	start_redis
	wait_until 20 wsctl status --check
	stop haproxy
	run -69 wsctl status --check
	one_line
	says "local away"
}

@test "a node that can't deliver isn't counted as serving, whatever HAProxy believes yet" {
	cluster ws1 ws2
	stop ws2
	liar ws2 '"state":"unavailable","reason":"redis away","version":"1","clients":0,"start_id":"1"'
	run -1 wsctl status --check
	says "ws2 can't deliver: redis away"
	says ": 1/2 nodes serving"
}

@test "it runs, but HAProxy can't reach it; versions that differ: both are said" {
	cluster ws1 ws2
	stop ws2
	wait_until 20 eval 'hap "show stat" | grep "^wscale_chat,ws2," | grep -q DOWN'
	liar ws2 '"state":"ready","version":"9.9","clients":0,"start_id":"1","uptime_s":1'
	run -0 wsctl status
	says "! ws2 runs, but HAProxy's check fails: "
	says "! the nodes run different versions: "
	says "9.9 (ws2)"
	run -1 wsctl status --check
	says "chat problem: ws2 runs, but HAProxy's check fails: "
}
