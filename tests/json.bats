#!/usr/bin/env bats
# Goal: who reads --json can rely on it: each key that was there stays, in its place, and every key is in
# the manual. A key that is new is added to the list here; none is ever taken off it.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

# The keys of a command's object: "nodes.name" for each of a list.
keys() { jq -r 'paths | map(select(type == "string")) | join(".")' | sort -u; }
# said COMMAND...: its object's keys go into keys.COMMAND, of whichever exit status.
said() {
	wsctl "$@" --json >object 2>/dev/null || :
	tail -n 1 object | keys >"keys.$1"
	[ -s "keys.$1" ] || fail "$*: $(cat object)"
}

@test "the keys of every command" {
	requires openssl
	port tls
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out crt -subj /CN=x -days 1 2>/dev/null
	cat key crt >site.pem
	YAML_CHANNELS='rules: [ { match: "kept*", history: { size: 9, ttl: 1h } } ]'
	YAML_HAPROXY="tls: { bind: \"127.0.0.1:${PORT[tls]}\", cert: $W/site.pem }"
	cluster ws1 ws2 ws3
	clients 4
	"$BUILD/wsctl" -c first.yaml init --json 2>/dev/null | keys >keys.init
	secret jwt.key 0123456789abcdef0123456789abcdef
	printf 'auth: { jwt_key_file: jwt.key }\nnodes: { ws1: 127.0.0.1:1 }\n' >token.yaml
	"$BUILD/wsctl" -c token.yaml token --json 2>/dev/null | keys >keys.token
	said check
	said generate -o new.cfg
	sed -i "s/^  ws1: .*/  ws1: { address: $(at ws1), weight: 50 }/" wscale.yaml
	wsctl cordon -q ws2
	said plan
	said apply
	said ready ws2
	reload_haproxy
	said status
	said channels news
	said publish kept x
	spawn tail "$BUILD/wsctl" -c "$W/wscale.yaml" tail --json kept --count 1 --for 20s
	wait_until 10 numsub_is chat:kept 1
	wsctl publish -q kept y
	exits tail 10
	grep '^{' log/tail | keys >keys.tail
	said purge kept
	said latency --count 2
	said doctor
	said cordon ws2
	said drain ws2
	said retire local
	said cert
	said weight ws1 60
	said remove ws3 --over 1s
	said add ws3 "$(at ws3)"
	said roll ws1 --exec "$(command -v false)"
	wsctl drain --json ws9 2>/dev/null | keys >keys.failed || :
	for f in keys.*; do echo "${f#keys.} $(xargs <"$f")"; done >all
	# What is pinned is there.
	pinned | while read -r command want; do
		for key in $want; do
			grep -qx -- "$key" "keys.$command" || fail "$command lacks the key $key"
		done
	done
	# Whatever is there is pinned, and in the manual.
	diff -u <(pinned | cut -d' ' -f1 | sort) <(cut -d' ' -f1 all)
	diff -u <(pinned | sort) all
	sed -n '/^\.Sh JSON/,/^\.Sh ENV/p' "$ROOT/man/wsctl.8" | grep -oE '[a-z0-9_]+' | sort -u >documented
	cat keys.* | tr . '\n' | sort -u >words
	[ -z "$(comm -23 words documented)" ] || fail "not in wsctl(8): $(comm -23 words documented)"
}

pinned() {
	cat <<-'END'
		add address node ok state version
		apply adds away changes differences differences.balancers differences.how differences.kind differences.name differences.what dry_run files kept kept.balancers kept.how kept.kind kept.name kept.what ok reloads removes same version
		cert balancers balancers.balancer balancers.serial balancers.subject balancers.until file ok version
		channels channels channels.clients channels.dropped channels.history channels.in_per_s channels.name channels.nodes channels.out_per_s channels.per_node channels.per_node.clients channels.per_node.dropped channels.per_node.name channels.per_node.queued_bytes channels.queued_bytes channels.subscribers more ok version warnings
		check file nodes ok version warnings
		cordon node ok state version
		doctor findings findings.check findings.level findings.mend findings.what findings.why ok version
		drain answers clients killed moved node ok seconds state unknown version
		failed error exit ok version
		generate file ok version
		init file ok own version
		latency nodes nodes.answers nodes.asked nodes.in_config nodes.lost nodes.max_us nodes.name nodes.p50_us nodes.p99_us nodes.processes ok redis redis.max_us redis.p50_us redis.p99_us rounds version warnings
		plan adds away changes differences differences.balancers differences.how differences.kind differences.name differences.what files kept kept.balancers kept.how kept.kind kept.name kept.what ok reloads removes same version
		publish channel heard messages ok seen unknown version
		purge channel heard messages ok version
		ready node ok state version
		remove killed moved node ok state version
		retire balancer clients left ok pid seconds version
		roll nodes nodes.node nodes.step ok version
		status balancers balancers.balancer balancers.error balancers.ok balancers.old_workers balancers.old_workers.pid balancers.old_workers.redis balancers.old_workers.tunnels balancers.old_workers.uptime_s balancers.old_workers_seen clients cluster haproxy haproxy.balancer haproxy.error haproxy.ok haproxy.old_workers haproxy.old_workers.pid haproxy.old_workers.redis haproxy.old_workers.tunnels haproxy.old_workers.uptime_s haproxy.old_workers_seen nodes nodes.address nodes.answers nodes.balancers nodes.balancers.balancer nodes.balancers.check nodes.balancers.connections nodes.balancers.serving nodes.balancers.status nodes.balancers.weight nodes.check nodes.clients nodes.connections nodes.dropped nodes.health nodes.in_config nodes.in_haproxy nodes.in_per_s nodes.lagging nodes.max_clients nodes.name nodes.node_state nodes.node_version nodes.out_per_s nodes.queued_bytes nodes.rolled_by nodes.serving nodes.start_id nodes.state nodes.state_by nodes.state_since nodes.uptime_s nodes.weight ok problems redis redis.address redis.error redis.ok serving version warnings
		tail channel id kind ok payload payload_base64 published_us received_us size version
		token expires ok token version
		weight node ok version weight
	END
}
