# guide.bash: types what the README and INSTALL.md show, and looks whether it says what they say. The file
# that loads it has `on HOST COMMAND`: a shell there.

# shellcheck shell=bash

# block FILE HEADING N: the N-th fenced block below that heading, without its fences.
block() {
	awk -v head="$2" -v want="$3" '
		!fence && /^#+ / { here = $0; sub(/^#+ /, "", here); n = 0 }
		/^```/ { if (fence) { fence = 0; next } fence = 1; n++; next }
		fence && here == head && n == want { print; found = 1 }
		END { exit !found }' "$ROOT/$1"
}
# guide FILE HEADING N: types that block in $DIR: lines with a prompt ("ws2# ", and on $HERE "lb1# ", "# ",
# "$ ") or all lines, if none has one. Each must succeed; what the block shows below a command
# must be what it says, but for figures and the width of columns.
HERE=lb1 DIR=/root
guide() {
	local text line host cmd out="" shown="" rc prompts
	text=$(block "$@") || fail "$1 has no block $3 below \"$2\"" || return
	prompts=$(grep -cE '^((lb1|ws2)?# |\$ )' <<<"$text" || :)
	while IFS= read -r line <&4; do
		[ -n "$line" ] || continue
		host=$HERE cmd=
		case $line in
		"lb1# "*) cmd=${line#*# } ;;
		"ws2# "*) host=ws2 cmd=${line#*# } ;;
		"# "*) [ "$prompts" -eq 0 ] || cmd=${line#??} ;;
		'$ '*) cmd=${line#??} ;;
		*) [ "$prompts" -gt 0 ] || cmd=$line ;;
		esac
		if [ -z "$cmd" ]; then
			shown=$(plain <<<"$line")
			[ "$prompts" -eq 0 ] || grep -qxF -- "$shown" <(plain <<<"$out") ||
				fail "the guide shows \"$line\"; it said: $out" || return
			continue
		fi
		cmd=${cmd//sudo /}
		rc=0
		out=$(on "$host" "cd $DIR && $cmd" 2>&1) || rc=$?
		echo "[$host] $cmd"
		echo "$out"
		# doctor exits with 1 for a warning as well, and there are some that no guide can mend: a
		# machine's limits, a release's HAProxy.
		[[ $cmd != *"wsctl doctor" || $out == *FAIL* ]] || rc=0
		[ "$rc" = 0 ] || fail "exit $rc" || return
	done 4<<<"$text"
}
# plain: without what differs from run to run.
plain() { sed -E 's/L7OKC? \((NOLB|DRAIN)\)/L7OK/; s,/[^ ]*/wscale-demo\.\w+,/tmp/wscale-demo.X,g; s/by \w+$/by X/; s/by (\w+):/by X:/; s/start id \w+/start id X/; s/[0-9][0-9,.]*/N/g; s/(-+ *)+/-/g; s/  +/ /g; s/ +$//'; }
