# walk.bash: kills wsctl at each of its system calls that change something, one after the other, on
# top of wsctl.bash. After each kill nothing is half-written, and one apply makes all of it agree.

# shellcheck shell=bash

# walk_setup: what each step of a walk begins with is what is there now.
walk_setup() {
	mkdir base
	cp wscale.yaml haproxy.cfg base/
	[ ! -d state ] || cp -r state base/state
}
# Files and HAProxy as they were.
walk_reset() {
	stop haproxy KILL
	rm -rf state ./*.sock
	cp base/wscale.yaml base/haproxy.cfg .
	[ ! -d base/state ] || cp -r base/state state
	start_haproxy
}
whole() { wsctl check -q >/dev/null && haproxy -c -q -f haproxy.cfg; }
# walk SYSCALL COMMAND...: until the command outlives its Nth. Sets POINTS, adds to WALKED.
WALKED=0
walk() {
	local call=$1 n step=1 rc writes=mkdir,ftruncate,fsync,rename,unlink
	shift
	# A slow build takes every fifth, from another one each time.
	[ "${WSCALE_LOAD:-1}" = 1 ] || step=5
	for ((n = 1 + RANDOM % step; ; n += step)); do
		walk_reset
		rc=0
		# bash says of each killed command that it was
		{
			ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -qq -o strace.out -e "trace=$call,$writes" \
				-e "inject=$call:signal=KILL:when=$n" "$BUILD/wsctl" -c "$W/wscale.yaml" "$@" >out 2>&1 || rc=$?
		} 2>/dev/null
		[ "$rc" -ne 0 ] || break
		[ "$rc" -eq 137 ] || fail "$call $n: exit $rc: $(cat out)"
		# A question right behind a question, nothing written between: the kill before left the same.
		[ "$step" != 1 ] || [ "$(grep '^[a-z]*(' strace.out | tail -n 2 | grep -c '^sendto(.*, "show ')" != 2 ] || continue
		whole || fail "$call $n: a file isn't whole"
		wsctl apply -q --allow-remove >healed 2>&1 || fail "$call $n: apply: $(cat healed)"
		wsctl plan -q >healed 2>&1 || fail "$call $n: still differs: $(cat healed)"
		WALKED=$((WALKED + 1))
	done
}
