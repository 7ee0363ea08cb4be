# render.bats: haproxy.cfg is a pure function of the YAML; what is printed is what HAProxy accepts, and
# the documented examples are what wsctl makes of them.
load helpers

# $1 against what $2 renders to.
same_as_rendered() {
	"$BUILD/wsctl" -c "$2" generate >"$W/rendered"
	diff -u "$1" "$W/rendered"
}

# haproxy -c, with a certificate where the file names one, and a frontend around a fragment.
accepted() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$W/key" -out "$W/crt" -subj /CN=x -days 1 2>/dev/null
	cat "$W/key" "$W/crt" >"$W/site.pem"
	sed "s,/etc/haproxy/site.pem,$W/site.pem," "$1" >"$W/h.cfg"
	local args=(-f "$W/h.cfg")
	if ! grep -q '^frontend' "$1"; then
		printf 'defaults\n\tmode http\n\ttimeout client 9s\nfrontend f\n\tbind 127.0.0.1:1\n\tdefault_backend %s\n' \
			"$(awk '$1 == "backend" { print $2 }' "$1")" >"$W/main.cfg"
		args=(-f "$W/main.cfg" "${args[@]}")
	fi
	haproxy -c "${args[@]}" 2>&1 | tee "$W/said"
	[ "${PIPESTATUS[0]}" -eq 0 ]
}

@test "the documented example renders to the haproxy.cfg beside it, and HAProxy accepts it" {
	requires haproxy openssl
	same_as_rendered "$ROOT/haproxy/haproxy.cfg" "$ROOT/haproxy/wscale.yaml"
	accepted "$ROOT/haproxy/haproxy.cfg"
}

@test "the example with own: backend renders to the fragment beside it, and HAProxy accepts it" {
	requires haproxy openssl
	same_as_rendered "$ROOT/haproxy/wscale-backend.cfg" "$ROOT/haproxy/wscale-backend.yaml"
	accepted "$ROOT/haproxy/wscale-backend.cfg"
}

@test "every golden YAML renders to its file, and HAProxy accepts each without a warning but for the state file" {
	requires haproxy openssl
	local y
	for y in "$ROOT"/tests/golden/*.yaml; do
		same_as_rendered "${y%.yaml}.cfg" "$y"
		accepted "${y%.yaml}.cfg"
		if grep -v 'server state file' "$W/said" | grep -E 'WARNING|ALERT'; then fail "$y"; fi
	done
}

@test "a fragment that follows Redis stands beside defaults made for HTTP" {
	requires haproxy openssl
	cat >main.cfg <<-'C'
		defaults
		  mode http
		  log /dev/log local0
		  log-format "%HM %HPO %ST"
		  balance roundrobin
		  option httpchk GET /
		  http-check expect status 200
		  option http-server-close
		  timeout client 1s
		  timeout server 1s
		  timeout connect 1s
		  timeout tunnel 1s
		frontend f
		  bind 127.0.0.1:1
		  default_backend wscale_prod
	C
	run haproxy -c -f main.cfg -f "$ROOT/tests/golden/redis-fragment.cfg"
	[ "$status" -eq 0 ]
	[[ $output != *ALERT* && $output != *wscale_prod_redis* ]] || fail "$output"
}

@test "every key of the YAML that HAProxy has something from is in the documented example" {
	local k
	for k in cluster url servers file backend bind tls socket master state_dir stats maxconn user group socket_group chroot \
		hard_stop_after per_source balancers extra edit max_clients ping max_message max_queue max_queue_total \
		message_rate drain token_file jwt_key_file origins default rules nodes; do
		grep -qE "(^|[ #{])$k:" "$ROOT/haproxy/wscale.yaml" || fail "$k is not documented"
	done
}

@test "generate -o writes the same bytes as generate prints, and leaves an up-to-date file alone" {
	write_yaml
	wsctl generate >out
	run wsctl generate -o "$W/new.cfg"
	[ "$output" = "$W/new.cfg written; next: haproxy -c -f $W/new.cfg" ]
	cmp out new.cfg
	touch -d 2020-01-01 new.cfg
	run wsctl generate -o "$W/new.cfg"
	[ "$output" = "$W/new.cfg is up to date" ]
	[ "$(date -r new.cfg +%Y)" = 2020 ]
	run wsctl generate -o "$W/haproxy.cfg"
	[ "$output" = "$W/haproxy.cfg written; next: systemctl reload haproxy" ]
	run wsctl generate -q -o "$W/quiet.cfg"
	[ "$output" = "" ]
}

@test "generate -o never writes over a file that isn't wsctl's or was edited by hand, unless --overwrite" {
	write_yaml
	echo "global" >mine.cfg
	run wsctl generate -o "$W/mine.cfg"
	[ "$status" -eq 1 ]
	[[ $output == *"mine.cfg: not written by wsctl"* ]]
	[ "$(cat mine.cfg)" = global ]

	wsctl generate -o "$W/ours.cfg"
	sed -i 's/retries 3/retries 4/' ours.cfg
	run wsctl generate -o "$W/ours.cfg"
	[ "$status" -eq 1 ]
	[[ $output == *"ours.cfg: edited by hand"* ]]
	grep -q 'retries 4' ours.cfg

	wsctl generate --overwrite -o "$W/ours.cfg"
	grep -q 'retries 3' ours.cfg
}

@test "generate --node: redis.servers is the balancers' business, in whatever form it is written" {
	local s y
	for s in $'  servers: [10.0.0.5:6379, 10.0.0.6:6379] # two' $'  servers:\n    - 10.0.0.5:6379 # one\n\n    - 10.0.0.6:6379' \
		$'  servers:\n  - 10.0.0.5:6379\n  - 10.0.0.6:6379' $'  "servers": [10.0.0.5:6379,\n    10.0.0.6:6379\n  ]'; do
		printf 'redis:\n  url: redis://10.0.0.1:6380\n%s\n  # who\n  user: a\n  password_file: b\nnodes:\n' "$s" >wscale.yaml
		wsctl generate --node ws1 --listen :81 >node.yaml
		refute grep -E 'servers|10.0.0.[56]|two|one' node.yaml
		[ "$(sed -n '/^redis/,/^ *pass/p' node.yaml | xargs)" = "redis: url: redis://10.0.0.1:6380 # who user: a password_file: b" ] ||
			fail "$(cat node.yaml)"
	done
	printf 'redis:\n%s\nnode:\n  ping: 3s\n' '  servers: [10.0.0.5:6379]' >wscale.yaml
	wsctl generate --node ws1 --listen :81 >node.yaml
	[ "$(grep -v '^#' node.yaml | xargs)" = "node: ping: 3s nodes: ws1: 0.0.0.0:81" ]
	# In braces it stays: nodes don't look at it.
	echo 'redis: { url: "redis://10.0.0.1:6380", servers: [10.0.0.5:6379] }' >wscale.yaml
	wsctl generate --node ws1 --listen :81 >node.yaml
	y=$("$BUILD/wsctl" -c node.yaml generate)
	[[ $y == *"server redis1 10.0.0.5:6379"* ]]
}

@test "a full disk is exit 1, not half a configuration taken for a whole one" {
	write_yaml
	run bash -c '"$1" -c "$2" generate >/dev/full' - "$BUILD/wsctl" "$W/wscale.yaml"
	[ "$status" -eq 1 ]
	[[ $output == *"No space left"* || $output == *"no space left"* ]]
	run wsctl generate -o /dev/full/x.cfg
	[ "$status" -eq 1 ]
}
