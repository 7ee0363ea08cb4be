#!/usr/bin/env bats
# Goal: in bash, Tab finishes what is typed of wsctl: commands, their options, nodes of the file, channels of
# Redis; from the same tables as the usage.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

# A file that needs nothing running.
quiet_file() {
	NODES="ws1 ws2 db-west"
	write_yaml
	export WSCALE_CONFIG=$W/wscale.yaml
}
# tab LINE: what is offered when Tab is pressed behind LINE, one a line. As readline does it: words are
# taken apart at COMP_WORDBREAKS, too.
tab() {
	PATH=$BUILD:$PATH bash --norc -c '
		. <(wsctl completion bash)
		COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
		COMP_WORDS=($(sed "s/[:=]/ & /g" <<<"$1")) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_wsctl wsctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"' - "$1" | sed '/^$/d' | sort
}
# offers LINE WORD...: these and no others.
offers() {
	diff -u <(printf '%s\n' "${@:2}" | sed '/^$/d' | sort) <(tab "$1") || fail "behind '$1'"
}

@test "bash takes the script, and knows whom to ask" {
	run -0 bash --norc -c 'set -eu; . <("$1" completion bash); complete -p wsctl' - "$BUILD/wsctl"
	[ "$output" = "complete -F _wsctl wsctl" ]
	requires shellcheck
	"$BUILD/wsctl" completion bash >script
	run -0 shellcheck -s bash -S warning script
}

@test "commands, also behind options; and each that help lists" {
	quiet_file
	offers "wsctl dr" drain
	offers "wsctl c" check cordon cert channels completion
	offers "wsctl --json -c wscale.yaml rem" remove
	offers "wsctl help dra" drain
	offers "wsctl completion " bash
	offers "wsctl nonsense " ""
	# shellcheck disable=SC2046
	offers "wsctl " $("$BUILD/wsctl" help | sed -n 's/^  \([a-z]*\) .*/\1/p')
}

@test "every command's options are those of its usage, and no others" {
	quiet_file
	local c o all="--config --json --quiet --help --version"
	# shellcheck disable=SC2086
	offers "wsctl --" $all
	for c in $("$BUILD/wsctl" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		o=$("$BUILD/wsctl" help "$c" | head -n -1 |
			sed 's/\[-n\]/--dry-run/; s/\[-o FILE\]/--output/; s/\[-v\]/--verbose/' | grep -oE -- '--[a-z-]+' || :)
		# shellcheck disable=SC2086
		offers "wsctl $c --" $all $o
	done
	offers "wsctl drain ws1 --o" --over
	offers "wsctl drain ws1 -- --o" ""
}

@test "names of nodes, from the file that -c names" {
	quiet_file
	offers "wsctl drain " ws1 ws2 db-west
	offers "wsctl drain ws" ws1 ws2
	offers "wsctl drain --over 5m --kill db" db-west
	offers "wsctl weight ws1 " ""
	offers "wsctl drain ws1 " ""
	sed 's/ws2:/other:/' wscale.yaml >second.yaml
	offers "wsctl -c second.yaml ready " ws1 other db-west
	offers "wsctl ready --config=second.yaml o" other
	# No file, no names, and no words about it.
	WSCALE_CONFIG=/nowhere offers "wsctl drain " ""
}

@test "values of options: files, words, or nothing that is a guess" {
	quiet_file
	touch a.yaml b.cfg
	offers "wsctl -c a" a.yaml
	offers "wsctl --config=a" a.yaml
	offers "wsctl generate -o b" b.cfg
	offers "wsctl publish --from " kafka
	offers "wsctl publish --from=k" kafka
	offers "wsctl drain ws1 --over " ""
	offers "wsctl token --sub w" ""
}

@test "names of channels, with their colons, from redis and from rules" {
	YAML_CHANNELS='rules:
  - { match: "kept:one", history: { size: 10, ttl: 1h } }
  - { match: "kept*", history: { size: 10, ttl: 1h } }'
	quiet_file
	start_redis
	spawn sub redis-cli -p "${PORT[redis]}" subscribe chat:news:sport chat:news:local chat:other 'chat:bad $(touch x)' chat.ctl
	wait_until 5 numsub_is chat.ctl 1
	offers "wsctl tail " news:sport news:local other kept:one
	offers "wsctl tail other news:s" sport
	offers "wsctl channels news:" sport local
	offers "wsctl purge ne" news:sport news:local
	offers "wsctl publish kept:" one
	offers "wsctl publish 'news:s" news:sport
	offers "wsctl publish other " ""
	offers "wsctl tail *" ""
	run -0 "$BUILD/wsctl" completion channels 'news:l'
	[ "${lines[*]}" = "kept:one news:local" ]
	stop_redis
	offers "wsctl tail o" ""
	run -69 "$BUILD/wsctl" completion channels
	[ ! -e x ]
}

@test "on a terminal: Tab, and the line is run" {
	requires script
	quiet_file
	start_redis
	spawn sub redis-cli -p "${PORT[redis]}" subscribe chat:news:sport
	wait_until 5 numsub_is chat:news:sport 1
	mkfifo keys
	exec 7<>keys
	# shellcheck disable=SC2016
	PATH=$BUILD:$PATH spawn tty bash -c 'exec script -qfec "bash --norc --noprofile -i" /dev/null <keys'
	# shellcheck disable=SC2016
	echo 'PS1="ready\$ "; . <(wsctl completion bash)' >&7
	wait_until 10 log_has tty 'ready\$ '
	printf 'wsctl vers\t--js\t\n' >&7
	wait_until 10 log_has tty '"ok":true,"wsctl":'
	printf 'wsctl tail news:sp\t--for 100ms\n' >&7
	wait_until 10 log_has tty '0 messages'
	log_has tty 'wsctl tail news:sport --for 100ms'
	printf 'exit\n' >&7
	exits tty 10
	exec 7>&-
}

@test "what it can't do is said" {
	quiet_file
	run -64 "$BUILD/wsctl" completion zsh
	says "completion zsh: there is bash, nodes and channels"
	run -78 "$BUILD/wsctl" completion nodes -c missing.yaml
	says "missing.yaml"
	run -0 "$BUILD/wsctl" completion nodes
	[ "${lines[*]}" = "ws1 ws2 db-west" ]
}
