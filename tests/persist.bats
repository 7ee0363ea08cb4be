# persist.bats: what wsctl writes to disk: one line of the YAML and the file rendered from it, whole or
# not at all, whatever the disk, another wsctl, an editor or kill -9 do meanwhile.
load helpers

# --- the scene: three nodes, Redis and HAProxy; W/slow is a PATH with a haproxy that waits for a gate

scene() {
	requires haproxy redis-server
	write_yaml
	start_redis
	for n in ${NODES:-ws1 ws2 ws3}; do start_node "$n"; done
	start_haproxy
	cp wscale.yaml before.yaml
	cp haproxy.cfg before.cfg
}
# Neither file changed, nothing was left beside them, and HAProxy wasn't told anything.
all_as_before() {
	diff -u before.yaml wscale.yaml
	diff -u before.cfg haproxy.cfg
	no_temp_files
	[ "$(weight_of ws1)" = 100 ]
}
no_temp_files() { [ -z "$(find . -name '.*.??????' -print -quit)" ]; }
weight_of() {
	hap "show servers state" | awk -v s="$1" '$4 == s { print $8 }'
}
# slow_haproxy COMMAND: a haproxy whose -c runs COMMAND first, between wsctl's reading and its writing.
slow_haproxy() {
	mkdir -p slow
	printf '#!/bin/bash\n%s\nexec %s "$@"\n' "$1" "$(PATH=$PATH:/usr/sbin command -v haproxy)" >slow/haproxy
	chmod +x slow/haproxy
}
slowly() { PATH=$W/slow:$PATH wsctl "$@"; }
# In a mount namespace of its own, where it may mount what it likes.
mounts() {
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null && return
	skip "needs root and mount namespaces"
}
with_mounts() { env W="$W" BUILD="$BUILD" unshare -m bash -euc "$1"; }

@test "one line of the YAML changes; comments, order, owner and mode stay" {
	YAML_TOP=$'# our cluster\n\n# -- nodes --' scene
	sed -i 's/^  ws1: .*/&   # the old Pi/; s/^  ws2:.*/  # spare\n&/' wscale.yaml
	chmod 604 wscale.yaml
	[ "$(id -u)" != 0 ] || chown 12:34 wscale.yaml
	stat -c '%a %u %g' wscale.yaml >was
	cp wscale.yaml before.yaml
	wsctl weight ws1 50
	diff before.yaml wscale.yaml >d || :
	cat d
	[ "$(grep -c '^[<>]' d)" = 2 ]
	grep -qx "> *ws1: { address: 127.0.0.1:${PORT[ws1]}, weight: 50 }   # the old Pi" d
	stat -c '%a %u %g' wscale.yaml | diff was -
	[ "$(weight_of ws1)" = 50 ]
	grep -q 'server ws1 .*weight 50' haproxy.cfg
	no_temp_files
}

@test "add, then remove: the YAML is the old one, byte for byte, also with CRLF and without a last newline" {
	scene
	sed -i 's/^nodes:/nodes: # all of them/; $ s/$/ # last/' wscale.yaml
	sed -i 's/$/\r/' wscale.yaml
	truncate -s -2 wscale.yaml
	cp wscale.yaml before.yaml
	cp haproxy.cfg before.cfg
	port ws4
	start_node ws4 --listen "127.0.0.1:${PORT[ws4]}"
	wsctl add ws4 "127.0.0.1:${PORT[ws4]}"
	[ "$(tail -n 1 wscale.yaml)" = "  ws4: 127.0.0.1:${PORT[ws4]}" ]
	grep -q 'server ws4 ' haproxy.cfg
	wsctl remove ws4
	cmp before.yaml wscale.yaml
	diff -u before.cfg haproxy.cfg
}

@test "a YAML behind a symlink: the link stays, its target changes" {
	scene
	mkdir real
	mv wscale.yaml real/mine.yaml
	ln -s real/mine.yaml wscale.yaml
	wsctl weight ws1 50
	[ "$(readlink wscale.yaml)" = real/mine.yaml ]
	grep -q 'ws1: .*weight: 50' real/mine.yaml
	[ "$(ls -A real)" = mine.yaml ]
}

@test "an entry that can't be changed safely: the line to write is printed, nothing changes" {
	scene
	sed -i "s/^  ws1: \(.*\)/  ws1: { address: \1, weight: \&w 100 }/; s/^  ws2: \(.*\)/  ws2: { address: \1, weight: *w }/" \
		wscale.yaml
	cp wscale.yaml before.yaml
	run wsctl weight ws1 50
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"by hand, write: ws1: { address: 127.0.0.1:${PORT[ws1]}, weight: 50 }"* ]]
	all_as_before
}

@test "the YAML changed while wsctl worked: refused, and the other's change stays" {
	scene
	slow_haproxy "echo '# theirs' >>'$W/wscale.yaml'"
	run slowly weight ws1 50
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"$W/wscale.yaml: changed by someone else meanwhile; run the command again"* ]]
	grep -q '# theirs' wscale.yaml
	refute grep -q 'weight: 50' wscale.yaml
	cp wscale.yaml before.yaml
	all_as_before
	wsctl weight ws1 50
	grep -q 'weight: 50' wscale.yaml
	[ "$(tail -n 1 wscale.yaml)" = "# theirs" ]
}

@test "a haproxy.cfg edited by hand is not overwritten: refused before anything changes" {
	scene
	echo "# mine" >>haproxy.cfg
	cp haproxy.cfg before.cfg
	run wsctl weight ws1 50
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"$W/haproxy.cfg:"[0-9]*": edited by hand; keep it in haproxy.extra, or discard: wsctl apply --overwrite"* ]]
	all_as_before
	wsctl generate -o "$W/haproxy.cfg" --overwrite
	wsctl weight ws1 50
}

@test "a haproxy.cfg that isn't ours is not overwritten" {
	scene
	printf 'defaults\n  mode http\n' >haproxy.cfg
	cp haproxy.cfg before.cfg
	port ws4
	start_node ws4 --listen "127.0.0.1:${PORT[ws4]}"
	run wsctl add ws4 "127.0.0.1:${PORT[ws4]}"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"$W/haproxy.cfg: not written by wsctl; "* ]]
	all_as_before
}

@test "two at once: both edits are in the file" {
	scene
	for n in 1 2 3; do spawn "w$n" "$BUILD/wsctl" -c "$W/wscale.yaml" weight "ws$n" "$((n * 20))"; done
	for n in 1 2 3; do
		exits "w$n" 30
		[ "$STATUS" = 0 ]
	done
	for n in 1 2 3; do
		grep -q "ws$n: .*weight: $((n * 20))" wscale.yaml
		grep -q "server ws$n .*weight $((n * 20))" haproxy.cfg
		[ "$(weight_of "ws$n")" = "$((n * 20))" ]
	done
}

@test "a lock held too long: exit 75, its holder named; later it works" {
	scene
	mkfifo gate
	slow_haproxy "read -r _ <'$W/gate'"
	spawn holder env PATH="$W/slow:$PATH" "$BUILD/wsctl" -c "$W/wscale.yaml" weight ws1 50
	wait_until 10 grep -q 'weight ws1' state/lock-edit
	run wsctl weight ws2 60
	echo "$output"
	[ "$status" -eq 75 ]
	[[ $output == *"locked by "*"@$(hostname) (pid $(pid holder), weight ws1)"* ]]
	all_as_before
	echo >gate
	exits holder 10
	[ "$STATUS" = 0 ]
	wsctl weight ws2 60
	grep -q 'ws1: .*weight: 50' wscale.yaml
	grep -q 'ws2: .*weight: 60' wscale.yaml
}

@test "a killed holder holds nothing" {
	scene
	mkfifo gate
	slow_haproxy "read -r _ <'$W/gate'"
	spawn holder env PATH="$W/slow:$PATH" "$BUILD/wsctl" -c "$W/wscale.yaml" weight ws1 50
	wait_until 10 grep -q 'weight ws1' state/lock-edit
	stop holder KILL
	all_as_before
	wsctl weight ws1 50
	[ "$(weight_of ws1)" = 50 ]
}

@test "kill -9 at any moment leaves the old file or the new, and the next run finishes the work" {
	scene
	local w=100 i
	for i in $(seq 25); do
		w=$((i + 1))
		spawn victim "$BUILD/wsctl" -c "$W/wscale.yaml" weight ws1 "$w"
		# A different moment each time; a good part of them falls between the two files.
		read -rt "0.0$((RANDOM % 9))$((RANDOM % 10))" <> <(:) || :
		stop victim KILL || :
		wsctl check >/dev/null
		sed -n 's/^  ws1: *//p' wscale.yaml >now
		grep -qxE "127.0.0.1:${PORT[ws1]}|\{ address: 127.0.0.1:${PORT[ws1]}, weight: ($w|$((w - 1))) \}" now
		[ "$(wc -l <wscale.yaml)" = "$(wc -l <before.yaml)" ]
		wsctl weight ws1 "$w"
		grep -q "ws1: .*weight: $w }" wscale.yaml
		grep -q "server ws1 .*weight $w " haproxy.cfg
		[ "$(weight_of ws1)" = "$w" ]
	done
}

@test "killed between the YAML and the rendered file, an add is finished by the next" {
	scene
	port ws4
	start_node ws4 --listen "127.0.0.1:${PORT[ws4]}"
	echo "  ws4: 127.0.0.1:${PORT[ws4]}" >>wscale.yaml
	wsctl add ws4 "127.0.0.1:${PORT[ws4]}"
	grep -q 'server ws4 ' haproxy.cfg
	server_is ws4 UP
	reload_haproxy
	wait_until 10 server_is ws4 UP
}

@test "killed between the YAML and the rendered file, a remove is finished by the next" {
	scene
	sed -i '/^  ws3:/d' wscale.yaml
	wsctl remove ws3
	refute grep -q 'server ws3 ' haproxy.cfg
	reload_haproxy
	[ -z "$(server_status ws3)" ]
}

@test "a full disk: exit 1, the old files are intact" {
	mounts
	scene
	with_mounts '
		mkdir "$W/conf"
		mount -t tmpfs -o size=32k none "$W/conf"
		cp "$W/wscale.yaml" "$W/conf/"
		dd if=/dev/zero of="$W/conf/fill" bs=1k 2>/dev/null || :
		rc=0
		"$BUILD/wsctl" -c "$W/conf/wscale.yaml" weight ws1 50 2>"$W/err" || rc=$?
		[ "$rc" = 1 ]
		cmp "$W/before.yaml" "$W/conf/wscale.yaml"
		[ "$(ls -A "$W/conf" | tr "\n" " ")" = "fill wscale.yaml " ]'
	cat err
	grep -qx "wsctl: $W/conf/wscale.yaml: no space left on device; the old file is intact" err
	all_as_before
}

@test "a full disk under haproxy.cfg: the YAML goes back too" {
	mounts
	scene
	with_mounts '
		mkdir "$W/conf"
		mount -t tmpfs -o size=32k none "$W/conf"
		cp "$W/haproxy.cfg" "$W/conf/"
		sed "s,file: .*/haproxy.cfg,file: $W/conf/haproxy.cfg," "$W/wscale.yaml" >"$W/other.yaml"
		cp "$W/other.yaml" "$W/other.before"
		"$BUILD/wsctl" -c "$W/other.yaml" generate -o "$W/conf/haproxy.cfg"
		cp "$W/conf/haproxy.cfg" "$W/other.cfg"
		dd if=/dev/zero of="$W/conf/fill" bs=1k 2>/dev/null || :
		rc=0
		"$BUILD/wsctl" -c "$W/other.yaml" weight ws1 50 2>"$W/err" || rc=$?
		[ "$rc" = 1 ]
		cmp "$W/other.before" "$W/other.yaml"
		cmp "$W/other.cfg" "$W/conf/haproxy.cfg"'
	cat err
	grep -qx "wsctl: $W/conf/haproxy.cfg: no space left on device; the old file is intact" err
	all_as_before
}

@test "a read-only directory: exit 1, the old files are intact" {
	mounts
	scene
	with_mounts '
		mkdir "$W/conf"
		cp "$W/wscale.yaml" "$W/conf/"
		mount --bind "$W/conf" "$W/conf"
		mount -o remount,bind,ro "$W/conf"
		rc=0
		"$BUILD/wsctl" -c "$W/conf/wscale.yaml" weight ws1 50 2>"$W/err" || rc=$?
		[ "$rc" = 1 ]'
	cat err
	grep -qx "wsctl: $W/conf/wscale.yaml: read-only file system; the old file is intact" err
	cmp before.yaml conf/wscale.yaml
	all_as_before
}

@test "a file of another user: permission denied, with the next step" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	requires setpriv
	scene
	local d
	for d in "$W" "${W%/*}"; do chmod o+x "$d"; done
	cp "$BUILD/wsctl" mine
	chmod 666 admin.sock master.sock
	chmod 777 state
	: >state/lock-edit
	chmod 666 state/lock-edit
	mkdir tmp
	chmod 777 tmp
	export TMPDIR=$W/tmp
	run setpriv --reuid 65534 --regid 65534 --clear-groups ./mine -c "$W/wscale.yaml" weight ws1 50
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"$W/wscale.yaml: permission denied; use sudo; the old file is intact"* ]]
	chmod 755 state
	chmod 644 state/lock-edit
	run setpriv --reuid 65534 --regid 65534 --clear-groups ./mine -c "$W/wscale.yaml" weight ws1 50
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"$W/state/lock-edit: can't lock: permission denied; use sudo, or set haproxy.state_dir"* ]]
	all_as_before
}

@test "no state directory: it is made, or the key that names it is told" {
	scene
	rm -r state
	wsctl weight ws1 50
	[ "$(stat -c %a state)" = 755 ]
	sed -i "s,state_dir: .*,state_dir: $W/no/where," wscale.yaml
	run wsctl weight ws1 60
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"$W/no/where: can't make the directory: no such file or directory; see haproxy.state_dir"* ]]
}
