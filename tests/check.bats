# check.bats: wsctl check finds everything that is wrong before anything is changed, at once, with
# positions, and asks HAProxy itself last.
load helpers

@test "a good file: one line on stdout, exit 0; --json says the same" {
	requires haproxy
	write_yaml
	wsctl check >out 2>err
	[[ $(cat out) == "$W/wscale.yaml: 3 nodes, ok" ]]
	[ ! -s err ]
	wsctl check --json | jq -e '.version == 1 and .ok and .nodes == 3'
}

@test "everything wrong with the YAML is told at once, with line and column, exit 78" {
	cat >wscale.yaml <<-'Y'
		haproxy:
		  bindd: ":80"
		node:
		  ping: 25
		nodes:
		  ws1: 127.0.0.1:8081
		  ws2: 127.0.0.1:8081
	Y
	run wsctl check
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == *'wscale.yaml:2:3: unknown key "bindd", did you mean "bind"?'* ]]
	[[ $output == *'wscale.yaml:4:'* ]]
	[[ $output == *'wscale.yaml:7:'* ]]
	[[ $output == *'3 errors'* ]]
}

@test "with --json each error has line, col and message" {
	printf 'nodes:\n  ws1: nowhere\nfoo: 1\n' >wscale.yaml
	run bash -c '"$1" -c "$2" check --json 2>/dev/null' - "$BUILD/wsctl" "$W/wscale.yaml"
	echo "$output"
	[ "$status" -eq 78 ]
	jq -e '.version == 1 and .ok == false and (.errors | length) == 2
		and .errors[0].line == 2 and .errors[1].line == 3 and (.errors[1].message | test("foo"))' <<<"$output"
}

@test "a node's name that doesn't resolve is an error that names host and line" {
	requires haproxy
	printf 'nodes:\n  ws1: 127.0.0.1:8081\n  ws2: nosuchhost.invalid:8081\n' >wscale.yaml
	run wsctl check
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == *'wscale.yaml:3:3: ws2: host nosuchhost.invalid does not resolve'* ]]
}

@test "secret files: missing, empty and too short ones are errors with the key's position" {
	printf 'redis:\n  password_file: pw\nauth:\n  token_file: tok\n  jwt_key_file: key\nnodes: { ws1: 127.0.0.1:8081 }\n' >wscale.yaml
	: >tok
	echo short >key
	run wsctl check
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == *'wscale.yaml:2:'*pw* ]]
	[[ $output == *'wscale.yaml:4:'*tok* ]]
	[[ $output == *'wscale.yaml:5:'*'key has 5 bytes, HS256 needs at least 32'* ]]
	[[ $output != *short* ]]
	echo secret >pw
	echo token >tok
	openssl rand -hex 32 >key
	wsctl check
}

@test "what HAProxy refuses is told in HAProxy's words, with the rendered file's name" {
	requires haproxy
	YAML_HAPROXY='extra: { backend: "\tnonsense yes" }' write_yaml
	run wsctl check
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == *"haproxy -c: "*"$W/haproxy.cfg:"*"unknown keyword 'nonsense'"* ]]
}

@test "a node on a Unix socket outside of HAProxy's chroot is an error" {
	printf 'haproxy: { chroot: /var/lib/haproxy }\nnodes:\n  ws1: unix:/run/ws1.sock\n' >wscale.yaml
	run wsctl check
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == *"wscale.yaml:3:3: ws1: HAProxy in its chroot /var/lib/haproxy can't reach /run/ws1.sock"* ]]
}

@test "a maxconn that this shell's nofile can't hold and a node beyond the source ports are warnings" {
	requires haproxy
	printf 'haproxy: { maxconn: 50000 }\nnode: { max_clients: 40000 }\nnodes:\n  ws1: 127.0.0.1:8081\n  ws2: unix:/run/ws2.sock\n' >wscale.yaml
	run bash -c 'ulimit -n 15000; "$1" -c "$2" check' - "$BUILD/wsctl" "$W/wscale.yaml"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"warning: haproxy.maxconn 50000 needs 100300 file descriptors and this shell may open 15000"* ]]
	[[ $output == *"warning: ws1 may get 40000 tunnels"* ]]
	[[ $output != *"ws2 may get"* ]]
	wsctl check --json 2>/dev/null | jq -e '.ok and (.warnings | length) >= 1 and (.warnings | all(type == "string"))'
}

@test "a rule that an earlier one hides is a warning with its line; one that hides nothing is none" {
	requires haproxy
	cat >wscale.yaml <<-'EOF'
		channels:
		  rules:
		    - { match: "news:*", publish: token }
		    - { match: "*", slow: drop }
		    - { match: "ticker:*", cache: last }
		nodes:
		  ws1: 127.0.0.1:8081
	EOF
	run -0 wsctl check
	[[ $output == *'wscale.yaml:5: the rule "ticker:*" never applies: "*" comes first and matches all of it'* ]]
	[[ $output != *'"news:*" never'* && $output != *'"*" never'* ]]
}

@test "own: backend is checked with the other files of the running HAProxy" {
	requires haproxy
	port site
	mkdir conf.d
	YAML_HAPROXY="own: backend" write_yaml
	sed -i "s,file: .*,file: $W/conf.d/wscale.cfg," wscale.yaml
	# without a running HAProxy the fragment is checked alone; what it can't hold is named
	run wsctl check
	[ "$status" -eq 0 ]
	[[ $output == *"own: backend these do nothing here: haproxy.bind, haproxy.stats, haproxy.maxconn;"* ]]
	sed -i -E '/^  (bind|stats|maxconn):/d' wscale.yaml
	wsctl check
	cat >main.cfg <<-C
		global
		  stats socket $W/admin.sock mode 660 level admin
		defaults
		  mode http
		  timeout client 9s
		frontend site
		  bind 127.0.0.1:${PORT[site]}
		  use_backend wscale_chat if { req.hdr(Upgrade) -i websocket }
	C
	wsctl generate -o "$W/conf.d/wscale.cfg"
	spawn haproxy haproxy -W -db -S "$W/master.sock" -f main.cfg -f "$W/conf.d"
	wait_until 10 haproxy_answers
	run wsctl check
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *warning* ]]
	# a file that isn't among the master's: said
	sed -i "s,file: .*,file: $W/other.cfg," wscale.yaml
	sed -i -e 's/^backend wscale_chat/backend elsewhere/' -e '/^[[:space:]]*id [0-9]/d' conf.d/wscale.cfg
	run wsctl check
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"warning: the running HAProxy does not read $W/other.cfg"* ]]
	# and what is wrong between the files is found
	echo "  use_backend nowhere if TRUE" >>main.cfg
	run wsctl check
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == *nowhere* ]]
}

@test "without haproxy installed check says so instead of calling it fine" {
	write_yaml
	mkdir bin
	# an own mount namespace would be needed to hide it elsewhere
	unshare -m true 2>/dev/null || skip "needs root and mount namespaces"
	run unshare -m bash -c 'mount --bind /dev/null "$(command -v haproxy)" 2>/dev/null || exit 99; "$1" -c "$2" check' - "$BUILD/wsctl" "$W/wscale.yaml"
	[ "$status" -ne 99 ] || skip "no permission to hide haproxy"
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == *haproxy* ]]
}

@test "with redis.servers, a redis.url that HAProxy can't bind here is a warning, a name that isn't one an error" {
	requires haproxy
	local url
	for url in redis://127.0.0.1:6380 "unix://$W/redis.sock"; do
		printf 'redis: { url: "%s", servers: [10.0.0.5:6379] }\n' "$url" >wscale.yaml
		run -0 wsctl check
		[[ $output != *redis.url* ]] || fail "$output"
	done
	printf 'redis: { url: "redis://192.0.2.9:6380", servers: [10.0.0.5:6379] }\n' >wscale.yaml
	run -0 wsctl check
	[[ $output == *"redis.url: 192.0.2.9 is no address of this host, so HAProxy would not start here"* ]] || fail "$output"
	printf 'redis: { url: "unix:///run/no/such/redis.sock", servers: [10.0.0.5:6379] }\n' >wscale.yaml
	run -0 wsctl check
	[[ $output == *"redis.url: there is no /run/no/such here"* ]] || fail "$output"
	printf 'redis: { url: "redis://127.0.0.1:6380", servers: [nosuchhost.invalid:6379] }\n' >wscale.yaml
	run -78 wsctl check
	[[ $output == *"wscale.yaml:1:51: host nosuchhost.invalid does not resolve"* ]] || fail "$output"
}
