# hap.bats: wsctl's conversation with a real HAProxy, call by call, against each trap that HAProxy has
# for whoever adds, drains and removes servers while clients talk. No Redis: the nodes are standalone.
load helpers

hapctl() { "$TOOLS/hapctl" "$W/wscale.yaml" "$@"; }
# Nodes named by $NODES in the YAML; those in $UP run.
cluster() {
	local n
	write_yaml
	for n in ${UP:-$NODES}; do start_alone "$n"; done
	start_haproxy
}
start_alone() {
	port "$1"
	start_node "$1" --standalone
}
row() { hapctl servers | grep "^$1 "; }
row_has() { row "$1" | grep -q -- "$2"; }
tunnels() { hapctl old "$@"; }
# A client that is known to be on server $2.
client_on() {
	local before
	before=$(row "$2" | sed 's/.*scur=\([0-9]*\).*/\1/')
	ws_open "$1" "$(url haproxy /ws/news)"
	wait_until 5 row_has "$2" "scur=$((before + 1)) "
}

@test "what HAProxy has is read by name: address, admin state, weight, status, check, sessions" {
	NODES="ws1 ws2" UP=ws1 cluster
	wait_until 10 row_has ws2 status=DOWN
	wait_until 5 row_has ws1 check=L7OK
	row ws1 | grep -x "ws1 addr=127.0.0.1:${PORT[ws1]} admin=0 weight=100 status=UP check=L7OK scur=0 maxconn=20000"
	[[ $(hapctl version) =~ ^[23]\.[0-9]+ ]]
}

@test "a server that is added has every keyword of the rendered line, and no traffic before it is set ready" {
	NODES=ws1 cluster
	wait_until 5 row_has ws1 check=L7OK
	port ws2
	printf '  ws2: { address: 127.0.0.1:%s, weight: 30, maxconn: 77 }\n' "${PORT[ws2]}" >>wscale.yaml
	start_alone ws2
	hapctl add ws2
	row_has ws2 "admin=8 weight=30 "
	row_has ws2 "maxconn=77"
	wait_until 5 row_has ws2 check=L7OK
	for n in 1 2 3 4 5 6; do ws_open "c$n" "$(url haproxy /)"; done
	row_has ws2 scur=0
	hapctl ready ws2
	row_has ws2 "admin=0 "
	wait_until 5 row_has ws2 status=UP
	ws_open c7 "$(url haproxy /)"
	wait_until 5 row_has ws2 scur=1
	# the same again: nothing to do, and it stays in service
	hapctl add ws2
	row_has ws2 "admin=0 "
	# fall, rise and the intervals as rendered
	stop ws2 KILL
	wait_until 6 row_has ws2 status=DOWN
	start_alone ws2
	wait_until 6 row_has ws2 status=UP
}

@test "a server that is added while its process is dead never gets to serve, and can be taken out again" {
	NODES=ws1 cluster
	wait_until 5 row_has ws1 check=L7OK
	port ws2
	printf '  ws2: 127.0.0.1:%s\n' "${PORT[ws2]}" >>wscale.yaml
	hapctl add ws2
	wait_until 5 row_has ws2 check=L4CON
	row_has ws2 "admin=8 "
	for n in 1 2 3 4; do [ "$(handshake "$(url haproxy /)")" = 101 ]; done
	hapctl del ws2 5000
	run hapctl servers
	[[ $output != *ws2* ]]
	# and once more: nothing to do
	hapctl del ws2 5000
}

@test "an address that HAProxy would take but never reach is refused before it is sent" {
	NODES=ws1 cluster
	cp wscale.yaml good.yaml
	printf '  ws2: nosuchhost.invalid:8081\n' >>wscale.yaml
	run hapctl add ws2
	[ "$status" -eq 1 ]
	[[ $output == "refused: ws2: host nosuchhost.invalid does not resolve"* ]]
	run hapctl servers
	[[ $output != *ws2* ]]
	# a name that resolves is sent as an address
	cp good.yaml wscale.yaml
	port ws2
	printf '  ws2: localhost:%s\n' "${PORT[ws2]}" >>wscale.yaml
	hapctl add ws2
	row ws2 | grep -E "addr=(127.0.0.1|::1):${PORT[ws2]} "
	# HAProxy has that name elsewhere: refused, and not touched
	sed "s/ws2: .*/ws2: 127.0.0.1:1/" wscale.yaml >other.yaml
	run "$TOOLS/hapctl" other.yaml add ws2
	[ "$status" -eq 1 ]
	[[ $output == "refused: HAProxy has ws2 at "*":${PORT[ws2]} already" ]]
}

@test "a node on a Unix socket is added and checked like any other" {
	NODES=ws1 cluster
	printf '  ws2: unix:%s/ws2.sock\n' "$W" >>wscale.yaml
	spawn ws2 "$BUILD/wsnode" -c "$W/wscale.yaml" ws2 --standalone
	wait_until 10 test -S ws2.sock
	hapctl add ws2
	wait_until 5 row_has ws2 check=L7OK
	hapctl ready ws2
	wait_until 5 row_has ws2 status=UP
}

@test "drain and maint show in the admin state, whatever a failing check does to the status text" {
	NODES="ws1 ws2" cluster
	wait_until 5 row_has ws1 check=L7OK
	hapctl drain ws1
	row_has ws1 "admin=8 "
	hapctl drain ws1
	stop ws1
	wait_until 10 row_has ws1 check=L4CON
	row_has ws1 "admin=8 "
	hapctl maint ws1
	[[ $(row ws1) == *status=MAINT* ]]
	hapctl ready ws1
	row_has ws1 "admin=0 "
	hapctl weight ws2 7
	row_has ws2 "weight=7 "
	run hapctl weight ws2 300
	[ "$status" -eq 1 ]
	[[ $output == refused:* ]]
	row_has ws2 "weight=7 "
	run hapctl drain ws9
	[ "$output" = "refused: HAProxy has no server ws9 in backend wscale_chat" ]
	run hapctl drain "ws1;shutdown"
	[ "$status" -eq 1 ]
}

@test "tunnels on workers that a reload left behind are counted, and killed only for the server asked for" {
	NODES="ws1 ws2" cluster
	wait_until 5 row_has ws1 check=L7OK
	wait_until 5 row_has ws2 check=L7OK
	for n in 1 2 3 4 5 6; do ws_open "c$n" "$(url haproxy /ws/news)"; done
	[ "$(tunnels)" = "0 workers, 0 tunnels" ]
	reload_haproxy
	[ "$(tunnels)" = "1 workers, 6 tunnels" ]
	[ "$(tunnels ws1)" = "1 workers, 3 tunnels" ]
	wait_until 5 row_has ws1 check=L7OK
	ws_open d1 "$(url haproxy /ws/news)"
	ws_open d2 "$(url haproxy /ws/news)"
	reload_haproxy
	[ "$(tunnels)" = "2 workers, 8 tunnels" ]
	[ "$(tunnels ws2)" = "2 workers, 4 tunnels" ]
	[ "$(hapctl kill ws1)" = "killed 4" ]
	wait_until 5 eval '[ "$(tunnels ws1)" = "2 workers, 0 tunnels" ]'
	[ "$(tunnels ws2)" = "2 workers, 4 tunnels" ]
	clients_are ws2 4
	# and on the worker of now
	wait_until 5 row_has ws1 check=L7OK
	wait_until 5 row_has ws2 check=L7OK
	ws_open e1 "$(url haproxy /ws/news)"
	ws_open e2 "$(url haproxy /ws/news)"
	[ "$(hapctl kill ws2)" = "killed 5" ]
	wait_until 5 clients_are ws2 0
	[ "$(tunnels)" = "0 workers, 0 tunnels" ] || wait_until 5 eval '[[ $(tunnels) == *" 0 tunnels" ]]'
}

@test "a server with a tunnel isn't deleted: it waits, says how many are left, and stays in maint" {
	NODES="ws1 ws2" cluster
	wait_until 5 row_has ws1 check=L7OK
	wait_until 5 row_has ws2 check=L7OK
	hapctl drain ws2
	client_on c1 ws1
	run hapctl del ws1 1500
	[ "$status" -eq 1 ]
	[[ $output == "refused: ws1: 1 connections are left; HAProxy keeps it in maint until its next reload" ]]
	[[ $(row ws1) == *"admin=1 "*status=MAINT* ]]
	clients_are ws1 1
	ws_stop c1
	hapctl del ws1 5000
	run hapctl servers
	[[ $output != *"ws1 "* ]]
}

@test "questions are answered in the middle of reloads" {
	NODES=ws1 cluster
	(until [ -e enough ]; do reload_haproxy || exit; done) 3>&- &
	local p=$! n failed=
	for n in 1 2 3 4 5 6; do
		hapctl servers >out && hapctl old >out || { failed=1 && break; }
	done
	touch enough
	wait "$p"
	[ -z "$failed" ] || { cat out && return 1; }
}

@test "cordons and drains survive a reload and a restart of HAProxy, with ports and weights of today's YAML" {
	NODES="ws1 ws2 ws3" UP="ws1 ws2" cluster
	hapctl state ws1 drained root
	hapctl state ws3 cordoned "ad min"
	[ "$(hapctl state ws1)" = "drained root" ]
	[ "$(hapctl state ws3)" = "cordoned ad_min" ]
	[ "$(hapctl state ws2)" = "ready " ]
	reload_haproxy
	row_has ws1 "admin=8 weight=100 "
	row_has ws2 "admin=0 "
	row_has ws3 "admin=8 "
	row_has ws1 "addr=127.0.0.1:${PORT[ws1]} "
	# it is still checked, and gets nobody
	wait_until 5 row_has ws1 check=L7OK
	[ "$(handshake "$(url haproxy /)")" = 101 ]
	row_has ws1 scur=0

	# the YAML's weight of today, not the one of the day of the drain
	sed -i "s/ws1: \(.*\)/ws1: { address: \1, weight: 20 }/" wscale.yaml
	wsctl generate -o "$W/haproxy.cfg"
	stop haproxy
	start_haproxy
	row_has ws1 "admin=8 weight=20 "
	row_has ws3 "admin=8 "
	if grep -i 'state file' log/haproxy | grep -v "Can't open"; then fail "HAProxy complains of the state file"; fi

	# a port that was changed by hand reaches the state file with generate
	port ws4
	sed -i "s/ws3: .*/ws3: 127.0.0.1:${PORT[ws4]}/" wscale.yaml
	wsctl generate -o "$W/haproxy.cfg"
	reload_haproxy
	row_has ws3 "addr=127.0.0.1:${PORT[ws4]} admin=8 "

	hapctl state ws1 ready root
	hapctl state ws3 removed root
	[ "$(hapctl state ws3)" = "ready " ]
	reload_haproxy
	row_has ws1 "admin=0 weight=20 "
	row_has ws3 "admin=0 "
}

@test "a server-state file that can't be written is an error, and the old one stays" {
	write_yaml
	hapctl state ws1 drained root
	cp state/wscale_chat.state before
	run bash -c 'ulimit -f 0; trap "" XFSZ; "$1" "$2" state ws2 drained root' - "$TOOLS/hapctl" "$W/wscale.yaml"
	[ "$status" -ne 0 ]
	cmp before state/wscale_chat.state
}

@test "each way in which a socket fails has its words: missing, forbidden, dead, without level admin, not a master" {
	NODES=ws1 write_yaml
	run hapctl servers
	[ "$output" = "away: $W/admin.sock: no such socket; is HAProxy running?" ]
	wsctl generate >haproxy.cfg
	sed -i 's/level admin/level operator/' haproxy.cfg
	start_alone ws1
	start_haproxy
	hapctl servers
	run hapctl add ws1
	[ "$status" -eq 0 ] # it is there and in service: nothing is asked for
	run hapctl drain ws1
	[ "$status" -eq 1 ]
	[[ $output == "refused: $W/admin.sock: HAProxy refuses: its \`stats socket\` line lacks \`level admin\`" ]]
	ln -s admin.sock fake.sock
	sed -i "s,master: .*,master: $W/fake.sock," wscale.yaml
	run hapctl old
	[ "$status" -eq 1 ]
	[[ $output == "refused: $W/fake.sock is not the socket of a HAProxy master"* ]]
	sed -i "s,master: .*,master: $W/none.sock," wscale.yaml
	run hapctl old
	[[ $output == "away: $W/none.sock: no such socket; is HAProxy running?" ]]
	sed "s/cluster: .*/cluster: other/" wscale.yaml >other.yaml
	run "$TOOLS/hapctl" other.yaml servers
	[ "$output" = "refused: HAProxy has no backend wscale_other; run wsctl apply" ]
	# dead: the socket's file stays behind
	stop haproxy KILL
	wait_until 5 eval '! haproxy_answers'
	run hapctl servers
	[ "$output" = "away: $W/admin.sock: nobody listens; is HAProxy running?" ]
	# somebody else, who gets as far as the socket
	local nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	if "${nobody[@]}" test -r "$W/wscale.yaml" -a -x "$TOOLS/hapctl" 2>/dev/null; then
		stop haproxy
		start_haproxy
		run "${nobody[@]}" "$TOOLS/hapctl" "$W/wscale.yaml" servers
		[ "$output" = "away: $W/admin.sock: permission denied; use sudo" ]
	fi
}

@test "when stats maxconn is full wsctl gives up after its deadline and says what it is" {
	NODES=ws1 write_yaml
	wsctl generate >haproxy.cfg
	sed -i 's/stats maxconn .*/stats maxconn 2/' haproxy.cfg
	start_haproxy
	spawn hold1 socat -u "UNIX-CONNECT:$W/admin.sock" "EXEC:sleep 60"
	spawn hold2 socat -u "UNIX-CONNECT:$W/admin.sock" "EXEC:sleep 60"
	spawn hold3 socat -u "UNIX-CONNECT:$W/admin.sock" "EXEC:sleep 60"
	local start=$SECONDS
	wait_until 20 eval 'run hapctl servers; [[ $output == "away: "*"no answer within 5s"*"stats maxconn"* ]]'
	[ $((SECONDS - start)) -le 15 ]
}

@test "clients can't see /metrics and /healthz through HAProxy by any spelling, and the stats page and its metrics are there" {
	NODES=ws1 cluster
	wait_until 5 row_has ws1 check=L7OK
	local p
	for p in /metrics /healthz /METRICS //healthz /%6detrics '/healthz?x=1' /metrics/ /healthz/x; do
		[ "$(http_status haproxy "$p" --path-as-is)" = 403 ] || fail "$p: $(http_status haproxy "$p" --path-as-is)"
	done
	http stats /metrics | grep -q '^haproxy_backend_status{proxy="wscale_chat"'
	http stats / | grep -q 'Statistics Report'
}

@test "limits per source, where they are set: the client above them gets 429, and who leaves makes room" {
	NODES=ws1 YAML_HAPROXY='per_source: { connections: 2 }' cluster
	wait_until 5 row_has ws1 check=L7OK
	ws_open c1 "$(url haproxy /)"
	ws_open c2 "$(url haproxy /)"
	[ "$(handshake "$(url haproxy /)")" = 429 ]
	ws_stop c1
	wait_until 5 eval '[ "$(handshake "$(url haproxy /)")" = 101 ]'
	sed -i 's,per_source: .*,per_source: { rate: 3/1m },' wscale.yaml
	wsctl generate -o "$W/haproxy.cfg"
	reload_haproxy
	for _ in 1 2 3; do [ "$(handshake "$(url haproxy /)")" = 101 ]; done
	[ "$(handshake "$(url haproxy /)")" = 429 ]
}

@test "show info carries the identity of the loaded file: the same after a node is added, another after a new bind" {
	NODES="ws1 ws2" write_yaml
	start_haproxy
	local id
	id=$(hap "show info" | sed -n 's/^description: //p')
	[[ $id == "wscale chat "[0-9a-f]* ]]
	grep -q "description $id" haproxy.cfg
	NODES="ws1 ws2 ws3" write_yaml
	wsctl generate | grep -q "description $id"
	port other
	sed -i "s/bind: .*/bind: \"127.0.0.1:${PORT[other]}\"/" wscale.yaml
	! wsctl generate | grep -q "description $id" || fail "a new bind has the old identity"
}

@test "with own: backend cordons survive too, beside sites of somebody else's" {
	port site
	mkdir conf.d
	NODES="ws1 ws2" YAML_HAPROXY="own: backend" write_yaml
	sed -i "s,file: .*,file: $W/conf.d/wscale.cfg," wscale.yaml
	cat >main.cfg <<-C
		global
		  stats socket $W/admin.sock mode 660 level admin
		defaults
		  mode http
		  timeout client 9s
		  timeout server 9s
		  timeout connect 9s
		frontend wscale_chat
		  bind 127.0.0.1:${PORT[haproxy]}
		  use_backend wscale_chat if { req.hdr(Upgrade) -i websocket }
		  default_backend site
		backend site
		  http-request return status 200 content-type text/plain string mine
	C
	wsctl generate -o "$W/conf.d/wscale.cfg"
	start_alone ws1
	start_alone ws2
	spawn haproxy haproxy -W -db -S "$W/master.sock" -f main.cfg -f "$W/conf.d"
	wait_until 10 haproxy_answers
	wait_until 5 row_has ws1 check=L7OK
	hapctl state ws1 cordoned root
	reload_haproxy
	row_has ws1 "admin=8 "
	row_has ws2 "admin=0 "
	for n in 1 2 3; do [ "$(handshake "$(url haproxy /)")" = 101 ]; done
	[ "$(http haproxy /)" = mine ]
	[ "$(tunnels)" = "0 workers, 0 tunnels" ] || wait_until 5 eval '[[ $(tunnels) == "0 workers"* ]]'
}

@test "while a node drains its tunnels stay and every new client gets a 101 from another" {
	NODES="ws1 ws2" YAML_NODE='drain: { rate: 6/m, grace: 0s, deadline: 1m }' cluster
	wait_until 5 row_has ws1 check=L7OK
	wait_until 5 row_has ws2 check=L7OK
	local n
	for n in 1 2 3 4 5 6 7 8 9 10; do ws_open "c$n" "$(url haproxy /ws/news)"; done
	kill -TERM "$(pid ws1)"
	wait_until 5 health_is ws1 404
	for n in 1 2 3 4 5 6 7 8 9 10; do [ "$(handshake "$(url haproxy /)")" = 101 ]; done
	wait_until 10 row_has ws1 status=NOLB
	[ "$(row ws1 | sed 's/.*scur=\([0-9]*\).*/\1/')" -ge 1 ]
	[[ $(row ws1) == *"admin=0 "* ]]
}

@test "the node learns the client's address and the balancer; the log learns the path and never a token" {
	NODES=ws1 YAML_HAPROXY='extra: { global: "\tlog stdout format raw local0" }' cluster
	wait_until 5 row_has ws1 check=L7OK
	handshake "$(url haproxy '/ws/news?token=SECRET')"
	wait_until 5 log_has haproxy 'wscale_chat/ws1 .* GET /ws/news HTTP/1.1'
	if grep SECRET log/haproxy; then fail "the token is in the log"; fi
	# somebody who only writes down what HAProxy sends
	stop ws1 KILL
	spawn ws1 socat -u "TCP-LISTEN:${PORT[ws1]},bind=127.0.0.1,reuseaddr,fork" "OPEN:$W/seen,creat,append"
	hapctl ready ws1
	reload_haproxy
	wait_until 5 eval 'http haproxy /page -m 1 -H "X-LB: forged" >/dev/null 2>&1; grep -qi "^x-lb:" seen'
	grep -i "^x-lb: $(hostname)-[0-9]*" seen
	if grep -i forged seen; then fail "a client can forge X-LB"; fi
	grep -i '^x-forwarded-for: 127.0.0.1' seen
	grep -i '^GET /healthz HTTP/1.1' seen
}

@test "TLS: HTTP/2 and HTTP/1.1 with the certificate of the YAML" {
	requires openssl
	port tls
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out crt -subj /CN=x -days 1 2>/dev/null
	cat key crt >site.pem
	NODES=ws1 YAML_HAPROXY="tls: { bind: \"127.0.0.1:${PORT[tls]}\", cert: $W/site.pem }" cluster
	wait_until 5 row_has ws1 check=L7OK
	[ "$(curl -sk -m 5 -o /dev/null -w '%{http_version} %{http_code}' "https://127.0.0.1:${PORT[tls]}/healthz")" = "2 403" ]
	[ "$(curl -sk -m 5 --http1.1 -o /dev/null -w '%{http_version} %{http_code}' "https://127.0.0.1:${PORT[tls]}/healthz")" = "1.1 403" ]
}
