#!/usr/bin/env bats
# Goal: what the packages are before anybody installs them: without a complaint of lintian's, the same from
# two builds in two directories, and small. Run by tests/platforms/run.

load ../helpers

in_root() {
	# shellcheck disable=SC2016 # expanded there
	unshare --mount --pid --fork --kill-child -- sh -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' sh "$BOOT_DIR/lower" "$@"
}
# Debian's strip has been over them.
size() {
	dpkg-deb --fsys-tarfile "$BOOT_DIR/lower/root/new/$1"_[0-9]*.deb | tar -xO "./usr/bin/$1" | wc -c
}

@test "lintian has nothing to say, pedantic as it is; every override is explained" {
	run in_root sh -c 'cd /root/new && lintian -i -I --pedantic --fail-on error,warning,info,pedantic wscale_*.changes'
	echo "$output"
	[ "$status" -eq 0 ]
	refute grep -qE '^[EWIP]:' <<<"$output"
	for f in "$ROOT"/debian/*.lintian-overrides; do
		awk '/^#/ { said = 1; next } !said { exit 1 } { said = 0 }' "$f" || fail "$f: an override without a comment"
	done
}

@test "two builds from two directories are the same, bit by bit" {
	local f n=0
	for f in "$BOOT_DIR"/lower/root/new/*.deb; do
		cmp "$f" "$BOOT_DIR/lower/root/again/${f##*/}"
		n=$((n + 1))
	done
	[ "$n" -eq 4 ]
}

@test "a node's program is below 300 kB, and wsctl's below 500" {
	echo "# wsnode: $(size wsnode) bytes, wsctl: $(size wsctl) bytes" >&3
	[ "$(size wsnode)" -lt 300000 ]
	[ "$(size wsctl)" -lt 500000 ]
}
