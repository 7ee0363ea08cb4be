#!/usr/bin/env bats
# Goal: with redis.servers HAProxy follows the master that Sentinel names: it is killed, or handed over; nodes,
# wsctl and publishers go on through redis.url's address, clients stay connected and are told of every loss,
# and a master that comes back with the role it had is not used.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/herd.bash"

CHANNELS=4

# server NAME [LINE...]: a Redis with a file that Sentinel writes into, as it is on a host of its own.
server() {
	port "$1"
	mkdir -p "$W/$1.d"
	{
		printf '%s\n' "port ${PORT[$1]}" "bind 127.0.0.1" "dir $W/$1.d" 'save ""' "repl-diskless-sync-delay 0" \
			"repl-ping-replica-period 1"
		printf '%s\n' "${@:2}"
	} >"$W/$1.conf"
	again "$1"
}
again() {
	spawn "$1" redis-server "$W/$1.conf"
	wait_until 10 redis_answers "$1"
}
# sentinels [LINE...]: three, that agree on r1 as the master, and that there is a replica.
sentinels() {
	local s
	for s in s1 s2 s3; do
		port $s
		mkdir "$W/$s.d"
		{
			printf '%s\n' "port ${PORT[$s]}" "bind 127.0.0.1" "dir $W/$s.d" \
				"sentinel monitor chat 127.0.0.1 ${PORT[r1]} 2" \
				"sentinel down-after-milliseconds chat 2000" "sentinel failover-timeout chat 3000"
			printf '%s\n' "$@"
		} >"$W/$s.conf"
		spawn $s redis-server "$W/$s.conf" --sentinel
	done
	for s in s1 s2 s3; do wait_until 20 agrees $s; done
}
agrees() {
	[ "$(redis-cli -p "${PORT[$1]}" --raw sentinel master chat | awk '
		k == "num-slaves" && $0 >= 1 { n++ } k == "num-other-sentinels" && $0 == 2 { n++ } { k = $0 } END { print n }')" = 2 ]
}
role_is() { [ "$(redis-cli -p "${PORT[$1]}" role | head -n 1)" = "$2" ]; }
linked() { redis-cli -p "${PORT[$1]}" info replication | grep -q master_link_status:up; }
# served NAME: HAProxy gives this server and no other.
served() { [ "$(redis_statuses)" = "$1" ] && [ "$(rcli config get port | tail -n 1)" = "${PORT[$1]}" ]; }
# redis_statuses: those that HAProxy takes for the master.
redis_statuses() {
	hap "show stat" | awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "status") c = i }
		$1 == "wscale_chat_redis" && $2 ~ /^redis/ && $c ~ /^UP/ { sub("redis", "r", $2); print $2 }' | xargs
}
both_say_master() { [ "$(redis_statuses)" = "r1 r2" ]; }
connects() { echo "$(metric ws1 wsnode_redis_connects_total) $(metric ws2 wsnode_redis_connects_total)"; }
nodes_are_up() { health_is ws1 200 && health_is ws2 200; }

# followed: the nodes, HAProxy in front of them and of Redis.
followed() {
	port redis
	port r1
	port r2
	NODES="ws1 ws2"
	YAML_REDIS="servers: [127.0.0.1:${PORT[r1]}, 127.0.0.1:${PORT[r2]}]"${YAML_REDIS:+$'\n'$YAML_REDIS}
	write_yaml
	start_haproxy
	wait_until 10 served r1
	for n in $NODES; do start_node "$n"; done
	for n in $NODES; do wait_until 10 server_is "$n" UP; done
}
# begin: a publisher, and clients of both kinds that stay connected.
begin() {
	history 1000
	server r1
	server r2 "replicaof 127.0.0.1 ${PORT[r1]}"
	wait_until 20 linked r2
	sentinels
	followed
	publishing 200 "$CHANNELS"
	HERD=id SPEAK=id herd ws1 "$(load 40)" "$CHANNELS"
	HERD=cf SPEAK=cf herd ws2 "$(load 40)" "$CHANNELS"
	goes_on 40
}
# replicated: the replica has all that the master acknowledged so far.
replicated() {
	[ "$(printf 'set written 1\nwait 1 3000\n' | redis-cli -p "${PORT[r1]}" | tail -n 1)" = 1 ]
}
# end: everybody has the last messages, in order; nobody was closed.
end() {
	wait_until 20 nodes_are_up
	goes_on 40
	published
	for HERD in id cf; do
		wait_until 40 caught_up
		herd_ends "$HERD"
		show "$HERD"
		in_order "$HERD"
		is "$HERD" '.conflicts == 0 and .closes == {}'
	done
}
# told: what was acknowledged and is gone, if anything, everybody was told of.
told() {
	local c
	if [ "$(jq .rollbacks "$W/pub.json")" -gt 0 ]; then
		for c in id cf; do is $c '.announced >= .clients'; done
	else
		for c in id cf; do is $c '.announced == 0 and .redone == 0'; done
	fi
}

@test "the master is killed: HAProxy follows Sentinel's choice, clients stay and miss nothing that was replicated" {
	begin
	calm id cf
	wait_until 10 replicated
	stop r1 KILL
	wait_until 30 served r2
	goes_on_again
	goes_on 100
	end
	for c in id cf; do nothing_lost $c; done
}

@test "the master is killed amid messages: all that was acknowledged is there, or its loss is told" {
	begin
	stop r1 KILL
	wait_until 30 served r2
	goes_on 100
	end
	told
}

@test "the old master comes back and says that it is one: nobody gets there, who is on the new one stays" {
	begin
	calm id cf
	wait_until 10 replicated
	stop r1 KILL
	wait_until 30 served r2
	goes_on_again
	wait_until 20 nodes_are_up
	goes_on 20
	local before
	before=$(connects)
	# Its file is as it was: until Sentinel sees it, two are masters.
	again r1
	wait_until 10 both_say_master
	run rcli ping
	[[ $output != PONG ]]
	nodes_are_up
	goes_on 20
	wait_until 40 role_is r1 slave
	wait_until 20 served r2
	[ "$(connects)" = "$before" ]
	end
	for c in id cf; do nothing_lost $c; done
}

@test "SENTINEL FAILOVER hands over under load: clients stay, and are told what was lost, if anything" {
	begin
	redis-cli -p "${PORT[s1]}" sentinel failover chat
	wait_until 30 served r2
	wait_until 30 role_is r1 slave
	goes_on 100
	wait_until 20 served r2
	end
	told
}

@test "HAProxy was reloaded: connections on its old worker follow the master too" {
	begin
	calm id cf
	reload_haproxy
	wait_until 10 served r1
	wait_until 10 replicated
	stop r1 KILL
	wait_until 30 served r2
	goes_on_again
	goes_on 100
	end
	for c in id cf; do nothing_lost $c; done
}

@test "with passwords: the check needs none, its user may ask for the role alone; nodes and wsctl follow" {
	local auth=("requirepass admin-password" "masterauth admin-password"
		"user wscale-check on nopass -@all +role" "user wscale on >node-password ~chat.* &chat* +@all")
	export REDISCLI_AUTH=admin-password
	secret redis.password node-password
	history 100
	server r1 "${auth[@]}"
	server r2 "${auth[@]}" "replicaof 127.0.0.1 ${PORT[r1]}"
	wait_until 20 linked r2
	REDISCLI_AUTH='' sentinels "sentinel auth-pass chat admin-password"
	YAML_REDIS=$'user: wscale\npassword_file: redis.password' followed
	refute grep -rF -e node-password -e admin-password "$W/haproxy.cfg"
	run -0 redis-cli -p "${PORT[r1]}" --user wscale-check --pass nopass --no-auth-warning info
	says NOPERM
	ws_open a "$(url haproxy /ws/ch0)" -p wscale.id
	run -0 wsctl publish ch0 before
	says "1 node heard it"
	ws_wait a 'before$'
	wait_until 10 replicated
	stop r1 KILL
	wait_until 30 served r2
	wait_until 20 nodes_are_up
	run -0 wsctl publish ch0 after
	ws_wait a 'after$'
	[ "$(ws_count a '^(close|eof)')" = 0 ]
	[ "$(ws_count a 'lost')" = 0 ]
	again r1
	wait_until 40 role_is r1 slave
	wait_until 20 served r2
	run -0 wsctl publish ch0 last
	ws_wait a 'last$'
}

# pair: a master and a replica, and nobody who changes that.
pair() {
	server r1
	server r2 "replicaof 127.0.0.1 ${PORT[r1]}"
	wait_until 20 linked r2
	followed
}

@test "a reload's old worker is held by connections to Redis alone: status says so, retire ends it" {
	pair
	clients 4
	reload_haproxy
	wait_until 10 served r1
	local old before
	old=$(wsctl status --json | jq .haproxy.old_workers[0].pid)
	run -0 wsctl retire "local/$old" --rate 100/s
	says "4 moved"
	says "local/$old: 4 connections to Redis ended; nodes connect again"
	wait_until 10 no_old_worker
	wait_until 10 nodes_are_up
	before=$(connects)
	reload_haproxy
	wait_until 10 served r1
	old=$(wsctl status --json | jq '.haproxy.old_workers[0] | select(.redis == 4 and .tunnels == 0) | .pid')
	run -0 wsctl status
	says "holds 4 connections to Redis, which no failover moves: wsctl retire local/$old"
	run -0 wsctl retire "local/$old" -n
	says "would end them; nothing changed"
	[ "$(connects)" = "$before" ]
	run -0 wsctl retire "local/$old"
	says "local/$old has no clients, 4 connections to Redis"
	wait_until 10 no_old_worker
	wait_until 10 nodes_are_up
	wsctl status --check
}
no_old_worker() { wsctl status --json | jq -e '.haproxy.old_workers == []' >/dev/null; }

@test "another server: plan names it, apply reloads" {
	pair
	cp haproxy.cfg before.cfg
	sed -i "s/\(servers: .*\)\]/\1, 127.0.0.1:1]/" wscale.yaml
	run -2 wsctl plan
	says "! server redis3"
	says "new: 127.0.0.1:1 check"
	says "(reload)"
	run -0 wsctl apply
	says "haproxy reloaded"
	hap "show stat" | grep -q '^wscale_chat_redis,redis3,'
	run -0 wsctl plan
	sed -i "s/127.0.0.1:1\]/127.0.0.1:2]/" wscale.yaml
	run -2 wsctl plan
	says "127.0.0.1:1 check"
	says "-> 127.0.0.1:2 check"
	wsctl apply
	wait_until 10 served r1
	health_is ws1 200
}

@test "doctor: a server without the check's user, away, or a second master" {
	local auth=("requirepass admin-password" "masterauth admin-password")
	export REDISCLI_AUTH=admin-password
	secret redis.password admin-password
	server r1 "${auth[@]}" "user wscale-check on nopass -@all +role"
	server r2 "${auth[@]}" "replicaof 127.0.0.1 ${PORT[r1]}"
	wait_until 20 linked r2
	YAML_REDIS='password_file: redis.password' followed
	finds "failure: redis 127.0.0.1:${PORT[r2]} knows no user wscale-check"
	redis-cli -p "${PORT[r2]}" acl setuser wscale-check on nopass -@all +role
	finds "ok: redis 127.0.0.1:${PORT[r1]} is the master of redis.servers"
	redis-cli -p "${PORT[r2]}" replicaof no one
	finds "failure: redis: 127.0.0.1:${PORT[r1]}, 127.0.0.1:${PORT[r2]} all say that they are the master"
	stop r2
	finds "warning: redis 127.0.0.1:${PORT[r2]} of redis.servers: Connection refused"
	finds "warning: redis 127.0.0.1:${PORT[r1]} has no replica now"
}
# finds TEXT: the doctor says so of redis.servers.
finds() {
	wsctl doctor -v --json >doctor.json 2>doctor.err || :
	jq -r '.findings[] | select(.check == "redis-servers") | "\(.level): \(.what)"' doctor.json | grep -qxF -- "$1" ||
		fail "no \"$1\" in: $(cat doctor.json doctor.err)"
}

@test "apply's reload: when it says done, Redis is to be had through the new worker; if not, it says so" {
	local i
	server r1
	server r2 "replicaof 127.0.0.1 ${PORT[r1]}"
	wait_until 20 linked r2
	followed
	for i in 4001 4002 4003; do
		sed -i "s/maxconn: .*/maxconn: $i/" wscale.yaml
		run -0 wsctl apply
		says "haproxy reloaded"
		says_not note
		[ "$(rcli ping)" = PONG ]
	done
	stop r1
	stop r2
	sed -i 's/maxconn: .*/maxconn: 4004/' wscale.yaml
	run -0 wsctl apply
	says "note: through HAProxy, redis 127.0.0.1:${PORT[redis]}: "
	says "1 reload: done"
	# Ctrl-C ends the wait.
	sed -i 's/maxconn: .*/maxconn: 4005/' wscale.yaml
	background it apply
	wait_until 10 log_has it "haproxy reloaded"
	kill -INT "$(pid it)"
	exits it 10
	[ "$STATUS" = 130 ]
	log_has it "interrupted; what is left: wsctl plan"
	refute log_has it "note: through HAProxy"
}

@test "own: backend, and a Unix socket: the fragment follows beside another site's defaults" {
	port site
	port r1
	port r2
	server r1
	server r2 "replicaof 127.0.0.1 ${PORT[r1]}"
	wait_until 20 linked r2
	cat >main.cfg <<-C
		global
		  stats socket $W/admin.sock mode 660 level admin
		defaults
		  mode http
		  log-format "%HM %HPO"
		  timeout client 1s
		  timeout server 1s
		  timeout tunnel 1s
		  timeout connect 1s
		frontend site
		  bind 127.0.0.1:${PORT[site]}
		  use_backend wscale_chat if { req.hdr(Upgrade) -i websocket }
	C
	NODES=ws1 YAML_HAPROXY="own: backend" YAML_REDIS="servers: [127.0.0.1:${PORT[r2]}, 127.0.0.1:${PORT[r1]}]" write_yaml
	sed -i -E -e '/^  (bind|stats|maxconn):/d' -e "s,url: .*,url: unix://$W/redis.sock," wscale.yaml
	wsctl generate -o haproxy.cfg
	spawn haproxy haproxy -W -db -S "$W/master.sock" -f main.cfg -f haproxy.cfg
	wait_until 10 haproxy_answers
	start_node ws1
	wait_until 10 server_is ws1 UP
	ws_open a "$(url site /ws/a)"
	run -0 wsctl publish a hello
	ws_wait a '^text hello$'
	# A subscriber that hears nothing, and one that asks nothing, stay longer than the site's second.
	spawn quiet redis-cli -s "$W/redis.sock" subscribe nothing
	wait_until 5 log_has quiet '^1|integer'
	never 3 gone quiet
	[ "$(metric ws1 wsnode_redis_connects_total)" = 1 ]
}
