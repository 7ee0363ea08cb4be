#!/usr/bin/env bats
# Goal: the Prometheus example and its alerts are about what HAProxy and the nodes really say: promtool takes
# them, each metric exists, and a real Prometheus is seen firing, and calm again.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

P=$ROOT/prometheus

@test "promtool takes the example, the rules, and their tests; each alert has one that fires" {
	local alert
	requires promtool
	cp "$P"/*.yml "$P/prometheus.yml.example" .
	mv prometheus.yml.example prometheus.yml
	run -0 promtool check config prometheus.yml
	run -0 promtool check rules wscale.rules.yml
	run promtool test rules wscale.rules.test.yml
	[ "$status" -eq 0 ] || fail "$output"
	for alert in $(sed -n 's/.*- alert: //p' wscale.rules.yml); do
		grep -qE "alertname: $alert,.* exp_alerts: \[ \{" wscale.rules.test.yml || fail "$alert is never tested to fire"
		grep -q "\\b$alert\\b" "$ROOT/man/wscale.7" || fail "$alert isn't in wscale(7)"
	done
	# a test that can't fail would pass this as well
	sed -i 's/0\.9 \* wsnode_clients_max/0.99 * wsnode_clients_max/' wscale.rules.yml
	run promtool test rules wscale.rules.test.yml
	[ "$status" -ne 0 ]
}

@test "each metric of the rules is one that a node or HAProxy has" {
	local m
	port r1
	YAML_REDIS="servers: [127.0.0.1:${PORT[r1]}]" cluster_of_one
	{
		http ws1 /metrics
		http stats /metrics
	} >metrics
	for m in $(grep -oE '\b(wsnode|haproxy)_[a-z_]+' "$P/wscale.rules.yml" | sort -u); do
		grep -qE "^${m}[{ ]" metrics || fail "nobody has $m"
	done
	grep -q '^haproxy_backend_active_servers{proxy="wscale_chat_redis"}' metrics
	grep -q '^haproxy_frontend_limit_sessions{proxy="wscale_chat_in"}' metrics
}
# With Redis behind HAProxy, so that its section is there too.
cluster_of_one() {
	start_redis r1
	NODES=ws1 write_yaml
	start_haproxy
	start_node ws1
	a_close
}
# a close, so that its counter is there
a_close() {
	ws_open one "$(url ws1)"
	stop ws.one KILL
	wait_until 10 closed_one
}
closed_one() { http ws1 /metrics | grep -q 'wsnode_closes_total{code="1006"}'; }

@test "a real Prometheus fires when a node dies and when Redis is away, and is calm when they are back" {
	requires prometheus
	cluster ws1 ws2
	port prom
	sed -e "s/127.0.0.1:8404/127.0.0.1:${PORT[stats]}/" -e "s/10.0.0.11:8081/$(at ws1)/; s/10.0.0.12:8081/$(at ws2)/" \
		-e 's/_interval: 15s/_interval: 200ms/' "$P/prometheus.yml.example" >prometheus.yml
	# what are minutes there are seconds here
	sed -E 's/for: [0-9]+[smh]/for: 4s/; s/\[[0-9]+m\]/[1m]/' "$P/wscale.rules.yml" >wscale.rules.yml
	spawn prom prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address="$(at prom)" \
		--log.level=warn
	wait_until 30 targets_up 3
	never 12 any_fires
	stop ws2 KILL
	wait_until 30 fires WscaleNodeDown
	start_node ws2
	wait_until 30 calm_again WscaleNodeDown
	stop_redis
	wait_until 30 fires WscaleRedisAway
	wait_until 30 fires WscaleNoNode
	start_redis
	wait_until 30 calm_again WscaleRedisAway
	wait_until 30 calm_again WscaleNoNode
}
prom() { curl -sS -m 5 "http://$(at prom)/api/v1/$1"; }
targets_up() { [ "$(prom 'query?query=sum(up)' | jq -r '.data.result[0].value[1]')" = "$1" ]; }
firing() { prom alerts | jq -r '.data.alerts[] | select(.state == "firing") | .labels.alertname' | sort -u; }
fires() { firing | grep -qx "$1"; }
any_fires() { [ -n "$(firing)" ]; }
calm_again() { ! fires "$1"; }
