# boot.bash: Debian on a booted systemd: two hosts, lb1 and ws2, each a container with its own network and a
# disk that outlives its reboots. On top of helpers.bash, herd.bash and guide.bash; the tests run in lb1's network.
#   BOOT_DIR    lower/, an unpacked root with the packages in /root/new and /root/old; disks, logs and
#               pids, which last as long as the file's tests
#   BOOT_NET    the network namespaces are BOOT_NET-lb1 and BOOT_NET-ws2

# shellcheck shell=bash

# disk HOST: an empty upper layer over the common root.
disk() {
	local d=$BOOT_DIR/$1
	mkdir -p "$d/upper" "$d/work" "$d/root"
	mount -t overlay "disk-$1" -o "lowerdir=$BOOT_DIR/lower,upperdir=$d/upper,workdir=$d/work" "$d/root"
	echo "$1" >"$d/root/etc/hostname"
	printf '127.0.0.1 localhost\n10.0.0.11 lb1\n10.0.0.12 ws2\n' >"$d/root/etc/hosts"
	: >"$d/root/etc/machine-id"
}

# boot HOST: returns when systemd says that it is up.
boot() {
	setsid nsenter "--net=/run/netns/$BOOT_NET-$1" systemd-nspawn --quiet -D "$BOOT_DIR/$1/root" --machine="$BOOT_NET-$1" --boot \
		--keep-unit --register=no --console=pipe --resolv-conf=off --timezone=off --link-journal=no \
		</dev/null >>"$BOOT_DIR/$1/console" 2>&1 3>&- &
	echo $! >"$BOOT_DIR/$1/pid"
	wait_until 30 booted "$1"
}
leader() { pgrep -P "$(cat "$BOOT_DIR/$1/pid")" -x systemd; }
booted() { [[ $(inside "$1" systemctl is-system-running) == @(running|degraded) ]]; }
# inside HOST COMMAND...: as root there.
inside() { nsenter -t "$(leader "$1")" -a -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
	DEBIAN_FRONTEND=noninteractive NO_COLOR=1 "${@:2}"; }
# on HOST SCRIPT: a shell's line there, in /root.
on() { inside "$1" bash -c "cd /root && $2"; }
# power_cut HOST: everything there is killed at once.
power_cut() {
	kill -KILL "$(leader "$1")"
	wait_until 20 off "$1"
}
off() { [[ $(sed 's/.*) //' "/proc/$(cat "$BOOT_DIR/$1/pid")/stat" 2>/dev/null) != [^ZX]* ]]; }
# comes_back HOST: it goes down by itself, and comes up as after a reboot.
comes_back() {
	wait_until 200 off "$1"
	boot "$1"
}
reboot_host() {
	inside "$1" systemctl --no-block reboot
	comes_back "$1"
}

# --- the cluster

CLUSTER=chat
PORT=([haproxy]=80 [redis]=6379 [ws1]=8081)
# wsctl ARGUMENT...: lb1's own.
wsctl() { inside lb1 wsctl "$@"; }
systemctl_lb1() { inside lb1 systemctl "$@"; }
# as_it_was: all nodes ready and up, nothing to mend, HAProxy has what the file says.
as_it_was() {
	wsctl status --json | jq -e '.nodes | length > 0 and all(.state == "ready" and .health == "up")' &&
		wsctl plan
}
main_pid() { inside lb1 systemctl show -P MainPID "wsnode@$1"; }
is_active() { [ "$(inside "$1" systemctl is-active "$2")" = active ]; }
another_main_pid() { [ "$(main_pid "$1")" != "$2" ] && [ "$(main_pid "$1")" != 0 ]; }
