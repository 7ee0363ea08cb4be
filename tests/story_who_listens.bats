#!/usr/bin/env bats
# The story: "how many are on channel sport, and where?"

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "how many are on channel X, and where" {
	box <<-'END'
		lan_cluster 2 3
		people 6 sport
		people 3 news
		run 0 wsctl channels
		says '^sport +3 +3 +6 '
		says '^news +3 +3 +3 '
		run 0 wsctl channels sport
		[ "$(grep -cE '^ws[123] +2 ' <<<"$out")" = 3 ]
		run 0 wsctl channels 's*'
		if grep -q news <<<"$out"; then exit 1; fi
		[ "$(wsctl channels sport --json | jq '[.. | .clients? // empty | numbers] | max')" -ge 2 ]
		# Somebody who isn't a node listens too.
		(sleep 60 | redis-cli -h 10.0.0.11 subscribe chat:sport >/dev/null) &
		until_so bash -c 'wsctl channels | grep -q "1 Redis subscriber is not a wsnode"'
	END
}
