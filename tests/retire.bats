#!/usr/bin/env bats
# Goal: the clients of an old HAProxy worker, or of a whole balancer, are moved at a pace, and nobody
# else's: the nodes know through which process each client came.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/herd.bash"
. "$BATS_TEST_DIRNAME/balancers.bash"

old_pid() { wsctl status --json | jq -r '.haproxy.old_workers[0].pid // empty'; }
no_old_worker() { [ -z "$(old_pid)" ]; }
reload() { reload_haproxy && wait_until 10 refute no_old_worker; }
still_open() { local c; for c; do refute grep -q "^close" "$W/log/ws.$c"; done; }
lbs() { control "$1" '"do":"report"' | jq -c .lbs; }
# front NAME BALANCER: a client through that balancer.
front() { ws_open "$1" "ws://127.0.0.1:${PORT[$2]}/ws/news"; }

@test "an old worker: exactly its clients move, at the pace asked for, and it ends" {
	cluster ws1 ws2
	clients 6
	reload
	clients 3
	local old
	old=$(old_pid)
	run -0 wsctl status
	says "local old worker $old, started "
	says "holds 6 clients: wsctl retire local/$old"
	run -0 wsctl retire "local/$old" -n
	says "would move them; nothing changed"
	run -0 wsctl retire "local/$old" --over 2s
	says "local/$old: 6 clients of 2 nodes at 3/s, about 2s"
	says "local/$old retired in "
	says "6 moved"
	[ "$(closed_with 1012)" = 6 ]
	[ "$(closed_with 1006)" = 0 ]
	# Told again twice a second, a node says it once.
	[ "$(cat log/ws1 log/ws2 | grep -c 'retire: ')" = 2 ]
	still_open c7 c8 c9
	wait_until 10 no_old_worker
	wsctl status --check
	run -1 wsctl retire "local/$old"
	says "local has no old worker $old; it has none"
}

@test "under traffic, both protocols with history: nothing is lost, doubled or reordered, no 1006" {
	history 300
	cluster ws1 ws2
	publishing 100 10
	herd haproxy "$(load 200)" 10
	reload
	run -0 wsctl retire "local/$(old_pid)" --over 4s
	wait_until 20 all_there
	wait_until 10 no_old_worker
	interval retired
	nothing_lost retired
	is retired '.closed.n > 0 and .closes."1006" == null and .connect_errors == 0'
}

@test "what can't be meant is refused, and says what there is" {
	cluster ws1
	clients 1
	run -1 wsctl retire lb7
	says 'unknown balancer "lb7"; there is local'
	run -64 wsctl retire local/
	says '"local/" is neither a balancer nor a worker of one, such as lb1/4711'
	run -64 wsctl retire local/x7
	run -64 wsctl retire local --over 2s --rate 3/s
	run -1 wsctl retire "local/$(worker_pid)"
	says "takes new clients; all of local: wsctl retire local"
	run -1 wsctl retire local/1
	says "local has no old worker 1; it has none"
	stop redis
	run -69 wsctl retire local
	stop haproxy
	run -69 wsctl retire local
	still_open c1
}

@test "a balancer among two: its clients come back through the other one; nobody else moves" {
	two_balancers ws1 ws2
	front a1 lb1
	front a2 lb1
	front b1 lb2
	run -0 wsctl retire lb2 --json
	says '"balancer":"lb2","pid":null,"clients":1,"left":0'
	ws_wait b1 "^close 1012"
	still_open a1 a2
	run -0 wsctl retire lb2
	says "lb2 has no clients; nothing to do"
	lb2_away
	run -69 wsctl retire lb2
	still_open a1 a2
}

@test "--no-wait leaves it to the nodes; clients that came directly, and forged names, are nobody's" {
	cluster ws1
	clients 2
	ws_open direct "$(url ws1 /ws/news)"
	ws_open quoted "$(url ws1 /ws/news)" -H 'X-LB: a"},{"-1'
	ws_open long "$(url ws1 /ws/news)" -H "X-LB: $(printf 'x%.0s' {1..200})-1"
	ws_open named "$(url ws1 /ws/news)" -H "X-LB: elsewhere"
	[ "$(lbs ws1)" = "{\"$(hostname)-$(worker_pid)\":2,\"elsewhere\":1}" ]
	run -0 wsctl retire local --no-wait
	says "the nodes move them; wait for it: wsctl retire local"
	ws_wait c1 "^close 1012"
	ws_wait c2 "^close 1012"
	still_open direct quoted long named
}

@test "more names than a node keeps: it goes on, and those it knows are moved all the same" {
	cluster ws1
	clients 1
	local i
	for i in {1..300}; do
		printf 'GET /ws/news HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nX-LB: h%d-%d\r\n\r\n' "$i" "$i" >"head.$i"
	done
	cat >many.py <<-'END'
		import socket, sys, time
		s = []
		for i in range(1, 301):
		    c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		    c.sendall(open("head.%d" % i, "rb").read())
		    assert c.recv(4096).startswith(b"HTTP/1.1 101"), i
		    s.append(c)
		print("open", flush=True)
		time.sleep(1000)
	END
	spawn many python3 many.py "${PORT[ws1]}"
	wait_until 20 log_has many "^open"
	[ "$(lbs ws1 | jq length)" = 255 ]
	clients_are ws1 301
	run -0 control ws1 '"do":"retire","lbs":["h7-7"],"per_second":100'
	says '"clients":1,'
	wait_until 10 clients_are ws1 300
	stop many KILL
	wait_until 10 clients_are ws1 1
	[ "$(lbs ws1 | jq length)" = 1 ]
}

@test "a drain in the middle of a retire takes all; requests that make no sense are refused" {
	cluster ws1 ws2
	clients 6
	reload
	background retire retire "local/$(old_pid)" --rate 1/s
	ws_wait c1 "^(open|close)" # the first goes at once
	wait_until 10 eval '[ "$(closed_with 1012)" -ge 1 ]'
	run -0 wsctl drain ws1 --over 1s
	wait_until 10 clients_are ws1 0
	exits retire 30
	[ "$STATUS" = 0 ]
	[ "$(closed_with 1012)" = 6 ]
	for bad in '"lbs":[],"per_second":1' '"lbs":["x-1"]' '"lbs":"x","per_second":1' '"lbs":["x-1"],"per_second":-1'; do
		run -0 control ws2 "\"do\":\"retire\",$bad"
		says '"ok":false'
	done
}
