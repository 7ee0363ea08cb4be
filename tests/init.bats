#!/usr/bin/env bats
# Goal: `wsctl init` speaks of what was typed: its options, and the file that -c names.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

init() { "$BUILD/wsctl" -c "$W/my own.yaml" init "$@"; }

@test "the next steps are for the file that -c names" {
	run -0 init --node ws1=127.0.0.1:8081 --own all
	says "wsctl -c '$W/my own.yaml' apply"
	says "wsctl -c '$W/my own.yaml' doctor"
	run -1 init
	says "wsctl -c '$W/my own.yaml' init --overwrite would replace it"
	run -0 "$BUILD/wsctl" -c plain.yaml init --own backend
	says "mkdir -p /etc/haproxy/conf.d"
	says "wsctl -c plain.yaml generate -o "
	says "wsctl -c plain.yaml plan"
	says "wsctl -c plain.yaml doctor"
	# As they stand there, they are right.
	run -0 "$BUILD/wsctl" -c plain.yaml check
	WSCALE_CONFIG=env.yaml run -0 "$BUILD/wsctl" init --own all
	says "  wsctl apply && wsctl doctor"
}

@test "what is wrong with a --node names it, all of them at once" {
	run -64 init --node ws1=10.0.0.1:81 --node ws1=10.0.0.2:81 --node ws2=10.0.0.1:81 --node =10.0.0.3:81 \
		--node a.b=10.0.0.4:81 --node ws5= --node ws6=10.0.0.6
	says "--node ws1=10.0.0.2:81: ws1 is there already: --node ws1=10.0.0.1:81"
	says "--node ws2=10.0.0.1:81: the address of --node ws1=10.0.0.1:81"
	says "--node =10.0.0.3:81: a name is missing"
	says "--node a.b=10.0.0.4:81: \"a.b\" can't be a node's name: 1 to 32 of A-Z a-z 0-9 _ -"
	says "--node ws5=: an address is missing"
	says "--node ws6=10.0.0.6: address \"10.0.0.6\" "
	says_not "line"
	[ ! -e "my own.yaml" ]
}
