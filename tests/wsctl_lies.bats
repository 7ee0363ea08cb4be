#!/usr/bin/env bats
# Goal: what HAProxy, Redis and nodes answer is only an answer: cut short, absurd or malicious, it
# isn't taken for a fact, drives no terminal and breaks nothing.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

hapctl() { "$TOOLS/hapctl" "$W/wscale.yaml" "$@"; }
# between NAME SOCKET SCRIPT: takes the socket's place; the script has the command in $cmd and the real
# socket in $real.
between() {
	requires socat
	mv "$2" "$2.real"
	printf '#!/bin/bash\nreal=%s.real\nread -r cmd\nask() { echo "$cmd" | socat -t 3 - "UNIX-CONNECT:$real"; }\n%s\n' "$2" "$3" >"$1.sh"
	chmod +x "$1.sh"
	spawn "$1" socat "UNIX-LISTEN:$2,fork" "EXEC:$W/$1.sh"
	wait_until 5 test -S "$2"
}

@test "a reply of HAProxy that ends in the middle is no answer" {
	cluster ws1 ws2
	clients 4
	# shellcheck disable=SC2016
	between cut admin.sock 'if [[ $cmd == "show stat"* ]]; then ask | head -n 2; else ask; fi'
	run hapctl servers
	echo "$output"
	[[ $output == "away: "* ]]
	# shellcheck disable=SC2016
	between master master.sock 'if [[ $cmd == "show proc"* ]]; then ask | head -n 2; else ask; fi'
	run hapctl old
	echo "$output"
	[[ $output == "away: "* ]]
}

@test "an old worker that didn't answer once isn't taken for gone" {
	cluster ws1 ws2
	clients 4
	reload_haproxy
	[ "$(hapctl old)" = "1 workers, 4 tunnels" ]
	# As a master does that starts itself anew: the connection ends without a byte.
	# shellcheck disable=SC2016
	between master master.sock 'if [[ $cmd == "@!"* ]] && [ ! -e once ]; then touch once; else ask; fi'
	[ "$(hapctl old)" = "1 workers, 4 tunnels" ]
}

@test "what a node says of itself can't drive the terminal" {
	cluster ws1
	liar ws9 '"state":"ready\u001b[31m","version":"1\u001b]0;owned\u0007\u009b2J","start_id":"a\nb","clients":1,"reason":"\u001b[2J"'
	run wsctl status ws9
	printf '%s\n' "$output" >out
	says "wsnode 1?]0;owned"
	no_control_bytes out
	run wsctl status
	printf '%s\n' "$output" >out
	no_control_bytes out
	[ "$(wsctl --json status | jq -r '.nodes[] | select(.name == "ws9").answers')" = true ]
}

@test "numbers beyond all measure in a node's reply are not counted with" {
	cluster ws1 ws2
	liar ws9 '"state":"ready","start_id":"a","version":"1","in":-9223372036854775808,"out":9223372036854775807,"clients":1e300,"max_clients":9223372036854775807,"queued":-1'
	run -0 wsctl status
	run -0 wsctl status ws9
	says "clients   - of -"
	says "queued    0, "
	stop liar
	stop ws1 KILL
	liar ws1 '"clients":3,"per_second":1e-300'
	run -75 wsctl drain ws1 --deadline 2s
	says "ws1: 3 clients"
	says_not " at 0/m"
	says "3 clients left after 2s"
}

@test "names that Redis wasn't asked for are passed over" {
	cluster ws1
	port fake
	cat >fake.sh <<-'END'
		#!/bin/bash
		bulk() { printf '$%d\r\n%s\r\n' "${#1}" "$1"; }
		while read -r line; do
			case ${line%$'\r'} in
			PING) printf '+PONG\r\n' ;;
			SUBSCRIBE) printf '*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n' ;;
			PUBLISH) printf ':0\r\n' ;;
			CHANNELS) printf '*1\r\n'; bulk chat:news ;;
			NUMSUB) printf '*4\r\n'; bulk "chat:$(printf '%04000d' 0)"; printf ':7\r\n'; bulk chat:news; printf ':3\r\n' ;;
			esac
		done
	END
	chmod +x fake.sh
	spawn fake socat "TCP-LISTEN:${PORT[fake]},bind=127.0.0.1,reuseaddr,fork" "EXEC:$W/fake.sh"
	wait_until 5 listens fake
	sed "s/:${PORT[redis]}/:${PORT[fake]}/" wscale.yaml >fake.yaml
	run -0 "$BUILD/wsctl" -c fake.yaml channels
	echo "$output"
	[[ $output == *"news        3"* ]]
	[[ $output != *0000* ]]
}

@test "what was typed isn't UTF-8: --json still gives its reader one object" {
	cluster ws1
	run -1 --separate-stderr wsctl --json cordon $'ws\xff'
	[ "$(jq '.ok == false and .exit == 1' <<<"$output")" = true ]
}

@test "the password of Redis is in no message, even when Redis repeats it" {
	start_redis redis --rename-command AUTH XAUTH
	local password
	for password in s3cr3t-0f-redis "s3cr3t$(printf '%0150d' 0)"; do
		secret redis.password "$password"
		YAML_REDIS='password_file: redis.password' write_yaml
		run -69 wsctl channels
		says "unknown command 'AUTH'"
		says_not s3cr3t
		launch_node ws1
		wait_until 5 log_has ws1 "unknown command 'AUTH'"
		run health ws1 .reason
		says "unknown command 'AUTH'"
		says_not s3cr3t
		refute log_has ws1 s3cr3t
		stop ws1
		rm log/ws1
	done
}

@test "a server without its numbers isn't empty: HAProxy is asked again" {
	cluster ws1 ws2
	clients 4
	# As between two workers whose backends are numbered differently: the header, and no row of ours.
	# shellcheck disable=SC2016
	between cut admin.sock 'if [[ $cmd == "show stat"* ]] && [ ! -e once ]; then touch once; ask | head -n 1; echo; else ask; fi'
	run hapctl servers
	echo "$output"
	[ "$(grep -c "scur=2 " <<<"$output")" = 2 ]
}
