#!/usr/bin/env bats
# Goal: top and channels --watch on a real terminal: each size shows what fits and never half a
# number, keys sort and scroll, and the terminal is given back whatever ends the program.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/terminal.bash"

# top [OPTION...]: wsctl top in the terminal, with a picture.
top() {
	types "wsctl top --interval 300ms $*"
	wait_until 10 on_screen "sort: "
	wait_until 10 on_screen "ws1 "
}
longest() { screen | awk '{ if (length > n) n = length } END { print n + 0 }'; }
first_node_is() { [[ $(row 3) == "$1 "* ]]; }

@test "top is status, redrawn: clients that come are seen, and so is a cordon" {
	cluster ws1 ws2
	terminal
	top
	row_is 1 "chat: 2/2 nodes serving, 0 clients, redis ok, local ok"
	row_is 2 "NODE  ADDRESS * STATE * HEALTH * CONNS  CLIENTS  OUT/s * UP"
	clients 3
	wait_until 10 row_is 1 "chat: 2/2 nodes serving, 3 clients, *"
	wsctl cordon -q ws2
	wait_until 10 row_is 1 "chat: 1/2 nodes serving, *"
	wait_until 10 on_screen "! ws2 cordoned "
	row_is 24 "sort: as it comes (s, r)  q quit"
	press q
	restored
	not_on_screen "CLIENTS"
}

@test "columns go as the terminal gets narrower, and come back" {
	cluster ws1 ws2
	terminal 100 10
	top
	resize 40 10
	wait_until 10 not_on_screen "ADDRESS"
	[ "$(longest)" -le 40 ]
	wait_until 10 row_is 2 "NODE  STATE  HEALTH  CONNS  CLIENTS"
	resize 20 6
	wait_until 10 row_is 2 "NODE  STATE  CLIENTS"
	wsctl cordon -q ws2
	wait_until 10 row_is 2 "NODE  CLIENTS"
	[ "$(longest)" -le 20 ]
	resize 100 10
	wait_until 10 on_screen "ADDRESS"
	[ "$(screen | grep -c NODE)" = 1 ]
	press q
	restored
}

@test "s sorts by the next column, r turns it round, --sort begins there" {
	cluster ws1 ws2
	clients 1
	local one=ws1 none=ws2
	[ "$(conns ws1)" = 1 ] || one=ws2 none=ws1
	terminal
	top --sort clients
	wait_until 10 on_screen "sort: CLIENTS"
	wait_until 10 first_node_is "$one"
	press r
	wait_until 10 first_node_is "$none"
	press s
	wait_until 10 on_screen "sort: OUT/s, reversed"
	press q
	restored
	types "wsctl top --sort colour"
	wait_until 10 on_screen 'no column "colour"; there are node, address, state, health'
}

@test "more rows than fit are scrolled, by lines and by pages" {
	cluster ws1
	local i
	for i in {10..39}; do echo "  n$i: 127.0.0.1:$i" >>wscale.yaml; done
	terminal 80 12
	top
	on_screen "1-6 of 31"
	press Down
	wait_until 10 on_screen "2-7 of 31"
	press NPage
	wait_until 10 on_screen "10-15 of 31"
	press PPage Up
	wait_until 10 on_screen "1-6 of 31"
	press q
	restored
}

@test "Ctrl-C, SIGTERM, a crash and Ctrl-Z give the terminal back" {
	cluster ws1
	terminal
	local by
	for by in INT TERM HUP SEGV ABRT; do
		top
		kill -"$by" "$(foreground)"
		restored
		pane clear-history
		types clear
		wait_until 10 not_on_screen "wsctl"
	done
	top
	press C-z
	restored
	types fg
	wait_until 10 on_screen "sort: "
	press q
	restored
}

@test "what is away is on the screen, and top goes on when it is back" {
	cluster ws1
	terminal
	top
	stop haproxy
	wait_until 10 row_is 1 "chat: 0/1 node serving, *local away"
	wait_until 10 on_screen "! "
	start_haproxy
	wait_until 20 row_is 1 "chat: 1/1 node serving, *local ok"
	press q
	restored
}

@test "NO_COLOR is heeded; a node's word can't drive the terminal" {
	cluster ws1
	terminal
	top
	pane capture-pane -p -e >coloured
	grep -qF $'\e[32mup' coloured
	press q
	restored
	types "NO_COLOR=1 wsctl top --interval 300ms"
	wait_until 10 on_screen "ws1 "
	pane capture-pane -p -e >plain
	refute grep -qF $'\e[3' plain
	stop ws1
	liar evil '"state":"unavailable","reason":"\u001b[31mred\u0007\nsecond line","version":"1","clients":1'
	wait_until 10 on_screen "evil can't deliver: "
	pane capture-pane -p -e >plain
	refute grep -qF $'\e[3' plain
	refute grep -q '^second line' plain
	press q
	restored
}

@test "without a terminal top says what to use; --json is an object a line" {
	cluster ws1
	run -64 wsctl top
	says "top needs a terminal; once: wsctl status; for a program: --json"
	spawn stream "$BUILD/wsctl" -c "$W/wscale.yaml" top --json --interval 200ms
	wait_until 10 grep -qc '^' log/stream
	wait_until 10 eval '[ "$(wc -l <log/stream)" -ge 2 ]'
	stop stream INT
	[ "$STATUS" = 130 ]
	jq -es 'length >= 2 and all(.version == 1 and .ok and .nodes[0].name == "ws1")' log/stream
}

@test "--json ends at once when the signal comes while it gathers, without half a picture" {
	cluster ws1 ws2
	asks() { [ -n "$(rcli --raw pubsub channels 'chat.reply.*')" ]; }
	# A node that doesn't answer is waited for.
	kill -STOP "$(pid ws1)"
	spawn stream "$BUILD/wsctl" -c "$W/wscale.yaml" top --json --interval 1h
	wait_until 10 asks
	kill -INT "$(pid stream)"
	exits stream 10
	kill -CONT "$(pid ws1)"
	[ "$STATUS" = 130 ]
	jq -es 'length == 1 and .[0].ok == false and .[0].error == "interrupted"' log/stream
}

@test "channels --watch: clients that subscribe are seen; one channel: its nodes" {
	cluster ws1 ws2
	terminal
	types "wsctl channels --watch --interval 300ms --sort clients"
	wait_until 10 on_screen "chat: 0 channels"
	clients 1 quiet
	clients 3 news
	wait_until 10 row_is 2 "CHANNEL  SUBS  NODES  CLIENTS  IN/s  OUT/s"
	wait_until 10 row_is 3 "news * 3 *"
	wait_until 10 row_is 4 "quiet * 1 *"
	press q
	restored
	types "wsctl channels --watch news"
	wait_until 10 on_screen "news on 2 nodes"
	row_is 2 "NODE  CLIENTS  QUEUED  DROPPED"
	stop redis
	wait_until 10 on_screen "no answer; it is asked again"
	wait_until 10 on_screen "! redis "
	press C-c
	restored
}
