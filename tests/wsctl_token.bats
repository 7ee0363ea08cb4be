#!/usr/bin/env bats
# Goal: `wsctl token` signs what wsnode accepts and grants exactly what was asked for.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

KEY=0123456789abcdef0123456789abcdef
with_key() {
	YAML_AUTH="jwt_key_file: token.key"
	secret token.key "$KEY"
	write_yaml
}
claims() { cut -d. -f2 <<<"$1" | tr '_-' '/+' | awk '{ while (length($0) % 4) $0 = $0 "="; print }' | base64 -d; }

@test "the token has the claims that were asked for, and expires in an hour" {
	with_key
	run -0 --separate-stderr wsctl token --sub anna --subscribe 'news:*,chat' --publish chat
	[ "${#lines[@]}" = 1 ]
	now=$(date +%s)
	claims "$output" | jq -e --argjson now "$now" '.sub == "anna" and .subscribe == ["news:*", "chat"]
		and .publish == ["chat"] and (.exp - $now | . > 3590 and . <= 3601)'
	# Signed as anyone else would.
	body=$(claims "$output")
	[ "$output" = "$(jwt "$body" "$KEY")" ]
	wsctl token --expires 10m | { read -r t; claims "$t"; } | jq -e --argjson now "$now" '.exp - $now < 610 and has("sub") == false'
	wsctl token --json | jq -e '.version == 1 and (.token | split(".") | length == 3) and .expires > 0'
}

@test "the node lets its bearer in, to these channels and no others" {
	start_redis
	with_key
	start_node ws1
	token=$(wsctl token --subscribe 'news:*')
	[ "$(handshake "$(url ws1 "/ws/news:a?token=$token")")" = 101 ]
	[ "$(handshake "$(url ws1 "/ws/other?token=$token")")" != 101 ]
	[ "$(handshake "$(url ws1 /ws/news:a)")" = 401 ]
	token=$(wsctl token)
	[ "$(handshake "$(url ws1 "/ws/other?token=$token")")" = 101 ]
}

@test "without a key, with a short or a missing one, it says so" {
	write_yaml
	run -78 wsctl token
	says "auth.jwt_key_file is not set"
	KEY=short
	with_key
	run -78 wsctl token
	says "the key has 5 bytes, HS256 needs at least 32"
	rm token.key
	run -78 wsctl token
	says "token.key"
}

@test "bad patterns and durations are 64" {
	with_key
	run -64 wsctl token --subscribe 'a b'
	says "--subscribe: \"a b\" is not a channel or a pattern"
	run -64 wsctl token --publish 'a,,b'
	run -64 wsctl token --expires 3600
	says "not a duration such as"
}
