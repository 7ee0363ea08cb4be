#!/usr/bin/env bats
# Goal: who may connect, subscribe and publish is decided before the upgrade, by token, claims, origin
# and the channel's rule; and no secret ever shows in a log.

load helpers

KEY=0123456789abcdef0123456789abcdef-key
SHARED=shared-secret-of-this-test

# guarded: one node with a shared token and a JWT key.
guarded() {
	secret shared.token "$SHARED"
	secret token.key "$KEY"
	YAML_AUTH=$'token_file: shared.token\njwt_key_file: token.key'
	YAML_CHANNELS=$'rules:\n  - { match: "news:*", publish: token }\n  - { match: "ticker:*", publish: nobody }'
	start_redis
	write_yaml
	start_node ws1
}
in_s() { echo $(($(date +%s) + $1)); }
# with TOKEN [PATH]: the handshake's status.
with() { handshake "$(url ws1 "${2:-/ws/room}?token=$1")"; }
status_is() { [ "$(handshake "${@:2}")" = "$1" ] || fail "not $1 but $(handshake "${@:2}")"; }

@test "a token comes as ?token=, as Authorization: Bearer, or as the subprotocol bearer.TOKEN" {
	guarded
	status_is 101 "$(url ws1 "/ws/room?token=$SHARED")"
	status_is 101 "$(url ws1 "/ws/room?a=b&token=$SHARED&c=d")"
	status_is 101 "$(url ws1 /ws/room)" -H "Authorization: Bearer $SHARED"
	status_is 101 "$(url ws1 /ws/room)" -H "authorization: bearer $SHARED"
	status_is 101 "$(url ws1 /ws/room)" -p "wscale.raw, bearer.$SHARED"
	status_is 401 "$(url ws1 /ws/room)" -p "wscale.raw, bearer.wrong"
	status_is 401 "$(url ws1 /ws/room)" -H "Authorization: Bearer wrong"
	status_is 401 "$(url ws1 /ws/room)" -H "Authorization: Basic $SHARED"
	status_is 401 "$(url ws1 /ws/room)" -p wscale.raw
	status_is 401 "$(url ws1 "/ws/room?xtoken=$SHARED")"
}

@test "the subprotocol that carries the token is never echoed" {
	guarded
	run -0 wscli -p "wscale.raw, bearer.$SHARED" "$(url ws1 /ws/room)" </dev/null
	[ "${lines[0]}" = "open wscale.raw" ]
	run -0 wscli -p "bearer.$SHARED, wscale.raw" "$(url ws1 /ws/room)" </dev/null
	[ "${lines[0]}" = "open wscale.raw" ]
	run -0 wscli -p "bearer.$SHARED" "$(url ws1 /ws/room)" </dev/null
	[[ ${lines[0]} == "http 400"* ]]
}

@test "a JWT signed with the key opens the door until it expires; any other doesn't" {
	guarded
	[ "$(with "$(jwt "{\"sub\":\"ann\",\"exp\":$(in_s 60)}" "$KEY")")" = 101 ]
	[ "$(with "$(jwt "{\"sub\":\"ann\",\"exp\":$(in_s -5)}" "$KEY")")" = 401 ]
	[ "$(with "$(jwt '{"sub":"ann"}' "$KEY")")" = 401 ]
	[ "$(with "$(jwt "{\"exp\":$(in_s 60),\"nbf\":$(in_s 50)}" "$KEY")")" = 401 ]
	[ "$(with "$(jwt "{\"exp\":$(in_s 60)}" "${KEY}x")")" = 401 ]
	[ "$(with "$(jwt "{\"exp\":$(in_s 60)}" "$KEY" '{"alg":"none"}')")" = 401 ]
	[ "$(with "$(jwt "{\"exp\":$(in_s 60)}" "$KEY" '{"alg":"HS512","typ":"JWT"}')")" = 401 ]
	[ "$(with "$(jwt "{\"exp\":\"$(in_s 60)\"}" "$KEY")")" = 401 ]
	[ "$(with a.b.c)" = 401 ]
	[ "$(with ..)" = 401 ]
}

@test "a token's signature without its message, or with another's, is worth nothing" {
	guarded
	local t other
	t=$(jwt "{\"sub\":\"ann\",\"exp\":$(in_s 60)}" "$KEY")
	other=$(jwt "{\"sub\":\"bob\",\"exp\":$(in_s 60)}" "$KEY")
	[ "$(with "${t%.*}.${other##*.}")" = 401 ]
	[ "$(with "${t%.*}.")" = 401 ]
	[ "$(with "${t%.*}")" = 401 ]
	[ "$(with "$t.x")" = 401 ]
	[ "$(with "${t}=")" = 401 ]
}

@test "the claim subscribe limits which channels a token opens: 403 elsewhere" {
	guarded
	local t
	t=$(jwt "{\"exp\":$(in_s 60),\"subscribe\":[\"room:*\",\"lobby\"]}" "$KEY")
	[ "$(with "$t" /ws/room:1)" = 101 ]
	[ "$(with "$t" /ws/lobby)" = 101 ]
	[ "$(with "$t" /ws/lobby2)" = 403 ]
	[ "$(with "$t" /ws/room)" = 403 ]
	[ "$(with "$t" /)" = 403 ]
	t=$(jwt "{\"exp\":$(in_s 60),\"subscribe\":\"solo\"}" "$KEY")
	[ "$(with "$t" /ws/solo)" = 101 ]
	[ "$(with "$t" /ws/solo2)" = 403 ]
	t=$(jwt "{\"exp\":$(in_s 60),\"subscribe\":[]}" "$KEY")
	[ "$(with "$t" /ws/solo)" = 403 ]
}

# said NAME TEXT: the channel's client a hears it from NAME.
@test "publish: token lets only those speak whose claim names the channel; the shared token may" {
	guarded
	local mute may
	mute=$(jwt "{\"exp\":$(in_s 60)}" "$KEY")
	may=$(jwt "{\"exp\":$(in_s 60),\"publish\":[\"news:sport\"]}" "$KEY")
	ws_open mute "$(url ws1 "/ws/news:sport?token=$mute")"
	ws_open may "$(url ws1 "/ws/news:sport?token=$may")"
	ws_open shared "$(url ws1 "/ws/news:sport?token=$SHARED")"
	ws_open elsewhere "$(url ws1 "/ws/news:tech?token=$may")"
	ws_send mute "from mute"
	ws_send may "from may"
	ws_send shared "from shared"
	ws_send elsewhere "from elsewhere"
	ws_wait may '^text from may$'
	ws_wait may '^text from shared$'
	rcli publish chat:news:tech end
	ws_wait elsewhere '^(text end|close)'
	rcli publish chat:news:sport end
	ws_wait may '^text end$'
	[ "$(ws_count may 'from mute')" = 0 ]
	[ "$(ws_count elsewhere 'from elsewhere')" = 0 ]
	# It is told: by a close for policy reasons (RFC 6455 7.4.1), not by silence.
	ws_wait mute '^close 1008'
	ws_wait elsewhere '^close 1008'
}

@test "publish: nobody makes a channel read-only for clients, also for the shared token" {
	guarded
	ws_open a "$(url ws1 "/ws/ticker:x?token=$SHARED")"
	ws_open b "$(url ws1 "/ws/ticker:x?token=$SHARED")"
	ws_send a "from a client"
	ws_wait a '^close 1008'
	rcli publish chat:ticker:x "from the backend"
	ws_wait b '^text from the backend$'
	[ "$(ws_count b 'from a client')" = 0 ]
}

@test "auth.origins: pages from elsewhere get 403, programs without an Origin are served" {
	start_redis
	YAML_AUTH='origins: ["https://example.com", "http://localhost:8080"]'
	write_yaml
	start_node ws1
	status_is 101 "$(url ws1)" -H "Origin: https://example.com"
	status_is 101 "$(url ws1)" -H "Origin: http://localhost:8080"
	status_is 101 "$(url ws1)"
	status_is 403 "$(url ws1)" -H "Origin: https://example.com.evil.org"
	status_is 403 "$(url ws1)" -H "Origin: http://example.com"
	status_is 403 "$(url ws1)" -H "Origin: https://example.com:8443"
	status_is 403 "$(url ws1)" -H "Origin: null"
	status_is 400 "$(url ws1)" -H "Origin: https://evil.org" -H "Origin: https://example.com"
}

@test "no token, no key and no query shows in any log, healthz or metrics" {
	guarded
	local t
	t=$(jwt "{\"sub\":\"ann\",\"exp\":$(in_s 60)}" "$KEY")
	with "$t"
	with "$SHARED"
	with "$SHARED" /ws/bad%20name
	with "wrong-$SHARED"
	with "${t}tail"
	handshake "$(url ws1 "/nothing?token=$SHARED")"
	handshake "$(url ws1 /)" -H "Authorization: Bearer $SHARED"
	handshake "$(url ws1 /)" -p "bearer.$SHARED"
	printf 'GET /?token=%s BROKEN\r\n\r\n' "$SHARED" >"$W/request"
	wscli --raw "$W/request" --linger 1 "$(url ws1)" </dev/null || :
	http ws1 /healthz >>"$W/log/ws1.http"
	http ws1 /metrics >>"$W/log/ws1.http"
	stop ws1
	refute grep -nF -e "$SHARED" -e "$t" -e "${t##*.}" -e "$KEY" "$W"/log/ws1*
}

@test "a JWT key that is too short, or a missing secret file, stops the node with a clear error" {
	start_redis
	YAML_AUTH='jwt_key_file: token.key'
	write_yaml
	launch_node ws1
	exits ws1 5
	[ "$STATUS" = 78 ]
	log_has ws1 'wscale\.yaml:[0-9]+:[0-9]+: .*token\.key'
	secret token.key short
	launch_node ws1
	exits ws1 5
	[ "$STATUS" = 78 ]
	log_has ws1 "wscale\.yaml:[0-9]+:[0-9]+: .*jwt_key_file .*32"
}
