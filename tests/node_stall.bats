#!/usr/bin/env bats
# Goal: a node that stood still (a paused virtual machine, SIGSTOP, swapping) blames nobody for it when it
# goes on: no client is cut for pings that were never sent in time.

load helpers

@test "a node that stood still for several pings keeps the clients that answer" {
	start_redis
	YAML_NODE='ping: 2s'
	write_yaml
	start_node ws1
	ws_open a "$(url ws1)"
	ws_open b "$(url ws1)"
	ws_wait a '^ping'
	kill -STOP "$(pid ws1)"
	never 10 gone ws1
	kill -CONT "$(pid ws1)"
	wait_until 10 health_is ws1 200
	never 6 ended
	clients_are ws1 2
	[ "$(metric ws1 wsnode_ping_timeouts_total)" = 0 ]
	ws_send a hi
	ws_wait b '^text hi$'
}
ended() { [ "$(ws_count a '^(close|eof)')$(ws_count b '^(close|eof)')" != 00 ]; }

cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$(pid ws1)/stat"; }

@test "a client that reads nothing and ends its own side costs no processor time and is gone soon" {
	requires perl
	start_redis
	write_yaml
	start_node ws1
	# Half closed: it sends FIN, but reads nothing and stays.
	spawn half perl -MIO::Socket::INET -e '
		$| = 1;
		my $s = IO::Socket::INET->new(Proto => "tcp") or die;
		setsockopt($s, SOL_SOCKET, SO_RCVBUF, 4096);
		connect($s, pack_sockaddr_in($ARGV[0], inet_aton("127.0.0.1"))) or die;
		syswrite $s, join("\r\n", "GET /ws/s0 HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: upgrade",
			"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "");
		sysread $s, my $head, 1000;
		print "open\n";
		<STDIN>;
		$SIG{TERM} = sub { exit };
		$SIG{USR1} = sub { shutdown $s, 1; print "half\n" };
		sleep 1 while 1;' "${PORT[ws1]}"
	wait_until 5 log_has half '^open'
	"$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --prefix s --rate 300 --count 60 --size 60000
	wait_until 5 reaches 1 metric ws1 wsnode_queued_bytes
	kill -USR1 "$(pid half)"
	wait_until 5 log_has half '^half'
	wait_until 4 clients_are ws1 0
	local before
	before=$(cpu_ticks)
	never 1 gone ws1
	[ $(($(cpu_ticks) - before)) -lt 20 ] || fail "$(($(cpu_ticks) - before)) ticks in a second"
}
