#!/usr/bin/env bats
# Goal: what hurts only at the next start, in the next storm or for the next stranger is found today, with
# why and the command that mends it; what can't be seen from here is said; where all is well there is silence.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

# Fits a small nofile limit.
YAML_NODE="max_clients: 1000"

doctor() { wsctl doctor --json >doctor.json 2>doctor.err || :; }
findings() { jq -r --arg c "$1" '.findings[] | select(.check == $c) | "\(.level): \(.what)"' doctor.json; }
# finds CHECK TEXT: the last doctor said so.
finds() {
	findings "$1" | grep -qF -- "$2" || fail "no \"$2\" of $1 in: $(cat doctor.json doctor.err)"
}
# well CHECK...: nothing is wrong there.
well() {
	local c
	for c; do
		refute grep -E '^(warning|failure)' <(findings "$c")
		findings "$c" | grep -q . || fail "$c said nothing"
	done
}
# mend CHECK: runs the command that the doctor gave.
mend() { eval "$(jq -r --arg c "$1" 'first(.findings[] | select(.check == $c and .mend)).mend' doctor.json)"; }

@test "where all is well it finds nothing, and -v says what was looked at" {
	cluster ws1 ws2
	run wsctl doctor
	echo "$output"
	# HAProxy of Debian 12 has a fault that is always found.
	if [ "$status" -eq 0 ]; then
		[ "${#lines[@]}" = 2 ]
		[ "${lines[1]}" = "nothing found" ]
	else
		[[ ${lines[0]} =~ ^WARN\ haproxy\ 2\.6\.[0-9]+:\ del\ server\ may\ crash$ ]]
		[[ ${lines[2]} == "     mend: "* ]]
		[ "${#lines[@]}" = 5 ]
		[ "${lines[4]}" = "0 failures, 1 warning" ]
	fi
	[[ $output =~ ok\ \ \ [0-9]+\ checks\ \(-v\ lists\ them\) ]]
	run wsctl doctor -v
	says "ok   HAProxy answers and has backend wscale_chat"
	says "ok   redis takes nobody from other hosts"
	says "ok   2 nodes answer"
	[ "${#lines[@]}" -gt 20 ]
}

@test "--json has each finding, and the manual its keys and every check" {
	cluster ws1
	doctor
	jq -e '.version == 1 and (.ok | type == "boolean") and (.findings | length > 15)
		and all(.findings[]; has("check") and has("level") and has("what") and has("why") and has("mend"))
		and all(.findings[].level; IN("ok", "unchecked", "warning", "failure"))
		and (.ok == all(.findings[].level; IN("ok", "unchecked")))' doctor.json
	sed -n '/^\.Sh JSON/,/^\.Sh ENV/p' "$ROOT/man/wsctl.8" | grep -oE '[a-z_]+' | sort -u >documented
	jq -r '[paths | .[] | strings] | unique[]' doctor.json | sort -u >keys
	[ "$(comm -23 keys documented)" = "" ] || fail "not in wsctl(8): $(comm -23 keys documented)"
	sed -n '/^\.Sh CHECKS/,/^\.Sh JSON/s/^\.It Sy //p' "$ROOT/man/wsctl.8" | sort >manual
	diff -u <(sed -n 's/^\t{"\([a-z-]*\)", check_.*/\1/p' "$ROOT/wsctl/doctor.c" | sort) manual
	jq -r '.findings[].check' doctor.json | sort -u | comm -23 - manual >strangers
	[ ! -s strangers ]
}

@test "limits that would be met later: a HAProxy that would not start again, a node that takes fewer" {
	start_redis
	MAXCONN=400 NODES="ws1 ws2" write_yaml
	start_node ws1
	(
		ulimit -n 1500
		start_node ws2
	)
	(
		ulimit -n 2000
		start_haproxy
	)
	doctor
	well haproxy haproxy-nofile haproxy-loaded
	finds nodes-nofile "warning: ws2: "
	finds nodes-nofile " clients of node.max_clients 1,000"
	sed -i 's/maxconn: 400/maxconn: 6000/' wscale.yaml
	doctor
	finds haproxy-nofile "failure: haproxy nofile 2,000; maxconn 6,100 needs 12,"
	finds haproxy-loaded "haproxy.cfg is not what $W/wscale.yaml renders"
	wsctl generate -o haproxy.cfg
	doctor
	finds haproxy-loaded "HAProxy runs with another file than $W/haproxy.cfg"
}

@test "the kernel's limits, and the commands that raise them" {
	requires sysctl
	unshare -n true 2>/dev/null || skip "no network namespace to be had"
	NODES="ws1 ws2" MAXCONN=40000 YAML_NODE="max_clients: 40000" write_yaml
	export -f doctor wsctl mend finds findings well fail refute
	export W BUILD
	# shellcheck disable=SC2016
	run -0 unshare -n bash -eu -c '
		sysctl -q -w net.core.somaxconn=128 net.ipv4.ip_local_port_range="32768 60999"
		doctor
		finds somaxconn "warning: net.core.somaxconn 128"
		finds ports "warning: ws1, ws2: up to 40,000 tunnels, but 28,232 source ports"
		mend somaxconn
		mend ports
		doctor
		well somaxconn ports'
}

@test "who may read secrets, write what governs, use the admin socket; each chmod mends it" {
	secret redis.password hush
	secret shared.token shared
	YAML_REDIS="password_file: redis.password" YAML_AUTH="token_file: shared.token" NODES=ws1 write_yaml
	start_redis redis --requirepass hush
	start_node ws1
	start_haproxy
	wait_until 10 checked ws1
	doctor
	well secrets files sockets redis-access
	finds redis-access "wants a password"
	chmod 644 shared.token
	chmod 666 admin.sock wscale.yaml
	chmod 777 state
	doctor
	finds secrets "failure: $W/shared.token: everybody on this host may read it"
	finds files "failure: $W/wscale.yaml: everybody on this host may write to it"
	finds sockets "failure: $W/state: everybody"
	for _ in 1 2; do
		mend sockets
		doctor
	done
	mend secrets
	mend files
	doctor
	well secrets files sockets
	# A directory above may keep others out.
	mkdir -m 700 keys
	cp shared.token keys/other.token
	chmod 644 keys/other.token
	sed -i 's,token_file: shared,token_file: keys/other,' wscale.yaml
	doctor
	well secrets
	refute grep -r hush doctor.json doctor.err
}

@test "an admin socket for the whole network is found" {
	port tcp
	YAML_HAPROXY="extra: { global: \"stats socket 127.0.0.1:${PORT[tcp]} level admin\" }"
	cluster ws1
	doctor
	well sockets
	# Listens nowhere but on loopback here: only what HAProxy says is another address.
	requires socat
	mv admin.sock real.sock
	cat >between.sh <<-'END'
		#!/bin/bash
		read -r cmd
		echo "$cmd" | socat -t 3 - UNIX-CONNECT:real.sock | sed 's/^ipv4@127.0.0.1/ipv4@0.0.0.0/'
	END
	chmod +x between.sh
	spawn between socat UNIX-LISTEN:admin.sock,fork,mode=660 EXEC:./between.sh
	wait_until 5 test -S admin.sock
	doctor
	finds sockets "failure: HAProxy's admin socket listens at 0.0.0.0:${PORT[tcp]}"
}

@test "Redis's settings: buffers, eviction, disk; each CONFIG SET mends it" {
	YAML_CHANNELS='rules: [{ match: "news:*", history: { size: 10, ttl: 1h } }]'
	cluster ws1
	doctor
	finds redis-disk "warning: redis keeps nothing on disk, and rules keep histories"
	well redis redis-access redis-buffers redis-memory
	rcli config set save "3600 1"
	doctor
	finds redis-disk "warning: redis only takes snapshots, save 3600 1"
	rcli config set appendfsync no
	mend redis-disk
	wait_until 10 redis_info_has aof_rewrite_in_progress:0
	doctor
	finds redis-disk "warning: redis: appendfsync no"
	mend redis-disk
	rcli config set client-output-buffer-limit "pubsub 1mb 512kb 10"
	rcli config set maxmemory 100mb
	rcli config set maxmemory-policy allkeys-lru
	doctor
	finds redis-buffers "warning: redis: client-output-buffer-limit pubsub 1MiB, 512KiB for 10s is small"
	finds redis-memory "failure: redis: maxmemory-policy allkeys-lru"
	mend redis-buffers
	mend redis-memory
	doctor
	well redis-disk redis-buffers redis-memory
	rcli replicaof 127.0.0.1 1
	doctor
	finds redis "failure: redis is a replica of 127.0.0.1"
}
redis_info_has() { rcli info | tr -d '\r' | grep -qx "$1"; }

@test "Redis for anyone on the network, or for too few" {
	NODES=ws1 write_yaml
	start_redis
	doctor
	well redis-access
	rcli config set protected-mode no
	rcli config set bind "127.0.0.1 127.0.0.2"
	doctor
	well redis-access
	rcli config set bind 127.0.0.1
	echo "  ws9: 192.0.2.1:8081" >>wscale.yaml
	doctor
	finds redis-access "failure: redis listens on 127.0.0.1 only: ws9 can't reach it"
	finds somaxconn "unchecked: the hosts of ws9"
}

@test "rights that are missing are said, not taken for health" {
	secret redis.password hush
	NODES=ws1 YAML_REDIS=$'user: wscale\npassword_file: redis.password' write_yaml
	start_redis
	rcli acl setuser wscale on '>hush' '~chat.*' '&chat:*' '&chat.*' +subscribe +unsubscribe +publish +eval \
		+set +info +ping +pubsub
	start_node ws1
	start_haproxy
	wait_until 10 checked ws1
	doctor
	finds redis-access "unchecked: redis: who else reaches it can't be seen: NOPERM"
	finds redis-buffers "unchecked: redis: the buffer of its subscribers can't be seen: NOPERM"
	finds clock "unchecked: redis doesn't tell its clock"
	well redis nodes
	rcli acl setuser wscale '+config|get' +time
	doctor
	well redis-access redis-buffers clock
	refute grep -q unchecked doctor.json
}

@test "without root it says what it could not see" {
	requires runuser
	[ "$(id -u)" -eq 0 ] || skip "not root"
	secret shared.token shared
	YAML_AUTH="token_file: keys/shared.token"
	mkdir -m 700 keys
	mv shared.token keys
	cluster ws1
	cp "$BUILD/wsctl" doctor
	run -0 runuser -u nobody -- ./doctor -c wscale.yaml doctor
	says "?    HAProxy: $W/admin.sock: permission denied; use sudo"
	says "?    keys/shared.token: permission denied"
	says "     look: sudo wsctl doctor"
	[[ ${lines[-1]} == "nothing found, 2 not checked" ]]
}

@test "HAProxy and Redis away: each is a failure, and what isn't checked for it" {
	NODES=ws1 write_yaml
	run -1 wsctl doctor
	says "FAIL HAProxy can't be asked: $W/admin.sock: no such socket"
	says "FAIL redis 127.0.0.1:${PORT[redis]}: connection refused"
	says "     its limits, version, sockets and what it loaded aren't checked"
	says "WARN $W/master.sock: no master socket"
	says "FAIL $W/haproxy.cfg: no such file or directory"
	says "3 failures, 1 warning"
}

@test "nodes that differ: version, keys, clock; one that is silent; none of it drives the terminal" {
	cluster ws1
	doctor
	well nodes nodes-config nodes-version clock
	printf '  ws2: %s\n' "127.0.0.1:9" >>wscale.yaml
	doctor
	finds nodes "unchecked: ws2: no answer over redis"
	# shellcheck disable=SC2016
	liar ws2 '"version":"9.9\u001b[31m","max_clients":1000,"config":"beef","time_ms":1000'
	doctor
	finds nodes-version "warning: 2 versions: "
	finds nodes-config "warning: ws2: other redis, auth or channels keys than $W/wscale.yaml"
	finds clock "warning: the clock of ws2 is "
	run wsctl doctor -v
	printf '%s\n' "$output" >screen
	no_control_bytes screen
}

@test "a tunnel timeout below the ping, and a fragment that HAProxy has not loaded" {
	YAML_HAPROXY='extra: { backend: "timeout tunnel 20s" }'
	cluster ws1
	doctor
	finds ping "failure: timeout tunnel 20s, node.ping 25s"
	sed -i 's/tunnel 20s/tunnel 40s/' wscale.yaml haproxy.cfg
	doctor
	finds ping "warning: timeout tunnel 40s, node.ping 25s"
	sed -i 's/^haproxy:/&\n  own: backend/; s/extra:.*//' wscale.yaml
	rm haproxy.cfg
	wsctl generate -o haproxy.cfg
	doctor
	well ping
	finds haproxy-loaded "warning: HAProxy runs with another file than $W/haproxy.cfg"
}
