#!/usr/bin/env bats
# Goal: the scripts in Redis number every message once, keep what the rule says and no longer, hand out
# exactly what is missing, and tell apart what one Redis had from what the next one has.

load helpers

setup() {
	fixture
	requires redis-server jq
	start_redis
	M=chat.h:m:news S=chat.h:s:news SIZE=100 TTL=60000 RUN=
}
lua() { rcli --json --eval "$ROOT/lib/lua/$1.lua" "${@:2}"; }
# publish PAYLOAD [SOURCE SEQ [KIND [BEHIND]]] => [taken,EPOCH,OFFSET,heard]; RUN: what Redis process it says
publish() {
	if [ -n "${2:-}" ]; then
		lua publish "$M" "$S" "chat.h:q:news/$2" , chat:news "$SIZE" "$TTL" "${4:-t}" "$1" "$3" 60000 "${@:5}"
	else
		lua publish "$M" "$S" , chat:news "$SIZE" "$TTL" "${4:-t}" "$1" ${RUN:+"" "" "" "$RUN"}
	fi
}
run_id() { rcli info server | tr -d '\r' | sed -n 's/^run_id://p'; }
# fill EPOCH TOP MICROS [WHOLE] => F, and its parts
fill() {
	F=$(lua fill "$M" "$S" , "$SIZE" "$TTL" "$1" "$2" "$3" "${4:-0}" "${RUN:-$(run_id)}")
	EPOCH=$(jq -r '.[0]' <<<"$F") TOP=$(jq -r '.[1]' <<<"$F") MICROS=$(jq -r '.[2]' <<<"$F") BASE=$(jq -r '.[3]' <<<"$F")
	PAYLOADS=$(jq -r '[.[4][][1][1]] | join(" ")' <<<"$F") FORMER=$(jq -r '.[5]' <<<"$F")
}
check() { lua check "$M" "$S" , "$TTL"; }
purge() { lua purge "$M" "$S" , chat:news "$TTL"; }
heard() { grep '^\["message"' "$W/heard" | sed -n "$1p" | jq -c ".[2]$2"; }
is() { [ "$1" = "$2" ] || fail "got: $1, want: $2"; }
# later A B: epoch B comes after A.
later() { [ $((36#$2)) -gt $((36#$1)) ]; }
many() {
	local sha i
	sha=$(rcli -x script load <"$ROOT/lib/lua/publish.lua")
	for i in $(seq "$1" "$2"); do echo "evalsha $sha 2 $M $S chat:news $SIZE $TTL t $i"; done | rcli >/dev/null
}
# Redis as a failover leaves it: back to where it was saved, in another process.
save() { rcli copy "$M" saved:m replace && rcli copy "$S" saved:s replace; }
put_back() { rcli copy saved:m "$M" replace && rcli copy saved:s "$S" replace; }
other_process() { rcli hset "$M" r 0f; } # that one wrote last
roll_back() { put_back && other_process; }

@test "a channel's messages are numbered from one, in an epoch that is the time" {
	run publish a
	local epoch
	epoch=$(jq -r '.[1]' <<<"$output")
	is "$(jq -c '[.[0],.[2],.[3]]' <<<"$output")" '[1,1,0]'
	[ $((36#$epoch / 60000000 - $(date +%s) / 60)) -le 1 ]
	is "$(publish b | jq -c .)" "[1,\"$epoch\",2,0]"
	is "$(publish c | jq -c .)" "[1,\"$epoch\",3,0]"
	fill "" 0 0
	is "$EPOCH $TOP $BASE $PAYLOADS" "$epoch 3 0 a b c"
	is "$(jq '[.[4][][0] | split("-")[1] | tonumber] | . == (sort | unique)' <<<"$F")" true
	is "$(jq -r '.[4][2][0]' <<<"$F")" "3-$MICROS"
}

@test "who listens gets the same numbers, kinds and bytes in an envelope" {
	rcli --json subscribe chat:news >"$W/heard" 3>&- &
	echo $! >"$W/pid/sub"
	wait_until 5 grep -q subscribe "$W/heard"
	is "$(publish 'gruß' | jq '.[3]')" 1
	publish "" "" "" b
	purge
	wait_until 5 reaches 3 grep -c '^\["message"' "$W/heard"
	fill "" 0 0
	is "$(heard 1 '| sub(" [0-9]{16}\n"; " M\n")')" "\"\\u0000WS1 t $EPOCH-1 M\\ngruß\""
	is "$(heard 2 '| sub(" [0-9]{16}\n"; " M\n")')" "\"\\u0000WS1 b $EPOCH-2 M\\n\""
	is "$(heard 3)" "\"\\u0000WS1 p $EPOCH-3 $MICROS\\n\""
}

@test "it keeps as many as the rule says, or the last one exactly" {
	SIZE=3
	many 1 250
	fill "" 0 0
	is "$PAYLOADS" "248 249 250"
	[ "$(rcli xlen "$S")" -lt 210 ]
	SIZE=1
	publish x
	is "$(rcli xlen "$S")" 1
	fill "" 0 0
	is "$TOP $PAYLOADS" "251 x"
}

@test "messages expire, where they were counted up to stays longer; cache: last stays for good" {
	publish a
	local left
	left=$(rcli pttl "$S")
	[[ $left -gt 30000 && $left -le 60000 ]]
	left=$(rcli pttl "$M")
	[[ $left -gt 3630000 && $left -le 3660000 ]]
	TTL=0
	publish b
	is "$(rcli pttl "$S") $(rcli pttl "$M")" "-1 -1"
	rcli pexpire "$M" 5000
	rcli pexpire "$S" 5000
	check
	is "$(rcli pttl "$S") $(rcli pttl "$M")" "-1 -1"
	rcli pexpire "$M" 5000
	purge
	is "$(rcli pttl "$S") $(rcli pttl "$M")" "-1 -1"
}

@test "the messages may be gone while the count goes on" {
	many 1 5
	fill "" 0 0
	local epoch=$EPOCH
	rcli del "$S"
	fill "$epoch" 3 "$(jq -r '.[4][2][0]' <<<"$F" | cut -d- -f2)"
	is "$EPOCH $TOP $PAYLOADS" "$epoch 5 "
	publish 6
	fill "" 0 0
	is "$EPOCH $TOP $PAYLOADS" "$epoch 6 6"
}

@test "a source's number is taken once, whatever else happens to the history" {
	is "$(publish a topic/0 7 | jq -c '[.[0],.[2]]')" '[1,1]'
	is "$(publish a topic/0 7 | jq -c '[.[0],.[2],.[3]]')" '[0,1,0]'
	is "$(publish z topic/0 6 | jq '.[0]')" 0
	is "$(publish b topic/0 9 | jq -c '[.[0],.[2]]')" '[1,2]'
	is "$(publish c topic/1 7 | jq -c '[.[0],.[2]]')" '[1,3]'
	is "$(publish d topic/0 9007199254740990 | jq '.[0]')" 1
	is "$(publish d topic/0 9007199254740990 | jq '.[0]')" 0
	is "$(publish e topic/0 9007199254740991 | jq '.[0]')" 1
	fill "" 0 0
	is "$PAYLOADS" "a b c d e"
	rcli del "$M"
	is "$(publish e topic/0 9007199254740991 | jq -c .)" '[0,"",0,0]'
	[ "$(rcli pttl chat.h:q:news/topic/0)" -gt 30000 ]
}

@test "a message behind one that wasn't taken isn't taken either, so that both can come again in order" {
	is "$(publish a s 0 | jq '.[0]')" 1
	is "$(publish c s 2 t 1 | jq -c '[.[0],.[2],.[3]]')" '[-1,1,0]'
	is "$(publish c new 2 t 1 | jq '.[0]')" -1
	is "$(publish b s 1 t 0 | jq '.[0]')" 1
	is "$(publish c s 2 t 1 | jq '.[0]')" 1
	is "$(publish c s 2 t 1 | jq '.[0]')" 0
	fill "" 0 0
	is "$PAYLOADS" "a b c"
}

@test "what other programs get wrong is refused before anything is written" {
	local bad
	for bad in "0 60000 t x" "-1 60000 t x" "1.5 60000 t x" "nan 60000 t x" "100 1e3 t x" "100 60000 p x" \
		"100 60000 text x" "100 60000 t" "100"; do
		# shellcheck disable=SC2086 # words
		run lua publish "$M" "$S" , chat:news $bad
		[[ $output == *"publish takes META STREAM"* ]] || fail "$bad: $output"
	done
	for bad in "" "x" "1" "1 0" "1 x" "-1 1000" "9007199254740992 1000" "2 1000 x"; do
		# shellcheck disable=SC2086
		run lua publish "$M" "$S" chat.h:q:news/s , chat:news 100 60000 t x $bad
		[[ $output == *"with a source takes SEQ"* ]] || fail "$bad: $output"
	done
	run lua publish "$M" "$S" , chat:news 100 60000 t x 1 60000
	[[ $output == *"with SEQ takes three keys"* ]] || fail "$output"
	is "$(rcli dbsize)" 0
	is "$(lua publish "$M" "$S" chat.h:q:news/s , chat:news 100 060000 t x 01 01000 | jq '.[0]')" 1
}

@test "a message that Redis refuses leaves no hole, and its source's number is free" {
	publish a s 1
	rcli config set maxmemory 1
	run publish b s 2
	[[ $output == *OOM* ]]
	rcli config set maxmemory 0
	is "$(publish b s 2 | jq -c '[.[0],.[2]]')" '[1,2]'
	# Somebody's own XADD: refused until the history is purged.
	rcli xadd "$S" '*' t x
	run publish c s 3
	[[ $output == *"smaller than the target stream top item"* ]]
	fill "" 0 0
	is "$TOP $PAYLOADS" "2 a b"
	purge
	is "$(publish c s 3 | jq -c '[.[0],.[2]]')" '[1,4]'
	fill "" 0 0
	is "$PAYLOADS" " c"
	# A key of another type.
	rcli del "$S"
	rcli set "$S" x
	run publish d s 4
	[[ $output == *WRONGTYPE* ]]
	is "$(check | jq '.[1]')" '"4"'
}

@test "a fill brings what is missing, and what is held already only to compare" {
	many 1 10
	fill "" 0 0
	local e=$EPOCH m4 m10=$MICROS
	m4=$(jq -r '.[4][3][0]' <<<"$F" | cut -d- -f2)
	fill "$e" 4 "$m4"
	is "$EPOCH $PAYLOADS" "$e 4 5 6 7 8 9 10"
	fill "$e" 10 "$m10"
	is "$EPOCH $PAYLOADS" "$e 10"
	fill "$e" 10 "$m10" 1
	is "$EPOCH $PAYLOADS" "$e 1 2 3 4 5 6 7 8 9 10"
	fill "$e" 0 0
	is "$EPOCH $PAYLOADS" "$e 1 2 3 4 5 6 7 8 9 10"
	SIZE=5
	fill "$e" 4 "$m4"
	is "$EPOCH $PAYLOADS" "$e 6 7 8 9 10"
}

@test "a rule that has a ttl since: what was kept for good expires too, also when nobody publishes any more" {
	local how
	for how in check 'fill "" 0 0'; do
		TTL=0
		publish a
		is "$(rcli pttl "$S")" -1
		TTL=60000
		eval "$how"
		[ "$(rcli pttl "$S")" -gt 30000 ]
		[ "$(rcli pttl "$M")" -gt 3630000 ]
		rcli pexpire "$S" 20000
		rcli pexpire "$M" 20000
		eval "$how"
		[ "$(rcli pttl "$S")" -le 20000 ]
	done
}

@test "a channel that nobody published to has an empty history, for as long as somebody listens" {
	fill "" 0 0
	is "$(jq -c '.[1:]' <<<"$F")" '["0","0","0",[],""]'
	local e=$EPOCH
	rcli pexpire "$M" 5000
	TTL=0
	is "$(check | jq -c .)" "[\"$e\",\"0\",\"0\"]"
	[ "$(rcli pttl "$M")" -gt 3000000 ]
	rcli pexpire "$M" 5000
	fill "$e" 0 0
	is "$EPOCH" "$e"
	TTL=60000
	fill "$e" 0 0
	is "$EPOCH" "$e"
	[ "$(rcli pttl "$M")" -gt 3630000 ]
	is "$(publish a | jq -c '.[1:3]')" "[\"$e\",1]"
}

@test "a check keeps a history's place while somebody listens, without writing each time" {
	is "$(check | jq -c .)" '["","0","0"]'
	publish a
	fill "" 0 0
	rcli pexpire "$M" 1860000
	check
	[ "$(rcli pttl "$M")" -gt 3630000 ]
	rcli pexpire "$M" 3000000
	is "$(check | jq -c .)" "[\"$EPOCH\",\"1\",\"$MICROS\"]"
	[ "$(rcli pttl "$M")" -le 3000000 ]
	[ "$(rcli pttl "$S")" -le 60000 ]
}

@test "a lost count is a new epoch from one on, later than any that a node knows" {
	many 1 5
	fill "" 0 0
	local e=$EPOCH m=$MICROS
	rcli del "$M"
	is "$(publish x | jq -c '[.[0],.[2]]')" '[1,1]'
	is "$(rcli xlen "$S")" 1
	fill "$e" 5 "$m"
	later "$e" "$EPOCH"
	is "$TOP $BASE $PAYLOADS" "1 0 x"
	# The clock of the new master may be behind: this epoch is far ahead.
	local ahead=zzzzzzzzzz
	rcli del "$M"
	fill "$ahead" 5 "$m"
	later "$ahead" "$EPOCH"
	is "$TOP $PAYLOADS $(rcli exists "$S")" "0  0"
}

@test "another process goes on under a new epoch, and says up to where the ones before are the same" {
	many 1 5
	fill "" 0 0
	local e=$EPOCH m=$MICROS e2
	is "$FORMER" ""
	other_process
	# A check writes nothing; the first who does begins the epoch.
	is "$(check | jq -r '.[0]')" "$e"
	publish x
	fill "$e" 5 "$m"
	e2=$EPOCH
	later "$e" "$e2"
	is "$TOP $BASE $FORMER $PAYLOADS" "6 5 $e:5  5 x"
	m=$MICROS
	other_process
	fill "$e2" 6 "$m"
	later "$e2" "$EPOCH"
	is "$TOP $BASE $FORMER $PAYLOADS" "6 6 $e2:6 $e:5  x"
	is "$(publish y | jq -c '.[1:3]')" "[\"$EPOCH\",7]"
	other_process
	local e4
	e4=$(purge | jq -r '.[0]')
	later "$EPOCH" "$e4"
	fill "$EPOCH" 6 "$m"
	is "$EPOCH $TOP $BASE $(cut -d' ' -f 2,3 <<<"$FORMER")" "$e4 8 7 $e2:6 $e:5"
	# Many of them: the last ones are kept.
	for _ in {1..30}; do
		other_process
		publish z
	done
	fill "" 0 0
	[[ $(wc -w <<<"$FORMER") -ge 7 && ${#FORMER} -le 240 ]]
	[[ $FORMER =~ ^([0-9a-z]+:[0-9]+\ )+$ ]]
}

@test "an older state that somebody puts back is a new epoch in which nobody has anything" {
	many 1 5
	save
	many 6 9
	fill "" 0 0
	local e=$EPOCH m=$MICROS
	put_back
	many 106 112
	fill "$e" 9 "$m"
	later "$e" "$EPOCH"
	is "$TOP $BASE $FORMER $PAYLOADS" "12 12  1 2 3 4 5 $(seq -s ' ' 106 112)"
}

@test "writes that a failover lost are noticed: a new epoch, and what is new to everybody" {
	many 1 5
	save
	many 6 9
	fill "" 0 0
	local e=$EPOCH m=$MICROS
	roll_back
	fill "$e" 9 "$m"
	later "$e" "$EPOCH"
	is "$TOP $BASE $PAYLOADS" "5 5 1 2 3 4 5"
	# It stays so: the next one comes from that epoch, and asks as who has it.
	local e2=$EPOCH
	is "$FORMER" "$e:5! "
	is "$(publish x | jq -c '.[1:3]')" "[\"$e2\",6]"
	fill "$e2" 5 "$MICROS"
	is "$EPOCH $TOP $BASE $PAYLOADS" "$e2 6 5 5 x"
	# Another node, that still has the old one.
	fill "$e" 9 "$m"
	is "$EPOCH $BASE $FORMER $PAYLOADS" "$e2 5 $e:5!  1 2 3 4 5 x"
}

@test "who comes first may know nothing of lost writes: whoever does makes all of it told, once" {
	many 1 5
	save
	many 6 9
	fill "" 0 0
	local e=$EPOCH m=$MICROS e2 e3
	roll_back
	fill "" 0 0
	e2=$EPOCH
	is "$FORMER" "$e:5 "
	publish x
	fill "$e" 9 "$m"
	e3=$EPOCH
	later "$e2" "$e3"
	is "$TOP $BASE $FORMER $PAYLOADS" "6 5 $e2:6! $e:5!  1 2 3 4 5 x"
	fill "$e" 8 "$m"
	is "$EPOCH" "$e3"
	# An epoch that this history never had tells of lost writes too, unless it is from before all of it.
	other_process
	fill zzzzzzzzzz 3 "$m"
	later zzzzzzzzzz "$EPOCH"
	is "$FORMER" "$e3:6! $e2:6! $e:5! "
	e=$EPOCH
	fill abcdefghij 3 "$m"
	is "$EPOCH" "$e"
}

@test "they are noticed also when others took the same numbers meanwhile" {
	local more
	for more in 7 9 12; do
		rcli flushall
		many 1 5
		save
		many 6 9
		fill "" 0 0
		local e=$EPOCH m=$MICROS
		roll_back
		many 106 $((100 + more))
		fill "$e" 9 "$m"
		later "$e" "$EPOCH"
		is "$TOP $BASE $PAYLOADS" "$more 5 1 2 3 4 5 $(seq -s ' ' 106 $((100 + more)))"
	done
}

@test "who was behind the lost writes goes on as if nothing was" {
	many 1 3
	fill "" 0 0
	local e=$EPOCH m=$MICROS
	many 4 5
	save
	many 6 9
	roll_back
	fill "$e" 3 "$m"
	later "$e" "$EPOCH"
	is "$FORMER $PAYLOADS" "$e:5  3 4 5"
}

@test "a new epoch that was lost itself is followed by a later one" {
	many 1 5
	save
	many 6 9
	fill "" 0 0
	local e=$EPOCH m=$MICROS
	roll_back
	fill "$e" 9 "$m"
	local e2=$EPOCH
	publish x
	fill "$e2" 5 "$MICROS"
	m=$MICROS
	roll_back
	local RUN=fffff # a third process: two of one name could begin the same epoch
	publish y
	fill "$e2" 6 "$m"
	later "$e2" "$EPOCH"
	is "$TOP $BASE $PAYLOADS" "6 5 1 2 3 4 5 y"
	[[ $FORMER == *"$e:5! " ]]
}

@test "after lost writes whose remains were trimmed everything is new" {
	SIZE=3
	many 1 5
	save
	many 6 9
	fill "" 0 0
	local e=$EPOCH m=$MICROS
	roll_back
	many 106 120
	fill "$e" 9 "$m"
	later "$e" "$EPOCH"
	is "$TOP $BASE $PAYLOADS" "20 5 118 119 120"
}

@test "a purge takes a place of its own and everything before it" {
	is "$(purge | jq -c .)" '["","0",0]'
	many 1 5
	fill "" 0 0
	local e=$EPOCH m=$MICROS
	is "$(purge | jq -c .)" "[\"$e\",\"6\",0]"
	fill "$e" 5 "$m" 0 0
	is "$EPOCH $TOP $(jq -c '.[4][][1]' <<<"$F")" "$e 6 [\"p\",\"\"]"
	publish x
	fill "" 0 0
	is "$EPOCH $TOP $(jq -c '[.[4][][1]]' <<<"$F")" "$e 7 [[\"p\",\"\"],[\"t\",\"x\"]]"
	[ "$(rcli pttl "$S")" -gt 30000 ]
	# What is left of a history without its count.
	rcli del "$M"
	is "$(purge | jq -c .)" '["","0",0]'
	is "$(rcli dbsize)" 0
}

@test "the scripts are loaded under the names that nodes and wsctl use" {
	local f
	for f in "$ROOT"/lib/lua/*.lua; do
		is "$(rcli -x script load <"$f")" "$(sha1sum <"$f" | cut -d' ' -f1)"
	done
}

# rights NAME: the rules that wscale.yaml(5) gives that user.
rights() {
	mandoc -Tascii -O width=100 "$ROOT/man/wscale.yaml.5" | col -bx |
		awk -v name="$1" '/ACL SETUSER/ { on = $3 == name; $1 = $2 = $3 = "" } !NF { on = 0 } on' |
		tr -s ' \n' ' ' | sed 's/>PASSWORD/>secret/'
}
@test "the rights that the manual gives suffice for the scripts, and reach no other channel" {
	requires mandoc col
	local rules u
	for u in wscale backend; do
		rules=$(rights "$u")
		[[ $rules == *+xadd* ]]
		# shellcheck disable=SC2086 # words
		rcli acl setuser "$u" $rules
	done
	lua() { rcli --user "$U" --pass secret --no-auth-warning --json --eval "$ROOT/lib/lua/$1.lua" "${@:2}"; }
	U=backend
	is "$(publish a s 1 | jq '.[0]')" 1
	rcli del "$M"
	is "$(publish b s 2 | jq '.[0]')" 1
	TTL=0
	is "$(publish c | jq '.[0]')" 1
	run lua publish other.h:m:x other.h:s:x , other:x 1 0 t x
	[[ $output == *"NOPERM"* || $output == *"can't access"* || $output == *"no permission"* ]]
	U=wscale
	is "$(publish d s 3 | jq '.[2]')" 3
	check
	TTL=60000
	rcli pexpire "$M" 1000000
	check
	fill "" 0 0
	is "$PAYLOADS" "b c d"
	fill zzzzzzzzzz 3 "$MICROS" 1
	is "$BASE" 0
	other_process
	fill "" 0 0
	is "$BASE" 3
	rcli del "$M"
	fill "" 0 0
	is "$TOP" 0
	is "$(purge | jq '.[1]')" '"1"'
}

@test "a node and wsctl with those rights serve a channel with history" {
	requires mandoc col
	# shellcheck disable=SC2046
	rcli acl setuser wscale $(rights wscale)
	secret redis.password secret
	YAML_REDIS=$'user: wscale\npassword_file: redis.password'
	YAML_CHANNELS='rules: [ { match: "news", history: {} } ]'
	NODES=ws1
	write_yaml
	start_node ws1
	run -0 wsctl publish news before
	ws_open a "$(url ws1 /ws/news)" -p wscale.id
	ws_wait a 'text !ready [0-9a-z]+-1$'
	run -0 wsctl publish news hello
	ws_wait a 'hello$'
	ws_send a mine
	ws_wait a 'mine$'
	run -0 wsctl purge news
	run -0 wsctl channels
	refute grep NOPERM "$W/log/ws1"
	is "$(rcli --raw acl log | grep -c username)" 0
}
