#!/usr/bin/env bats
# Goal: a storm costs Redis little. All clients come back at once, to nodes that know their channels and
# to nodes that know nothing: at most one history read for each node and channel, however many clients.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/herd.bash"

# begin CHANNELS CLIENTS
begin() {
	history 100
	cluster ws1 ws2
	publishing 100 "$1"
	herd haproxy "$2" "$1"
	goes_on "$1"
}

@test "all clients reconnect and resume at once: at most one history read for each node and channel" {
	begin 10 "$(load 400)"
	before=$(xranges)
	storm
	wait_until 30 all_there
	goes_on 50
	storm
	wait_until 30 all_there
	reads=$(($(xranges) - before))
	echo "# two storms of $N clients on warm nodes: $reads history reads" >&3
	[ "$reads" -le 20 ] || fail "$reads history reads for 2 nodes and 10 channels"

	# The nodes are new: they know nothing of what the clients ask for.
	before=$(xranges)
	stop ws1 KILL
	stop ws2 KILL
	goes_on 50
	start_node ws1
	start_node ws2
	wait_until 30 all_there
	reads=$(($(xranges) - before))
	echo "# $N clients come to nodes that know nothing: $reads history reads" >&3
	[ "$reads" -le 20 ] || fail "$reads history reads for 2 nodes and 10 channels"
	[ "$reads" -ge 10 ]

	end_herd
	nothing_lost whole
	is whole '.dropped > 0 and .resumed >= 3 * .clients'
}

@test "the worst case, a channel for each client: a history read for each when they come to a new node" {
	N=$(load 300)
	history 100
	cluster ws1 ws2
	publishing 300 "$N"
	herd haproxy "$N" "$N" --rate 300
	goes_on $((N + 20)) # each of them has one
	before=$(xranges)
	storm
	wait_until 30 all_there
	reads=$(($(xranges) - before))
	echo "# $N clients on $N channels: $reads history reads in the storm" >&3
	[ "$reads" -le $((2 * N)) ]
	end_herd
	nothing_lost whole
}
