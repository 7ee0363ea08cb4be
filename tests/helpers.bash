# helpers: fixtures for every bats file: a temporary directory, free ports, Redis, nodes, HAProxy and
# clients, all stopped by recorded pid. No test sleeps: it waits until something is so. What every test
# does often starts no process where bash can do it itself: on some machines a fork costs 20 ms.
#   BUILD        the build under test (default: build)
#   WAIT_FACTOR  multiplies every deadline (sanitizer builds are slow)
#   WSCALE_LOAD  multiplies client numbers (load)
#   CI=true      a missing tool fails instead of skipping

# shellcheck shell=bash disable=SC2034 # STATUS and others are for the tests

ROOT=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
BUILD=${BUILD:-build}
[[ $BUILD == /* ]] || BUILD=$ROOT/$BUILD
TOOLS=$BUILD/tests
export WAIT_FACTOR=${WAIT_FACTOR:-1}
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:exitcode=99} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export LC_ALL=C.UTF-8 NO_COLOR=1
unset WSCALE_CONFIG CREDENTIALS_DIRECTORY NOTIFY_SOCKET JOURNAL_STREAM
bats_require_minimum_version 1.5.0
declare -gA PORT=()

# A file that needs something else defines its own setup and teardown and calls these.
setup() { fixture; }
teardown() { fixture_end; }

fixture() {
	W=$(mktemp -d "${TMPDIR:-/tmp}/wscale.XXXXXX")
	chmod 755 "$W"
	mkdir "$W/log" "$W/pid" "$W/state"
	ulimit -n hard
	cd "$W" || return 1
}

# Stops everything, newest first; on failure shows the logs; a sanitizer's report is a failure.
fixture_end() {
	local f sick=
	[ -n "${W:-}" ] || return 0
	while read -r f; do stop "$f" TERM 5 || :; done < <(ls -t "$W/pid")
	if grep -lE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$W"/log/* 2>/dev/null; then
		sick=1
		echo "a sanitizer complained"
	fi
	if [ -z "${BATS_TEST_COMPLETED:-}${BATS_TEST_SKIPPED:-}" ] || [ -n "$sick" ]; then
		for f in "$W"/log/*; do
			[ -s "$f" ] || continue
			echo "--- ${f##*/}"
			if [ -n "$sick" ]; then tail -n 120 "$f"; else grep -av "^[0-9]*:[A-Z] " "$f" | tail -n 30; fi | cut -c1-300
		done
	fi
	cd / && rm -rf "$W"
	grep -lxr "$$" "/tmp/wscale-ports-$UID" 2>/dev/null | xargs -r rm -f
	[ -z "$sick" ]
}

# requires TOOL...: skips on a laptop, fails in CI.
requires() {
	local t
	for t; do
		command -v "$t" >/dev/null && continue
		if [ "${CI:-}" = true ]; then
			fail "$t is missing"
			return 1
		fi
		skip "$t is missing"
	done
}

fail() {
	echo "$*" >&2
	return 1
}

# refute COMMAND...: it must fail (`! command` is no assertion in bats).
refute() {
	if "$@"; then
		fail "should not succeed: $*"
		return 1
	fi
}

# nap: 50 ms, without a process.
nap() {
	[ -n "${NAP:-}" ] || exec {NAP}<> <(:)
	read -rt 0.05 -u "$NAP" || :
}

# wait_until SECONDS COMMAND...: polls; fails with the command's last output.
wait_until() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000 * WAIT_FACTOR)) out=$BATS_FILE_TMPDIR/polled
	local limit=$1
	shift
	while ! "$@" >"$out" 2>&1; do
		if [ "${EPOCHREALTIME/[.,]/}" -ge "$end" ]; then
			echo "not so within ${limit}s: $*" >&2
			tail -n 20 "$out" >&2
			return 1
		fi
		nap
	done
}

# never SECONDS COMMAND...: fails as soon as the command succeeds.
never() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	while [ "${EPOCHREALTIME/[.,]/}" -lt "$end" ]; do
		if "$@" >/dev/null 2>&1; then
			fail "came to be: $*"
			return 1
		fi
		nap
	done
}

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
# load N: N clients, fewer on slow builds.
load() { awk -v n="$1" -v f="${WSCALE_LOAD:-1}" 'BEGIN { n = int(n * f); print n < 10 ? 10 : n }'; }

# port NAME: PORT[NAME], a free one, the same on each call.
port() { [ -n "${PORT[$1]:-}" ] || PORT[$1]=$("$TOOLS/freeport" $$); }

# --- processes

# spawn NAME COMMAND...: in the background, own process group, log/NAME, pid/NAME (empty once it ended).
spawn() {
	local name=$1
	shift
	setsid "$@" </dev/null >>"$W/log/$name" 2>&1 3>&- &
	echo $! >"$W/pid/$name"
}
pid() {
	local p
	read -r p <"$W/pid/$1" && echo "$p"
}
# A zombie is gone.
alive() {
	local p stat
	read -r p 2>/dev/null <"$W/pid/$1" && read -r stat 2>/dev/null <"/proc/$p/stat" && [[ ${stat##*) } == [^ZX]* ]]
}
gone() { ! alive "$1"; }
# stop NAME [SIGNAL [SECONDS]]: STATUS is how it ended; SIGKILL for the group if it doesn't obey.
stop() {
	local p rc=0
	[ -s "$W/pid/$1" ] || return 0
	read -r p <"$W/pid/$1"
	kill -CONT -- "-$p" 2>/dev/null || :
	kill "-${2:-TERM}" "$p" 2>/dev/null || :
	wait_until "${3:-10}" gone "$1" || rc=1
	kill -KILL -- "-$p" 2>/dev/null || :
	STATUS=0
	wait "$p" 2>/dev/null || STATUS=$?
	: >"$W/pid/$1"
	return "$rc"
}
# exits NAME SECONDS: it ends by itself; STATUS is how.
exits() {
	wait_until "$2" gone "$1" || return
	STATUS=0
	wait "$(pid "$1")" 2>/dev/null || STATUS=$?
	: >"$W/pid/$1"
}
# catches NAME SIGNAL: it has its handler; before, the signal would end it at once.
catches() { ((16#$(awk '/^SigCgt/ { print $2 }' "/proc/$(pid "$1")/status") >> $(kill -l "$2") - 1 & 1)); }
# listens NAME: somebody does, at its port.
listens() { grep -q ":$(printf '%04X' "${PORT[$1]}") 00000000:0000 0A" /proc/net/tcp; }
log_has() { grep -qE -- "$2" "$W/log/$1"; }

# --- Redis

# start_redis [NAME [OPTION...]]: PORT[NAME], NAME redis by default; again on the same port later.
start_redis() {
	local name=${1:-redis}
	shift || :
	port "$name"
	spawn "$name" redis-server --port "${PORT[$name]}" --bind 127.0.0.1 --save "" --appendonly no \
		--dir "$W" --daemonize no "$@"
	wait_until 10 redis_answers "$name"
}
redis_answers() { redis-cli -p "${PORT[${1:-redis}]}" ping 2>&1 | grep -qE "^PONG|NOAUTH"; }
stop_redis() { stop "${1:-redis}" TERM; }
rcli() { redis-cli -p "${PORT[redis]}" "$@"; }
# numsub REDIS-CHANNEL: how many connections have subscribed to it.
numsub() { rcli --raw pubsub numsub "$1" | tail -n 1; }
numsub_is() { [[ $(rcli --raw pubsub numsub "$1") == *$'\n'"$2" ]]; }

# --- configuration

# write_yaml: W/wscale.yaml for the nodes in $NODES. The sections take more lines from YAML_NODE,
# YAML_AUTH, YAML_CHANNELS, YAML_HAPROXY, YAML_REDIS; YAML_TOP is added as it is.
CLUSTER=chat
write_yaml() {
	local n
	port redis
	port haproxy
	port stats
	{
		echo "cluster: $CLUSTER"
		printf 'redis:\n  url: redis://127.0.0.1:%s\n' "${PORT[redis]}"
		indented "${YAML_REDIS:-}"
		printf 'haproxy:\n  file: %s/haproxy.cfg\n  bind: "127.0.0.1:%s"\n' "$W" "${PORT[haproxy]}"
		printf '  socket: %s/admin.sock\n  master: %s/master.sock\n  state_dir: %s/state\n' "$W" "$W" "$W"
		printf '  stats: 127.0.0.1:%s\n  maxconn: %s\n' "${PORT[stats]}" "${MAXCONN:-5000}"
		indented "${YAML_HAPROXY:-}"
		section node "${YAML_NODE:-}"
		section auth "${YAML_AUTH:-}"
		section channels "${YAML_CHANNELS:-}"
		[ -z "${YAML_TOP:-}" ] || printf '%s\n' "$YAML_TOP"
		echo "nodes:"
		for n in ${NODES:-ws1 ws2 ws3}; do
			port "$n"
			echo "  $n: 127.0.0.1:${PORT[$n]}"
		done
	} >"$W/wscale.yaml"
}
indented() { [ -z "$1" ] || printf '%s\n' "$1" | sed 's/^/  /'; }
section() { [ -z "$2" ] || { echo "$1:" && indented "$2"; }; }
wsctl() { "$BUILD/wsctl" -c "$W/wscale.yaml" "$@"; }

# --- nodes

# start_node NAME [ARGUMENT...]: with W/wscale.yaml if there is one; returns when it is ready.
start_node() {
	launch_node "$@"
	wait_until 10 health_is "$1" 200
}
# launch_node: the same, without waiting.
launch_node() {
	local name=$1
	shift
	port "$name"
	local args=("$name" "$@")
	[ ! -e "$W/wscale.yaml" ] || args=(-c "$W/wscale.yaml" "${args[@]}")
	spawn "$name" "$BUILD/wsnode" "${args[@]}"
}
# standalone [ARGUMENT...]: node ws1 without a file and without Redis.
standalone() {
	port ws1
	start_node ws1 --standalone --listen "127.0.0.1:${PORT[ws1]}" "$@"
}
url() { echo "ws://127.0.0.1:${PORT[$1]}${2:-/}"; }
http() { curl -sS -m $((5 * WAIT_FACTOR)) "http://127.0.0.1:${PORT[$1]}$2" "${@:3}"; }
http_status() { http "$@" -o /dev/null -w '%{http_code}'; }
health() { http "$1" /healthz | jq -r "${2:-.state}"; }
health_is() { [ "$(http_status "$1" /healthz 2>/dev/null)" = "$2" ]; }
state_is() { [ "$(health "$1" .state 2>/dev/null)" = "$2" ]; }
clients_are() { [ "$(health "$1" .clients)" = "$2" ]; }
# metric NODE NAME: the sum of its samples.
metric() { http "$1" /metrics | awk -v m="$2" '$1 == m || index($1, m "{") == 1 { s += $2; n++ } END { if (!n) exit 1; printf "%.0f\n", s }'; }
# reaches VALUE COMMAND...: what it prints is at least VALUE.
reaches() { [ "$("${@:2}")" -ge "$1" ]; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$(pid "$1")/status"; }
# control NODE JSON-MEMBERS: asks over Redis as wsctl does and prints the reply.
control() {
	local id=$RANDOM$RANDOM
	local reply="$CLUSTER.reply.$id" f="$W/reply.$id"
	redis-cli -p "${PORT[redis]}" --json subscribe "$reply" >"$f" 3>&- &
	local p=$!
	wait_until 5 grep -q subscribe "$f"
	rcli publish "$CLUSTER.ctl.$1" "{\"id\":\"$id\",\"reply\":\"$reply\",$2}" >/dev/null
	wait_until 5 grep -q '^\["message"' "$f" || { kill "$p"; return 1; }
	kill "$p"
	grep '^\["message"' "$f" | jq -r '.[2]'
}

# --- HAProxy

start_haproxy() {
	requires haproxy
	[ -e "$W/haproxy.cfg" ] || wsctl generate -o "$W/haproxy.cfg"
	spawn haproxy haproxy -W -db -S "$W/master.sock" -f "$W/haproxy.cfg"
	wait_until 10 haproxy_answers
}
hap() { socat -t 3 - "UNIX-CONNECT:$W/admin.sock" <<<"$1"; }
hap_master() { socat -t 3 - "UNIX-CONNECT:$W/master.sock" <<<"$1"; }
haproxy_answers() { hap "show info" | grep -q '^Pid:'; }
worker_pid() { hap "show info" | awk '$1 == "Pid:" { print $2 }'; }
worker_is_not() { [ -n "$(worker_pid)" ] && [ "$(worker_pid)" != "$1" ]; }
# reload_haproxy: as `systemctl reload haproxy`; returns when the new worker answers. On 32-bit
# systems its drains come back by what our drop-in adds there. reload_alone: HAProxy's part only.
reload_haproxy() {
	reload_alone
	[ "$(getconf LONG_BIT)" = 64 ] || [ ! -e "$W/wscale.yaml" ] || wsctl -q apply --state
}
reload_alone() {
	local old
	old=$(worker_pid)
	kill -USR2 "$(pid haproxy)"
	wait_until 10 worker_is_not "$old"
}
# server_status NAME: UP, DOWN, DRAIN, ... as HAProxy sees it.
server_status() {
	hap "show stat" | awk -F, -v s="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "status") c = i }
		$2 == s { print $c }'
}
server_is() { [[ $(server_status "$1") == "$2"* ]]; }

# --- clients

wscli() { timeout $((30 * WAIT_FACTOR)) "$TOOLS/wscli" "$@"; }
# ws_start NAME URL [wscli OPTION...]: a client in the background that lives until ws_stop.
ws_start() {
	local name=$1 url=$2 fd
	shift 2
	mkfifo "$W/ws.$name"
	exec {fd}<>"$W/ws.$name"
	printf -v "WS_FD_$name" %s "$fd"
	setsid "$TOOLS/wscli" "$@" "$url" <"$W/ws.$name" >"$W/log/ws.$name" 2>&1 3>&- &
	echo $! >"$W/pid/ws.$name"
	wait_until 10 test -s "$W/log/ws.$name"
}
# ws_open: ws_start, and it must be open.
ws_open() {
	ws_start "$@" || return
	ws_wait "$1" '^open'
}
ws_send() {
	local fd=WS_FD_$1
	printf '%s\n' "${@:2}" >&"${!fd}"
}
# ws_wait NAME REGEX [SECONDS]: until the client printed such a line.
ws_wait() { wait_until "${3:-5}" grep -qE -- "$2" "$W/log/ws.$1"; }
ws_out() { cat "$W/log/ws.$1"; }
# ws_count NAME REGEX: how many such lines so far.
ws_count() { grep -cE -- "$2" "$W/log/ws.$1" || :; }
ws_stop() { stop "ws.$1" TERM; }
# handshake URL [wscli OPTION...]: how the upgrade is answered: "101" or the HTTP status.
handshake() {
	wscli "${@:2}" "$1" </dev/null | awk 'NR == 1 { print $1 == "open" ? 101 : $1 == "http" ? $2 : $1 }'
}

# --- secrets

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
# jwt CLAIMS KEY [HEADER]: signs by itself, not with the code under test.
jwt() {
	local h c
	h=$(printf %s "${3:-{\"alg\":\"HS256\",\"typ\":\"JWT\"\}}" | base64url)
	c=$(printf %s "$1" | base64url)
	printf '%s.%s.%s' "$h" "$c" "$(printf %s "$h.$c" | openssl dgst -sha256 -mac HMAC -macopt "key:$2" -binary | base64url)"
}
secret() {
	printf '%s\n' "$2" >"$W/$1"
	chmod 600 "$W/$1"
}
