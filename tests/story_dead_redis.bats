#!/usr/bin/env bats
# The story: Redis is away. Nodes refuse new clients, tell why, and keep those they have; wsctl says what it
# can, does its half of a drain, and what is left once Redis is back.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "a dead Redis" {
	box <<-'END'
		lan_cluster 2
		people 4
		systemctl stop redis
		until_so bash -c '[ "$(curl -s -o /dev/null -w "%{http_code}" 10.0.0.12:8081/healthz)" = 503 ]'
		run 69 wsctl status
		says 'redis away'
		says '^! ws2 can.t deliver'
		run 69 wsctl channels
		run 69 wsctl drain ws2 --force
		says 'HAProxy sends no new clients to ws2'
		says 'once redis is back: wsctl drain ws2'
		[ "$(closed_with 1006)" = 0 ]
		systemctl start redis
		until_so bash -c '[ "$(curl -s -o /dev/null -w "%{http_code}" 10.0.0.11:8081/healthz)" = 200 ]'
		until_so bash -c 'wsctl status | grep -q "^ws1 .* ready .* up"'
		run 0 wsctl drain ws2
		run 0 wsctl ready ws2
		run 0 wsctl status
		says '2/2 nodes serving'
		[ "$(closed_with 1006)" = 0 ]
	END
}
