#!/usr/bin/env bats
# alone
# Goal: what wscale exists for. Three nodes, two thousand clients, a steady stream of messages: nodes join,
# are drained, removed and rolled one by one, and no client sees an abnormal close, a refused handshake, or
# a message lost, doubled or out of order while it is connected.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

# interval NAME: what wsload counted since the last call, in $W/NAME.json.
interval() {
	local before
	before=$(wc -l <"$W/log/load")
	kill -USR1 "$(pid load)"
	wait_until 5 grows "$W/log/load" "$before"
	tail -n 1 "$W/log/load" >"$W/$1.json"
}
grows() { [ "$(wc -l <"$1")" -gt "$2" ]; }

# is NAME JQ-CONDITION: about an interval; shows it when it isn't so.
is() {
	jq -e "$2" "$W/$1.json" >/dev/null || fail "$1: not $2: $(cat "$W/$1.json")"
}
# No abnormal close, no refused handshake, every message once and in order.
unnoticed() {
	is "$1" '(.closes | keys - ["1000", "1012"]) == []'
	is "$1" '.connect_errors == 0 and (.status | keys - ["101"]) == []'
	is "$1" '.lost == 0 and .doubled == 0 and .reordered == 0 and .hung == 0'
	is "$1" '.received > 0'
}
# paced NAME RATE: the closes came at the asked rate, within 20%.
paced() {
	is "$1" ".closes.\"1012\".rate > $2 * 0.8 and .closes.\"1012\".rate < $2 * 1.2"
}
all_back() { kill -0 "$(pid load)" && [ "$(total_clients)" -ge $((N * 99 / 100)) ]; }
total_clients() {
	local n sum=0
	for n in "$@"; do sum=$((sum + $(health "$n" .clients))); done
	echo "$sum"
}
settled() { [ "$(total_clients "${UP[@]}")" -ge $((N - N / 50)) ]; }

@test "nodes join, drain, leave and roll under two thousand clients, and none of them notices" {
	N=$(load 2000)
	RATE=$((N / 40))
	UP=(ws1 ws2 ws3)
	cluster ws1 ws2 ws3
	spawn pub "$TOOLS/wspub" --redis "${PORT[redis]}" --cluster chat --channels 20 --rate 200
	spawn load "$TOOLS/wsload" --url "$(url haproxy "")" --clients "$N" --channels 20 --churn $((N / 100))
	wait_until 30 log_has load '^ready'

	new_node ws4
	run -0 wsctl add ws4 "$(at ws4)"
	UP+=(ws4)
	# It gets new clients right away.
	wait_until 20 reaches 1 health ws4 .clients
	interval add
	unnoticed add

	before=$(health ws1 .clients)
	run -0 wsctl drain ws1 --rate "$RATE/s"
	says "0 killed"
	[ "$(health ws1 .clients)" = 0 ]
	UP=(ws2 ws3 ws4)
	wait_until 10 settled
	interval drain
	unnoticed drain
	paced drain "$RATE"
	is drain ".closes.\"1012\".n >= $((before * 9 / 10))"

	run -0 wsctl remove ws1
	refute in_haproxy ws1
	run -0 stop ws1

	for n in ws2 ws3 ws4; do
		run -0 wsctl drain "$n" --rate "$RATE/s"
		[ "$(health "$n" .clients)" = 0 ]
		wait_until 10 all_of_them
		interval "$n"
		unnoticed "$n"
		paced "$n" "$RATE"
		run -0 wsctl ready "$n"
		interval "$n-ready"
		unnoticed "$n-ready"
	done

	stop pub
	jq -e '.errors == 0 and .sent > 0' "$W/log/pub"
	kill -TERM "$(pid load)"
	exits load 10
	tail -n 1 "$W/log/load" >"$W/whole.json"
	unnoticed whole
	jq -c '{received, lost, doubled, reordered, connect_errors, closes}' "$W/whole.json" | sed 's/^/# /' >&3
}
all_of_them() { settled; }
