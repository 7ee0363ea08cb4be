#!/usr/bin/env bats
# Goal: the documents say what is there: every command, option, key and metric, and nothing that isn't.

load helpers

# has FILE WORD...: each stands in the manual's source as an item of its own.
has() {
	local file=$1 word missing=()
	shift
	for word; do
		grep -qE -- "$word" "$ROOT/$file" || missing+=("$word")
	done
	[ ${#missing[@]} -eq 0 ] || fail "$file lacks: ${missing[*]}"
}
commands() { "$BUILD/wsctl" help | sed -n 's/^  \([a-z]*\) .*/\1/p'; }
long_options() { grep -oE -- '--[a-z][a-z-]*' | sort -u | sed 's/^--//'; }

@test "the manuals are clean mdoc" {
	requires mandoc
	local f
	for f in "$ROOT"/man/*.[578]; do
		run mandoc -Tlint -W warning "$f"
		echo "$output"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
	done
}

@test "the manuals are read as paragraphs: no column of single words" {
	requires mandoc
	local f
	for f in "$ROOT"/man/*.[578]; do
		mandoc -Tascii -O width=78 "$f" | col -bx >"$W/page"
		run awk 'length > 79 || /^ {45}/ { print FILENAME ":" FNR ": " $0 }' "$W/page"
		[ -z "$output" ] || fail "${f##*/}: ${lines[0]}"
	done
}

@test "every command is in wsctl(8) and in the README, and none that doesn't exist" {
	local c
	[ "$(commands | wc -l)" -ge 14 ]
	for c in $(commands); do
		has man/wsctl.8 "^\.It Cm $c( |\$)"
		has README.md "^\| \`${c}[ \`]"
	done
	diff -u <(commands | sort) <(sed -n '/^\.Sh COMMANDS/,/^\.Sh ENV/s/^\.It Cm \([a-z]*\).*/\1/p' "$ROOT/man/wsctl.8" | sort)
}

@test "every option of wsctl is in its manual, and none that doesn't exist" {
	local c o
	for c in $(commands); do "$BUILD/wsctl" help "$c"; done >"$W/usage"
	"$BUILD/wsctl" help >>"$W/usage"
	for o in $(long_options <"$W/usage"); do
		has man/wsctl.8 "Fl -$o( |\$)"
	done
	for o in $(grep -oE 'Fl -[a-z-]+' "$ROOT/man/wsctl.8" | sort -u | sed 's/^Fl -//'); do
		run "$BUILD/wsctl" help "--$o"
		[[ $output != *"unknown option"* ]] || fail "wsctl knows no --$o"
	done
}

@test "every option of wsnode is in its manual, and none that doesn't exist" {
	local o
	"$BUILD/wsnode" --help >"$W/usage" 2>&1
	for o in $(long_options <"$W/usage"); do
		has man/wsnode.8 "Fl -$o( |\$)"
	done
	diff -u <(long_options <"$W/usage") \
		<(sed -n '/^\.Sh DESC/,/^\.Ss Paths/s/^\.It Fl -\([a-z-]*\).*/\1/p' "$ROOT/man/wsnode.8" | sort -u)
}

@test "every key of the YAML is in wscale.yaml(5), and none that doesn't exist" {
	sed -n 's/^\t{"\([^"]*\)",.*/\1/p' "$ROOT/lib/config_keys.c" | sort >"$W/keys"
	[ "$(wc -l <"$W/keys")" -ge 50 ]
	grep -oE 'Cm [a-z][a-z_*]*(\[\])?(\.[a-z_*]+(\[\])?)+|It Cm cluster' "$ROOT/man/wscale.yaml.5" |
		sed 's/.*Cm //' | sort -u >"$W/manual"
	# Sections are headings there.
	diff -u <(grep -vxE 'redis|haproxy|node|node\.drain|auth|channels|nodes' "$W/keys") "$W/manual"
}

@test "every metric of a node is in wsnode(8), and none that doesn't exist" {
	standalone
	http ws1 /metrics | sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' | sort -u >"$W/metrics"
	[ -s "$W/metrics" ]
	sed -n '/^\.Sh METRICS/,/^\.Sh ENV/s/^\.It Cm \(wsnode_[a-z_]*\).*/\1/p' "$ROOT/man/wsnode.8" | sort -u >"$W/manual"
	diff -u "$W/metrics" "$W/manual"
}

@test "every file that the README and the guide name exists" {
	local f doc
	for doc in README.md INSTALL.md; do
		for f in $(grep -oE '\]\([^)#:]+' "$ROOT/$doc" | sed 's/^](//' | sort -u); do
			[ -e "$ROOT/$f" ] || fail "$doc points to $f"
		done
	done
}

@test "every block of the README and the guide is typed by a test" {
	local doc head n all=0
	for doc in README.md INSTALL.md; do
		while IFS='|' read -r head n; do
			# the picture
			[ "$doc $head $n" != "README.md wscale 1" ] || continue
			all=$((all + 1))
			grep -qE "(guide|block|here) $doc \"$head\" $n( |\)|$)" "$ROOT"/tests/*.bats "$ROOT"/tests/platforms/*.bats ||
				fail "$doc, $head: nobody types block $n"
		done < <(awk '!fence && /^#+ / { head = $0; sub(/^#+ /, "", head); n = 0 }
			/^```/ { fence = !fence; if (fence) print head "|" ++n }' "$ROOT/$doc")
	done
	[ "$all" -gt 15 ]
}

@test "the bench whose table stands in wscale(7) runs and has those rows" {
	requires redis-server
	rows() { sed -nE 's/^ *([a-zA-Z].*[^ ]) +[0-9.]+ us +[0-9.]+ +[0-9]+\/s$/\1/p'; }
	"$TOOLS/bench_history" 1 100 >"$W/bench"
	cat "$W/bench"
	[ "$(rows <"$W/bench" | wc -l)" -ge 5 ]
	diff -u <(rows <"$W/bench") <(rows <"$ROOT/man/wscale.7")
}
