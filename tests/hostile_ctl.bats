#!/usr/bin/env bats
# Goal: whatever stands in a YAML, on the command line, in HAProxy's answers or in a node's own word, wsctl
# neither passes it on as more than a word nor lets it at the terminal, and ends in time and in bounds.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

EVIL=($'a\nb' 'a;b' "a'b" 'a"b' 'a$(touch pwned)' 'a`touch pwned`' $'a\033[31mb' $'a\tb' '../../etc/passwd' '-x' 'a b' $'a\xc2\x9bb' 'a#b' '')
# quoted TEXT: as YAML and JSON have it.
quoted() { jq -Rsn --arg t "$1" '$t'; }
# clean STATUS COMMAND...: ends so, within a second or two, and says nothing that drives a terminal.
clean() {
	local want=$1
	shift
	run timeout $((30 * WAIT_FACTOR)) "$@"
	[ "$status" -eq "$want" ] || fail "$*: exit $status: ${output:0:400}"
	printf '%s' "$output" >said
	no_control_bytes said
}
untouched() { [ ! -e pwned ] && [ ! -e haproxy.cfg ] && [ -z "$(ls state)" ]; }

@test "a YAML full of nonsense: every command says where, does nothing, and nothing in it is run" {
	local text key
	port redis
	for text in "${EVIL[@]}"; do
		for key in "cluster: @" "redis: { url: @ }" "haproxy: { bind: @ }" "haproxy: { backend: @ }" "haproxy: { file: @ }" \
			"haproxy: { user: @ }" "haproxy: { balancers: { @: local } }" "haproxy: { balancers: { lb1: @ } }" "nodes: { @: 127.0.0.1:1 }" \
			"nodes: { ws1: @ }" "@: 1"; do
			printf '%s\n' "${key/@/$(quoted "$text")}" >wscale.yaml
			[[ $key == nodes* ]] || echo "nodes: { ws1: 127.0.0.1:1 }" >>wscale.yaml
			# Some are a word that may stand there: then it is rendered as one, on one line.
			run timeout $((10 * WAIT_FACTOR)) "$BUILD/wsctl" -c wscale.yaml generate
			printf '%s' "$output" >said
			no_control_bytes <(tr -d '\t' <said)
			[ "$status" -eq 78 ] || { [ "$status" -eq 0 ] && render_is_a_word "$text"; } || fail "$key $text: $status $output"
		done
	done
	printf 'nodes:\n  "ws1\\n\\tserver evil 6.6.6.6:1": 127.0.0.1:1\n' >wscale.yaml
	for command in plan apply status check "roll -n" top; do
		# shellcheck disable=SC2086
		clean 78 "$BUILD/wsctl" -c wscale.yaml $command
	done
	untouched
}
render_is_a_word() { [ "$(grep -c '^global' said)" = 1 ] && [ "$(grep -c '^backend ' said)" = 1 ] && ! grep -q 'touch pwned' said; }

@test "10 MB of YAML, and a mapping nested ten thousand deep, are refused at once" {
	head -c 10000000 /dev/zero | tr '\0' 'a' >wscale.yaml
	clean 78 "$BUILD/wsctl" -c wscale.yaml plan
	{ printf 'nodes: '; printf '{a: %.0s' {1..10000}; } >wscale.yaml
	clean 78 "$BUILD/wsctl" -c wscale.yaml plan
	{ echo "nodes:" && seq -f '  n%.0f: 127.0.0.1:1' 200000; } >wscale.yaml
	clean 78 "$BUILD/wsctl" -c wscale.yaml plan
}

@test "words of the command line are words: nothing of them is run, written or drawn" {
	cluster ws1
	local text
	cp wscale.yaml before.yaml
	for text in "${EVIL[@]}"; do
		[ -n "$text" ] || continue
		run timeout $((10 * WAIT_FACTOR)) "$BUILD/wsctl" -c "$W/new.yaml" init --node "$text=127.0.0.1:1" --cluster "$text"
		# -x is a name like any other.
		[ "$status" -eq 64 ] || [ "$status" -eq 78 ] || [ "$text" = -x ] || fail "init $text: $status $output"
		[ ! -e new.yaml ] || [ "$text" = -x ]
		rm -f new.yaml
		for command in "status --" "drain --" "retire --" "ready --" "remove --" "publish x" "roll --exec" "generate --listen :1 --node" "cert --"; do
			# shellcheck disable=SC2086
			run timeout $((20 * WAIT_FACTOR)) "$BUILD/wsctl" -c wscale.yaml $command "$text"
			printf '%s' "$output" >said
			no_control_bytes said
		done
		cmp wscale.yaml before.yaml
	done
	[ ! -e pwned ]
	[ "$(hap "show servers state wscale_chat" | grep -c ' wscale_chat ')" = 1 ]
	run -1 wsctl roll ws1 --exec "false {name};touch\${IFS}pwned"
	[ ! -e pwned ]
}

# lying_haproxy: answers each command from the file of its first two words, else from "other".
lying_haproxy() {
	cat >lie.sh <<-'END'
		read -r line
		set -- ${line#@* }
		f="reply.$1_$2"
		[ -e "$f" ] || f=reply.other
		cat "$f"
	END
	spawn lying socat "UNIX-LISTEN:$W/admin.sock,fork" "EXEC:bash lie.sh"
	wait_until 5 test -S admin.sock
}

@test "a HAProxy that answers with anything at all: an error, in time, and nothing reaches the terminal" {
	start_redis
	NODES=ws1 write_yaml
	start_node ws1
	wsctl generate -q -o haproxy.cfg
	lying_haproxy
	local kind command
	for kind in empty escapes long endless-line columns numbers; do
		case $kind in
		empty) : >reply.other ;;
		escapes) printf '1\n# be_id be_name srv_id srv_name srv_addr\n1 \033[31mx\007 1 \033]0;x\007 1.1.1.1\n\n' >reply.other ;;
		long) { echo 1; echo "# be_id be_name srv_id srv_name srv_addr"; yes "1 wscale_chat 1 $(printf 'x%.0s' {1..200}) 1.1.1.1" | head -n "$(load 40000)"; echo; } >reply.other ;;
		endless-line) { head -c 10000000 /dev/zero | tr '\0' ' '; printf '\n\n'; } >reply.other ;;
		columns) printf '1\n# %s\n%s\n\n' "$(seq -s ' ' 5000)" "$(seq -s ' ' 5000)" >reply.other ;;
		numbers) printf '1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_port\n99999999999999999999 wscale_chat -1 ws1 ::::: -9 99999999999 -1 99999999\n\nPid: -1\nnode: \033[31m\n\n' >reply.other ;;
		esac
		for command in status "status --json" plan "plan --json" "status --check" "retire local" "drain ws1 -n" "weight ws1 5 -n" doctor; do
			# shellcheck disable=SC2086
			run timeout $((30 * WAIT_FACTOR)) "$BUILD/wsctl" -c wscale.yaml $command
			[[ $status =~ ^(0|1|2|69)$ ]] || fail "$kind: $command: exit $status: ${output:0:400}"
			printf '%s' "$output" >said
			no_control_bytes said
			[[ $command != *json ]] || grep '^{' said | jq -e .version >/dev/null
		done
	done
}

@test "what a node says of itself is a text: in status, top's lines, retire and JSON" {
	cluster ws1
	liar evil "\"state\":\"unavailable\\u001b[2J\",\"reason\":\"x\\n! forged\",\"version\":\"\\u001b[31m\\n1\",\"listen\":\"1.2.3.4:5; rm -rf /\",\"clients\":-7,
		\"lbs\":{\"\\u001b[31m-1\":5,\"$(hostname)-99999999999999999999\":1,\"x\":-1},\"uptime_s\":-1,\"config\":\"\\u0007\""
	clean 0 "$BUILD/wsctl" -c wscale.yaml status
	refute grep -q '^! forged' said
	clean 0 "$BUILD/wsctl" -c wscale.yaml status --json
	clean 0 "$BUILD/wsctl" -c wscale.yaml status evil
	clean 1 "$BUILD/wsctl" -c wscale.yaml status --check
	[ "$(wc -l <said)" = 0 ] # one line, without its end
	clean 0 "$BUILD/wsctl" -c wscale.yaml channels
	clean 0 "$BUILD/wsctl" -c wscale.yaml retire local --no-wait -n
}
