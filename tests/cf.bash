# cf.bash: clients of Centrifugo's JSON protocol by hand, for cf.bats and cf_history.bats.

# shellcheck shell=bash disable=SC2034 # for the tests

KEY=0123456789abcdef0123456789abcdef-key
SHARED=shared-secret-of-this-test
HISTORY=$'rules:\n  - { match: "news:*", history: { size: 100, ttl: 1h } }
  - { match: "ticker:*", cache: last, slow: drop }
  - { match: "closed:*", publish: nobody }
  - { match: "token:*", publish: token }'

# nodes [NAME...]: Redis and these nodes (ws1), with rules of all kinds.
nodes() {
	local n
	start_redis
	YAML_CHANNELS=${YAML_CHANNELS:-$HISTORY}
	write_yaml
	for n in "${@:-ws1}"; do start_node "$n"; done
}
# cf NAME [NODE [CONNECT]]: a client, connected.
cf() {
	ws_open "$1" "$(url "${2:-ws1}" /connection/websocket)"
	ws_send "$1" "{\"id\":1,\"connect\":${3:-{\}}}"
	ws_wait "$1" '"id":1,"connect"'
}
# out NAME: what it got, a reply or push a line.
out() { ws_out "$1" | sed -n 's/^text //p' | sed 's/\\x0a/\n/g'; }
answer() {
	local got
	got=$(out "$1" | jq -c "select(.id == $2) | del(.id)")
	[ -n "$got" ] && echo "$got"
}
# ask NAME ID METHOD JSON: sends one command, prints the answer without its id.
ask() {
	ws_send "$1" "{\"id\":$2,\"$3\":$4}"
	wait_until 5 answer "$1" "$2" || return
	answer "$1" "$2"
}
# asks NAME ID METHOD JSON WANT: the answer must be this.
asks() {
	local got
	got=$(ask "${@:1:4}") || return
	[ "$got" = "$(jq -cn "$5")" ] || fail "$3 $4: $got"
}
error() { echo "{error: {code: $1, message: \"$2\"}}"; }
pushes() { out "$1" | jq -c 'select(.push) | .push'; }
data() { out "$1" | jq -c '.push.pub.data, (.subscribe.publications // [])[].data | select(. != null)'; }
closed() { ws_wait "$1" "^close $2( |\$)"; }
in_s() { echo $(($(date +%s) + $1)); }
lines() { printf '%s\n' "$@" | head -c -1 | od -An -v -tx1 | tr -d ' \n'; }
