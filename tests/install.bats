#!/usr/bin/env bats
# Goal: `make install` puts everything where a packager and systemd expect it, touches no
# configuration, and `make uninstall` takes everything away again.

load helpers

quiet_make() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ROOT" BUILD="$BUILD" "$@"; }
files() { (cd "$1" && find . \( -type f -o -type l \) -printf '%P %m\n' | sort); }

@test "a staged install has every file with its mode, and nothing else" {
	quiet_make install DESTDIR="$W/root" PREFIX=/usr SYSCONFDIR=/etc UNITDIR=/usr/lib/systemd/system
	files "$W/root" >"$W/have"
	sort >"$W/want" <<-'END'
		usr/bin/wsctl 755
		usr/bin/wsnode 755
		usr/lib/systemd/system/haproxy.service.d/wscale.conf 644
		usr/lib/systemd/system/wscale.target 644
		usr/lib/systemd/system/wsctl-kafka@.service 644
		usr/lib/systemd/system/wsnode@.service 644
		usr/lib/systemd/system/wsnode@.socket 644
		usr/lib/sysusers.d/wscale.conf 644
		usr/lib/tmpfiles.d/wscale.conf 644
		usr/share/bash-completion/completions/wsctl 644
		usr/share/doc/wscale/CHANGELOG.md 644
		usr/share/doc/wscale/INSTALL.md 644
		usr/share/doc/wscale/LICENSE 644
		usr/share/doc/wscale/README.md 644
		usr/share/doc/wscale/wscale-backend.yaml 644
		usr/share/doc/wscale/wscale.yaml 644
		usr/share/doc/wscale/wsctl-kafka.env.example 644
		usr/share/doc/wscale/wsnode.env.example 644
		usr/share/wscale/certbot-deploy-hook.sh 755
		usr/share/wscale/prometheus/prometheus.yml.example 644
		usr/share/wscale/prometheus/wscale.rules.test.yml 644
		usr/share/wscale/prometheus/wscale.rules.yml 644
		usr/share/wscale/publish.lua 644
		usr/share/man/man5/wscale.yaml.5 644
		usr/share/man/man7/wscale.7 644
		usr/share/man/man8/wsctl.8 644
		usr/share/man/man8/wsnode.8 644
	END
	diff -u "$W/want" "$W/have"
	[ -d "$W/root/etc/wscale" ]
	grep -qF 'ExecStart=/usr/bin/wsnode -c /etc/wscale/wscale.yaml $WSNODE_ARGS %i' \
		"$W/root/usr/lib/systemd/system/wsnode@.service"
	grep -qF 'exec /usr/bin/wsctl -c /etc/wscale/wscale.yaml publish --from kafka ' \
		"$W/root/usr/lib/systemd/system/wsctl-kafka@.service"
	# what the pages and the hook name is where it is
	refute grep -r /usr/local/share/wscale "$W/root/usr/share/man" "$W/root/usr/share/wscale"
	grep -q '/usr/share/wscale/publish.lua' "$W/root/usr/share/man/man7/wscale.7"
	run grep -r '@[A-Z]*@' "$W/root/usr/lib"
	[ "$status" -eq 1 ]
	grep -q 'NAME' <("$W/root/usr/bin/wsctl" help)
}

@test "an administrator's own files survive install and uninstall, and nothing of ours does" {
	mkdir -p "$W/root/etc/wscale"
	echo "nodes: { ws1: 127.0.0.1:8081 }" >"$W/root/etc/wscale/wscale.yaml"
	cp "$W/root/etc/wscale/wscale.yaml" "$W/mine"
	quiet_make install DESTDIR="$W/root" PREFIX=/opt/wscale
	cmp "$W/mine" "$W/root/etc/wscale/wscale.yaml"
	quiet_make install DESTDIR="$W/root" PREFIX=/opt/wscale
	quiet_make uninstall DESTDIR="$W/root" PREFIX=/opt/wscale
	[ "$(files "$W/root" | cut -d' ' -f1)" = etc/wscale/wscale.yaml ]
	rm "$W/root/etc/wscale/wscale.yaml"
	quiet_make uninstall DESTDIR="$W/root" PREFIX=/opt/wscale
	[ ! -e "$W/root/etc/wscale" ]
}

@test "systemd takes the installed units without a word, and rates their exposure at 1.5 at most" {
	requires systemd-analyze
	local unit
	quiet_make install PREFIX="$W/usr" SYSCONFDIR="$W/etc"
	for unit in wsnode@ wsctl-kafka@; do
		run systemd-analyze verify --man=no "$W/usr/lib/systemd/system/$unit.service"
		echo "$output"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		run systemd-analyze security --offline=true --threshold=15 "$W/usr/lib/systemd/system/$unit.service"
		echo "$output" | tail -n 2
		[ "$status" -eq 0 ]
	done
}

@test "systemd gives a node longer to stop than its drain may take" {
	local stop
	stop=$(sed -n 's/^TimeoutStopSec=\([0-9]*\)s$/\1/p' "$ROOT/systemd/wsnode@.service.in")
	# grace 5s + deadline 2m by default, and the last client's flush and acknowledgement (7s)
	[ "$stop" -gt $((5 + 120 + 7)) ]
}

@test "systemd-sysusers and systemd-tmpfiles take their files" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	requires systemd-sysusers systemd-tmpfiles
	mkdir -p "$W/root/etc"
	systemd-sysusers --root="$W/root" "$ROOT/systemd/wscale.sysusers"
	grep -q '^wscale:' "$W/root/etc/passwd"
	systemd-tmpfiles --create --root="$W/root" "$ROOT/systemd/wscale.tmpfiles"
	[ -d "$W/root/var/lib/wscale" ]
}
