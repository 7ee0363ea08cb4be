#!/usr/bin/env bats
# Goal: the packages as a sysadmin has them: installed with apt on a booted systemd, two hosts, set up by the
# guides word for word; and clients in traffic while everything is restarted, killed, upgraded and rebooted.
# Run by tests/platforms/run; each test goes on where the one before has ended.

load ../helpers
. "$BATS_TEST_DIRNAME/../herd.bash"
. "$BATS_TEST_DIRNAME/../guide.bash"
. "$BATS_TEST_DIRNAME/boot.bash"

bats_require_minimum_version 1.5.0
SPEAK=id,cf

# rules: both hosts' files keep a history for the herd's channels.
rules() {
	local h
	for h in lb1 ws2; do
		on "$h" "grep -q '^channels:' /etc/wscale/wscale.yaml ||
			printf 'channels:\n  rules: [ { match: \"ch*\", history: { size: 300, ttl: 1h } } ]\n' >>/etc/wscale/wscale.yaml"
	done
	on lb1 "systemctl reload wsnode@ws1"
	on ws2 "systemctl reload wsnode@ws2"
}
# traffic: a publisher and clients, all attached.
traffic() {
	KEEP=300
	REDISCLI_AUTH=$(on lb1 'cat /etc/wscale/redis.password')
	export REDISCLI_AUTH
	# numbers that Redis hasn't seen in a test before
	publishing 100 10 --source "$BATS_TEST_NUMBER"
	herd haproxy "$(load "${1:-100}")" 10
}
# calm_after NAME: everything is as it was, and nobody missed anything: $W/NAME.json has the whole.
calm_after() {
	wait_until 60 as_it_was
	goes_on 50
	wait_until 60 all_there
	end_herd
	nothing_lost whole
	cp "$W/whole.json" "$W/$1.json"
	show whole
}
nobody_cut() { is "$1" '.closes."1006" == null and .connect_errors == 0'; }

setup_file() {
	local h
	mkdir -p "$BOOT_DIR/lower/root/.ssh"
	ssh-keygen -q -t ed25519 -N "" -f "$BOOT_DIR/lower/root/.ssh/id_ed25519"
	cp "$BOOT_DIR/lower/root/.ssh/id_ed25519.pub" "$BOOT_DIR/lower/root/.ssh/authorized_keys"
	echo "StrictHostKeyChecking accept-new" >"$BOOT_DIR/lower/root/.ssh/config"
	# what a person answers
	echo 'APT::Get::Assume-Yes "true";' >"$BOOT_DIR/lower/etc/apt/apt.conf.d/90yes"
	for h in lb1 ws2; do
		disk "$h"
		boot "$h"
	done
	cp "$BOOT_DIR"/lower/root/old/ws*_*.deb "$BOOT_DIR/lb1/root/root/"
}

teardown() {
	if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
		inside lb1 journalctl -b --no-pager -n 40 -o short-precise 2>&1 | sed 's/^/lb1: /' || :
		inside ws2 journalctl -b --no-pager -n 15 -o short-precise 2>&1 | sed 's/^/ws2: /' || :
		wsctl status || :
	fi
	fixture_end
}

@test "the README's first hour, from its packages built there; then without packages" {
	HERE=ws2 DIR=/src
	guide README.md "Install" 1
	DIR=/root
	guide README.md "The first hour" 1
	wait_until 10 inside ws2 curl -sSf -o /dev/null http://127.0.0.1:8081/healthz
	guide README.md "The first hour" 2
	run inside ws2 wsctl apply
	[ "$(inside ws2 curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/healthz)" = 403 ]
	inside ws2 apt-get purge -y wsnode wsctl
	DIR=/src
	guide README.md "Install" 2
	on ws2 'wsctl version && systemctl cat wsnode@ws1 >/dev/null && id wscale && test -d /var/lib/wscale'
	on ws2 'make -C /src uninstall && rm -rf /var/lib/wscale /root/*.deb'
}

@test "the packages' own test (autopkgtest) passes" {
	on ws2 'apt-get install -y ./new/wsnode_[0-9]*.deb ./new/wsctl_[0-9]*.deb'
	run on ws2 /src/debian/tests/cluster
	echo "$output"
	[ "$status" -eq 0 ]
	inside ws2 apt-get purge -y wsnode wsctl
}

@test "beside sites of HAProxy's own, as the guide has it" {
	on ws2 'apt-get install -y ./new/wsnode_[0-9]*.deb ./new/wsctl_[0-9]*.deb'
	inside ws2 tee /etc/haproxy/haproxy.cfg <<-'END' >/dev/null
		global
		    stats socket /run/haproxy/admin.sock mode 660 level admin expose-fd listeners
		defaults
		    mode http
		    timeout connect 2s
		    timeout client 30s
		    timeout server 30s
		frontend www
		    bind :80
		    default_backend shop
		backend shop
		    http-request return status 200 content-type text/plain string "the shop"
	END
	inside ws2 systemctl restart haproxy
	HERE=ws2
	guide INSTALL.md "HAProxy with sites of its own" 1
	[ "$(inside ws2 curl -sS http://127.0.0.1/)" = "the shop" ]
	[ "$(handshake ws://10.0.0.12/ws/news)" = 101 ]
	# A reload keeps the second file and the master's socket.
	inside ws2 systemctl reload haproxy
	inside ws2 wsctl drain ws1 --force
	inside ws2 apt-get purge -y wsnode wsctl
	on ws2 'rm -r /etc/haproxy/conf.d && sed -i "/^EXTRAOPTS/d" /etc/default/haproxy && sed -i /wscale/d /etc/haproxy/haproxy.cfg &&
		systemctl restart haproxy'
}

@test "from nothing to traffic on one host, as the guide has it" {
	guide INSTALL.md "One host" 1
	[ "$(inside lb1 curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1/healthz)" = 403 ]
	[ "$(handshake ws://127.0.0.1/ws/news)" = 101 ]
	# What is a node's own, and with its libraries' pages, of which the kernel maps more or fewer.
	read -r rss own < <(inside lb1 awk '/^VmRSS/ { r = $2 } /^RssAnon/ { print r, $2 }' "/proc/$(main_pid ws1)/status")
	echo "# an idle node: $rss kB resident, $own kB of them its own" >&3
	[ "$rss" -lt 6500 ]
	[ "$own" -lt 2000 ]
}

@test "a second node on the same host, as the guide has it, and away with it" {
	guide INSTALL.md "One host" 2
	as_it_was
	on lb1 'wsctl remove ws3 && systemctl disable --now wsnode@ws3'
	as_it_was
}

@test "a second host, as the guide has it" {
	guide INSTALL.md "A second host" 1
	guide INSTALL.md "A second host" 2
	guide INSTALL.md "A second host" 3
	as_it_was
	rules
	wait_until 10 as_it_was
}

@test "systemctl restart wsnode@ws1: its clients are moved at a pace, nobody is cut off" {
	local before
	# shorter than the drain's grace: the node itself says how long it takes
	on lb1 'mkdir -p /run/systemd/system/wsnode@.service.d &&
		printf "[Service]\nTimeoutStopSec=2s\n" >/run/systemd/system/wsnode@.service.d/stop.conf && systemctl daemon-reload'
	[ "$(inside lb1 systemctl show -P TimeoutStopUSec wsnode@ws1)" = 2s ]
	before=$(main_pid ws1)
	traffic
	inside lb1 systemctl restart wsnode@ws1
	another_main_pid ws1 "$before"
	refute on lb1 'journalctl -b -u wsnode@ws1 | grep -E "timed out|Killing"'
	calm_after restart
	nobody_cut restart
	is restart '.closes."1012".n > 0'
}

@test "a loop that is stopped: the watchdog brings the node back" {
	local before
	on lb1 'mkdir -p /run/systemd/system/wsnode@.service.d &&
		printf "[Service]\nWatchdogSec=3s\n" >/run/systemd/system/wsnode@.service.d/watchdog.conf &&
		systemctl daemon-reload && systemctl restart wsnode@ws1'
	wait_until 20 as_it_was
	before=$(main_pid ws1)
	traffic
	inside lb1 kill -STOP "$before"
	wait_until 30 another_main_pid ws1 "$before"
	wait_until 10 on lb1 'journalctl -b -u wsnode@ws1 | grep -q "Watchdog timeout"'
	calm_after watchdog
}

@test "SIGKILL: the node is back within a moment" {
	local before
	before=$(main_pid ws1)
	traffic
	inside lb1 systemctl kill -s KILL wsnode@ws1
	wait_until 20 another_main_pid ws1 "$before"
	calm_after kill
}

@test "Redis away: nodes start all the same, say so, aren't restarted in circles, and come back" {
	local before restarts
	inside lb1 systemctl stop redis-server
	# A machine that pauses for some seconds is no circle.
	on lb1 'sed -i "s/=3s/=8s/" /run/systemd/system/wsnode@.service.d/watchdog.conf &&
		systemctl daemon-reload && systemctl restart wsnode@ws1'
	before=$(main_pid ws1)
	restarts=$(inside lb1 systemctl show -P NRestarts wsnode@ws1)
	is_active lb1 wsnode@ws1
	wait_until 5 says_why "starting: redis 10.0.0.11:6379"
	# three times its watchdog's 8 s
	never 24 another_main_pid ws1 "$before"
	[ "$(inside lb1 systemctl show -P NRestarts wsnode@ws1)" = "$restarts" ]
	inside lb1 systemctl start redis-server
	wait_until 20 as_it_was
	[ "$(main_pid ws1)" = "$before" ]
	on lb1 'rm -r /run/systemd/system/wsnode@.service.d && systemctl daemon-reload && systemctl restart wsnode@ws1'
	wait_until 20 as_it_was
}

says_why() { [[ $(inside lb1 systemctl show -P StatusText wsnode@ws1) == "$1"* ]]; }

@test "systemctl reload haproxy: cordons and drains stay, tunnels live on" {
	traffic
	wsctl cordon ws2
	inside lb1 systemctl reload haproxy
	goes_on 100
	wait_until 10 state_of ws2 cordoned
	wsctl ready ws2
	calm_after reload
	nobody_cut reload
	is reload '.closed.n == 0'
}
state_of() { [ "$(wsctl status --json | jq -r --arg n "$1" '.nodes[] | select(.name == $n) | .state')" = "$2" ]; }

@test "an upgrade: apt restarts no node, wsctl roll takes one after the other" {
	local before version
	version=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$ROOT/debian/changelog")
	before=$(main_pid ws1)
	[ "$(inside lb1 systemctl show -P LimitNOFILE wsnode@ws1)" = 200000 ]
	on lb1 'rm wsnode_*.deb wsctl_*.deb && cp new/wsnode_*.deb new/wsctl_*.deb .'
	traffic
	guide INSTALL.md "Upgrades" 1
	[ "$(inside lb1 dpkg-query -W -f '${Version}' wsnode)" = "$version" ]
	[ "$(inside ws2 dpkg-query -W -f '${Version}' wsnode)" = "$version" ]
	another_main_pid ws1 "$before"
	# the new unit counts, not only the new program
	[ "$(inside lb1 systemctl show -P LimitNOFILE wsnode@ws1)" = 262144 ]
	[ "$(inside ws2 systemctl show -P LimitNOFILE wsnode@ws2)" = 262144 ]
	calm_after upgrade
	nobody_cut upgrade
}

@test "a reboot of the whole balancer, and a power cut: drains are remembered, traffic is back" {
	wsctl cordon ws2
	reboot_host lb1
	wait_until 30 state_of ws2 cordoned
	power_cut lb1
	boot lb1
	wait_until 30 state_of ws2 cordoned
	wait_until 30 wsctl ready ws2
	wait_until 30 as_it_was
	traffic
	calm_after reboot
	nobody_cut reboot
}

@test "a HAProxy that finds nothing in its state file, as on 32-bit ARM: its start and reload bring drains back" {
	local yaml=/etc/wscale/wscale.yaml verb
	on lb1 "cp $yaml mine && { grep -q '^haproxy:' $yaml || echo 'haproxy:' >>$yaml; } &&
		sed -i 's/^haproxy:.*/&\n  extra: { backend: load-server-state-from-file none }/' $yaml"
	wsctl apply
	wsctl cordon ws2
	for verb in reload restart; do
		inside lb1 systemctl "$verb" haproxy
		run -0 wsctl plan
		[[ $output == *"ws2"*"cordoned by root"*"kept"* ]] || fail "after a $verb: $output"
	done
	on lb1 "mv mine $yaml"
	wsctl apply
	wsctl ready ws2
	wait_until 30 as_it_was
}

@test "a reboot of a node's host, as wsctl roll does it: nobody is cut off" {
	traffic
	spawn roll nsenter -t "$(leader lb1)" -a -- wsctl roll ws2 --reboot
	comes_back ws2
	exits roll 60
	[ "$STATUS" = 0 ] || fail "$(cat "$W/log/roll")"
	calm_after reboot
	nobody_cut reboot
	is reboot '.closes."1012".n > 0'
}

@test "a node's journal: by its name, with priorities; a start is no warning" {
	on lb1 'journalctl -b WSCALE_NODE=ws1 -o cat' | grep -q 'listens at 127.0.0.1:8081'
	on lb1 'journalctl -b WSCALE_NODE=ws1 -p notice -o cat' | grep -q 'listens at'
	run -0 on lb1 'journalctl -b WSCALE_NODE=ws1 -p warning -q -o cat'
	[ -z "$(grep -v 'raise LimitNOFILE' <<<"$output")" ] || fail "$output"
}

@test "in steady state nothing is written to the disk" {
	local p before
	traffic
	on lb1 'touch /root/stamp'
	p=$(main_pid ws1)
	before=$(written "$p")
	goes_on 300
	[ "$(written "$p")" = "$before" ]
	# Redis keeps its data, and a booted Debian its journal.
	run -0 on lb1 'find / -xdev -newer /root/stamp -type f ! -path "/proc/*" ! -path "/sys/*" ! -path "/run/*" \
		! -path "/var/lib/redis/*" ! -path "/var/log/*" ! -path "/tmp/*"'
	[ -z "$output" ] || fail "$output"
	calm_after steady
}
written() { inside lb1 awk '/^write_bytes/ { print $2 }' "/proc/$1/io"; }

@test "an inherited socket: a restart refuses nobody, not even who connects to the node itself" {
	guide INSTALL.md "A restart that refuses nobody" 1
	wait_until 20 as_it_was
	spawn knocks bash -c 'while :; do curl -sS -m 10 -o /dev/null -w "%{http_code}\n" http://127.0.0.1:8081/healthz; done'
	wait_until 10 log_has knocks 200
	traffic
	inside lb1 systemctl restart wsnode@ws1
	calm_after socket
	nobody_cut socket
	stop knocks
	log_has knocks 404
	refute log_has knocks 'curl:|^000'
}

@test "a secret that only root can read, as a credential" {
	guide INSTALL.md "Secrets that only root can read" 1
	[ "$(on lb1 'stat -c "%U %a" /etc/credstore/redis.password')" = "root 600" ]
	wait_until 20 as_it_was
}

@test "a Sentinel failover, set up as the guide has it: HAProxy follows, nobody is closed or misses anything" {
	local host
	guide INSTALL.md "Redis that fails over" 1
	guide INSTALL.md "Redis that fails over" 2
	guide INSTALL.md "Redis that fails over" 3
	wait_until 30 as_it_was
	guide INSTALL.md "Redis that fails over" 4
	wait_until 30 sees_another_sentinel
	for host in lb1 ws2; do
		[[ $(inside lb1 redis-cli -h "$host" -p 26379 sentinel masters 2>&1) == NOAUTH* ]]
	done
	through_haproxy
	traffic
	wait_until 20 replicates
	# Stopped for good, it hands over what it has; killed, systemd would have it back at once.
	inside lb1 systemctl stop redis-server
	wait_until 60 role_of ws2 master
	goes_on 100
	inside lb1 systemctl start redis-server
	wait_until 60 role_of lb1 slave
	calm_after failover
	nobody_cut failover
	is failover '.closed.n == 0'
}
# The publisher knows the one address, wherever Redis is.
through_haproxy() {
	PORT[redis]=6381
	spawn publishers socat TCP-LISTEN:6381,bind=127.0.0.1,reuseaddr,fork TCP:10.0.0.11:6380
}
redis_of() { inside "$1" sh -c 'REDISCLI_AUTH=$(cat /etc/wscale/redis.password) redis-cli --raw "$@"' sh "${@:2}"; }
role_of() { [ "$(redis_of "$1" role | head -n 1)" = "$2" ]; }
replicates() { redis_of ws2 info replication | grep -q master_link_status:up; }
sees_another_sentinel() { inside lb1 sh -c 'REDISCLI_AUTH=$(cat /etc/wscale/redis.password) redis-cli -p 26379 sentinel master mymaster' | grep -A1 num-other-sentinels | grep -qx 1; }

@test "a host goes for good, as the guide has it: nothing is left there" {
	through_haproxy
	traffic
	guide INSTALL.md "Taking a host out" 1
	calm_after gone
	nobody_cut gone
	nothing_left ws2 wscale wsnode
}
# nothing_left HOST WORD...: no file or unit has one of the words in its name; the slice of a template's
# instances is systemd's own.
nothing_left() {
	local host=$1 word
	shift
	for word; do
		run -0 on "$host" "find /etc /var /usr /run -name '*$word*' ! -path '/var/log/*' ! -path '/run/systemd/units/*'
			systemctl list-units --all --plain --no-legend --type=service,socket,target '*$word*'"
		[ -z "$output" ] || fail "$output"
	done
}

@test "removal keeps the configuration, installing again goes on with it, a purge leaves nothing" {
	inside lb1 apt-get remove -y wsnode wsctl
	inside lb1 test -s /etc/wscale/wscale.yaml
	refute is_active lb1 wsnode@ws1
	on lb1 'apt-get install -y ./wsnode_*.deb ./wsctl_*.deb && systemctl start wsnode@ws1'
	wait_until 20 as_it_was
	inside lb1 apt-get purge -y wsnode wsctl
	nothing_left lb1 wscale wsnode wsctl
	[ -z "$(inside lb1 systemctl show -P DropInPaths haproxy)" ]
}
