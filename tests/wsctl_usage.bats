#!/usr/bin/env bats
# Goal: whoever types wsctl for the first time finds the way: help, typing errors, exit codes, JSON on
# every failure, a full disk.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

@test "help lists every command; help COMMAND and COMMAND --help show its options" {
	run -0 "$BUILD/wsctl" help
	for c in check generate status add cordon drain ready remove weight channels publish tail purge latency token doctor; do
		says "  $c "
	done
	run -0 "$BUILD/wsctl" help drain
	says "usage: wsctl drain NAME [--over D]"
	says "[-n]"
	says "  move its clients"
	first=$output
	run -0 "$BUILD/wsctl" drain --help
	[ "$output" = "$first" ]
	run -0 "$BUILD/wsctl" --help
	says "usage: wsctl"
}

@test "no line of any usage is wider than a terminal" {
	for c in $("$BUILD/wsctl" help | awk '/^  [a-z]/ { print $1 }'); do
		"$BUILD/wsctl" help "$c" >>usages
	done
	grep -q '^usage: wsctl remove ' usages
	not grep -E '^.{81}' usages
	run -64 "$BUILD/wsctl" drain
	[[ $(wc -L <<<"$output") -le 80 ]]
}

@test "version, for people and programs" {
	run -0 "$BUILD/wsctl" version
	[[ $output =~ ^wsctl\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	run -0 "$BUILD/wsctl" --version
	"$BUILD/wsctl" version --json | jq -e '.version == 1 and .ok and (.wsctl | test("^[0-9.]+$"))'
}

@test "typing errors end with 64 and the right word" {
	run -64 "$BUILD/wsctl"
	says "wsctl help lists them"
	run -64 "$BUILD/wsctl" drian ws2
	says 'unknown command "drian", did you mean "drain"?'
	run -64 "$BUILD/wsctl" drain ws2 --dedline 5s
	says "did you mean --deadline?"
	run -64 "$BUILD/wsctl" drain ws2 --deadline 5
	says "not a duration such as"
	run -64 "$BUILD/wsctl" drain ws2 --weight 5
	says "drain takes no --weight"
	run -64 "$BUILD/wsctl" status -n
	says "status takes no --dry-run"
	run -64 "$BUILD/wsctl" drain
	says "drain needs NAME"
	says "usage: wsctl drain NAME"
	run -64 "$BUILD/wsctl" drain ws1 ws2
	says 'one argument too many: "ws2"'
}

@test "options stand anywhere, and -- ends them" {
	write_yaml
	run -0 "$BUILD/wsctl" version -q -c nowhere.yaml
	run -64 "$BUILD/wsctl" -c wscale.yaml publish -- a/b --json
	says "can't be a channel"
	run -64 "$BUILD/wsctl" weight ws1 300 --config=wscale.yaml
	says "not a weight from 0 to 256"
}

@test "a file with errors is 78, and all of them are told with their positions" {
	printf 'clustr: x\nnode:\n  ping: 25\nnodes:\n  ws1: 127.0.0.1:1\n' >wscale.yaml
	run -78 wsctl status
	says "wscale.yaml:1:1: "
	says 'did you mean "cluster"'
	says "wscale.yaml:3:9: "
	says "2 errors, nothing changed"
	run -78 "$BUILD/wsctl" -c missing.yaml status
	says "missing.yaml"
}

@test "the file is found by -c, then WSCALE_CONFIG, never in the current directory" {
	write_yaml
	run -78 "$BUILD/wsctl" publish a b
	says "/etc/wscale/wscale.yaml"
	WSCALE_CONFIG=$W/wscale.yaml run -69 "$BUILD/wsctl" publish a b
	says "redis 127.0.0.1:${PORT[redis]}: connection refused"
}

@test "with --json every failure is one object on stdout" {
	write_yaml
	for args in "publish a b" "status" "drain ws1" "drain" "weight ws1 x" "nonsense" "add ws9 nowhere"; do
		# shellcheck disable=SC2086
		wsctl --json $args 2>/dev/null >out || :
		[ "$(wc -l <out)" = 1 ]
		jq -e '.version == 1 and .ok == false' out
	done
}

@test "a full disk or a reader that left is a failure" {
	run -1 bash -c '"$0" help >/dev/full' "$BUILD/wsctl"
	says "can't write the output: "
	# The reader is gone before the first byte is written.
	run -1 bash -c 'exec 5> >(true); wait "$!"; "$0" help >&5' "$BUILD/wsctl"
}

@test "a reader that leaves in the middle of a long output is no error to talk about" {
	write_yaml
	{
		echo "nodes:"
		for i in {1..4000}; do echo "  n$i: 10.0.$((i / 200)).$((i % 200 + 1)):81"; done
	} >long.yaml
	run -1 bash -c '{ "$0" -c long.yaml generate 2>err; echo "$?" >rc; } | head -1; exit "$(cat rc)"' "$BUILD/wsctl"
	[ ! -s err ]
	run -1 bash -c '"$0" -c long.yaml generate >/dev/full' "$BUILD/wsctl"
	says "can't write the output: "
}

@test "help fits an 80-column terminal; without a file it is said how one is made" {
	local c
	{
		wsctl help
		for c in $(wsctl help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do wsctl help "$c"; done
	} >all
	[ "$(wc -l <all)" -gt 60 ]
	run -0 awk 'length > 79' all
	[ -z "$output" ] || fail "$output"
	run -78 "$BUILD/wsctl" -c "$W/none.yaml" plan
	says "none.yaml: cannot open: no such file or directory"
	says "a first one is written by: wsctl init"
}
