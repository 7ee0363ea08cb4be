# box.bash: a host of its own for a story: its own network, /run, /etc/haproxy, /etc/wscale and
# /var/lib/wscale, and a systemctl that does what systemd would with these few units. Everything in it
# ends with it. On top of helpers.bash; needs root.

# shellcheck shell=bash

# box <<SCRIPT: runs it there; what it prints is bats' output, its first failure ends it.
box() {
	[ "$(id -u)" = 0 ] || requires root-for-namespaces
	requires unshare ip haproxy redis-server socat
	{
		cat <<-'END'
			set -eu
			mount -t proc proc /proc
			mount -t tmpfs tmpfs /run
			mkdir -p "$W/etc-haproxy" "$W/etc-wscale" "$W/lib" "$W/var-lib" /etc/wscale /var/lib/wscale /run/haproxy
			cp -a /etc/haproxy/. "$W/etc-haproxy/"
			mount --bind "$W/etc-haproxy" /etc/haproxy
			mount --bind "$W/etc-wscale" /etc/wscale
			mount --bind "$W/var-lib" /var/lib/wscale
			ip link set lo up
			PATH=$BUILD:$TOOLS:$PATH
			. "$ROOT/tests/box_systemctl.bash"
			. "$ROOT/tests/box_lan.bash"
			until_so() { local i; for ((i = 0; i < 200 * WAIT_FACTOR; i++)); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done; echo "never: $*"; return 1; }
			says() { grep -qE -- "$1" <<<"$out" || { printf 'no "%s" in:\n%s\n' "$1" "$out"; return 1; }; }
			# run STATUS COMMAND...: its output is in out.
			run() { local want=$1 rc=0; shift; out=$("$@" 2>&1) || rc=$?; printf '$ %s\n%s\n' "$*" "$out"; [ "$rc" = "$want" ] || { echo "exit $rc, not $want"; return 1; }; }
		END
		cat
	} >"$W/story"
	export W BUILD TOOLS ROOT WAIT_FACTOR
	timeout $((120 * WAIT_FACTOR)) unshare --mount --net --pid --fork --kill-child bash "$W/story"
}
